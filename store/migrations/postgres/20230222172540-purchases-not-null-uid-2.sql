-- The updates are here once more because rows may have been written between
-- the two migrations.

-- up
UPDATE purchase SET user_id = '00000000-0000-0000-0000-000000000000' WHERE user_id IS NULL;
UPDATE subscription SET user_id = '00000000-0000-0000-0000-000000000000' WHERE user_id IS NULL;
ALTER TABLE purchase
    ALTER COLUMN user_id SET DEFAULT '00000000-0000-0000-0000-000000000000',
    ALTER COLUMN user_id SET NOT NULL,
    DROP CONSTRAINT IF EXISTS purchase_user_id_fkey,
    ADD CONSTRAINT purchase_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE SET DEFAULT;
ALTER TABLE subscription
    ALTER COLUMN user_id SET DEFAULT '00000000-0000-0000-0000-000000000000',
    ALTER COLUMN user_id SET NOT NULL,
    DROP CONSTRAINT IF EXISTS subscription_user_id_fkey,
    ADD CONSTRAINT subscription_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE SET DEFAULT;

-- down
ALTER TABLE purchase
    DROP CONSTRAINT IF EXISTS purchase_user_id_fkey,
    ALTER COLUMN user_id DROP NOT NULL,
    ALTER COLUMN user_id SET DEFAULT NULL;
ALTER TABLE subscription
    DROP CONSTRAINT IF EXISTS subscription_user_id_fkey,
    ALTER COLUMN user_id DROP NOT NULL,
    ALTER COLUMN user_id SET DEFAULT NULL;
