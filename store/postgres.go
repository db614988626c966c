package store

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
)

// ErrNoDatabase is returned by [Open] when the PostgreSQL server answers but
// has no database of that name; see [CreateDatabase].
var ErrNoDatabase = errors.New("database does not exist")

func openPostgres(ctx context.Context, o Options) (*DB, error) {
	u, err := postgresURL(o.Address)
	if err != nil {
		return nil, err
	}
	cfg, err := pgxpool.ParseConfig(u.String())
	if err != nil {
		return nil, fmt.Errorf("parse database address %s: %w", u.Redacted(), err)
	}
	cfg.MaxConns = 100
	if o.MaxOpenConns > 0 {
		cfg.MaxConns = int32(min(o.MaxOpenConns, 1<<20))
	}
	cfg.MaxConnLifetime = time.Hour
	if o.ConnMaxLifetime > 0 {
		cfg.MaxConnLifetime = o.ConnMaxLifetime
	}
	// Otherwise connections that were opened at the same time would also be replaced
	// at the same time.
	cfg.MaxConnLifetimeJitter = cfg.MaxConnLifetime / 10
	cfg.AfterConnect = func(_ context.Context, c *pgx.Conn) error {
		// Times are in UTC, as on SQLite.
		c.TypeMap().RegisterType(&pgtype.Type{
			Name: "timestamptz", OID: pgtype.TimestamptzOID,
			Codec: &pgtype.TimestamptzCodec{ScanLocation: time.UTC},
		})
		return nil
	}
	counts := new(load)
	cfg.ConnConfig.Tracer = sessionTracer{counts}
	cfg.AfterRelease = resetSession
	pool, err := pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w", u.Redacted(), err)
	}
	if err := pool.Ping(ctx); err != nil {
		pool.Close()
		var pg *pgconn.PgError
		if errors.As(err, &pg) && pg.Code == "3D000" {
			return nil, fmt.Errorf("%w: %s (kumi migrate up creates it and its tables)", ErrNoDatabase, strings.TrimPrefix(u.Path, "/"))
		}
		return nil, fmt.Errorf("connect to %s: %w", u.Redacted(), err)
	}
	db := stdlib.OpenDBFromPool(pool)
	return &DB{
		dialect: Postgres, log: o.Logger, pool: pool, shared: db, scripts: db, readers: db, load: counts,
		port: strconv.Itoa(int(cfg.ConnConfig.Port)), closeWait: busyTimeout,
	}, nil
}

// PostgresConn returns a connection of its own to the PostgreSQL database. It is not
// returned to the pool: the caller closes it.
func (db *DB) PostgresConn(ctx context.Context) (*pgx.Conn, error) {
	if db.dialect != Postgres {
		return nil, errors.New("the database is not on PostgreSQL")
	}
	c, err := db.pool.Acquire(ctx)
	if err != nil {
		return nil, err
	}
	return c.Hijack(), nil
}

// postgresURL completes an address with the same defaults as Nakama.
func postgresURL(address string) (*url.URL, error) {
	raw := address
	if !strings.HasPrefix(raw, "postgres://") && !strings.HasPrefix(raw, "postgresql://") {
		raw = "postgres://" + raw
	}
	u, err := url.Parse(raw)
	if err != nil {
		// The error of url.Parse quotes the address, password included.
		return nil, errors.New("database address is not of the form user:password@host:port/database")
	}
	if u.User == nil || u.User.Username() == "" {
		if pw, ok := u.User.Password(); ok {
			u.User = url.UserPassword("root", pw)
		} else {
			u.User = url.User("root")
		}
	}
	if u.Path == "" || u.Path == "/" {
		u.Path = "/nakama"
	}
	q := u.Query()
	if q.Get("sslmode") == "" {
		q.Set("sslmode", "prefer")
		u.RawQuery = q.Encode()
	}
	return u, nil
}

// CreateDatabase creates the PostgreSQL database that address names if it does not
// exist, and reports whether it did. For that it connects to the database "postgres"
// of the server. For an empty address, which means SQLite, it does nothing.
func CreateDatabase(ctx context.Context, address string) (created bool, err error) {
	if address == "" {
		return false, nil
	}
	u, err := postgresURL(address)
	if err != nil {
		return false, err
	}
	name := strings.TrimPrefix(u.Path, "/")
	admin := *u
	admin.Path = "/postgres"
	c, err := pgx.Connect(ctx, admin.String())
	if err != nil {
		return false, fmt.Errorf("connect to %s: %w", admin.Redacted(), err)
	}
	defer func() { _ = c.Close(context.WithoutCancel(ctx)) }()
	var exists bool
	if err := c.QueryRow(ctx, "SELECT EXISTS (SELECT 1 FROM pg_database WHERE datname = $1)", name).Scan(&exists); err != nil {
		return false, fmt.Errorf("look for database %s: %w", name, err)
	}
	if exists {
		return false, nil
	}
	if _, err := c.Exec(ctx, "CREATE DATABASE "+pgx.Identifier{name}.Sanitize()); err != nil {
		var pg *pgconn.PgError
		if errors.As(err, &pg) && (pg.Code == "42P04" || pg.Code == "23505") { // another process created it
			return false, nil
		}
		return false, fmt.Errorf("create database %s: %w", name, err)
	}
	return true, nil
}
