-- up
CREATE TABLE users_notes (
    id                       TEXT NOT NULL
        CONSTRAINT users_notes_id_uuid CHECK (length(id) = 36 AND id = lower(id)),
    user_id                  TEXT NOT NULL
        CONSTRAINT users_notes_user_id_uuid CHECK (length(user_id) = 36 AND user_id = lower(user_id)),
    create_time              TIMESTAMPTZ DEFAULT (now()) NOT NULL,
    update_time              TIMESTAMPTZ DEFAULT (now()) NOT NULL,
    note                     TEXT NOT NULL,
    create_id                TEXT
        CONSTRAINT users_notes_create_id_uuid CHECK (length(create_id) = 36 AND create_id = lower(create_id)),
    update_id                TEXT
        CONSTRAINT users_notes_update_id_uuid CHECK (length(update_id) = 36 AND update_id = lower(update_id)),
    CONSTRAINT users_notes_id_key UNIQUE (id),
    CONSTRAINT users_notes_pkey PRIMARY KEY (user_id, create_time, id),
    CONSTRAINT users_notes_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
);

CREATE TABLE console_audit_log (
    create_time              TIMESTAMPTZ DEFAULT (now()) NOT NULL,
    id                       TEXT NOT NULL
        CONSTRAINT console_audit_log_id_uuid CHECK (length(id) = 36 AND id = lower(id)),
    console_user_id          TEXT NOT NULL
        CONSTRAINT console_audit_log_console_user_id_uuid CHECK (length(console_user_id) = 36 AND console_user_id = lower(console_user_id)),
    console_username         TEXT NOT NULL,
    email                    TEXT NOT NULL,
    action                   TEXT NOT NULL,
    resource                 TEXT NOT NULL,
    message                  TEXT NOT NULL,
    metadata                 TEXT DEFAULT '{}' NOT NULL
        CONSTRAINT console_audit_log_metadata_json CHECK (typeof(metadata) = 'text' AND json_valid(metadata)),
    CONSTRAINT console_audit_log_id_key UNIQUE (id),
    CONSTRAINT console_audit_log_pkey PRIMARY KEY (create_time, console_username, action, resource, id)
);

CREATE TABLE console_acl_template (
    id                       TEXT NOT NULL
        CONSTRAINT console_acl_template_id_uuid CHECK (length(id) = 36 AND id = lower(id)),
    name                     VARCHAR(64) NOT NULL
        CONSTRAINT console_acl_template_name_length CHECK (length(name) <= 64)
        CONSTRAINT console_acl_template_name_check CHECK (length(name) > 0),
    description              VARCHAR(64) DEFAULT '' NOT NULL
        CONSTRAINT console_acl_template_description_length CHECK (length(description) <= 64),
    acl                      TEXT DEFAULT '{}' NOT NULL
        CONSTRAINT console_acl_template_acl_json CHECK (typeof(acl) = 'text' AND json_valid(acl)),
    create_time              TIMESTAMPTZ DEFAULT (now()) NOT NULL,
    update_time              TIMESTAMPTZ DEFAULT (now()) NOT NULL,
    CONSTRAINT template_name_uniq UNIQUE (name),
    CONSTRAINT console_acl_template_pkey PRIMARY KEY (id)
);

-- down
DROP TABLE IF EXISTS console_acl_template;
DROP TABLE IF EXISTS console_audit_log;
DROP TABLE IF EXISTS users_notes;
