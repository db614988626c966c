-- up
ALTER TABLE user_edge ADD COLUMN IF NOT EXISTS metadata JSONB NOT NULL DEFAULT '{}';

-- down
ALTER TABLE user_edge DROP COLUMN IF EXISTS metadata;
