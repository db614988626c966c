-- Console users used to have one of four roles, of which 1 was administrator.
-- The finer rights of the other roles are for an administrator to give again.

-- up
ALTER TABLE console_user ADD COLUMN IF NOT EXISTS acl JSONB NOT NULL DEFAULT '{"admin":false}';
UPDATE console_user SET acl = '{"admin":true}' WHERE role = 1;
ALTER TABLE console_user DROP COLUMN IF EXISTS role;

-- down
ALTER TABLE console_user ADD COLUMN IF NOT EXISTS role SMALLINT NOT NULL DEFAULT 4 CHECK (role >= 1);
UPDATE console_user SET role = 1 WHERE acl ->> 'admin' = 'true';
ALTER TABLE console_user DROP COLUMN IF EXISTS acl;
