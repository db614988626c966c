package store

import (
	"context"
	"errors"
	"io/fs"
	"os"
)

// Size returns the size of the database in bytes: of the file with its write-ahead log, or
// what PostgreSQL says.
func (db *DB) Size(ctx context.Context) (bytes int64, err error) {
	if db.dialect == Postgres {
		err = db.readers.QueryRowContext(ctx, "SELECT pg_database_size(current_database())").Scan(&bytes)
		return bytes, err
	}
	for _, path := range []string{db.path, db.path + "-wal"} {
		info, err := os.Stat(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return 0, err
		}
		bytes += info.Size()
	}
	return bytes, nil
}
