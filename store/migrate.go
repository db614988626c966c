package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"
)

//go:embed migrations
var migrationFiles embed.FS

// migrationIDs are the migrations in order, with the names that Nakama records
// in its table migration_info. The SQL of each is in
// migrations/<dialect>/<id>; a missing file means that the migration does
// nothing on that database.
var migrationIDs = []string{
	"20180103142001_initial_schema.sql",
	"20180805174141-tournaments.sql",
	"20200116134800-facebook-instant-games.sql",
	"20200615102232-apple.sql",
	"20201005180855-console.sql",
	"20210416090601-purchase.sql",
	"20220426122825-subscription.sql",
	"20221027145900-subscription-raw-columns.sql",
	"20230222172540-purchases-not-null-uid-1.sql",
	"20230222172540-purchases-not-null-uid-2.sql",
	"20230706095800-leaderboard-list-index.sql",
	"20240715155039-leaderboard-rank-enable.sql",
	"20240725115145-purchase-index-change.sql",
	"20240801100859-add-console-user-mfa.sql",
	"20250113112512_add_user_edge_metadata.sql",
	"20250703094700-add-console-settings.sql",
	"20250926112031-console-fine-grained-acl.sql",
	"20251015150737-add-user-notes-audit-acl-templates.sql",
	"20260319134532-add-display-name-index.sql",
}

// migrationLock is the key of the advisory lock that keeps two servers from migrating
// at the same time.
const migrationLock = 0x6b756d69

// Migrator changes the schema of a database.
type Migrator struct{ db *DB }

// NewMigrator returns the migrator of db.
func NewMigrator(db *DB) *Migrator { return &Migrator{db} }

// Migrate applies all migrations that are missing.
func Migrate(ctx context.Context, db *DB) error {
	_, err := NewMigrator(db).Up(ctx, -1)
	return err
}

// MigrationStatus is one line of [Migrator.Status].
type MigrationStatus struct {
	ID      string
	Applied time.Time // zero if it is not applied
	Unknown bool      // recorded in the database but unknown to this server
}

// CopyTable is the table in which an unfinished copy of another database records its
// progress; see package transfer.
const CopyTable = "kumi_copy"

// CheckMigrations compares the migrations recorded in the database with those known.
// Fewer is an error that says what to do; more, after a newer Nakama or Kumi, is a
// warning to log. An unfinished copy of another database is an error, too.
func (db *DB) CheckMigrations(ctx context.Context) (warning string, err error) {
	switch unfinished, err := db.HasTable(ctx, CopyTable); {
	case err != nil:
		return "", err
	case unfinished:
		return "", errors.New("the database is an unfinished copy of another one: run the same `import` or `export` again to finish it")
	}
	applied, err := NewMigrator(db).applied(ctx, db.Reader())
	if err != nil {
		return "", err
	}
	switch n := len(applied); {
	case n < len(migrationIDs):
		return "", fmt.Errorf("the database schema is outdated: %d of %d migrations are applied; run `migrate up`", n, len(migrationIDs))
	case n > len(migrationIDs):
		return fmt.Sprintf("the database schema is newer than this server: %d migrations are applied, %d are known", n, len(migrationIDs)), nil
	}
	return "", nil
}

// Up applies at most limit missing migrations, all if limit is negative, and returns
// their ids.
func (m *Migrator) Up(ctx context.Context, limit int) ([]string, error) {
	return m.locked(ctx, func(c *sql.Conn) ([]string, error) {
		applied, err := m.applied(ctx, c)
		if err != nil {
			return nil, err
		}
		var done []string
		for _, id := range migrationIDs {
			if _, ok := applied[id]; ok {
				continue
			}
			if limit >= 0 && len(done) >= limit {
				break
			}
			if err := m.step(ctx, c, id, up); err != nil {
				return done, err
			}
			done = append(done, id)
		}
		return done, nil
	})
}

// Down reverts at most limit applied migrations, newest first, all if limit is
// negative, and returns their ids. It drops the tables and columns that they added,
// with the data.
func (m *Migrator) Down(ctx context.Context, limit int) ([]string, error) {
	return m.locked(ctx, func(c *sql.Conn) ([]string, error) {
		applied, err := m.applied(ctx, c)
		if err != nil {
			return nil, err
		}
		var done []string
		for _, id := range slices.Backward(migrationIDs) {
			if _, ok := applied[id]; !ok {
				continue
			}
			if limit >= 0 && len(done) >= limit {
				break
			}
			if err := m.step(ctx, c, id, down); err != nil {
				return done, err
			}
			done = append(done, id)
		}
		return done, nil
	})
}

// Redo reverts and reapplies the newest migration.
func (m *Migrator) Redo(ctx context.Context) (string, error) {
	ids, err := m.Down(ctx, 1)
	if err != nil || len(ids) == 0 {
		return "", err
	}
	_, err = m.Up(ctx, 1)
	return ids[0], err
}

// Status lists all known migrations in order, then those recorded in the
// database but unknown.
func (m *Migrator) Status(ctx context.Context) ([]MigrationStatus, error) {
	applied, err := m.applied(ctx, m.db.Reader())
	if err != nil {
		return nil, err
	}
	out := make([]MigrationStatus, 0, len(migrationIDs))
	for _, id := range migrationIDs {
		out = append(out, MigrationStatus{ID: id, Applied: applied[id]})
		delete(applied, id)
	}
	known := len(out)
	for id, at := range applied {
		out = append(out, MigrationStatus{ID: id, Applied: at, Unknown: true})
	}
	slices.SortFunc(out[known:], func(a, b MigrationStatus) int { return strings.Compare(a.ID, b.ID) })
	return out, nil
}

// applied reads the migration table; a missing table counts as empty.
func (m *Migrator) applied(ctx context.Context, q Querier) (map[string]time.Time, error) {
	exists, err := m.db.hasTable(ctx, q, "migration_info")
	if err != nil {
		return nil, err
	}
	applied := map[string]time.Time{}
	if !exists {
		return applied, nil
	}
	rows, err := q.QueryContext(ctx, "SELECT id, applied_at FROM migration_info")
	if err != nil {
		return nil, fmt.Errorf("read the migration table: %w", err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var id string
		var at time.Time
		if err := rows.Scan(&id, &at); err != nil {
			return nil, fmt.Errorf("read the migration table: %w", err)
		}
		applied[id] = at
	}
	return applied, rows.Err()
}

// HasTable reports whether a table exists.
func (db *DB) HasTable(ctx context.Context, name string) (bool, error) {
	return db.hasTable(ctx, db.Reader(), name)
}

func (db *DB) hasTable(ctx context.Context, q Querier, name string) (bool, error) {
	query := "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = $1"
	if db.dialect == Postgres {
		query = "SELECT count(to_regclass($1))"
	}
	var n int
	if err := q.QueryRowContext(ctx, query, name).Scan(&n); err != nil {
		return false, fmt.Errorf("look for table %s: %w", name, err)
	}
	return n > 0, nil
}

// locked runs fn on its own connection while no other process migrates.
func (m *Migrator) locked(ctx context.Context, fn func(c *sql.Conn) ([]string, error)) (ids []string, err error) {
	pool := m.db.shared
	if m.db.dialect == SQLite { // the files are SQLite's own SQL
		pool = sql.OpenDB(&connector{dsn: sqliteDSN(m.db.path, false, false) + "&_txlock=immediate"})
		defer func() { err = errors.Join(err, pool.Close()) }()
	}
	c, err := pool.Conn(ctx)
	if err != nil {
		return nil, fmt.Errorf("migrate: %w", err)
	}
	defer func() { _ = c.Close() }()
	if m.db.dialect == Postgres {
		if _, err := c.ExecContext(ctx, "SELECT pg_advisory_lock($1)", migrationLock); err != nil {
			return nil, fmt.Errorf("wait for other migrations: %w", err)
		}
		defer func() {
			_, undo := c.ExecContext(context.WithoutCancel(ctx), "SELECT pg_advisory_unlock($1)", migrationLock)
			err = errors.Join(err, undo)
		}()
	}
	_, err = c.ExecContext(ctx, "CREATE TABLE IF NOT EXISTS migration_info ("+
		"id text PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT "+m.dbDefault()+")")
	if err != nil {
		return nil, fmt.Errorf("create the migration table: %w", err)
	}
	return fn(c)
}

func (m *Migrator) dbDefault() string {
	if m.db.dialect == SQLite {
		return "(now())"
	}
	return "now()"
}

type direction string

const (
	up   direction = "up"
	down direction = "down"
)

// step runs one section of a migration file and records it, in one
// transaction. Statements that PostgreSQL does not allow in a transaction run
// after it, and must be idempotent.
func (m *Migrator) step(ctx context.Context, c *sql.Conn, id string, dir direction) error {
	script, outside, err := m.section(id, dir)
	if err != nil {
		return err
	}
	fail := func(err error) error { return fmt.Errorf("migrate %s %s: %w", dir, id, err) }
	for _, stmt := range outside {
		_, err := c.ExecContext(ctx, stmt)
		if extensionRefused(err) {
			// Without it only a search in the console is slower.
			m.db.log.Warn().Err(err).Msg("the index for searching display names is not created, because extension pg_trgm cannot be created; " +
				"to have it, let a superuser run: CREATE EXTENSION pg_trgm; CREATE INDEX users_display_name_idx ON users USING GIN (display_name gin_trgm_ops)")
			break
		}
		if err != nil {
			return fail(err)
		}
	}
	tx, err := c.BeginTx(ctx, nil)
	if err != nil {
		return fail(err)
	}
	defer func() { _ = tx.Rollback() }()
	if script != "" {
		if _, err := tx.ExecContext(ctx, script); err != nil {
			return fail(err)
		}
	}
	if dir == up {
		_, err = tx.ExecContext(ctx, "INSERT INTO migration_info (id) VALUES ($1)", id)
	} else {
		_, err = tx.ExecContext(ctx, "DELETE FROM migration_info WHERE id = $1", id)
	}
	if err != nil {
		return fail(err)
	}
	if err := tx.Commit(); err != nil {
		return fail(err)
	}
	m.db.log.Debug().Str("id", id).Str("direction", string(dir)).Msg("migration applied")
	return nil
}

// section returns the part of a migration file between its markers "-- up", "-- down",
// "-- up alone" and "-- down alone". Each statement of an alone part ends with a
// semicolon at the end of a line; these run first and outside of a transaction.
func (m *Migrator) section(id string, dir direction) (script string, alone []string, err error) {
	data, err := migrationFiles.ReadFile("migrations/" + m.db.dialect.String() + "/" + id)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil, nil
	}
	if err != nil {
		return "", nil, err
	}
	var inTx, outside strings.Builder
	var into *strings.Builder
	for line := range strings.Lines(string(data)) {
		switch strings.TrimSpace(line) {
		case "-- " + string(dir):
			into = &inTx
		case "-- " + string(dir) + " alone":
			into = &outside
		case "-- up", "-- down", "-- up alone", "-- down alone":
			into = nil
		default:
			if into != nil {
				into.WriteString(line)
			}
		}
	}
	for stmt := range strings.SplitSeq(outside.String(), ";\n") {
		if stmt = strings.TrimSpace(stmt); stmt != "" {
			alone = append(alone, stmt)
		}
	}
	return inTx.String(), alone, nil
}

// extensionRefused recognizes the most frequent problem: the trigram extension needs
// privileges or files that hosted databases do not always have.
func extensionRefused(err error) bool {
	pg, ok := asPostgres(err)
	return ok && strings.Contains(pg.Message, "extension") && (pg.Code == "42501" || pg.Code == "0A000" || pg.Code == "58P01")
}
