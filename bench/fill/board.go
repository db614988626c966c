// Package fill writes large leaderboards to the file of an embedded database, as a
// server that has been in use for long would have left them.
package fill

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"

	"github.com/gofrs/uuid/v5"

	"kumi/store"
)

// MaxScore is the number of different scores on a board.
const MaxScore = 1_000_000

// Owner returns the owner of record i.
func Owner(i int) uuid.UUID {
	return uuid.FromStringOrNil(fmt.Sprintf("%08x-0000-4000-8000-000000000000", i))
}

// Board creates the database in a folder, with a board without resets whose highest
// score is first, and n records with scores in random order. Ranks are not counted.
// It takes some 15 seconds per million records, and up to 2 GB of memory.
func Board(ctx context.Context, dir, id string, n int) error {
	db, err := store.Open(ctx, store.Options{DataDir: dir})
	if err != nil {
		return err
	}
	if err := store.Migrate(ctx, db); err != nil {
		return errors.Join(err, db.Close())
	}
	_, err = db.Exec(ctx, "INSERT INTO leaderboard (id, sort_order, operator) VALUES ($1, 1, 1)", id)
	if err := errors.Join(err, db.Close()); err != nil {
		return err
	}
	// Without a journal, and with an index in memory that is filled in random order.
	q := url.Values{"_pragma": {"journal_mode(OFF)", "synchronous(OFF)", "cache_size(-2000000)", "ignore_check_constraints(1)"}}
	file := url.URL{Scheme: "file", OmitHost: true, Path: filepath.ToSlash(filepath.Join(dir, "kumi.db")), RawQuery: q.Encode()}
	plain, err := sql.Open("sqlite", file.String())
	if err != nil {
		return err
	}
	plain.SetMaxOpenConns(1)
	_, err = plain.ExecContext(ctx, `WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n LIMIT $2)
		INSERT INTO leaderboard_record (leaderboard_id, owner_id, score, create_time, update_time)
		SELECT $1, printf('%08x-0000-4000-8000-000000000000', i), i * 2654435761 % 4294967296 % $3,
			'2026-01-01 00:00:00.000000+00:00', '2026-01-01 00:00:00.000000+00:00' FROM n`, id, n, MaxScore)
	return errors.Join(err, plain.Close())
}
