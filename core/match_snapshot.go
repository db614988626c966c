package core

import (
	"context"
	"encoding/json"
	"fmt"
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
		// members and input are JSON, and taken_at is in Unix seconds.
		`CREATE TABLE IF NOT EXISTS kumi_match (
			id        VARCHAR(36) NOT NULL PRIMARY KEY,
			node      VARCHAR(64) NOT NULL,
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
}

type snapshotInput struct {
	Session  uuid.UUID `json:"session"`
	OpCode   int64     `json:"op_code"`
	Data     []byte    `json:"data,omitempty"`
	Reliable bool      `json:"reliable,omitempty"`
	Received int64     `json:"received"` // Unix milliseconds
}

// WriteSnapshots implements [match.SnapshotStore].
func (s *MatchSnapshots) WriteSnapshots(ctx context.Context, save []*match.Snapshot, remove []uuid.UUID) error {
	if err := s.table.ensure(ctx, s.db); err != nil {
		return err
	}
	now := time.Now().Unix()
	return s.db.Tx(ctx, func(ctx context.Context, q store.Querier) error {
		for _, x := range save {
			members := make([]snapshotMember, len(x.Members))
			for i, p := range x.Members {
				members[i] = snapshotMember{p.Session, p.Node, p.UserID, p.Username, p.Status, p.Hidden, p.Persistence}
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
			if _, err := q.ExecContext(ctx, `INSERT INTO kumi_match (id, node, handler, version, tick, tick_rate, label, members, input, state, taken_at)
				VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
				ON CONFLICT (id) DO UPDATE SET node = excluded.node, handler = excluded.handler, version = excluded.version, tick = excluded.tick,
					tick_rate = excluded.tick_rate, label = excluded.label, members = excluded.members, input = excluded.input,
					state = excluded.state, taken_at = excluded.taken_at`,
				x.ID.String(), x.Node, x.Handler, x.Version, x.Tick, x.Rate, x.Label, string(membersText), string(inputText), x.State, now); err != nil {
				return fmt.Errorf("save the snapshot of match %s: %w", x.ID, err)
			}
		}
		for _, id := range remove {
			if _, err := q.ExecContext(ctx, "DELETE FROM kumi_match WHERE id = $1", id.String()); err != nil {
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
	rows, err := s.db.Reader().QueryContext(ctx, `SELECT id, handler, version, tick, tick_rate, label, members, input, state
		FROM kumi_match WHERE node = $1`, node)
	if err != nil {
		return fmt.Errorf("read snapshots: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var id, members, input string
		x := &match.Snapshot{Node: node}
		if err := rows.Scan(&id, &x.Handler, &x.Version, &x.Tick, &x.Rate, &x.Label, &members, &input, &x.State); err != nil {
			return fmt.Errorf("read snapshots: %w", err)
		}
		if err := decodeSnapshot(x, id, members, input); err != nil {
			each(nil, fmt.Errorf("match %s of handler %q: %w", id, x.Handler, err))
			continue
		}
		each(x, nil)
	}
	return rows.Err()
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
		x.Members = append(x.Members, p)
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
