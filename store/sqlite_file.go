package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"

	sqlite3 "modernc.org/sqlite/lib"
)

// privateFile creates the database file with mode 0600, or sets that mode on an
// existing one: it holds the players' data. SQLite gives the files beside it the same
// mode.
func privateFile(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	if info, err := f.Stat(); err == nil && info.Mode().Perm()&0o077 == 0 {
		return nil
	}
	for _, name := range []string{path, path + "-wal", path + "-shm"} {
		if err := os.Chmod(name, 0o600); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return nil
}

// folderLock reserves a data folder for one server. It is a lock that SQLite holds on a
// separate file, because SQLite can lock files on every system; it ends with the
// process, however that ends.
type folderLock struct {
	pool *sql.DB
	conn *sql.Conn
}

func lockFolder(ctx context.Context, dir string) (*folderLock, error) {
	path := filepath.Join(dir, "kumi.lock")
	if err := privateFile(path); err != nil {
		return nil, fmt.Errorf("lock the data folder: %w", err)
	}
	u := url.URL{Scheme: "file", OmitHost: true, Path: filepath.ToSlash(path)}
	c := &folderLock{pool: sql.OpenDB(bareConnector(u.String()))}
	var err error
	if c.conn, err = c.pool.Conn(ctx); err == nil {
		if _, err = c.conn.ExecContext(ctx, "BEGIN EXCLUSIVE"); err == nil {
			return c, nil
		}
	}
	_ = c.release()
	if code, _ := asSQLite(err); code&0xff == sqlite3.SQLITE_BUSY {
		return nil, fmt.Errorf("another server uses the data folder %s: stop it, or set data_dir to another folder", dir)
	}
	return nil, fmt.Errorf("lock the data folder: %w", err)
}

func (c *folderLock) release() error {
	if c == nil {
		return nil
	}
	var err error
	if c.conn != nil {
		err = c.conn.Close()
	}
	return errors.Join(err, c.pool.Close())
}
