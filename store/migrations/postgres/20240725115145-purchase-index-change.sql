-- Lists of purchases are ordered by time first. The index that older versions
-- had began with the user.

-- up
DROP INDEX IF EXISTS purchase_user_id_purchase_time_transaction_id_idx, subscription_user_id_purchase_time_transaction_id_idx;
CREATE INDEX IF NOT EXISTS purchase_time_user_id_transaction_id_idx
    ON purchase (purchase_time DESC, user_id DESC, transaction_id DESC);
CREATE INDEX IF NOT EXISTS subscription_time_user_id_transaction_id_idx
    ON subscription (purchase_time DESC, user_id DESC, original_transaction_id DESC);

-- down
DROP INDEX IF EXISTS purchase_time_user_id_transaction_id_idx, subscription_time_user_id_transaction_id_idx;
