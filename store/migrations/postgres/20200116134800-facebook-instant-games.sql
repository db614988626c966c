-- up
ALTER TABLE users ADD COLUMN IF NOT EXISTS facebook_instant_game_id VARCHAR(128) UNIQUE;

-- down
ALTER TABLE users DROP COLUMN IF EXISTS facebook_instant_game_id;
