-- up
CREATE INDEX users_display_name_idx ON users (display_name);

-- down
DROP INDEX IF EXISTS users_display_name_idx;
