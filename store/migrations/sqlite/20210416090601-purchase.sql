-- up
CREATE TABLE purchase (
    create_time              TIMESTAMPTZ DEFAULT (now()) NOT NULL,
    update_time              TIMESTAMPTZ DEFAULT (now()) NOT NULL,
    environment              SMALLINT DEFAULT 0 NOT NULL,
    product_id               VARCHAR(512) NOT NULL
        CONSTRAINT purchase_product_id_length CHECK (length(product_id) <= 512),
    purchase_time            TIMESTAMPTZ DEFAULT (now()) NOT NULL,
    raw_response             TEXT DEFAULT '{}' NOT NULL
        CONSTRAINT purchase_raw_response_json CHECK (typeof(raw_response) = 'text' AND json_valid(raw_response)),
    store                    SMALLINT DEFAULT 0 NOT NULL,
    transaction_id           VARCHAR(512) NOT NULL
        CONSTRAINT purchase_transaction_id_length CHECK (length(transaction_id) <= 512)
        CONSTRAINT purchase_transaction_id_check CHECK (length(transaction_id) > 0),
    user_id                  TEXT DEFAULT '00000000-0000-0000-0000-000000000000' NOT NULL
        CONSTRAINT purchase_user_id_uuid CHECK (length(user_id) = 36 AND user_id = lower(user_id)),
    refund_time              TIMESTAMPTZ DEFAULT '1970-01-01 00:00:00.000000+00:00' NOT NULL,
    CONSTRAINT purchase_pkey PRIMARY KEY (transaction_id),
    CONSTRAINT purchase_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE SET DEFAULT
);
CREATE INDEX purchase_time_user_id_transaction_id_idx ON purchase (purchase_time DESC, user_id DESC, transaction_id DESC);

-- down
DROP TABLE IF EXISTS purchase;
