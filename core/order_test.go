package core

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gofrs/uuid/v5"

	"kumi/presence"
)

// othersLog passes orders on to other nodes, at once.
type othersLog struct {
	seq    uint64
	others []*Core
}

func (l *othersLog) Append(op presence.Op, _ uint64) {
	l.seq++
	for _, c := range l.others {
		if op.Kind == presence.OpOrder {
			c.Ordered(presence.NodeID{}, op.Payload)
		}
	}
}

func (l *othersLog) Seq() uint64 { return l.seq }

// What is revoked on one node is refused on the other, and what that one has issued since
// is not.
func TestRevokedElsewhere(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, ctx context.Context, a *testCore) {
		b := newTestCore(t, a.db)
		told := true
		a.OnRevoke(func(_ context.Context, payload []byte) {
			if !told {
				return
			}
			if err := b.Revoked(payload); err != nil {
				t.Error(err)
			}
		})
		a.tracker.Connect(presence.Links{Log: &othersLog{others: []*Core{b.Core}}, Opened: func(presence.NodeID, uuid.UUID, uuid.UUID, []uuid.UUID) {}})
		id, err := a.AuthenticateCustom(ctx, "custom-ann", "ann", true)
		if err != nil {
			t.Fatal(err)
		}
		first, _, err := a.StartSession(ctx, id, nil)
		if err != nil {
			t.Fatal(err)
		}
		second, _, err := b.StartSession(ctx, id, nil)
		if err != nil {
			t.Fatal(err)
		}
		valid := func(token string) []bool {
			_, errA := a.Tokens().VerifySession(token)
			_, errB := b.Tokens().VerifySession(token)
			return []bool{errA == nil, errB == nil}
		}
		if err := a.Logout(ctx, id.UserID, first.Token, ""); err != nil {
			t.Fatal(err)
		}
		if got := valid(first.Token); !slices.Equal(got, []bool{false, false}) {
			t.Errorf("after the log-out of one token it is valid: %v", got)
		}
		if got := valid(second.Token); !slices.Equal(got, []bool{true, true}) {
			t.Errorf("after the log-out of one token the other is valid: %v", got)
		}
		if err := a.Logout(ctx, id.UserID, "", ""); err != nil {
			t.Fatal(err)
		}
		if got := valid(second.Token); !slices.Equal(got, []bool{false, false}) {
			t.Errorf("after the log-out of all tokens one is valid: %v", got)
		}
		// In the same second, on both nodes.
		third, _, err := a.StartSession(ctx, id, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := valid(third.Token); !slices.Equal(got, []bool{true, true}) {
			t.Errorf("a token that was issued after the log-out is valid: %v", got)
		}
		// A node that does not answer has it from the log.
		told = false
		if err := a.Logout(ctx, id.UserID, third.Token, ""); err != nil {
			t.Fatal(err)
		}
		if got := valid(third.Token); !slices.Equal(got, []bool{false, false}) {
			t.Errorf("after a log-out that a node was not told of the token is valid: %v", got)
		}
	})
}

// A ban on one node closes the sockets on the other, and one or a deletion that a node
// missed closes them when it catches up. Who is banned is told why, unless that is over.
func TestClosedElsewhere(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, ctx context.Context, a *testCore) {
		b, deaf := newTestCore(t, a.db), newTestCore(t, a.db)
		a.OnRevoke(func(context.Context, []byte) {})
		a.tracker.Connect(presence.Links{Log: &othersLog{others: []*Core{b.Core}}, Opened: func(presence.NodeID, uuid.UUID, uuid.UUID, []uuid.UUID) {}})
		open := func(at *testCore, id Identity) *closable {
			s := &closable{id: uuid.Must(presence.NewSessionID(presence.NodeHash("b"))), user: id.UserID}
			at.sessions.Add(s)
			return s
		}
		user := func(name string) Identity {
			t.Helper()
			id, err := a.AuthenticateCustom(ctx, "custom-"+name, name, true)
			if err != nil {
				t.Fatal(err)
			}
			return id
		}
		banned := user("ann")
		ann, annToo, bob := open(b, banned), open(deaf, banned), open(b, user("bob"))
		if err := a.banAll(ctx, []*ban{{user: banned.UserID, reason: "cheats", end: a.now().Add(time.Hour)}}); err != nil {
			t.Fatal(err)
		}
		if annToo.reason != presence.ClosedByPeer {
			t.Errorf("the socket at a node that was not told was closed for %v", annToo.reason)
		}
		if err := deaf.CatchUp(ctx); err != nil {
			t.Fatal(err)
		}
		for node, s := range map[string]*closable{"that was told": ann, "that caught up": annToo} {
			if s.reason != presence.Banned || len(s.final) != 1 {
				t.Errorf("at the node %s a banned player's socket was closed for %v with %v", node, s.reason, s.final)
			} else if text, _ := s.final[0].Bytes(presence.JSON); !strings.Contains(string(text), "cheats") {
				t.Errorf("at the node %s the last message is %q", node, text)
			}
		}
		if bob.reason != presence.ClosedByPeer {
			t.Errorf("another player's socket was closed for %v", bob.reason)
		}
		if _, err := a.db.Exec(ctx, "DELETE FROM users WHERE id = $1", bob.user); err != nil {
			t.Fatal(err)
		}
		if err := b.CatchUp(ctx); err != nil || bob.reason != presence.Disconnected {
			t.Errorf("the socket of a deleted account was closed for %v, %v", bob.reason, err)
		}
		free := open(deaf, user("cas"))
		if err := a.banAll(ctx, []*ban{{user: free.user, end: a.now().Add(-time.Second)}}); err != nil {
			t.Fatal(err)
		}
		if err := deaf.CatchUp(ctx); err != nil || free.reason != presence.ClosedByPeer {
			t.Errorf("after a ban that is over the socket was closed for %v, %v", free.reason, err)
		}

		// A ban that cannot be read does not keep the others, who come after it, on their sockets
		// and channels.
		if _, err := a.db.Exec(ctx, "ALTER TABLE kumi_ban RENAME COLUMN reason TO unknown"); err != nil {
			t.Fatal(err)
		}
		last := open(deaf, Identity{UserID: uuid.Must(uuid.FromString("ffffffff-ffff-ffff-ffff-ffffffffffff"))})
		guild := presence.Stream{Mode: presence.ModeGroup, Subject: uuid.Must(uuid.NewV4())}
		if _, _, err := deaf.tracker.Track(free.id, guild, presence.Meta{}); err != nil {
			t.Fatal(err)
		}
		if err := deaf.CatchUp(ctx); err == nil || !strings.Contains(err.Error(), "read a ban") || last.reason != presence.Disconnected {
			t.Errorf("after a ban that cannot be read another's socket was closed for %v, %v", last.reason, err)
		}
		if on := deaf.tracker.List(guild, true, true); len(on) > 0 {
			t.Errorf("after a ban that cannot be read %v are on the channel of a group", on)
		}
	})
}

// closable is a session that remembers why it was closed.
type closable struct {
	id, user uuid.UUID
	reason   presence.CloseReason
	final    []*presence.Message
}

func (s *closable) ID() uuid.UUID           { return s.id }
func (s *closable) UserID() uuid.UUID       { return s.user }
func (s *closable) Username() string        { return "" }
func (s *closable) Format() presence.Format { return presence.JSON }
func (s *closable) Send(*presence.Message)  {}
func (s *closable) Close(reason presence.CloseReason, final ...*presence.Message) {
	s.reason, s.final = reason, final
}
