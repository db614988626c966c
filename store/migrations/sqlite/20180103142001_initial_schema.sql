-- The SQLite schema starts where Nakama's has arrived: tables are made in their
-- present form by the migration that first brought them, and migrations that
-- only altered them have nothing to do here.
--
-- SQLite checks the keys of a table from the last to the first. They are
-- written in that order so that a row that violates several is refused for the
-- same one as on PostgreSQL: the primary key, then as the columns come.

-- up
CREATE TABLE users (
    id                       TEXT NOT NULL
        CONSTRAINT users_id_uuid CHECK (length(id) = 36 AND id = lower(id)),
    username                 VARCHAR(128) NOT NULL
        CONSTRAINT users_username_length CHECK (length(username) <= 128),
    display_name             VARCHAR(255)
        CONSTRAINT users_display_name_length CHECK (length(display_name) <= 255),
    avatar_url               VARCHAR(512)
        CONSTRAINT users_avatar_url_length CHECK (length(avatar_url) <= 512),
    lang_tag                 VARCHAR(18) DEFAULT 'en' NOT NULL
        CONSTRAINT users_lang_tag_length CHECK (length(lang_tag) <= 18),
    location                 VARCHAR(255)
        CONSTRAINT users_location_length CHECK (length(location) <= 255),
    timezone                 VARCHAR(255)
        CONSTRAINT users_timezone_length CHECK (length(timezone) <= 255),
    metadata                 TEXT DEFAULT '{}' NOT NULL
        CONSTRAINT users_metadata_json CHECK (typeof(metadata) = 'text' AND json_valid(metadata)),
    wallet                   TEXT DEFAULT '{}' NOT NULL
        CONSTRAINT users_wallet_json CHECK (typeof(wallet) = 'text' AND json_valid(wallet)),
    email                    VARCHAR(255)
        CONSTRAINT users_email_length CHECK (length(email) <= 255),
    password                 BLOB
        CONSTRAINT users_password_check CHECK (length(password) < 32000),
    facebook_id              VARCHAR(128)
        CONSTRAINT users_facebook_id_length CHECK (length(facebook_id) <= 128),
    google_id                VARCHAR(128)
        CONSTRAINT users_google_id_length CHECK (length(google_id) <= 128),
    gamecenter_id            VARCHAR(128)
        CONSTRAINT users_gamecenter_id_length CHECK (length(gamecenter_id) <= 128),
    steam_id                 VARCHAR(128)
        CONSTRAINT users_steam_id_length CHECK (length(steam_id) <= 128),
    custom_id                VARCHAR(128)
        CONSTRAINT users_custom_id_length CHECK (length(custom_id) <= 128),
    edge_count               INTEGER DEFAULT 0 NOT NULL
        CONSTRAINT users_edge_count_check CHECK (edge_count >= 0),
    create_time              TIMESTAMPTZ DEFAULT (now()) NOT NULL,
    update_time              TIMESTAMPTZ DEFAULT (now()) NOT NULL,
    verify_time              TIMESTAMPTZ DEFAULT '1970-01-01 00:00:00.000000+00:00' NOT NULL,
    disable_time             TIMESTAMPTZ DEFAULT '1970-01-01 00:00:00.000000+00:00' NOT NULL,
    facebook_instant_game_id VARCHAR(128)
        CONSTRAINT users_facebook_instant_game_id_length CHECK (length(facebook_instant_game_id) <= 128),
    apple_id                 VARCHAR(128)
        CONSTRAINT users_apple_id_length CHECK (length(apple_id) <= 128),
    CONSTRAINT users_apple_id_key UNIQUE (apple_id),
    CONSTRAINT users_facebook_instant_game_id_key UNIQUE (facebook_instant_game_id),
    CONSTRAINT users_custom_id_key UNIQUE (custom_id),
    CONSTRAINT users_steam_id_key UNIQUE (steam_id),
    CONSTRAINT users_gamecenter_id_key UNIQUE (gamecenter_id),
    CONSTRAINT users_google_id_key UNIQUE (google_id),
    CONSTRAINT users_facebook_id_key UNIQUE (facebook_id),
    CONSTRAINT users_email_key UNIQUE (email),
    CONSTRAINT users_username_key UNIQUE (username),
    CONSTRAINT users_pkey PRIMARY KEY (id)
);

-- The system user owns what belongs to the server.
INSERT INTO users (id, username) VALUES ('00000000-0000-0000-0000-000000000000', '');

CREATE TABLE user_device (
    id                       VARCHAR(128) NOT NULL
        CONSTRAINT user_device_id_length CHECK (length(id) <= 128),
    user_id                  TEXT NOT NULL
        CONSTRAINT user_device_user_id_uuid CHECK (length(user_id) = 36 AND user_id = lower(user_id)),
    preferences              TEXT DEFAULT '{}' NOT NULL
        CONSTRAINT user_device_preferences_json CHECK (typeof(preferences) = 'text' AND json_valid(preferences)),
    push_token_amazon        VARCHAR(512) DEFAULT '' NOT NULL
        CONSTRAINT user_device_push_token_amazon_length CHECK (length(push_token_amazon) <= 512),
    push_token_android       VARCHAR(512) DEFAULT '' NOT NULL
        CONSTRAINT user_device_push_token_android_length CHECK (length(push_token_android) <= 512),
    push_token_huawei        VARCHAR(512) DEFAULT '' NOT NULL
        CONSTRAINT user_device_push_token_huawei_length CHECK (length(push_token_huawei) <= 512),
    push_token_ios           VARCHAR(512) DEFAULT '' NOT NULL
        CONSTRAINT user_device_push_token_ios_length CHECK (length(push_token_ios) <= 512),
    push_token_web           VARCHAR(512) DEFAULT '' NOT NULL
        CONSTRAINT user_device_push_token_web_length CHECK (length(push_token_web) <= 512),
    CONSTRAINT user_device_user_id_id_key UNIQUE (user_id, id),
    CONSTRAINT user_device_pkey PRIMARY KEY (id),
    CONSTRAINT user_device_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
);

CREATE TABLE user_edge (
    source_id                TEXT NOT NULL
        CONSTRAINT user_edge_source_id_uuid CHECK (length(source_id) = 36 AND source_id = lower(source_id))
        CONSTRAINT user_edge_source_id_check CHECK (source_id <> '00000000-0000-0000-0000-000000000000'),
    position                 BIGINT NOT NULL,
    update_time              TIMESTAMPTZ DEFAULT (now()) NOT NULL,
    destination_id           TEXT NOT NULL
        CONSTRAINT user_edge_destination_id_uuid CHECK (length(destination_id) = 36 AND destination_id = lower(destination_id))
        CONSTRAINT user_edge_destination_id_check CHECK (destination_id <> '00000000-0000-0000-0000-000000000000'),
    state                    SMALLINT DEFAULT 0 NOT NULL,
    metadata                 TEXT DEFAULT '{}' NOT NULL
        CONSTRAINT user_edge_metadata_json CHECK (typeof(metadata) = 'text' AND json_valid(metadata)),
    CONSTRAINT user_edge_source_id_destination_id_key UNIQUE (source_id, destination_id),
    CONSTRAINT user_edge_pkey PRIMARY KEY (source_id, state, position),
    CONSTRAINT user_edge_source_id_fkey FOREIGN KEY (source_id) REFERENCES users (id) ON DELETE CASCADE,
    CONSTRAINT user_edge_destination_id_fkey FOREIGN KEY (destination_id) REFERENCES users (id) ON DELETE CASCADE
);
CREATE INDEX user_edge_auto_index_fk_destination_id_ref_users ON user_edge (destination_id);

CREATE TABLE notification (
    id                       TEXT NOT NULL
        CONSTRAINT notification_id_uuid CHECK (length(id) = 36 AND id = lower(id)),
    user_id                  TEXT NOT NULL
        CONSTRAINT notification_user_id_uuid CHECK (length(user_id) = 36 AND user_id = lower(user_id)),
    subject                  VARCHAR(255) NOT NULL
        CONSTRAINT notification_subject_length CHECK (length(subject) <= 255),
    content                  TEXT DEFAULT '{}' NOT NULL
        CONSTRAINT notification_content_json CHECK (typeof(content) = 'text' AND json_valid(content)),
    code                     SMALLINT NOT NULL,
    sender_id                TEXT NOT NULL
        CONSTRAINT notification_sender_id_uuid CHECK (length(sender_id) = 36 AND sender_id = lower(sender_id)),
    create_time              TIMESTAMPTZ DEFAULT (now()) NOT NULL,
    CONSTRAINT notification_id_key UNIQUE (id),
    CONSTRAINT notification_pkey PRIMARY KEY (user_id, create_time, id),
    CONSTRAINT notification_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
);

CREATE TABLE storage (
    collection               VARCHAR(128) NOT NULL
        CONSTRAINT storage_collection_length CHECK (length(collection) <= 128),
    key                      VARCHAR(128) NOT NULL
        CONSTRAINT storage_key_length CHECK (length(key) <= 128),
    user_id                  TEXT NOT NULL
        CONSTRAINT storage_user_id_uuid CHECK (length(user_id) = 36 AND user_id = lower(user_id)),
    value                    TEXT DEFAULT '{}' NOT NULL
        CONSTRAINT storage_value_json CHECK (typeof(value) = 'text' AND json_valid(value)),
    version                  VARCHAR(32) NOT NULL
        CONSTRAINT storage_version_length CHECK (length(version) <= 32),
    read                     SMALLINT DEFAULT 1 NOT NULL
        CONSTRAINT storage_read_check CHECK (read >= 0),
    write                    SMALLINT DEFAULT 1 NOT NULL
        CONSTRAINT storage_write_check CHECK (write >= 0),
    create_time              TIMESTAMPTZ DEFAULT (now()) NOT NULL,
    update_time              TIMESTAMPTZ DEFAULT (now()) NOT NULL,
    CONSTRAINT storage_pkey PRIMARY KEY (collection, key, user_id),
    CONSTRAINT storage_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
);
CREATE INDEX collection_read_user_id_key_idx ON storage (collection, read, user_id, key);
CREATE INDEX collection_read_key_user_id_idx ON storage (collection, read, key, user_id);
CREATE INDEX collection_user_id_read_key_idx ON storage (collection, user_id, read, key);
CREATE INDEX storage_auto_index_fk_user_id_ref_users ON storage (user_id);

CREATE TABLE message (
    id                       TEXT NOT NULL
        CONSTRAINT message_id_uuid CHECK (length(id) = 36 AND id = lower(id)),
    code                     SMALLINT DEFAULT 0 NOT NULL,
    sender_id                TEXT NOT NULL
        CONSTRAINT message_sender_id_uuid CHECK (length(sender_id) = 36 AND sender_id = lower(sender_id)),
    username                 VARCHAR(128) NOT NULL
        CONSTRAINT message_username_length CHECK (length(username) <= 128),
    stream_mode              SMALLINT NOT NULL,
    stream_subject           TEXT NOT NULL
        CONSTRAINT message_stream_subject_uuid CHECK (length(stream_subject) = 36 AND stream_subject = lower(stream_subject)),
    stream_descriptor        TEXT NOT NULL
        CONSTRAINT message_stream_descriptor_uuid CHECK (length(stream_descriptor) = 36 AND stream_descriptor = lower(stream_descriptor)),
    stream_label             VARCHAR(128) NOT NULL
        CONSTRAINT message_stream_label_length CHECK (length(stream_label) <= 128),
    content                  TEXT DEFAULT '{}' NOT NULL
        CONSTRAINT message_content_json CHECK (typeof(content) = 'text' AND json_valid(content)),
    create_time              TIMESTAMPTZ DEFAULT (now()) NOT NULL,
    update_time              TIMESTAMPTZ DEFAULT (now()) NOT NULL,
    CONSTRAINT message_sender_id_id_key UNIQUE (sender_id, id),
    CONSTRAINT message_id_key UNIQUE (id),
    CONSTRAINT message_pkey PRIMARY KEY (stream_mode, stream_subject, stream_descriptor, stream_label, create_time, id),
    CONSTRAINT message_sender_id_fkey FOREIGN KEY (sender_id) REFERENCES users (id) ON DELETE CASCADE
);

CREATE TABLE leaderboard (
    id                       VARCHAR(128) NOT NULL
        CONSTRAINT leaderboard_id_length CHECK (length(id) <= 128),
    authoritative            BOOLEAN DEFAULT FALSE NOT NULL,
    sort_order               SMALLINT DEFAULT 1 NOT NULL,
    operator                 SMALLINT DEFAULT 0 NOT NULL,
    reset_schedule           VARCHAR(64)
        CONSTRAINT leaderboard_reset_schedule_length CHECK (length(reset_schedule) <= 64),
    metadata                 TEXT DEFAULT '{}' NOT NULL
        CONSTRAINT leaderboard_metadata_json CHECK (typeof(metadata) = 'text' AND json_valid(metadata)),
    create_time              TIMESTAMPTZ DEFAULT (now()) NOT NULL,
    category                 SMALLINT DEFAULT 0 NOT NULL
        CONSTRAINT leaderboard_category_check CHECK (category >= 0),
    description              VARCHAR(255) DEFAULT '' NOT NULL
        CONSTRAINT leaderboard_description_length CHECK (length(description) <= 255),
    duration                 INTEGER DEFAULT 0 NOT NULL
        CONSTRAINT leaderboard_duration_check CHECK (duration >= 0),
    end_time                 TIMESTAMPTZ DEFAULT '1970-01-01 00:00:00.000000+00:00' NOT NULL,
    join_required            BOOLEAN DEFAULT FALSE NOT NULL,
    max_size                 INTEGER DEFAULT 100000000 NOT NULL
        CONSTRAINT leaderboard_max_size_check CHECK (max_size > 0),
    max_num_score            INTEGER DEFAULT 1000000 NOT NULL
        CONSTRAINT leaderboard_max_num_score_check CHECK (max_num_score > 0),
    title                    VARCHAR(255) DEFAULT '' NOT NULL
        CONSTRAINT leaderboard_title_length CHECK (length(title) <= 255),
    size                     INTEGER DEFAULT 0 NOT NULL,
    start_time               TIMESTAMPTZ DEFAULT (now()) NOT NULL,
    enable_ranks             BOOLEAN DEFAULT TRUE,
    CONSTRAINT leaderboard_pkey PRIMARY KEY (id)
);
CREATE INDEX duration_start_time_end_time_category_idx ON leaderboard (duration, start_time, end_time DESC, category);
CREATE INDEX leaderboard_create_time_id_idx ON leaderboard (create_time, id);

CREATE TABLE leaderboard_record (
    leaderboard_id           VARCHAR(128) NOT NULL
        CONSTRAINT leaderboard_record_leaderboard_id_length CHECK (length(leaderboard_id) <= 128),
    owner_id                 TEXT NOT NULL
        CONSTRAINT leaderboard_record_owner_id_uuid CHECK (length(owner_id) = 36 AND owner_id = lower(owner_id)),
    username                 VARCHAR(128)
        CONSTRAINT leaderboard_record_username_length CHECK (length(username) <= 128),
    score                    BIGINT DEFAULT 0 NOT NULL
        CONSTRAINT leaderboard_record_score_check CHECK (score >= 0),
    subscore                 BIGINT DEFAULT 0 NOT NULL
        CONSTRAINT leaderboard_record_subscore_check CHECK (subscore >= 0),
    num_score                INTEGER DEFAULT 1 NOT NULL
        CONSTRAINT leaderboard_record_num_score_check CHECK (num_score >= 0),
    metadata                 TEXT DEFAULT '{}' NOT NULL
        CONSTRAINT leaderboard_record_metadata_json CHECK (typeof(metadata) = 'text' AND json_valid(metadata)),
    create_time              TIMESTAMPTZ DEFAULT (now()) NOT NULL,
    update_time              TIMESTAMPTZ DEFAULT (now()) NOT NULL,
    expiry_time              TIMESTAMPTZ DEFAULT '1970-01-01 00:00:00.000000+00:00' NOT NULL,
    max_num_score            INTEGER DEFAULT 1000000 NOT NULL
        CONSTRAINT leaderboard_record_max_num_score_check CHECK (max_num_score > 0),
    CONSTRAINT leaderboard_record_owner_id_leaderboard_id_expiry_time_key UNIQUE (owner_id, leaderboard_id, expiry_time),
    CONSTRAINT leaderboard_record_pkey PRIMARY KEY (leaderboard_id, expiry_time, score, subscore, owner_id),
    CONSTRAINT leaderboard_record_leaderboard_id_fkey FOREIGN KEY (leaderboard_id) REFERENCES leaderboard (id) ON DELETE CASCADE
);
CREATE INDEX owner_id_expiry_time_leaderboard_id_idx ON leaderboard_record (owner_id, expiry_time, leaderboard_id);

CREATE TABLE wallet_ledger (
    id                       TEXT NOT NULL
        CONSTRAINT wallet_ledger_id_uuid CHECK (length(id) = 36 AND id = lower(id)),
    user_id                  TEXT NOT NULL
        CONSTRAINT wallet_ledger_user_id_uuid CHECK (length(user_id) = 36 AND user_id = lower(user_id)),
    changeset                TEXT NOT NULL
        CONSTRAINT wallet_ledger_changeset_json CHECK (typeof(changeset) = 'text' AND json_valid(changeset)),
    metadata                 TEXT NOT NULL
        CONSTRAINT wallet_ledger_metadata_json CHECK (typeof(metadata) = 'text' AND json_valid(metadata)),
    create_time              TIMESTAMPTZ DEFAULT (now()) NOT NULL,
    update_time              TIMESTAMPTZ DEFAULT (now()) NOT NULL,
    CONSTRAINT wallet_ledger_id_key UNIQUE (id),
    CONSTRAINT wallet_ledger_pkey PRIMARY KEY (user_id, create_time, id),
    CONSTRAINT wallet_ledger_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
);

CREATE TABLE user_tombstone (
    user_id                  TEXT NOT NULL
        CONSTRAINT user_tombstone_user_id_uuid CHECK (length(user_id) = 36 AND user_id = lower(user_id)),
    create_time              TIMESTAMPTZ DEFAULT (now()) NOT NULL,
    CONSTRAINT user_tombstone_user_id_key UNIQUE (user_id),
    CONSTRAINT user_tombstone_pkey PRIMARY KEY (create_time, user_id)
);

CREATE TABLE groups (
    id                       TEXT NOT NULL
        CONSTRAINT groups_id_uuid CHECK (length(id) = 36 AND id = lower(id)),
    creator_id               TEXT NOT NULL
        CONSTRAINT groups_creator_id_uuid CHECK (length(creator_id) = 36 AND creator_id = lower(creator_id)),
    name                     VARCHAR(255) NOT NULL
        CONSTRAINT groups_name_length CHECK (length(name) <= 255),
    description              VARCHAR(255)
        CONSTRAINT groups_description_length CHECK (length(description) <= 255),
    avatar_url               VARCHAR(512)
        CONSTRAINT groups_avatar_url_length CHECK (length(avatar_url) <= 512),
    lang_tag                 VARCHAR(18) DEFAULT 'en' NOT NULL
        CONSTRAINT groups_lang_tag_length CHECK (length(lang_tag) <= 18),
    metadata                 TEXT DEFAULT '{}' NOT NULL
        CONSTRAINT groups_metadata_json CHECK (typeof(metadata) = 'text' AND json_valid(metadata)),
    state                    SMALLINT DEFAULT 0 NOT NULL
        CONSTRAINT groups_state_check CHECK (state >= 0),
    edge_count               INTEGER DEFAULT 0 NOT NULL
        CONSTRAINT groups_check CHECK (edge_count >= 1 AND edge_count <= max_count),
    max_count                INTEGER DEFAULT 100 NOT NULL
        CONSTRAINT groups_max_count_check CHECK (max_count >= 1),
    create_time              TIMESTAMPTZ DEFAULT (now()) NOT NULL,
    update_time              TIMESTAMPTZ DEFAULT (now()) NOT NULL,
    disable_time             TIMESTAMPTZ DEFAULT '1970-01-01 00:00:00.000000+00:00' NOT NULL,
    CONSTRAINT groups_name_key UNIQUE (name),
    CONSTRAINT groups_id_key UNIQUE (id),
    CONSTRAINT groups_pkey PRIMARY KEY (disable_time, lang_tag, edge_count, id)
);
CREATE INDEX edge_count_update_time_id_idx ON groups (disable_time, edge_count, update_time, id);
CREATE INDEX update_time_edge_count_id_idx ON groups (disable_time, update_time, edge_count, id);

CREATE TABLE group_edge (
    source_id                TEXT NOT NULL
        CONSTRAINT group_edge_source_id_uuid CHECK (length(source_id) = 36 AND source_id = lower(source_id))
        CONSTRAINT group_edge_source_id_check CHECK (source_id <> '00000000-0000-0000-0000-000000000000'),
    position                 BIGINT NOT NULL,
    update_time              TIMESTAMPTZ DEFAULT (now()) NOT NULL,
    destination_id           TEXT NOT NULL
        CONSTRAINT group_edge_destination_id_uuid CHECK (length(destination_id) = 36 AND destination_id = lower(destination_id))
        CONSTRAINT group_edge_destination_id_check CHECK (destination_id <> '00000000-0000-0000-0000-000000000000'),
    state                    SMALLINT DEFAULT 0 NOT NULL,
    CONSTRAINT group_edge_source_id_destination_id_key UNIQUE (source_id, destination_id),
    CONSTRAINT group_edge_pkey PRIMARY KEY (source_id, state, position)
);

-- down
DROP TABLE IF EXISTS group_edge;
DROP TABLE IF EXISTS groups;
DROP TABLE IF EXISTS user_tombstone;
DROP TABLE IF EXISTS wallet_ledger;
DROP TABLE IF EXISTS leaderboard_record;
DROP TABLE IF EXISTS leaderboard;
DROP TABLE IF EXISTS message;
DROP TABLE IF EXISTS storage;
DROP TABLE IF EXISTS notification;
DROP TABLE IF EXISTS user_edge;
DROP TABLE IF EXISTS user_device;
DROP TABLE IF EXISTS users;
