-- up
CREATE TABLE IF NOT EXISTS users_notes (
    PRIMARY KEY (user_id, create_time, id),
    id          UUID        NOT NULL UNIQUE,
    user_id     UUID        NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    create_time TIMESTAMPTZ NOT NULL DEFAULT now(),
    update_time TIMESTAMPTZ NOT NULL DEFAULT now(),
    note        TEXT        NOT NULL,
    create_id   UUID,
    update_id   UUID
);

CREATE TABLE IF NOT EXISTS console_audit_log (
    PRIMARY KEY (create_time, console_username, action, resource, id),
    create_time      TIMESTAMPTZ NOT NULL DEFAULT now(),
    id               UUID        NOT NULL UNIQUE,
    console_user_id  UUID        NOT NULL,
    console_username TEXT        NOT NULL,
    email            TEXT        NOT NULL,
    action           TEXT        NOT NULL,
    resource         TEXT        NOT NULL,
    message          TEXT        NOT NULL,
    metadata         JSONB       NOT NULL DEFAULT '{}'
);

CREATE TABLE IF NOT EXISTS console_acl_template (
    PRIMARY KEY (id),
    id          UUID        NOT NULL,
    name        VARCHAR(64) NOT NULL CONSTRAINT template_name_uniq UNIQUE CHECK (length(name) > 0),
    description VARCHAR(64) NOT NULL DEFAULT '',
    acl         JSONB       NOT NULL DEFAULT '{}',
    create_time TIMESTAMPTZ NOT NULL DEFAULT now(),
    update_time TIMESTAMPTZ NOT NULL DEFAULT now()
);

-- down
DROP TABLE IF EXISTS console_acl_template, console_audit_log, users_notes;
