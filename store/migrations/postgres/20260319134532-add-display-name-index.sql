-- The index is built while others write, which PostgreSQL does not do inside a
-- transaction. One left invalid by an interrupted build is built anew.

-- up alone
CREATE EXTENSION IF NOT EXISTS pg_trgm;
DO $$
BEGIN
    IF EXISTS (SELECT 1 FROM pg_index WHERE indexrelid = to_regclass('users_display_name_idx') AND NOT indisvalid) THEN
        DROP INDEX users_display_name_idx; END IF; END $$;
CREATE INDEX CONCURRENTLY IF NOT EXISTS users_display_name_idx ON users USING GIN (display_name gin_trgm_ops);

-- down alone
DROP INDEX CONCURRENTLY IF EXISTS users_display_name_idx;
