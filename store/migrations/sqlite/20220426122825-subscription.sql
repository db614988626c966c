-- up
CREATE TABLE subscription (
    original_transaction_id  VARCHAR(512) NOT NULL
        CONSTRAINT subscription_original_transaction_id_length CHECK (length(original_transaction_id) <= 512)
        CONSTRAINT subscription_original_transaction_id_check CHECK (length(original_transaction_id) > 0),
    create_time              TIMESTAMPTZ DEFAULT (now()) NOT NULL,
    update_time              TIMESTAMPTZ DEFAULT (now()) NOT NULL,
    environment              SMALLINT DEFAULT 0 NOT NULL,
    expire_time              TIMESTAMPTZ NOT NULL,
    product_id               VARCHAR(512) NOT NULL
        CONSTRAINT subscription_product_id_length CHECK (length(product_id) <= 512),
    purchase_time            TIMESTAMPTZ DEFAULT (now()) NOT NULL,
    store                    SMALLINT DEFAULT 0 NOT NULL,
    user_id                  TEXT DEFAULT '00000000-0000-0000-0000-000000000000' NOT NULL
        CONSTRAINT subscription_user_id_uuid CHECK (length(user_id) = 36 AND user_id = lower(user_id)),
    raw_response             TEXT DEFAULT '{}' NOT NULL
        CONSTRAINT subscription_raw_response_json CHECK (typeof(raw_response) = 'text' AND json_valid(raw_response)),
    raw_notification         TEXT DEFAULT '{}' NOT NULL
        CONSTRAINT subscription_raw_notification_json CHECK (typeof(raw_notification) = 'text' AND json_valid(raw_notification)),
    refund_time              TIMESTAMPTZ DEFAULT '1970-01-01 00:00:00.000000+00:00' NOT NULL,
    CONSTRAINT subscription_pkey PRIMARY KEY (original_transaction_id),
    CONSTRAINT subscription_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE SET DEFAULT
);
CREATE INDEX subscription_time_user_id_transaction_id_idx ON subscription (purchase_time DESC, user_id DESC, original_transaction_id DESC);

-- down
DROP TABLE IF EXISTS subscription;
