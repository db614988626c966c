-- up
CREATE TABLE IF NOT EXISTS setting (
    name        VARCHAR(64) NOT NULL CHECK (length(name) > 0),
    value       JSONB       NOT NULL DEFAULT '{}',
    update_time TIMESTAMPTZ NOT NULL DEFAULT now(),
    CONSTRAINT setting_name_uniq PRIMARY KEY (name)
);
INSERT INTO setting (name, value) VALUES ('utc_toggle', 'false') ON CONFLICT (name) DO NOTHING;

-- down
DROP TABLE IF EXISTS setting;
