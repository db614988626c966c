-- up
CREATE TABLE IF NOT EXISTS console_user (
    create_time  TIMESTAMPTZ  NOT NULL DEFAULT now(),
    disable_time TIMESTAMPTZ  NOT NULL DEFAULT '1970-01-01 00:00:00 UTC',
    email        VARCHAR(255) NOT NULL CONSTRAINT console_user_email_uniq UNIQUE,
    id           UUID         NOT NULL PRIMARY KEY,
    metadata     JSONB        NOT NULL DEFAULT '{}',
    password     BYTEA        CHECK (length(password) < 32000),
    role         SMALLINT     NOT NULL DEFAULT 4 CHECK (role >= 1),
    update_time  TIMESTAMPTZ  NOT NULL DEFAULT now(),
    username     VARCHAR(128) NOT NULL CONSTRAINT console_user_username_uniq UNIQUE
);

-- down
DROP TABLE IF EXISTS console_user;
