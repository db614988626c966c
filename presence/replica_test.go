package presence

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"testing"

	"github.com/gofrs/uuid/v5"
	"github.com/heroiclabs/nakama-common/rtapi"
	nkruntime "github.com/heroiclabs/nakama-common/runtime"
)

// cluster is some trackers in one process, which copy each other when told to.
type cluster []*clusterNode

type clusterNode struct {
	*field
	id  NodeID
	all *cluster
	mu  sync.Mutex
	ops []Op // of this node, all
	sum uint64
	// copies are those of the other nodes, and applied how much of their log they have.
	copies  map[*clusterNode]*Replica
	applied map[*clusterNode]int
	queued  map[uuid.UUID][]*Message
	closed  []uuid.UUID
	opened  [][]uuid.UUID
	orders  []string
}

func newCluster(names ...string) cluster {
	var c cluster
	for _, name := range names {
		s := NewSessions()
		t := NewTracker(TrackerOptions{Node: name, Sessions: s})
		n := &clusterNode{
			field: &field{t, NewRouter(t), s}, id: NodeHash(name), all: &c,
			copies: map[*clusterNode]*Replica{}, applied: map[*clusterNode]int{}, queued: map[uuid.UUID][]*Message{},
		}
		t.Connect(Links{
			Log: n, Peers: n,
			Opened: func(_ NodeID, _, _ uuid.UUID, replaces []uuid.UUID) {
				if len(replaces) > 0 {
					n.opened = append(n.opened, replaces)
				}
			},
			Ordered: func(_ NodeID, b []byte) { n.orders = append(n.orders, "order "+string(b)) },
		})
		c = append(c, n)
	}
	for _, a := range c {
		a.all = &c
		for _, b := range c {
			if a != b {
				a.copies[b] = a.AddNode(b.id, b.Node(), 1)
			}
		}
	}
	return c
}

// Append and Seq implement Log.
func (n *clusterNode) Append(op Op, sum uint64) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.ops = append(n.ops, op)
	n.sum ^= sum
}

func (n *clusterNode) Seq() uint64 {
	n.mu.Lock()
	defer n.mu.Unlock()
	return uint64(len(n.ops))
}

func (n *clusterNode) peer(id NodeID) *clusterNode {
	for _, p := range *n.all {
		if p.id == id && p != n {
			return p
		}
	}
	panic("unknown node " + id.String())
}

// crossed is a message as it arrives at another node.
func crossed(m *Message) *Message {
	b, err := m.Bytes(Protobuf)
	if err != nil {
		panic(err)
	}
	return NewEncoded(b)
}

func (n *clusterNode) ToStream(nodes []NodeID, s Stream, except uuid.UUID, m *Message) {
	for _, id := range nodes {
		n.peer(id).router.ArriveOnStream(s, except, crossed(m))
	}
}

func (n *clusterNode) ToSessions(node NodeID, ids []uuid.UUID, m *Message) {
	for _, id := range ids {
		n.peer(node).router.ArriveForSession(id, crossed(m))
	}
}

func (n *clusterNode) ToAll(m *Message) {
	for p := range n.copies {
		p.router.SendToOwn(crossed(m))
	}
}

func (n *clusterNode) Queue(_ NodeID, id uuid.UUID, m *Message) {
	n.queued[id] = append(n.queued[id], m)
}

func (n *clusterNode) Flush(node NodeID) {
	for id, all := range n.queued {
		for _, m := range all {
			n.ToSessions(node, []uuid.UUID{id}, m)
		}
	}
	clear(n.queued)
}

func (n *clusterNode) Close(_ NodeID, id uuid.UUID, _ CloseReason, _ []*Message) {
	n.closed = append(n.closed, id)
}

func (n *clusterNode) Behind(NodeID) bool { return false }

func (n *clusterNode) Act(_ context.Context, node NodeID, call SessionCall) (bool, error) {
	return n.peer(node).ActHere(call)
}

// copyAll makes all copies current and lets their events be sent.
func (c cluster) copyAll(t *testing.T) {
	t.Helper()
	for again := true; again; { // an order makes further operations
		again = false
		for _, a := range c {
			for b, r := range a.copies {
				b.mu.Lock()
				ops := slices.Clone(b.ops[a.applied[b]:])
				a.applied[b] = len(b.ops)
				b.mu.Unlock()
				again = again || len(ops) > 0
				r.Apply(ops...)
			}
		}
	}
	for _, a := range c {
		a.Tracker.Close()
		for b, r := range a.copies {
			if r.Checksum() != b.sum {
				t.Errorf("%s has the checksum %x of %s, which has %x", a.Node(), r.Checksum(), b.Node(), b.sum)
			}
		}
	}
}

func (n *clusterNode) open(name string) *fake {
	s := &fake{id: uuid.Must(NewSessionID(n.id)), user: uuid.Must(uuid.NewV4()), name: name}
	n.sessions.Add(s)
	_, _, _ = n.Track(s.id, NotificationsOf(s.user), Meta{Hidden: true})
	return s
}

func (n *clusterNode) close(s *fake) {
	n.End(s.id, nkruntime.PresenceReasonDisconnect)
	n.sessions.Remove(s.id)
}

func TestClusterReads(t *testing.T) {
	t.Parallel()
	c := newCluster("a", "b", "c")
	room := Stream{Mode: ModeRoom, Label: "lobby"}
	var all []*fake
	for i, n := range c {
		for j := range 3 {
			s := n.open(fmt.Sprint(n.Node(), j))
			_, _, _ = n.Track(s.id, room, Meta{Hidden: j == 2, Persistence: true, Status: "x"})
			all = append(all, s)
			if i == 0 {
				_, _, _ = n.Track(s.id, StatusOf(s.user), Meta{Status: "here"})
			}
		}
	}
	c.copyAll(t)
	for _, n := range c {
		if got := n.Count(room); got != 9 {
			t.Errorf("%s counts %d, want 9", n.Node(), got)
		}
		if h, v := n.List(room, true, false), n.List(room, false, true); len(h) != 3 || len(v) != 6 {
			t.Errorf("%s lists %d hidden and %d visible, want 3 and 6", n.Node(), len(h), len(v))
		}
		for i, s := range all {
			p := n.Get(s.id, room)
			if p == nil || p.Node != c[i/3].Node() || p.UserID != s.user || p.Username != s.name || p.Status != "x" || !p.Persistence || p.Hidden != (i%3 == 2) {
				t.Errorf("%s has %+v of %s", n.Node(), p, s.name)
			}
			if online := n.Online(s.user); online != (i < 3) {
				t.Errorf("%s: %s online %t", n.Node(), s.name, online)
			}
			far := n.SessionsElsewhere(s.user)
			if here := n.sessions.Get(s.id) != nil; here != (len(far) == 0) {
				t.Errorf("%s: sessions elsewhere of %s: %v", n.Node(), s.name, far)
			}
		}
		streams := 0
		n.Streams(ModeRoom, func(s Stream, presences int) bool { streams += presences; return s == room })
		if streams != 9 {
			t.Errorf("%s visits %d presences, want 9", n.Node(), streams)
		}
		if n.Total() != 9+9+3 {
			t.Errorf("%s holds %d presences, want 21", n.Node(), n.Total())
		}
	}
	for i, s := range all {
		c[i/3].close(s)
	}
	c.copyAll(t)
	for _, n := range c {
		if n.Total() != 0 || n.Count(room) != 0 || n.Own() != 0 {
			t.Errorf("%s still has %d presences", n.Node(), n.Total())
		}
		for i := range n.shards {
			if len(n.shards[i].far) > 0 {
				t.Errorf("streams are left: %v", n.shards[i].far)
			}
		}
	}
}

// Clients and listeners are told of sessions of other nodes as of those of theirs.
func TestClusterEvents(t *testing.T) {
	t.Parallel()
	c := newCluster("a", "b")
	a, b := c[0], c[1]
	room := Stream{Mode: 8, Label: "room"}
	ann, bob := a.open("ann"), b.open("bob")
	_, _, _ = a.Track(ann.id, room, Meta{})
	a.Follow(ann.id, bob.user)
	var heard []string
	a.Listen(ModeParty, func(_ Stream, join, leave *Presence) {
		heard = append(heard, fmt.Sprint(join != nil, leave != nil))
		if join != nil && join.Admission != 7 {
			t.Errorf("the listener got %+v, want admission 7", join)
		}
	})
	c.copyAll(t)
	ann.take()
	check := func(what string, want ...string) {
		t.Helper()
		c.copyAll(t)
		var got []string
		for _, e := range ann.take() {
			joins, leaves := e.GetStreamPresenceEvent().GetJoins(), e.GetStreamPresenceEvent().GetLeaves()
			if s := e.GetStatusPresenceEvent(); s != nil {
				joins, leaves = s.Joins, s.Leaves
			}
			for _, p := range leaves {
				got = append(got, "-"+p.Username+p.GetStatus().GetValue())
			}
			for _, p := range joins {
				got = append(got, "+"+p.Username+p.GetStatus().GetValue())
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: told %q, want %q", what, got, want)
		}
	}
	_, _, _ = b.Track(bob.id, room, Meta{})
	check("join", "+bob")
	_, _ = b.Update(bob.id, room, Meta{Status: "away"})
	check("update", "-bob", "+bob")
	b.Persist(bob.id, room, true)
	check("persistence")
	if p := a.Get(bob.id, room); p == nil || !p.Persistence {
		t.Errorf("persistence did not arrive: %+v", p)
	}
	b.Untrack(bob.id, room, nkruntime.PresenceReasonLeave)
	check("leave", "-bob")
	_, _, _ = b.Track(bob.id, room, Meta{Hidden: true})
	check("hidden")
	_, _ = b.Update(bob.id, StatusOf(bob.user), Meta{Status: "1"})
	_, _ = b.Update(bob.id, StatusOf(bob.user), Meta{Status: "2"})
	check("status", "+bob1", "-bob1", "+bob2")
	_, _, _ = b.Track(bob.id, Stream{Mode: ModeParty}, Meta{Admission: 7})
	b.close(bob)
	check("end", "-bob2")
	if want := []string{"true false", "false true"}; !slices.Equal(heard, want) {
		t.Errorf("the listener heard %q, want %q", heard, want)
	}
}

func TestClusterRouter(t *testing.T) {
	t.Parallel()
	c := newCluster("a", "b", "c")
	room := Stream{Mode: 8}
	var all []*fake
	for _, n := range c {
		s := n.open(n.Node())
		_, _, _ = n.Track(s.id, room, Meta{Hidden: true})
		all = append(all, s)
	}
	c.copyAll(t)
	m := NewMessage(&rtapi.Envelope{Message: &rtapi.Envelope_Pong{Pong: &rtapi.Pong{}}})
	check := func(what string, sent int, want ...int) {
		t.Helper()
		for i, s := range all {
			if got := len(s.take()); got != want[i] {
				t.Errorf("%s: %s got %d, want %d", what, s.name, got, want[i])
			}
		}
		if total := want[0] + want[1] + want[2]; sent != total {
			t.Errorf("%s: %d sent, want %d", what, sent, total)
		}
	}
	a := c[0]
	from := func(p *Presence) *Message { return m }
	check("stream", a.router.SendToStream(room, m), 1, 1, 1)
	check("but one there", a.router.SendToStreamExcept(room, all[1].id, m), 1, 0, 1)
	check("but one here", a.router.SendToStreamExcept(room, all[0].id, m), 0, 1, 1)
	check("presences", a.router.SendToPresences([]ID{{"b", all[1].id}, {"", all[2].id}, {"b", all[2].id}, {"", uuid.Must(uuid.NewV4())}}, m), 0, 1, 1)
	check("user", a.router.SendToUser(all[2].user, m), 0, 0, 1)
	a.router.SendToAll(m)
	check("all", 3, 1, 1, 1)
	check("relay", a.router.Relay(room, all[0].id, nil, from), 0, 1, 1)
	check("relay to some", a.router.Relay(room, all[0].id, []uuid.UUID{all[0].id, all[2].id, uuid.Nil}, from), 1, 0, 1)
	check("relay for a session elsewhere", a.router.Relay(room, all[1].id, nil, from), 0, 0, 0)

	far, ok := a.router.Session(all[1].id).(Queuer)
	if !ok || far.ID() != all[1].id || far.UserID() != all[1].user || far.Username() != "b" {
		t.Fatalf("the session elsewhere is %v", far)
	}
	far.Send(m)
	check("session", 1, 0, 1, 0)
	far.Queue(m)
	far.Queue(m)
	check("queued", 0, 0, 0, 0)
	far.Flush()
	check("flushed", 2, 0, 2, 0)
	far.Close(Banned)
	if !slices.Equal(a.closed, []uuid.UUID{all[1].id}) {
		t.Errorf("closed %v", a.closed)
	}
	c[1].close(all[1])
	c.copyAll(t)
	if s := a.router.Session(all[1].id); s != nil {
		t.Errorf("a session that ended elsewhere is still there: %v", s)
	}
}

func TestClusterOrders(t *testing.T) {
	t.Parallel()
	c := newCluster("a", "b")
	a, b := c[0], c[1]
	room, other := Stream{Mode: ModeGroup}, Stream{Mode: 8}
	ann, bob := a.open("ann"), b.open("bob")
	for _, s := range []Stream{room, other} {
		_, _, _ = a.Track(ann.id, s, Meta{})
		_, _, _ = b.Track(bob.id, s, Meta{})
	}
	// Not in the replica of a yet: an order reaches all nodes, not those that are known.
	a.UntrackUser(bob.user, other, nkruntime.PresenceReasonLeave)
	a.UntrackStream(room, nkruntime.PresenceReasonLeave)
	if n := len(a.ops); a.ops[n-2].Kind != OpClear || a.ops[n-1].Kind != OpUntrack {
		t.Errorf("the last operations are %+v, want the order and then what follows from it", a.ops[n-2:])
	}
	a.Order([]byte("1"))
	a.sessions.Add(&fake{id: uuid.Must(NewSessionID(a.id)), user: bob.user}, bob.id)
	c.copyAll(t)
	for _, n := range c {
		if n.Count(room) != 0 || n.Count(other) != 1 {
			t.Errorf("%s has %d and %d presences, want 0 and 1", n.Node(), n.Count(room), n.Count(other))
		}
	}
	if want := []string{"order 1"}; !slices.Equal(b.orders, want) || len(a.orders) > 0 {
		t.Errorf("b was told %q, a %q", b.orders, a.orders)
	}
	if len(b.opened) != 1 || !slices.Equal(b.opened[0], []uuid.UUID{bob.id}) {
		t.Errorf("b was told of sessions that replace %v", b.opened)
	}
}

// The sessions of a node that is down leave, but matches and parties wait for it.
// What comes back after a replacement of all parts is told, what stayed is not.
func TestClusterDown(t *testing.T) {
	t.Parallel()
	c := newCluster("a", "b", "c")
	a, b := c[0], c[1]
	room, match := Stream{Mode: 8, Label: "room"}, Stream{Mode: ModeMatchRelayed}
	ann, bob, eve, old := a.open("ann"), b.open("bob"), b.open("eve"), b.open("old")
	cat := c[2].open("cat")
	for _, s := range []Stream{room, match} {
		_, _, _ = a.Track(ann.id, s, Meta{})
		for _, f := range []*fake{bob, eve, old} {
			_, _, _ = b.Track(f.id, s, Meta{})
		}
		_, _, _ = c[2].Track(cat.id, s, Meta{})
	}
	c.copyAll(t)
	told := func(who *fake) (joins, leaves int) {
		a.Tracker.Close()
		for _, e := range who.take() {
			joins += len(e.GetStreamPresenceEvent().GetJoins()) + len(e.GetMatchPresenceEvent().GetJoins())
			leaves += len(e.GetStreamPresenceEvent().GetLeaves()) + len(e.GetMatchPresenceEvent().GetLeaves())
		}
		return joins, leaves
	}
	ann.take()
	r := a.copies[b]
	r.Down()
	if got := ann.got; true {
		a.Tracker.Close()
		if len(ann.got) != 1 {
			t.Errorf("%d events of one stream, want one: %v", len(ann.got), got)
		}
	}
	if j, l := told(ann); j != 0 || l != 3 {
		t.Errorf("down: told of %d joins and %d leaves, want 0 and 3", j, l)
	}
	if a.Count(room) != 2 || a.Count(match) != 5 || a.router.Session(bob.id) == nil {
		t.Errorf("down: %d in the room and %d in the match, want 2 and 5", a.Count(room), a.Count(match))
	}
	b.close(old)
	b.Untrack(eve.id, match, nkruntime.PresenceReasonLeave)
	for i := range Parts {
		_, ops := b.Part(i)
		if early := r.Replace(i, ops); len(early) > 0 {
			t.Errorf("part %d has presences of unknown sessions: %v", i, early)
		}
	}
	a.applied[b] = len(b.ops)
	if j, l := told(ann); j != 2 || l != 2 {
		t.Errorf("back: told of %d joins and %d leaves, want 2 and 2", j, l)
	}
	c.copyAll(t)
	r.Lost()
	if j, l := told(ann); j != 0 || l != 3 {
		t.Errorf("lost: told of %d joins and %d leaves, want 0 and 3", j, l)
	}
	if a.Count(room) != 2 || a.Count(match) != 2 || a.router.Session(bob.id) != nil {
		t.Errorf("lost: %d in the room and %d in the match, want 2 and 2, and no session", a.Count(room), a.Count(match))
	}
	r.Apply(Op{Kind: OpUp, Session: bob.id, User: bob.user})
	if a.router.Session(bob.id) != nil {
		t.Error("a lost node's operation was applied")
	}
}

// A part taken before a session opened, and one taken after, fit together.
func TestClusterEarlyPresence(t *testing.T) {
	t.Parallel()
	c := newCluster("a", "b")
	a, b := c[0], c[1]
	r := a.copies[b]
	for i := range Parts / 2 {
		_, ops := b.Part(i)
		r.Replace(i, ops)
	}
	bob := b.open("bob")
	room := Stream{Mode: 8}
	_, _, _ = b.Track(bob.id, room, Meta{})
	var early []Op
	for i := Parts / 2; i < Parts; i++ {
		_, ops := b.Part(i)
		early = append(early, r.Replace(i, ops)...)
	}
	if len(early) != 2 || a.Count(room) != 0 {
		t.Fatalf("%d early presences, want those of the room and of notifications", len(early))
	}
	r.Apply(b.ops[0])
	r.Apply(early...)
	if a.Count(room) != 1 || r.Checksum() != b.sum {
		t.Errorf("%d in the room, want 1, and equal checksums: %x and %x", a.Count(room), r.Checksum(), b.sum)
	}
}

func BenchmarkApply(b *testing.B) {
	c := newCluster("a", "b")
	a := c[0]
	r := a.copies[c[1]]
	const n = 10000
	var ops []Op
	for i := range n {
		id, user := uuid.Must(NewSessionID(c[1].id)), uuid.Must(uuid.NewV4())
		ops = append(ops,
			Op{Kind: OpUp, Session: id, User: user, Meta: Meta{Username: "somebody"}},
			Op{Kind: OpTrack, Session: id, Stream: NotificationsOf(user), Meta: Meta{Hidden: true}},
			Op{Kind: OpTrack, Session: id, Stream: StatusOf(user)},
			Op{Kind: OpTrack, Session: id, Stream: Stream{Mode: ModeRoom, Label: fmt.Sprint(i / 10)}})
	}
	for i := range n {
		up := ops[i*4 : i*4+4]
		for _, op := range up[1:] {
			ops = append(ops, Op{Kind: OpUntrack, Session: op.Session, Stream: op.Stream})
		}
		ops = append(ops, Op{Kind: OpDown, Session: up[0].Session})
	}
	b.ReportAllocs()
	for b.Loop() {
		for some := range slices.Chunk(ops, 100) {
			r.Apply(some...)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(ops)), "ns/operation")
}

// The memory of a session of another node, and of its presences.
func BenchmarkFarMemory(b *testing.B) {
	const n = 100000
	for b.Loop() {
		c := newCluster("a", "b")
		r := c[0].copies[c[1]]
		ids, users := make([]uuid.UUID, n), make([]uuid.UUID, n)
		for i := range n {
			ids[i], users[i] = uuid.Must(NewSessionID(c[1].id)), uuid.Must(uuid.NewV4())
		}
		measure := func(name string, op func(i int) Op) {
			before := heap()
			for i := range n {
				r.Apply(op(i))
			}
			b.ReportMetric(float64(heap()-before)/n, "B/"+name)
		}
		measure("session", func(i int) Op {
			return Op{Kind: OpUp, Session: ids[i], User: users[i], Meta: Meta{Username: fmt.Sprint("user", i)}}
		})
		measure("status", func(i int) Op { return Op{Kind: OpTrack, Session: ids[i], Stream: StatusOf(users[i])} })
		measure("room", func(i int) Op {
			return Op{Kind: OpTrack, Session: ids[i], Stream: Stream{Mode: ModeRoom, Label: fmt.Sprint("room", i%(n/10))}}
		})
		runtime.KeepAlive(c)
	}
}

func heap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
