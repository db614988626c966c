package cluster_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/heroiclabs/nakama-common/rtapi"
	"github.com/heroiclabs/nakama-common/runtime"

	"kumi/cluster"
	"kumi/presence"
)

// host is a member that shares presences.
type host struct {
	*member
	*cluster.Presences
	tracker  *presence.Tracker
	router   *presence.Router
	sessions *presence.Sessions
	orders   []string // on the goroutines of followers, one of which is enough for tests
}

func (w *world) host(name string, epoch uint64, changes ...func(*cluster.Options)) *host {
	h := &host{member: w.node(name, epoch, changes...), sessions: presence.NewSessions()}
	h.tracker = presence.NewTracker(presence.TrackerOptions{Node: name, Sessions: h.sessions})
	h.router = presence.NewRouter(h.tracker)
	h.Presences = cluster.SharePresences(h.Node, cluster.PresencesOptions{
		Tracker: h.tracker, Router: h.router,
		Ordered: func(_ presence.NodeID, b []byte) { h.orders = append(h.orders, string(b)) },
	})
	return h
}

// socket is a client of a host, which remembers whom it sees on which stream. It must be
// told of each join and leave once, and in order.
type socket struct {
	host     *host
	id, user uuid.UUID
	name     string

	mu     sync.Mutex
	sees   map[presence.Stream]map[string]string // session to username and status
	joins  map[string]int                        // how often it was told of each username on a stream
	got    []*rtapi.Envelope                     // other than events
	events int
	closed []presence.CloseReason
	wrong  []string
}

func (h *host) open(name string) *socket {
	s := &socket{
		host: h, id: uuid.Must(presence.NewSessionID(h.Self())), user: uuid.Must(uuid.NewV4()), name: name,
		sees: map[presence.Stream]map[string]string{}, joins: map[string]int{},
	}
	h.sessions.Add(s)
	_, _, _ = h.tracker.Track(s.id, presence.NotificationsOf(s.user), presence.Meta{Hidden: true})
	return s
}

func (s *socket) end() {
	s.host.tracker.End(s.id, runtime.PresenceReasonDisconnect)
	s.host.sessions.Remove(s.id)
}

// join puts the client on a stream and gives it the list of who is there.
func (s *socket) join(stream presence.Stream, m presence.Meta) {
	synctest.Wait() // no event is on its way that the list includes
	s.mu.Lock()     // nor is it told of one before it has the list
	defer s.mu.Unlock()
	if s.host.tracker.Get(s.id, stream) != nil {
		return
	}
	if _, _, err := s.host.tracker.Track(s.id, stream, m); err == nil {
		s.look(stream)
	}
}

func (s *socket) leave(stream presence.Stream) {
	s.host.tracker.Untrack(s.id, stream, runtime.PresenceReasonLeave)
}

func (s *socket) follow(user uuid.UUID) {
	synctest.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, twice := s.sees[presence.StatusOf(user)]; !twice {
		s.host.tracker.Follow(s.id, user)
		s.look(presence.StatusOf(user))
	}
}

func (s *socket) look(stream presence.Stream) {
	on := map[string]string{}
	for _, p := range s.host.tracker.List(stream, false, true) {
		on[p.Session.String()] = shown(p.UserPresence())
	}
	delete(on, s.id.String())
	s.sees[stream] = on
}

func shown(p *rtapi.UserPresence) string {
	return p.Username + " " + p.GetStatus().GetValue()
}

func (s *socket) ID() uuid.UUID           { return s.id }
func (s *socket) UserID() uuid.UUID       { return s.user }
func (s *socket) Username() string        { return s.name }
func (s *socket) Format() presence.Format { return presence.JSON }
func (s *socket) Close(r presence.CloseReason, final ...*presence.Message) {
	for _, m := range final {
		s.Send(m)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = append(s.closed, r)
}

func (s *socket) Send(m *presence.Message) {
	b, err := m.Bytes(presence.JSON)
	if err != nil {
		panic(err)
	}
	e, err := presence.Decode(b, presence.JSON)
	if err != nil {
		panic(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case e.GetStreamPresenceEvent() != nil:
		v := e.GetStreamPresenceEvent()
		s.event(presence.Stream{Mode: uint8(v.Stream.Mode), Label: v.Stream.Label}, v.Joins, v.Leaves)
	case e.GetMatchPresenceEvent() != nil:
		v := e.GetMatchPresenceEvent()
		id := uuid.FromStringOrNil(v.MatchId[:36])
		s.event(presence.RelayedMatch(id), v.Joins, v.Leaves)
	case e.GetStatusPresenceEvent() != nil:
		v := e.GetStatusPresenceEvent()
		for _, p := range slices.Concat(v.Leaves, v.Joins) {
			stream := presence.StatusOf(uuid.FromStringOrNil(p.UserId))
			only := func(list []*rtapi.UserPresence) []*rtapi.UserPresence {
				return slices.DeleteFunc(slices.Clone(list), func(o *rtapi.UserPresence) bool { return o != p })
			}
			s.event(stream, only(v.Joins), only(v.Leaves))
		}
	default:
		s.got = append(s.got, e)
	}
}

// event takes in an event. One in which a presence leaves and joins is a change. s.mu is
// held.
func (s *socket) event(stream presence.Stream, joins, leaves []*rtapi.UserPresence) {
	s.events++
	on := s.sees[stream]
	for _, p := range leaves {
		if _, there := on[p.SessionId]; !there && p.SessionId != s.id.String() {
			s.wrong = append(s.wrong, fmt.Sprintf("%s is told that %s leaves %s, who is not there", s.name, p.Username, stream.Label))
		}
		delete(on, p.SessionId)
	}
	for _, p := range joins {
		s.joins[fmt.Sprint(p.Username, " ", stream.Mode, stream.Label)]++
		if _, there := on[p.SessionId]; there {
			s.wrong = append(s.wrong, fmt.Sprintf("%s is told that %s joins %s, who is there", s.name, p.Username, stream.Label))
		}
		if p.SessionId != s.id.String() {
			on[p.SessionId] = shown(p)
		}
	}
}

// has returns how many others the client sees on a stream.
func (s *socket) has(stream presence.Stream) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.sees[stream])
}

// told returns in how many events it was told of joins and leaves since the last call.
func (s *socket) told() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.events
	s.events = 0
	return n
}

// mistakes returns what was told wrongly: also what was told more than this many times.
func (s *socket) mistakes(most int) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	wrong := slices.Clone(s.wrong)
	for who, n := range s.joins {
		if n > most {
			wrong = append(wrong, fmt.Sprintf("%s is told %d times that %s joins, %d were possible", s.name, n, who, most))
		}
	}
	return wrong
}

func (s *socket) closedBy() []presence.CloseReason {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.closed)
}

// check compares what the client sees with what its node knows.
func (s *socket) check() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var wrong []string
	for stream, on := range s.sees {
		if stream.Mode != presence.ModeStatus && s.host.tracker.Get(s.id, stream) == nil {
			continue // it has left
		}
		seen := map[string]bool{}
		for _, p := range s.host.tracker.List(stream, false, true) {
			if p.Session == s.id {
				continue
			}
			seen[p.Session.String()] = true
			if have, there := on[p.Session.String()]; !there {
				wrong = append(wrong, fmt.Sprintf("%s does not see %s on %v", s.name, p.Username, stream))
			} else if want := shown(p.UserPresence()); have != want {
				wrong = append(wrong, fmt.Sprintf("%s sees %s on %v, want %s", s.name, have, stream, want))
			}
		}
		for id, who := range on {
			if !seen[id] {
				wrong = append(wrong, fmt.Sprintf("%s sees the ghost %s on %v", s.name, who, stream))
			}
		}
	}
	return wrong
}

func (s *socket) take() []*rtapi.Envelope {
	s.mu.Lock()
	defer s.mu.Unlock()
	got := s.got
	s.got = nil
	return got
}

// startHosts makes hosts of these names, which know each other.
func startHosts(t *testing.T, w *world, names ...string) []*host {
	t.Helper()
	var all []*host
	for _, name := range names {
		h := w.host(name, 1)
		w.start(t, h.member)
		all = append(all, h)
	}
	after(time.Second)
	return all
}

// Who is on a stream is known everywhere within some milliseconds, and a node that comes
// later has it when it is ready.
func TestPresencesAreShared(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(1)
		defer w.stop()
		hosts := startHosts(t, w, "a", "b")
		a, b := hosts[0], hosts[1]
		room := presence.Stream{Mode: 8, Label: "room"}
		ann, bob := a.open("ann"), b.open("bob")
		bob.join(room, presence.Meta{})
		ann.join(room, presence.Meta{})
		after(4 * time.Millisecond) // the first of a node on a stream is told at once
		if n := b.tracker.Count(room); n != 2 {
			t.Errorf("b counts %d, want 2", n)
		}
		after(6 * time.Millisecond)
		bob.follow(ann.user)
		if _, err := a.tracker.Update(ann.id, presence.StatusOf(ann.user), presence.Meta{Status: "here"}); err != nil {
			t.Fatal(err)
		}
		after(10 * time.Millisecond)
		if !b.tracker.Online(ann.user) || bob.has(presence.StatusOf(ann.user)) != 1 {
			t.Error("bob does not see ann's status")
		}
		c := w.host("c", 1, func(o *cluster.Options) { o.Expect = []string{"a", "b"} })
		w.start(t, c.member)
		if n := c.tracker.Count(room); n != 2 || c.State() != cluster.Ready {
			t.Errorf("c counts %d when it is %s, want 2", n, c.State())
		}
		ann.end()
		after(10 * time.Millisecond)
		for _, h := range []*host{a, b, c} {
			if n := h.tracker.Count(room); n != 1 || h.tracker.Online(ann.user) || h.router.Session(ann.id) != nil {
				t.Errorf("%s still knows ann", h.member.name)
			}
			if s := h.Stats(); s.Diverged != 0 || s.Resent != 0 {
				t.Errorf("%s: %+v", h.member.name, s)
			}
		}
		if wrong := slices.Concat(bob.mistakes(1), bob.check(), ann.mistakes(1)); len(wrong) > 0 {
			t.Error(wrong)
		}
	})
}

// Messages go to the nodes that have receivers, once each, whatever they are addressed to.
func TestMessagesCross(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(1)
		defer w.stop()
		hosts := startHosts(t, w, "a", "b", "c")
		a := hosts[0]
		room := presence.Stream{Mode: 8, Label: "room \xff"} // labels need not be UTF-8
		var all []*socket
		for _, h := range hosts {
			s := h.open(h.member.name)
			s.join(room, presence.Meta{Hidden: true})
			all = append(all, s)
		}
		after(time.Second)
		pong := presence.NewMessage(&rtapi.Envelope{Message: &rtapi.Envelope_Pong{Pong: &rtapi.Pong{}}})
		check := func(what string, want ...int) {
			t.Helper()
			after(time.Second)
			for i, s := range all {
				if got := s.take(); len(got) != want[i] {
					t.Errorf("%s: %s got %v, want %d", what, s.name, got, want[i])
				}
			}
		}
		a.router.SendToStream(room, pong)
		check("stream", 1, 1, 1)
		a.router.SendToStreamExcept(room, all[1].id, pong)
		check("but one", 1, 0, 1)
		a.router.SendToAll(pong)
		check("all", 1, 1, 1)
		a.router.SendToPresences([]presence.ID{{Session: all[2].id}}, pong)
		check("session", 0, 0, 1)
		b := a.router.Session(all[1].id).(presence.Queuer)
		b.Queue(pong)
		b.Queue(presence.NewMatchData("m", nil, 1, nil, false))
		a.router.Session(all[1].id).Send(pong)
		check("queued, in order", 0, 3, 0)
		b.Queue(pong)
		b.Flush()
		b.Close(presence.Banned, pong)
		check("closed", 0, 2, 0)
		if by := all[1].closedBy(); !slices.Equal(by, []presence.CloseReason{presence.Banned}) {
			t.Errorf("closed by %v", by)
		}
		a.tracker.Order([]byte("x"))
		after(time.Second)
		if len(a.orders) != 0 || !slices.Equal(hosts[1].orders, []string{"x"}) || !slices.Equal(hosts[2].orders, []string{"x"}) {
			t.Errorf("orders: %q", [][]string{a.orders, hosts[1].orders, hosts[2].orders})
		}
	})
}

// What was lost is sent again; what is no longer kept is copied.
func TestLostOperationsAreSentAgain(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(1)
		defer w.stop()
		hosts := startHosts(t, w, "a", "b")
		a, b := hosts[0], hosts[1]
		room := presence.Stream{Mode: 8, Label: "room"}
		bob := b.open("bob")
		bob.join(room, presence.Meta{})
		for i := range 50 {
			w.net.Lose(float64(i%2) / 2)
			s := a.open(fmt.Sprint("s", i))
			s.join(room, presence.Meta{})
			after(7 * time.Millisecond)
		}
		w.net.Heal()
		after(2 * time.Second)
		snapshots := b.Stats().Snapshots
		if n := b.tracker.Count(room); n != 51 || b.Stats().Resent == 0 || b.Stats().Diverged != 0 || snapshots != 1 {
			t.Errorf("%d are in the room, want 51: %+v", n, b.Stats())
		}
		// Cut for a second: nobody is down, but more happens than is kept.
		w.net.CutOneWay("a", "b")
		s := a.open("busy")
		for range 40000 {
			_, _ = a.tracker.Update(s.id, presence.StatusOf(s.user), presence.Meta{Status: "1"})
			_, _ = a.tracker.Update(s.id, presence.StatusOf(s.user), presence.Meta{Status: "2"})
		}
		s.join(room, presence.Meta{})
		after(time.Second)
		w.net.Heal()
		after(3 * time.Second)
		if n := b.tracker.Count(room); n != 52 || b.Stats().Snapshots != snapshots+1 || b.Stats().Diverged != 0 {
			t.Errorf("%d are in the room, want 52: %+v", n, b.Stats())
		}
		if wrong := slices.Concat(bob.mistakes(1), bob.check()); len(wrong) > 0 {
			t.Error(wrong)
		}
	})
}

// A large state crosses in several chunks.
func TestLargeSnapshot(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(1)
		defer w.stop()
		a := startHosts(t, w, "a")[0]
		room := presence.Stream{Mode: 8, Label: "room"}
		status := string(make([]byte, 2000))
		for i := range 2000 {
			s := a.open(fmt.Sprint("s", i))
			_, _, _ = a.tracker.Track(s.id, room, presence.Meta{Hidden: true, Status: status})
		}
		b := w.host("b", 1, func(o *cluster.Options) { o.Expect = []string{"a"} })
		w.start(t, b.member)
		if n := b.tracker.Count(room); n != 2000 {
			t.Errorf("b counts %d when it is ready, want 2000", n)
		}
		after(time.Second)
		if s := b.Stats(); s.Diverged != 0 || s.Snapshots != 1 {
			t.Errorf("%+v", s)
		}
	})
}

// What changes while a snapshot is taken is told once: an operation that a part includes
// is not applied again.
func TestChangesDuringSnapshot(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(1)
		defer w.stop()
		hosts := startHosts(t, w, "a", "b")
		a, b := hosts[0], hosts[1]
		var busy []*socket
		for i := range 20 { // over many parts
			room := presence.Stream{Mode: 8, Label: fmt.Sprint("room", i)}
			bob := b.open("bob")
			bob.join(room, presence.Meta{})
			busy = append(busy, bob)
		}
		w.net.Cut("a", "b")
		after(2 * time.Second)
		w.net.Heal()
		w.net.Delay(5*time.Millisecond, 15*time.Millisecond)
		for n := range 20 {
			for i := range busy {
				room := presence.Stream{Mode: 8, Label: fmt.Sprint("room", i)}
				s := a.open(fmt.Sprint("s", n))
				s.join(room, presence.Meta{Username: fmt.Sprint(n, "first")})
				s.leave(room)
				s.join(room, presence.Meta{Username: fmt.Sprint(n, "second")})
				if n%2 == 0 {
					s.end()
				}
			}
			time.Sleep(50 * time.Millisecond)
		}
		w.net.Delay(0, 0)
		after(3 * time.Second)
		if s := b.Stats(); s.Diverged != 0 || s.Snapshots < 2 {
			t.Errorf("%+v", s)
		}
		for _, bob := range busy {
			for _, line := range slices.Concat(bob.mistakes(1), bob.check()) {
				t.Error(line)
			}
		}
	})
}

// The presences of a node that is killed leave after it was silent for 1.5 s, those in
// matches when it is lost, each with one event. A new process of it brings nothing back.
func TestKilledNodesPresencesLeave(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(1)
		defer w.stop()
		hosts := startHosts(t, w, "a", "b")
		a, b := hosts[0], hosts[1]
		room, match := presence.Stream{Mode: 8, Label: "room"}, presence.RelayedMatch(uuid.UUID{1})
		bob := b.open("bob")
		bob.join(room, presence.Meta{})
		bob.join(match, presence.Meta{})
		for i := range 100 {
			s := a.open(fmt.Sprint("s", i))
			s.join(room, presence.Meta{})
			s.join(match, presence.Meta{})
		}
		after(time.Second)
		check := func(when string, inRoom, inMatch, events int) {
			t.Helper()
			if r, m := bob.has(room), bob.has(match); r != inRoom || m != inMatch {
				t.Errorf("%s: bob sees %d and %d, want %d and %d", when, r, m, inRoom, inMatch)
			}
			if n := bob.told(); n != events {
				t.Errorf("%s: in %d events, want %d", when, n, events)
			}
		}
		bob.told()
		a.kill(w)
		after(1200 * time.Millisecond)
		check("silent", 100, 100, 0)
		after(500 * time.Millisecond)
		check("down", 0, 100, 1)
		c := w.host("a", 2, func(o *cluster.Options) { o.Restarted = true })
		w.start(t, c.member)
		after(time.Second)
		check("replaced", 0, 0, 1)
		if s := b.Stats(); s.Diverged != 0 || b.tracker.Total() != b.tracker.Own() {
			t.Errorf("%d presences elsewhere, %+v", b.tracker.Total()-b.tracker.Own(), s)
		}
	})
}
