package party

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/gofrs/uuid/v5"
	"github.com/heroiclabs/nakama-common/rtapi"
	"github.com/heroiclabs/nakama-common/runtime"
	"go.uber.org/goleak"

	"kumi/match/matchmaker"
	"kumi/presence"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// testRegistry is a registry with its own tracker, sessions and matchmaker.
type testRegistry struct {
	*Registry
	t        testing.TB
	sessions *presence.Sessions
	tracker  *presence.Tracker
	tickets  *matchmaker.Matchmaker
	counted  counted
}

type counted struct {
	mu sync.Mutex
	n  int
}

func (c *counted) Parties(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n = n
}

func newTestRegistry(t testing.TB) *testRegistry {
	w := &testRegistry{t: t, sessions: presence.NewSessions(), tickets: matchmaker.New(matchmaker.Options{})}
	w.tracker = presence.NewTracker(presence.TrackerOptions{Node: "here", Sessions: w.sessions})
	w.Registry = NewRegistry(Options{
		Node: "here", Tracker: w.tracker, Router: presence.NewRouter(w.tracker), Matchmaker: w.tickets, Metrics: &w.counted,
	})
	t.Cleanup(w.tracker.Close)
	return w
}

// client is a session that counts what is sent to it.
type client struct {
	id, user uuid.UUID
	name     string
	mu       sync.Mutex
	bytes    [][]byte
}

func (c *client) ID() uuid.UUID                                    { return c.id }
func (c *client) UserID() uuid.UUID                                { return c.user }
func (c *client) Username() string                                 { return c.name }
func (c *client) Format() presence.Format                          { return presence.Protobuf }
func (c *client) Close(presence.CloseReason, ...*presence.Message) {}

func (c *client) Send(m *presence.Message) {
	b, err := m.Bytes(presence.Protobuf)
	if err != nil {
		panic(err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.bytes = append(c.bytes, b)
}

func (c *client) took() [][]byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	b := c.bytes
	c.bytes = nil
	return b
}

func (w *testRegistry) client(name string) *client {
	w.t.Helper()
	id, err := presence.NewSessionID(presence.NodeHash("here"))
	if err != nil {
		w.t.Fatal(err)
	}
	c := &client{id: id, user: uuid.Must(uuid.NewV4()), name: name}
	w.sessions.Add(c)
	return c
}

// endSession ends a session as the server does.
func (w *testRegistry) endSession(c *client) {
	w.tickets.RemoveSession(c.id)
	w.tracker.End(c.id, runtime.PresenceReasonDisconnect)
	w.sessions.Remove(c.id)
}

func (c *client) presence() *presence.Presence {
	return &presence.Presence{ID: presence.ID{Node: "here", Session: c.id}, UserID: c.user, Meta: presence.Meta{Username: c.name}}
}

func (c *client) target() *rtapi.UserPresence { return c.presence().UserPresence() }

// A message to a party is encoded once for all its members.
func TestDataIsEncodedOnce(t *testing.T) {
	t.Parallel()
	w := newTestRegistry(t)
	leader := w.client("leader")
	p, err := w.Create(context.Background(), leader.presence(), &rtapi.PartyCreate{Open: true, MaxSize: 10}, false)
	if err != nil {
		t.Fatal(err)
	}
	var others []*client
	for i := range 5 {
		c := w.client(fmt.Sprint("c", i))
		if err := w.Join(context.Background(), c.presence(), p.PartyId, false); err != nil {
			t.Fatal(err)
		}
		others = append(others, c)
	}
	w.tracker.Close()
	for _, c := range others {
		c.took()
	}
	if err := w.Data(leader.id, &rtapi.PartyDataSend{PartyId: p.PartyId, OpCode: 1, Data: []byte("x")}); err != nil {
		t.Fatal(err)
	}
	var first *byte
	for _, c := range others {
		got := c.took()
		if len(got) != 1 {
			t.Fatalf("%s got %d messages", c.name, len(got))
		}
		if first == nil {
			first = &got[0][0]
		}
		if first != &got[0][0] {
			t.Error("the message was encoded more than once")
		}
	}
}

// Module code puts sessions on a party's stream and takes them off.
func TestStreamIsTheParty(t *testing.T) {
	t.Parallel()
	w := newTestRegistry(t)
	leader, other, watcher := w.client("leader"), w.client("other"), w.client("watcher")
	p, err := w.Create(context.Background(), leader.presence(), &rtapi.PartyCreate{MaxSize: 10}, false)
	if err != nil {
		t.Fatal(err)
	}
	id, node, _ := ParseID(p.PartyId)
	stream := streamOf(id, node)
	for c, hidden := range map[*client]bool{other: false, watcher: true} {
		if _, _, err := w.tracker.Track(c.id, stream, presence.Meta{Hidden: hidden}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Promote(context.Background(), leader.id, p.PartyId, other.target()); err != nil {
		t.Errorf("promote who was put there: %v", err)
	}
	if err := w.Promote(context.Background(), other.id, p.PartyId, watcher.target()); err == nil {
		t.Error("a hidden presence was promoted")
	}
	w.tracker.UntrackStream(stream, runtime.PresenceReasonLeave)
	if w.Count() != 0 || w.counted.n != 0 {
		t.Errorf("%d parties left, %d counted", w.Count(), w.counted.n)
	}
}

// Whatever sessions do concurrently, in the end the members of each party are
// those on its stream, one of them leads, none is empty and none has a ticket
// of former members.
func TestPartiesUnderLoad(t *testing.T) {
	t.Parallel()
	w := newTestRegistry(t)
	const workers, steps = 8, 500
	var mu sync.Mutex
	ids := make([]string, 6)
	someParty := func(r *rand.Rand) string {
		mu.Lock()
		defer mu.Unlock()
		return ids[r.IntN(len(ids))]
	}
	all := make([]*client, workers)
	for i := range all {
		all[i] = w.client(fmt.Sprint("c", i))
	}
	someone := func(r *rand.Rand) *client {
		mu.Lock()
		defer mu.Unlock()
		return all[r.IntN(len(all))]
	}
	var wg sync.WaitGroup
	for i := range workers {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(1, uint64(i)))
			me := all[i]
			for range steps {
				id, target := someParty(r), someone(r)
				switch r.IntN(14) {
				case 0, 1:
					if p, err := w.Create(context.Background(), me.presence(), &rtapi.PartyCreate{Open: r.IntN(2) == 0, MaxSize: int32(1 + r.IntN(5))}, false); err == nil {
						mu.Lock()
						ids[r.IntN(len(ids))] = p.PartyId
						mu.Unlock()
					}
				case 2, 3, 4:
					_ = w.Join(context.Background(), me.presence(), id, r.IntN(4) == 0)
				case 5:
					_ = w.Leave(me.id, id)
				case 6:
					_ = w.Promote(context.Background(), me.id, id, target.target())
				case 7, 8:
					_ = w.Accept(context.Background(), me.id, id, target.target(), false)
				case 9:
					_ = w.Remove(context.Background(), me.id, id, target.target())
				case 10:
					_, _ = w.AddTicket(context.Background(), me.id, id, matchmaker.Request{MinCount: 2, MaxCount: 4})
				case 11:
					_ = w.Update(context.Background(), me.id, &rtapi.PartyUpdate{PartyId: id, Open: r.IntN(2) == 0})
					_, _, _ = w.List(context.Background(), ListFilter{Limit: 5})
				case 12:
					if r.IntN(10) == 0 {
						_ = w.Close(context.Background(), me.id, id)
					}
					_ = w.Data(me.id, &rtapi.PartyDataSend{PartyId: id})
				case 13:
					if r.IntN(5) == 0 {
						w.endSession(me)
						me = w.client(me.name)
						mu.Lock()
						all[i] = me
						mu.Unlock()
					}
				}
			}
		})
	}
	wg.Wait()
	w.tracker.Close()

	for _, p := range w.parties {
		var members, present []string
		for _, m := range p.members {
			members = append(members, m.Session.String())
		}
		for _, on := range w.tracker.List(p.stream, true, true) {
			present = append(present, on.Session.String())
		}
		slices.Sort(members)
		slices.Sort(present)
		if !slices.Equal(members, present) || len(members) == 0 || len(members) > p.maxSize {
			t.Errorf("members %v, on the stream %v, size %d", members, present, p.maxSize)
		}
		if p.memberIndex(p.leader) < 0 || p.over {
			t.Errorf("led by %s, who is no member", p.leader)
		}
		w.tickets.RemoveParty(p.text)
	}
	if left := w.tickets.Stats().Tickets; left != 0 {
		t.Errorf("%d tickets of parties that are gone", left)
	}
	on := 0
	w.tracker.Streams(presence.ModeParty, func(presence.Stream, int) bool { on++; return true })
	if on != w.Count() || w.counted.n != w.Count() {
		t.Errorf("%d streams for %d parties, %d counted", on, w.Count(), w.counted.n)
	}
	for _, c := range all {
		w.endSession(c)
	}
	if w.Count() != 0 || w.counted.n != 0 || w.tracker.Total() != 0 {
		t.Errorf("%d parties and %d presences left without a session", w.Count(), w.tracker.Total())
	}
}

func BenchmarkData(b *testing.B) {
	w := newTestRegistry(b)
	leader := w.client("leader")
	p, err := w.Create(context.Background(), leader.presence(), &rtapi.PartyCreate{Open: true, MaxSize: 8}, false)
	if err != nil {
		b.Fatal(err)
	}
	var others []*client
	for range 7 {
		c := w.client("c")
		if err := w.Join(context.Background(), c.presence(), p.PartyId, false); err != nil {
			b.Fatal(err)
		}
		others = append(others, c)
	}
	data := &rtapi.PartyDataSend{PartyId: p.PartyId, OpCode: 1, Data: make([]byte, 64)}
	b.ReportAllocs()
	for b.Loop() {
		if err := w.Data(leader.id, data); err != nil {
			b.Fatal(err)
		}
		for _, c := range others {
			c.bytes = c.bytes[:0]
		}
	}
}

// A request of an ended session takes no place, and the user may ask again.
func TestRequestsOfTheGone(t *testing.T) {
	t.Parallel()
	w := newTestRegistry(t)
	leader := w.client("leader")
	p, err := w.Create(context.Background(), leader.presence(), &rtapi.PartyCreate{MaxSize: 2}, false)
	if err != nil {
		t.Fatal(err)
	}
	a, b := w.client("a"), w.client("b")
	for _, c := range []*client{a, b} {
		if err := w.Join(context.Background(), c.presence(), p.PartyId, false); err != nil {
			t.Fatal(err)
		}
	}
	w.endSession(a)
	back := w.client("a")
	back.user = a.user
	if err := w.Join(context.Background(), back.presence(), p.PartyId, false); err != nil {
		t.Errorf("ask again after coming back: %v", err)
	}
	w.endSession(b)
	list, err := w.Requests(context.Background(), leader.id, p.PartyId)
	if err != nil || len(list.Presences) != 1 || list.Presences[0].SessionId != back.id.String() {
		t.Errorf("requests are %v, %v; want that of the one who is here", list, err)
	}
}
