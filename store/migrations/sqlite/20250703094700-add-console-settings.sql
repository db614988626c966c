-- up
CREATE TABLE setting (
    name                     VARCHAR(64) NOT NULL
        CONSTRAINT setting_name_length CHECK (length(name) <= 64)
        CONSTRAINT setting_name_check CHECK (length(name) > 0),
    value                    TEXT DEFAULT '{}' NOT NULL
        CONSTRAINT setting_value_json CHECK (typeof(value) = 'text' AND json_valid(value)),
    update_time              TIMESTAMPTZ DEFAULT (now()) NOT NULL,
    CONSTRAINT setting_name_uniq PRIMARY KEY (name)
);

INSERT INTO setting (name, value) VALUES ('utc_toggle', 'false');

-- down
DROP TABLE IF EXISTS setting;
