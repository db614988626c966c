package core

import (
	"context"
	"fmt"
	"math"
	"strings"
	"sync"
	"time"

	"github.com/gofrs/uuid/v5"

	"kumi/store"
)

// storedRevocations are the revocations in the database, from which a server
// reads them when it starts. The nodes of a cluster tell one another. Of several
// servers on one database that are no cluster each learns of the others' only when
// it starts, apart from bans (RunBans) and from operators' log-outs (loggedOut).
type storedRevocations struct {
	table *ownTable
	// order has one write at a time for a user, so that the last one is of the
	// latest state.
	order [16]sync.Mutex
}

// revocationDeadline bounds how long a log-out waits for the database.
const revocationDeadline = 5 * time.Second

func newRevocationTable() *ownTable {
	return newOwnTable("kumi_revocation",
		// kind is a tokenKind. Times are Unix seconds; a row counts until expires_at.
		// issued_before and spared, ids separated by spaces, are those of revoked.
		`CREATE TABLE IF NOT EXISTS kumi_revocation (
			user_id       VARCHAR(36) NOT NULL,
			kind          SMALLINT NOT NULL,
			token_id      TEXT NOT NULL,
			issued_before BIGINT NOT NULL,
			spared        TEXT NOT NULL,
			expires_at    BIGINT NOT NULL,
			PRIMARY KEY (user_id, kind, token_id)
		)`,
		"CREATE INDEX IF NOT EXISTS kumi_revocation_expires_at ON kumi_revocation (expires_at)",
	)
}

// LoadRevocations reads the revocations that are stored, and deletes those of
// tokens that have expired. It is for the start of the server, and for later when
// another one may have stored more.
func (c *Core) LoadRevocations(ctx context.Context) error {
	if exists, err := c.revocations.table.exists(ctx, c.db); err != nil || !exists {
		return err
	}
	rows, err := c.db.Reader().QueryContext(ctx,
		"SELECT user_id, kind, token_id, issued_before, spared, expires_at FROM kumi_revocation WHERE expires_at > $1", c.now().Unix())
	if err != nil {
		return fmt.Errorf("read revoked tokens: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var e revocation
		var spared string
		if err := rows.Scan(&e.user, &e.ref.kind, &e.ref.id, &e.before, &spared, &e.until); err != nil {
			return fmt.Errorf("read revoked tokens: %w", err)
		}
		if e.ref.kind == longestToken {
			c.tokens.lives(e.before)
			continue
		}
		e.spared = strings.Fields(spared)
		e.adds = true // this server may have spared more, if it runs already
		c.tokens.bad.add(e)
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("read revoked tokens: %w", err)
	}
	return c.pruneRevocations(ctx)
}

// storeRevocations writes entries that hold in memory already. It waits for the
// database, also if the call is cancelled. An error is logged only: then the
// tokens are revoked until the server stops.
func (c *Core) storeRevocations(ctx context.Context, entries ...revocation) {
	if c.db == nil || len(entries) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), revocationDeadline)
	defer cancel()
	var told sync.WaitGroup
	told.Go(func() { c.tellRevoked(ctx, entries) })
	defer told.Wait()
	err := c.revocations.table.ensure(ctx, c.db)
	for i := 0; i < len(entries) && err == nil; i++ {
		err = c.storeRevocation(ctx, entries[i])
	}
	if err != nil && !c.DatabaseUnreachable(err) {
		c.log.Warn().Err(err).Msg("could not store revoked tokens, they are revoked until the server stops")
	}
	if c.tokens.sweep() {
		c.later("delete expired revocations of tokens", c.pruneRevocations)
	}
}

func (c *Core) storeRevocation(ctx context.Context, e revocation) error {
	lock := &c.revocations.order[int(e.user[0])%len(c.revocations.order)]
	lock.Lock()
	defer lock.Unlock()
	if e.ref.kind == allTokens {
		e = c.tokens.bad.everything(e.user)
	}
	_, err := c.db.Exec(ctx, `INSERT INTO kumi_revocation (user_id, kind, token_id, issued_before, spared, expires_at)
		VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (user_id, kind, token_id) DO UPDATE
		SET issued_before = excluded.issued_before, spared = excluded.spared, expires_at = excluded.expires_at
		WHERE kumi_revocation.issued_before <= excluded.issued_before`,
		e.user.String(), int(e.ref.kind), e.ref.id, e.before, strings.Join(e.spared, " "), e.until)
	return err
}

// storeRevocationsLater is storeRevocations for calls that have no context.
func (c *Core) storeRevocationsLater(entries ...revocation) {
	c.later("store revoked tokens", func(ctx context.Context) error {
		c.storeRevocations(ctx, entries...)
		return nil
	})
}

// storeLongest stores a lifetime that is longer than the settings say, for which
// later revocations have to be kept.
func (c *Core) storeLongest(seconds int64) {
	c.storeRevocationsLater(revocation{
		user: uuid.Nil, ref: tokenRef{kind: longestToken}, before: seconds, until: math.MaxInt64,
	})
}

// loggedOut reports whether any server on the database has ended an operator's token that
// was issued at the given second. What this server has ended it knows without asking, and
// with SQLite there is no other.
func (c *Core) loggedOut(ctx context.Context, operator uuid.UUID, token string, issued int64) (out bool, err error) {
	if c.db.Dialect() == store.SQLite {
		return false, nil
	}
	if exists, err := c.revocations.table.exists(ctx, c.db); err != nil || !exists {
		return false, err
	}
	err = c.db.Reader().QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM kumi_revocation WHERE user_id = $1 AND expires_at > $2
		AND (kind = $3 AND token_id = $4 OR kind = $5 AND issued_before > $6))`,
		operator.String(), c.now().Unix(), int(consoleToken), tokenDigest(token), int(allTokens), issued).Scan(&out)
	return out, err
}

func (c *Core) pruneRevocations(ctx context.Context) error {
	_, err := c.db.Exec(ctx, "DELETE FROM kumi_revocation WHERE expires_at <= $1", c.now().Unix())
	return err
}
