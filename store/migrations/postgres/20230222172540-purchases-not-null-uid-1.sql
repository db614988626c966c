-- Purchases of deleted users fall to the system user instead of to nobody.

-- up
ALTER TABLE purchase DROP CONSTRAINT IF EXISTS purchase_user_id_fkey;
ALTER TABLE subscription DROP CONSTRAINT IF EXISTS subscription_user_id_fkey;
UPDATE purchase SET user_id = '00000000-0000-0000-0000-000000000000' WHERE user_id IS NULL;
UPDATE subscription SET user_id = '00000000-0000-0000-0000-000000000000' WHERE user_id IS NULL;

-- down
ALTER TABLE purchase DROP CONSTRAINT IF EXISTS purchase_user_id_fkey;
ALTER TABLE purchase ADD CONSTRAINT purchase_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE SET NULL;
ALTER TABLE subscription DROP CONSTRAINT IF EXISTS subscription_user_id_fkey;
ALTER TABLE subscription ADD CONSTRAINT subscription_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE SET NULL;
