-- up
CREATE TABLE IF NOT EXISTS subscription (
    PRIMARY KEY (original_transaction_id),
    original_transaction_id VARCHAR(512) NOT NULL CHECK (length(original_transaction_id) > 0),
    create_time             TIMESTAMPTZ  NOT NULL DEFAULT now(),
    environment             SMALLINT     NOT NULL DEFAULT 0,
    expire_time             TIMESTAMPTZ  NOT NULL,
    product_id              VARCHAR(512) NOT NULL,
    purchase_time           TIMESTAMPTZ  NOT NULL DEFAULT now(),
    store                   SMALLINT     NOT NULL DEFAULT 0,
    update_time             TIMESTAMPTZ  NOT NULL DEFAULT now(),
    user_id                 UUID         DEFAULT NULL REFERENCES users (id) ON DELETE SET NULL
);
ALTER TABLE purchase ADD COLUMN IF NOT EXISTS refund_time TIMESTAMPTZ NOT NULL DEFAULT '1970-01-01 00:00:00 UTC';

-- down
ALTER TABLE purchase DROP COLUMN IF EXISTS refund_time;
DROP TABLE IF EXISTS subscription;
