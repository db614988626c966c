package core

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/gofrs/uuid/v5"

	"kumi/match"
	"kumi/presence"
	"kumi/store"
)

// MatchSnapshots keeps the snapshots of matches in the database. It may be used from any
// goroutine.
type MatchSnapshots struct {
	db    *store.DB
	table *ownTable
}

var _ match.SnapshotStore = (*MatchSnapshots)(nil)

// NewMatchSnapshots returns the snapshots in a database.
func NewMatchSnapshots(db *store.DB) *MatchSnapshots {
	return &MatchSnapshots{db: db, table: newOwnTable("kumi_match",
		// home is the node in the match's id, and node the one that owns it, which changes with
		// epoch. members and input are JSON, and taken_at is in Unix seconds.
		`CREATE TABLE IF NOT EXISTS kumi_match (
			id        VARCHAR(36) NOT NULL PRIMARY KEY,
			home      VARCHAR(64) NOT NULL,
			node      VARCHAR(64) NOT NULL,
			epoch     BIGINT NOT NULL,
			handler   TEXT NOT NULL,
			version   TEXT NOT NULL,
			tick      BIGINT NOT NULL,
			tick_rate SMALLINT NOT NULL,
			label     TEXT NOT NULL,
			members   TEXT NOT NULL,
			input     TEXT NOT NULL,
			state     BYTEA NOT NULL,
			taken_at  BIGINT NOT NULL
		)`,
		"CREATE INDEX IF NOT EXISTS kumi_match_node ON kumi_match (node)",
	)}
}

// snapshotLife is how long a snapshot can be restored. After a longer stop nobody waits for
// the match any more.
const snapshotLife = 24 * time.Hour

type snapshotMember struct {
	Session     uuid.UUID `json:"session"`
	Node        string    `json:"node"`
	User        uuid.UUID `json:"user"`
	Username    string    `json:"username"`
	Status      string    `json:"status,omitempty"`
	Hidden      bool      `json:"hidden,omitempty"`
	Persistence bool      `json:"persistence,omitempty"`
	Admission   uint64    `json:"admission,omitempty"`
	Away        bool      `json:"away,omitempty"`
}

type snapshotInput struct {
	Session  uuid.UUID `json:"session"`
	OpCode   int64     `json:"op_code"`
	Data     []byte    `json:"data,omitempty"`
	Reliable bool      `json:"reliable,omitempty"`
	Received int64     `json:"received"` // Unix milliseconds
}

// WriteSnapshots implements [match.SnapshotStore].
func (s *MatchSnapshots) WriteSnapshots(ctx context.Context, node string, save []*match.Snapshot, remove []uuid.UUID) error {
	if err := s.table.ensure(ctx, s.db); err != nil {
		return err
	}
	now := time.Now().Unix()
	return s.db.Tx(ctx, func(ctx context.Context, q store.Querier) error {
		for _, x := range save {
			members := make([]snapshotMember, len(x.Members))
			for i, p := range x.Members {
				members[i] = snapshotMember{p.Session, p.Node, p.UserID, p.Username, p.Status, p.Hidden, p.Persistence, p.Admission, slices.Contains(x.Away, p.Session)}
			}
			input := make([]snapshotInput, len(x.Input))
			for i, d := range x.Input {
				input[i] = snapshotInput{d.Session, d.OpCode, d.Data, d.Reliable, d.ReceiveTime}
			}
			membersText, err := json.Marshal(members)
			if err != nil {
				return err
			}
			inputText, err := json.Marshal(input)
			if err != nil {
				return err
			}
			saved, err := q.ExecContext(ctx, `INSERT INTO kumi_match (id, home, node, epoch, handler, version, tick, tick_rate, label, members, input, state, taken_at)
				VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
				ON CONFLICT (id) DO UPDATE SET epoch = excluded.epoch, handler = excluded.handler, version = excluded.version, tick = excluded.tick,
					tick_rate = excluded.tick_rate, label = excluded.label, members = excluded.members, input = excluded.input,
					state = excluded.state, taken_at = excluded.taken_at
				WHERE kumi_match.node = excluded.node AND kumi_match.epoch <= excluded.epoch`,
				x.ID.String(), x.Home, x.Node, int64(x.Epoch), x.Handler, x.Version, x.Tick, x.Rate, x.Label, string(membersText), string(inputText), x.State, now)
			if err != nil {
				return fmt.Errorf("save the snapshot of match %s: %w", x.ID, err)
			}
			if n, err := saved.RowsAffected(); err != nil || n == 0 {
				return fmt.Errorf("save the snapshot of match %s: %w", x.ID, cmp.Or(err, error(match.ErrSnapshotTaken)))
			}
		}
		for _, id := range remove {
			if _, err := q.ExecContext(ctx, "DELETE FROM kumi_match WHERE id = $1 AND node = $2", id.String(), node); err != nil {
				return fmt.Errorf("delete the snapshot of match %s: %w", id, err)
			}
		}
		return nil
	})
}

// ReadSnapshots implements [match.SnapshotStore]. Snapshots of any
// node that are older than a day are deleted instead.
func (s *MatchSnapshots) ReadSnapshots(ctx context.Context, node string, each func(*match.Snapshot, error)) error {
	if exists, err := s.table.exists(ctx, s.db); err != nil || !exists {
		return err
	}
	if _, err := s.db.Exec(ctx, "DELETE FROM kumi_match WHERE taken_at < $1", time.Now().Add(-snapshotLife).Unix()); err != nil {
		return fmt.Errorf("delete old snapshots: %w", err)
	}
	rows, err := s.db.Reader().QueryContext(ctx, "SELECT "+snapshotColumns+" FROM kumi_match WHERE node = $1", node)
	if err != nil {
		return fmt.Errorf("read snapshots: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		x, bad, err := scanSnapshot(rows.Scan)
		if err != nil {
			return fmt.Errorf("read snapshots: %w", err)
		}
		if bad != nil {
			x = nil
		}
		each(x, bad)
	}
	return rows.Err()
}

// PassSnapshot implements [match.SnapshotStore]. It is one statement, so that of two nodes
// that want a snapshot one gets it.
func (s *MatchSnapshots) PassSnapshot(ctx context.Context, id uuid.UUID, from string, epoch int64, to string) (*match.Snapshot, error) {
	var x *match.Snapshot
	err := s.db.Tx(ctx, func(ctx context.Context, q store.Querier) (err error) {
		var bad error
		x, bad, err = scanSnapshot(q.QueryRowContext(ctx, `UPDATE kumi_match SET node = $1, epoch = epoch + 1
			WHERE id = $2 AND node = $3 AND ($4 = -1 OR epoch = $4) RETURNING `+snapshotColumns, to, id.String(), from, epoch).Scan)
		return cmp.Or(bad, err)
	})
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return nil, match.ErrSnapshotTaken
	case err != nil:
		return nil, fmt.Errorf("pass the snapshot of match %s on: %w", id, err)
	}
	return x, nil
}

const snapshotColumns = "id, home, node, epoch, handler, version, tick, tick_rate, label, members, input, state"

// scanSnapshot reads a row. bad says that what is in it cannot be understood.
func scanSnapshot(scan func(...any) error) (x *match.Snapshot, bad, err error) {
	var id, members, input string
	var epoch int64
	x = &match.Snapshot{}
	if err := scan(&id, &x.Home, &x.Node, &epoch, &x.Handler, &x.Version, &x.Tick, &x.Rate, &x.Label, &members, &input, &x.State); err != nil {
		return nil, nil, err
	}
	x.Epoch = uint64(epoch)
	if err := decodeSnapshot(x, id, members, input); err != nil {
		bad = fmt.Errorf("match %s of handler %q: %w", id, x.Handler, err)
	}
	return x, bad, nil
}

func decodeSnapshot(x *match.Snapshot, id, members, input string) (err error) {
	if x.ID, err = uuid.FromString(id); err != nil {
		return err
	}
	var who []snapshotMember
	if err := json.Unmarshal([]byte(members), &who); err != nil {
		return fmt.Errorf("its members: %w", err)
	}
	for _, m := range who {
		p := &presence.Presence{ID: presence.ID{Node: m.Node, Session: m.Session}, UserID: m.User}
		p.Username, p.Status, p.Hidden, p.Persistence = m.Username, m.Status, m.Hidden, m.Persistence
		p.Admission = m.Admission
		x.Members = append(x.Members, p)
		if m.Away {
			x.Away = append(x.Away, m.Session)
		}
	}
	var messages []snapshotInput
	if err := json.Unmarshal([]byte(input), &messages); err != nil {
		return fmt.Errorf("its messages: %w", err)
	}
	for _, d := range messages {
		p := &presence.Presence{ID: presence.ID{Session: d.Session}}
		x.Input = append(x.Input, &match.Data{Presence: p, OpCode: d.OpCode, Data: d.Data, Reliable: d.Reliable, ReceiveTime: d.Received})
	}
	return nil
}
