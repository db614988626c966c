-- up
CREATE TABLE console_user (
    create_time              TIMESTAMPTZ DEFAULT (now()) NOT NULL,
    disable_time             TIMESTAMPTZ DEFAULT '1970-01-01 00:00:00.000000+00:00' NOT NULL,
    email                    VARCHAR(255) NOT NULL
        CONSTRAINT console_user_email_length CHECK (length(email) <= 255),
    id                       TEXT NOT NULL
        CONSTRAINT console_user_id_uuid CHECK (length(id) = 36 AND id = lower(id)),
    metadata                 TEXT DEFAULT '{}' NOT NULL
        CONSTRAINT console_user_metadata_json CHECK (typeof(metadata) = 'text' AND json_valid(metadata)),
    password                 BLOB
        CONSTRAINT console_user_password_check CHECK (length(password) < 32000),
    update_time              TIMESTAMPTZ DEFAULT (now()) NOT NULL,
    username                 VARCHAR(128) NOT NULL
        CONSTRAINT console_user_username_length CHECK (length(username) <= 128),
    mfa_secret               BLOB,
    mfa_recovery_codes       BLOB,
    mfa_required             BOOLEAN DEFAULT FALSE,
    acl                      TEXT DEFAULT '{"admin": false}' NOT NULL
        CONSTRAINT console_user_acl_json CHECK (typeof(acl) = 'text' AND json_valid(acl)),
    CONSTRAINT console_user_username_uniq UNIQUE (username),
    CONSTRAINT console_user_email_uniq UNIQUE (email),
    CONSTRAINT console_user_pkey PRIMARY KEY (id)
);

-- down
DROP TABLE IF EXISTS console_user;
