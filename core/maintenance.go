package core

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/heroiclabs/nakama-common/api"

	"kumi/store"
	"kumi/store/fault"
)

// codeMaintenance is the code of the notification about maintenance. It is the server's
// own; Nakama has none of the kind.
const codeMaintenance = -101

// defaultMaintenance is what players are told if operators say nothing.
const defaultMaintenance = "The server is under maintenance. Try again later."

// Maintenance says that no sessions may begin. Times have whole seconds.
type Maintenance struct {
	Message    string
	Started    time.Time
	Disconnect time.Time // when open sessions end; zero: they may go on
	Operator   string
}

// maintenance is the state that this server knows. The table has the state of all servers
// on the database: one row during maintenance.
type maintenance struct {
	table *ownTable
	now   atomic.Pointer[Maintenance] // nil: there is none
	wake  chan struct{}
	mu    sync.Mutex // held while the state is read and applied
}

func (m *maintenance) init() {
	m.wake = make(chan struct{}, 1)
	m.table = newOwnTable("kumi_maintenance", `CREATE TABLE IF NOT EXISTS kumi_maintenance (
		id            INT NOT NULL PRIMARY KEY,
		message       TEXT NOT NULL,
		started_at    BIGINT NOT NULL,
		disconnect_at BIGINT NOT NULL,
		operator      TEXT NOT NULL
	)`)
}

// Maintenance returns the current maintenance, nil if there is none.
func (c *Core) Maintenance() *Maintenance { return c.maintenance.now.Load() }

// MayBegin fails with Unavailable, and the message for players, if no sessions may begin.
// It is for clients: module code and operators sign in as ever. user is who signs in with
// a token of an earlier session, otherwise zero; as long as one of its sockets is open
// here it may go on.
func (c *Core) MayBegin(user uuid.UUID) error {
	m := c.maintenance.now.Load()
	if m == nil {
		return nil
	}
	if !user.IsNil() && c.sessions != nil && len(c.sessions.OfUser(user)) > 0 {
		return nil
	}
	return fault.New(fault.Unavailable, m.Message)
}

// MayRefresh is MayBegin for a refresh token. One that is not valid is left to the call.
func (c *Core) MayRefresh(token string) error {
	if c.maintenance.now.Load() == nil {
		return nil
	}
	claims, err := c.tokens.VerifyRefresh(token)
	if err != nil {
		return nil
	}
	return c.MayBegin(claims.UserID)
}

// setMaintenance begins maintenance, or ends it with nil, on all servers on the database.
func (c *Core) setMaintenance(ctx context.Context, m *Maintenance) error {
	if err := c.maintenance.table.ensure(ctx, c.db); err != nil {
		return err
	}
	var err error
	if m == nil {
		_, err = c.db.Exec(ctx, "DELETE FROM kumi_maintenance")
	} else {
		_, err = c.db.Exec(ctx, `INSERT INTO kumi_maintenance (id, message, started_at, disconnect_at, operator) VALUES (1, $1, $2, $3, $4)
			ON CONFLICT (id) DO UPDATE SET message = excluded.message, started_at = excluded.started_at,
			disconnect_at = excluded.disconnect_at, operator = excluded.operator`,
			m.Message, m.Started.Unix(), unixOrZero(m.Disconnect), m.Operator)
	}
	if err != nil {
		return err
	}
	if err := c.LoadMaintenance(ctx); err != nil {
		return err
	}
	c.maintenance.look()
	c.give(order{Look: "maintenance"})
	return nil
}

// look makes RunMaintenance read the database now.
func (m *maintenance) look() {
	select {
	case m.wake <- struct{}{}:
	default:
	}
}

func unixOrZero(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}

// LoadMaintenance reads the state from the database, and tells the open sessions if it
// has begun or changed. It is for the start of the server; RunMaintenance calls it later.
func (c *Core) LoadMaintenance(ctx context.Context) error {
	m := &c.maintenance
	m.mu.Lock()
	defer m.mu.Unlock()
	was := m.now.Load()
	is, err := c.readMaintenance(ctx)
	if err != nil {
		return fmt.Errorf("read the maintenance mode: %w", err)
	}
	if was == nil && is == nil || was != nil && is != nil && *was == *is {
		return nil
	}
	m.now.Store(is)
	if is == nil {
		c.log.Info().Msg("maintenance mode ended")
		return nil
	}
	event := c.log.Warn().Str("message", is.Message).Str("operator", is.Operator)
	if !is.Disconnect.IsZero() {
		event = event.Time("disconnect", is.Disconnect)
	}
	event.Msg("maintenance mode: no new sessions")
	return c.announce(is)
}

func (c *Core) readMaintenance(ctx context.Context) (*Maintenance, error) {
	if exists, err := c.maintenance.table.exists(ctx, c.db); err != nil || !exists {
		return nil, err
	}
	var m Maintenance
	var started, disconnect int64
	err := c.db.Reader().QueryRowContext(ctx, "SELECT message, started_at, disconnect_at, operator FROM kumi_maintenance").
		Scan(&m.Message, &started, &disconnect, &m.Operator)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if m.Started = time.Unix(started, 0).UTC(); disconnect != 0 {
		m.Disconnect = time.Unix(disconnect, 0).UTC()
	}
	return &m, err
}

// announce tells all open sessions of this server.
func (c *Core) announce(m *Maintenance) error {
	content := map[string]string{"message": m.Message}
	if !m.Disconnect.IsZero() {
		content["disconnect_time"] = m.Disconnect.Format(time.RFC3339)
	}
	text, err := json.Marshal(content)
	if err != nil {
		return err
	}
	one := []Notification{{Subject: "maintenance", Content: string(text), Code: codeMaintenance}}
	if err := nameNotifications(one); err != nil {
		return err
	}
	c.router.SendToOwn(notificationsMessage([]*api.Notification{one[0].message(c)}))
	return nil
}

// maintenancePoll is the time between looks at what other servers on the database have
// set.
const maintenancePoll = 2 * time.Second

// RunMaintenance follows the state that any server sets, and ends the open sessions when
// their time is over, until ctx ends.
func (c *Core) RunMaintenance(ctx context.Context) {
	poll := maintenancePoll
	if c.db.Dialect() == store.SQLite {
		poll = time.Hour // no other server uses the database
	}
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-c.maintenance.wake:
		case <-timer.C:
		}
		if err := c.LoadMaintenance(ctx); err != nil && ctx.Err() == nil && !c.DatabaseUnreachable(err) {
			c.log.Error().Err(err).Msg("could not read the maintenance mode")
		}
		timer.Reset(min(poll, c.endSessions()))
	}
}

// endSessions ends the open sessions if their time is over, and returns how long that is
// still to come.
func (c *Core) endSessions() time.Duration {
	m := c.maintenance.now.Load()
	if m == nil || m.Disconnect.IsZero() {
		return time.Hour
	}
	if left := m.Disconnect.Sub(c.now()); left > 0 {
		return max(left, time.Millisecond)
	}
	c.closeAll()
	return time.Second
}
