package core

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/heroiclabs/nakama-common/rtapi"
	"github.com/heroiclabs/nakama-common/runtime"
	"google.golang.org/protobuf/proto"

	"kumi/presence"
)

// order is what one node of a cluster asks all others to do, because it concerns what each
// of them has for itself. Fields that a node does not know are ignored, so versions can
// be mixed.
type order struct {
	// Close is a user whose sockets are closed, Final the last message to them, an
	// envelope in protobuf. CloseAll closes all sockets.
	Close    uuid.UUID            `json:"close,omitzero"`
	Reason   presence.CloseReason `json:"reason,omitempty"`
	Final    []byte               `json:"final,omitempty"`
	CloseAll bool                 `json:"close_all,omitempty"`
	// Revoked are tokens that are refused.
	Revoked []revocationOrder `json:"revoked,omitempty"`
	// Look is what changed in the database: jobs, boards or maintenance.
	Look string `json:"look,omitempty"`
}

// give makes the other nodes obey. A server that is alone has none.
func (c *Core) give(o order) {
	if c.tellOthers == nil {
		return
	}
	payload, err := json.Marshal(o)
	if err != nil {
		c.log.Error().Err(err).Msg("could not give an order to the other nodes")
		return
	}
	c.tracker.Order(payload)
}

// Ordered does what another node asks, see presence.Links. It does not block.
func (c *Core) Ordered(_ presence.NodeID, payload []byte) {
	var o order
	if err := json.Unmarshal(payload, &o); err != nil {
		c.log.Error().Err(err).Msg("could not read an order of another node")
		return
	}
	if !o.Close.IsNil() {
		var final []*presence.Message
		if len(o.Final) > 0 {
			var e rtapi.Envelope
			if err := proto.Unmarshal(o.Final, &e); err != nil {
				c.log.Error().Err(err).Msg("could not read the last message to a user's sockets")
			} else {
				final = append(final, presence.NewMessage(&e))
			}
		}
		if !o.Reason.Valid() {
			o.Reason = presence.Disconnected // of a newer version
		}
		c.closeUser(o.Close, o.Reason, final...)
	}
	if o.CloseAll {
		c.closeAll()
	}
	c.refuse(o.Revoked)
	switch o.Look {
	case "jobs":
		c.jobs.look(false)
	case "boards":
		c.lookAtBoards()
	case "maintenance":
		c.maintenance.look()
	}
}

// revocationOrder is a revocation for other nodes.
type revocationOrder struct {
	User   uuid.UUID `json:"user"`
	Kind   tokenKind `json:"kind"`
	ID     string    `json:"id,omitempty"`
	Before int64     `json:"before,omitempty"`
	Spared []string  `json:"spared,omitempty"`
	Adds   bool      `json:"adds,omitempty"`
	Until  int64     `json:"until"`
}

// OnRevoke sets how the other nodes of a cluster are told of revoked tokens: tell calls
// their Revoked with the payload and returns when they have answered, or do not in time.
// It must be set before the first call.
func (c *Core) OnRevoke(tell func(ctx context.Context, payload []byte)) { c.tellOthers = tell }

// tellRevoked makes the other nodes refuse the same tokens before it returns. A node that
// does not answer in time has it from the log.
func (c *Core) tellRevoked(ctx context.Context, entries []revocation) {
	if c.tellOthers == nil {
		return
	}
	list := make([]revocationOrder, 0, len(entries))
	for _, e := range entries {
		if e.ref.kind == longestToken {
			continue // a lifetime, which is in the database
		}
		list = append(list, revocationOrder{e.user, e.ref.kind, e.ref.id, e.before, e.spared, e.adds, e.until})
	}
	payload, err := json.Marshal(list)
	if err != nil {
		c.log.Error().Err(err).Msg("could not tell the other nodes of revoked tokens")
		return
	}
	c.tellOthers(ctx, payload)
	for i := range list {
		list[i].Adds = true // to a node that knows it, and has spared tokens since, it is nothing new
	}
	c.give(order{Revoked: list})
}

// Revoked refuses tokens that another node has revoked and stores. The payload is that of
// OnRevoke.
func (c *Core) Revoked(payload []byte) error {
	var list []revocationOrder
	if err := json.Unmarshal(payload, &list); err != nil {
		return fmt.Errorf("read the revoked tokens of another node: %w", err)
	}
	c.refuse(list)
	return nil
}

func (c *Core) refuse(list []revocationOrder) {
	for _, e := range list {
		c.tokens.bad.add(revocation{user: e.User, ref: tokenRef{e.Kind, e.ID}, before: e.Before, spared: e.Spared, adds: e.Adds, until: e.Until})
	}
}

// maxCaughtUp is how many users or presences CatchUp asks the database for at once.
const maxCaughtUp = 1000

// CatchUp does what the node may have missed while it did not hear another: it reads the
// revoked tokens, closes the sockets of accounts that are banned or deleted by now, and
// takes users off the channels of groups that they are not in any more. It is for the time
// after the state of another node was copied anew. What fails for some users does not keep
// it from the others.
func (c *Core) CatchUp(ctx context.Context) error {
	c.jobs.look(false)
	c.lookAtBoards()
	c.maintenance.look()
	if err := c.LoadRevocations(ctx); err != nil {
		return err
	}
	var users []uuid.UUID
	c.sessions.Each(func(s presence.Session) bool { users = append(users, s.UserID()); return true })
	slices.SortFunc(users, func(a, b uuid.UUID) int { return slices.Compare(a[:], b[:]) })
	var failures []error
	for part := range slices.Chunk(slices.Compact(users), maxCaughtUp) {
		failures = append(failures, c.closeGone(ctx, part))
	}
	var groups []presence.Stream
	c.tracker.Streams(presence.ModeGroup, func(s presence.Stream, _ int) bool { groups = append(groups, s); return true })
	var here []*presence.Presence
	for _, s := range groups {
		for _, p := range c.tracker.List(s, true, true) {
			if c.sessions.Get(p.Session) != nil {
				here = append(here, p)
			}
		}
	}
	for part := range slices.Chunk(here, maxCaughtUp) {
		failures = append(failures, c.leaveGone(ctx, part))
	}
	return errors.Join(failures...)
}

// closeGone closes the sockets of those among some users who are banned, with the same
// message as the ban itself, or deleted. A ban that is over needs only to be lifted.
func (c *Core) closeGone(ctx context.Context, users []uuid.UUID) error {
	type account struct {
		user     uuid.UUID
		disabled time.Time
	}
	found, err := scanAll(ctx, c.db.Reader(), func(rows *sql.Rows) (a account, err error) { return a, rows.Scan(&a.user, &a.disabled) },
		"SELECT id, disable_time FROM users WHERE id "+c.db.Dialect().AnyOf("$1", "uuid"), users)
	if err != nil {
		return fmt.Errorf("read the accounts of open sockets: %w", err)
	}
	disabled := make(map[uuid.UUID]time.Time, len(found))
	for _, a := range found {
		disabled[a.user] = a.disabled
	}
	var failures []error
	for _, user := range users {
		at, exists := disabled[user]
		switch {
		case !exists:
			c.closeUser(user, presence.Disconnected)
		case isSet(at):
			b, err := c.findBan(ctx, user, at)
			if err == nil && !b.over(c.now()) {
				err = c.disconnectBanned(b)
			}
			failures = append(failures, err)
		}
	}
	return errors.Join(failures...)
}

// leaveGone takes those sessions of this node off the channels of groups whose users are
// not members any more.
func (c *Core) leaveGone(ctx context.Context, on []*presence.Presence) error {
	type member struct{ group, user uuid.UUID }
	groups, users := make([]uuid.UUID, len(on)), make([]uuid.UUID, len(on))
	for i, p := range on {
		groups[i], users[i] = p.Stream.Subject, p.UserID
	}
	found, err := scanAll(ctx, c.db.Reader(), func(rows *sql.Rows) (m member, err error) { return m, rows.Scan(&m.group, &m.user) },
		"SELECT source_id, destination_id FROM group_edge WHERE state BETWEEN 0 AND 2 AND source_id "+c.db.Dialect().AnyOf("$1", "uuid")+
			" AND destination_id "+c.db.Dialect().AnyOf("$2", "uuid"), groups, users)
	if err != nil {
		return fmt.Errorf("read the members of groups: %w", err)
	}
	members := make(map[member]bool, len(found))
	for _, m := range found {
		members[m] = true
	}
	for _, p := range on {
		if !members[member{p.Stream.Subject, p.UserID}] {
			c.tracker.Untrack(p.Session, p.Stream, runtime.PresenceReasonLeave)
		}
	}
	return nil
}
