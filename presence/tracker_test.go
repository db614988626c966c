package presence

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/gofrs/uuid/v5"
	"github.com/google/go-cmp/cmp"
	"github.com/heroiclabs/nakama-common/rtapi"
	"github.com/heroiclabs/nakama-common/runtime"
	"go.uber.org/goleak"
	"pgregory.net/rapid"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fake is a session that keeps what is sent to it.
type fake struct {
	id, user uuid.UUID
	name     string
	mu       sync.Mutex
	got      []*rtapi.Envelope
}

func (f *fake) ID() uuid.UUID                  { return f.id }
func (f *fake) UserID() uuid.UUID              { return f.user }
func (f *fake) Username() string               { return f.name }
func (f *fake) Format() Format                 { return JSON }
func (f *fake) Close(CloseReason, ...*Message) {}
func (f *fake) Send(m *Message) {
	b, err := m.Bytes(JSON)
	if err != nil {
		panic(err)
	}
	env, err := Decode(b, JSON)
	if err != nil {
		panic(err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.got = append(f.got, env)
}

func (f *fake) take() []*rtapi.Envelope {
	f.mu.Lock()
	defer f.mu.Unlock()
	got := f.got
	f.got = nil
	return got
}

type field struct {
	*Tracker
	router   *Router
	sessions *Sessions
}

func newField(bound int) *field {
	s := NewSessions()
	t := NewTracker(TrackerOptions{Node: "here", Sessions: s, EventQueue: bound})
	return &field{t, NewRouter(t), s}
}

func (f *field) session(name string) *fake {
	s := &fake{id: uuid.Must(NewSessionID(NodeHash("here"))), user: uuid.Must(uuid.NewV4()), name: name}
	f.sessions.Add(s)
	return s
}

// The tracker against a plain model of it: same members, same answers, and a
// listener's view that never differs.
func TestTrackerModel(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		f := newField(0)
		streams := []Stream{
			{Mode: 8, Label: "a"}, {Mode: 8, Label: "b"}, {Mode: 9, Subject: uuid.Must(uuid.NewV4())}, StatusOf(uuid.Must(uuid.NewV4())),
		}
		model := map[Stream][]uuid.UUID{}
		hidden := map[string]bool{}
		ended := map[uuid.UUID]bool{}
		heard := map[Stream]map[uuid.UUID]bool{}
		var mu sync.Mutex
		for _, s := range streams {
			heard[s] = map[uuid.UUID]bool{}
			f.Listen(s.Mode, func(s Stream, join, leave *Presence) {
				mu.Lock()
				defer mu.Unlock()
				switch {
				case join != nil && leave != nil:
				case join != nil:
					heard[s][join.Session] = true
				default:
					delete(heard[s], leave.Session)
				}
			})
		}
		var all []*fake
		for i := range 5 {
			all = append(all, f.session(fmt.Sprint("s", i)))
		}
		key := func(id uuid.UUID, s Stream) string { return id.String() + s.ChannelID() }
		drop := func(s Stream, id uuid.UUID) bool {
			i := slices.Index(model[s], id)
			if i < 0 {
				return false
			}
			model[s] = slices.Delete(slices.Clone(model[s]), i, i+1)
			return true
		}
		t.Repeat(map[string]func(*rapid.T){
			"track": func(t *rapid.T) {
				c, s := rapid.SampledFrom(all).Draw(t, "session"), rapid.SampledFrom(streams).Draw(t, "stream")
				hide := rapid.Bool().Draw(t, "hidden")
				_, isNew, err := f.Track(c.id, s, Meta{Hidden: hide})
				if ended[c.id] {
					if !errors.Is(err, ErrSessionEnded) && !errors.Is(err, ErrNoSession) {
						t.Fatalf("an ended session was tracked: %v", err)
					}
					return
				}
				if err != nil || isNew == slices.Contains(model[s], c.id) {
					t.Fatalf("track: new %t, %v", isNew, err)
				}
				if isNew {
					model[s] = append(slices.Clone(model[s]), c.id)
					hidden[key(c.id, s)] = hide
				}
			},
			"update": func(t *rapid.T) {
				c, s := rapid.SampledFrom(all).Draw(t, "session"), rapid.SampledFrom(streams).Draw(t, "stream")
				hide := rapid.Bool().Draw(t, "hidden")
				p, err := f.Update(c.id, s, Meta{Hidden: hide, Status: "x"})
				if ended[c.id] {
					return
				}
				if err != nil || p.Hidden != hide || p.Username != c.name {
					t.Fatalf("update: %v, %v", p, err)
				}
				if !slices.Contains(model[s], c.id) {
					model[s] = append(slices.Clone(model[s]), c.id)
				}
				hidden[key(c.id, s)] = hide
			},
			"untrack": func(t *rapid.T) {
				c, s := rapid.SampledFrom(all).Draw(t, "session"), rapid.SampledFrom(streams).Draw(t, "stream")
				if was := f.Untrack(c.id, s, runtime.PresenceReasonLeave); was != drop(s, c.id) {
					t.Fatalf("untrack said %t", was)
				}
			},
			"untrack mode": func(t *rapid.T) {
				c := rapid.SampledFrom(all).Draw(t, "session")
				want := 0
				for _, s := range streams {
					if s.Mode == 8 && drop(s, c.id) {
						want++
					}
				}
				if n := f.UntrackAll(c.id, 0, func(s Stream) bool { return s.Mode == 8 }); n != want {
					t.Fatalf("untracked %d, want %d", n, want)
				}
			},
			"close stream": func(t *rapid.T) {
				s := rapid.SampledFrom(streams).Draw(t, "stream")
				f.UntrackStream(s, 0)
				delete(model, s)
			},
			"end": func(t *rapid.T) {
				if rapid.IntRange(0, 9).Draw(t, "rarely") > 0 {
					return
				}
				c := rapid.SampledFrom(all).Draw(t, "session")
				f.End(c.id, runtime.PresenceReasonDisconnect)
				ended[c.id] = true
				for _, s := range streams {
					drop(s, c.id)
				}
				if rapid.Bool().Draw(t, "removed") {
					f.sessions.Remove(c.id)
				}
			},
			"": func(t *rapid.T) {
				total := 0
				for _, s := range streams {
					total += len(model[s])
					var got, want []uuid.UUID
					for _, p := range f.List(s, true, true) {
						got = append(got, p.Session)
						if p.Hidden != hidden[key(p.Session, s)] || p.Stream != s || p.Node != "here" {
							t.Fatalf("presence %+v", p)
						}
					}
					want = append(want, model[s]...)
					if diff := cmp.Diff(want, got); diff != "" {
						t.Fatalf("members of %v: %s", s, diff)
					}
					if f.Count(s) != len(want) || len(f.List(s, true, false))+len(f.List(s, false, true)) != len(want) {
						t.Fatalf("counts of %v", s)
					}
					for _, c := range all {
						if (f.Get(c.id, s) != nil) != slices.Contains(want, c.id) {
							t.Fatalf("get of %s on %v", c.name, s)
						}
					}
					mu.Lock()
					if len(heard[s]) != len(want) {
						t.Fatalf("the listener knows %d members of %v, there are %d", len(heard[s]), s, len(want))
					}
					mu.Unlock()
				}
				if f.Total() != total {
					t.Fatalf("%d presences, want %d", f.Total(), total)
				}
			},
		})
		f.Tracker.Close()
	})
}

func TestEventKinds(t *testing.T) {
	t.Parallel()
	a, b := uuid.Must(uuid.NewV4()), uuid.Must(uuid.NewV4())
	for _, c := range []struct {
		stream Stream
		check  func(*rtapi.Envelope) (joins []*rtapi.UserPresence, ok bool)
	}{
		{Stream{Mode: ModeRoom, Label: "x.y"}, func(e *rtapi.Envelope) ([]*rtapi.UserPresence, bool) {
			c := e.GetChannelPresenceEvent()
			return c.GetJoins(), c.GetChannelId() == "2...x.y" && c.RoomName == "x.y" && c.GroupId == ""
		}},
		{Stream{Mode: ModeGroup, Subject: a}, func(e *rtapi.Envelope) ([]*rtapi.UserPresence, bool) {
			c := e.GetChannelPresenceEvent()
			return c.GetJoins(), c.GetChannelId() == "3."+a.String()+".." && c.GroupId == a.String()
		}},
		{Stream{Mode: ModeDirect, Subject: a, Subcontext: b}, func(e *rtapi.Envelope) ([]*rtapi.UserPresence, bool) {
			c := e.GetChannelPresenceEvent()
			return c.GetJoins(), c.GetChannelId() == "4."+a.String()+"."+b.String()+"." && c.UserIdOne == a.String() && c.UserIdTwo == b.String()
		}},
		{RelayedMatch(a), func(e *rtapi.Envelope) ([]*rtapi.UserPresence, bool) {
			return e.GetMatchPresenceEvent().GetJoins(), e.GetMatchPresenceEvent().GetMatchId() == a.String()+"."
		}},
		{AuthoritativeMatch(a, "here"), func(e *rtapi.Envelope) ([]*rtapi.UserPresence, bool) {
			return e.GetMatchPresenceEvent().GetJoins(), e.GetMatchPresenceEvent().GetMatchId() == a.String()+".here"
		}},
		{Stream{Mode: ModeParty, Subject: a, Label: "here"}, func(e *rtapi.Envelope) ([]*rtapi.UserPresence, bool) {
			return e.GetPartyPresenceEvent().GetJoins(), e.GetPartyPresenceEvent().GetPartyId() == a.String()+".here"
		}},
		{Stream{Mode: 8, Subject: a, Subcontext: b, Label: "l"}, func(e *rtapi.Envelope) ([]*rtapi.UserPresence, bool) {
			s := e.GetStreamPresenceEvent().GetStream()
			return e.GetStreamPresenceEvent().GetJoins(), s.GetMode() == 8 && s.Subject == a.String() && s.Subcontext == b.String() && s.Label == "l"
		}},
	} {
		f := newField(0)
		s := f.session("ann")
		if _, _, err := f.Track(s.id, c.stream, Meta{Status: "not shown", Persistence: true}); err != nil {
			t.Fatal(err)
		}
		f.Tracker.Close()
		got := s.take()
		if len(got) != 1 {
			t.Fatalf("mode %d: got %v, want one event", c.stream.Mode, got)
		}
		joins, ok := c.check(got[0])
		if !ok || len(joins) != 1 || joins[0].SessionId != s.id.String() || joins[0].Username != "ann" || !joins[0].Persistence || joins[0].Status != nil {
			t.Errorf("mode %d: got %v", c.stream.Mode, got[0])
		}
	}
}

func TestEventsOrderAndRecipients(t *testing.T) {
	t.Parallel()
	f := newField(0)
	room := Stream{Mode: 8, Label: "room"}
	ann, bob, ghost := f.session("ann"), f.session("bob"), f.session("ghost")
	track := func(s *fake, m Meta) {
		t.Helper()
		if _, _, err := f.Track(s.id, room, m); err != nil {
			t.Fatal(err)
		}
		f.Tracker.Close()
	}
	track(ann, Meta{})
	track(ghost, Meta{Hidden: true})
	track(bob, Meta{})
	if n := len(ghost.take()); n != 1 {
		t.Errorf("the hidden one got %d events, want bob's join", n)
	}
	if n := len(ann.take()); n != 2 {
		t.Errorf("ann got %d events, want two joins", n)
	}
	_, _ = f.Update(bob.id, room, Meta{Status: "away"})
	f.Untrack(ghost.id, room, runtime.PresenceReasonLeave)
	f.Tracker.Close()
	e := ann.take()
	if len(e) != 1 || len(e[0].GetStreamPresenceEvent().Joins) != 1 || len(e[0].GetStreamPresenceEvent().Leaves) != 1 {
		t.Errorf("a change gave %v, want one event with a leave and a join", e)
	}
	bob.take()
	f.Untrack(bob.id, room, runtime.PresenceReasonLeave)
	f.Tracker.Close()
	if e := ann.take(); len(e) != 1 || e[0].GetStreamPresenceEvent().Leaves[0].Username != "bob" {
		t.Errorf("got %v, want bob's leave", e)
	}
	if n := len(bob.take()); n != 0 {
		t.Errorf("who left got %d events", n)
	}
	track(bob, Meta{})
	ann.take()
	f.UntrackStream(room, 0)
	f.Tracker.Close()
	if e := ann.take(); len(e) != 0 {
		t.Errorf("a closed stream told %v", e)
	}
}

// Events of one stream that wait together are one event, except where a session
// came and went, which keep their order.
func TestGrouping(t *testing.T) {
	t.Parallel()
	s := Stream{Mode: 8}
	p := func(n byte) *Presence { return &Presence{ID: ID{Session: uuid.UUID{n}}} }
	got := group([]event{
		{stream: s, join: p(1)}, {stream: s, join: p(2)}, {stream: Stream{Mode: 9}, join: p(1)},
		{stream: s, leave: p(1)}, {stream: s, join: p(3)}, {stream: s, join: p(1)}, {stream: s, join: p(4), leave: p(4)},
	})
	var lines []string
	for _, c := range got {
		line := fmt.Sprint(c.stream.Mode, ":")
		for _, j := range c.joins {
			line += fmt.Sprint(" +", j.Session[0])
		}
		for _, l := range c.leaves {
			line += fmt.Sprint(" -", l.Session[0])
		}
		lines = append(lines, line)
	}
	want := []string{"8: +1 +2", "9: +1", "8: +3 -1", "8: +1 +4 -4"}
	if !slices.Equal(lines, want) {
		t.Errorf("grouped as %q, want %q", lines, want)
	}
}

func TestFollowers(t *testing.T) {
	t.Parallel()
	f := newField(0)
	ann, fan, other := f.session("ann"), f.session("fan"), f.session("other")
	f.Follow(ann.id, ann.user)
	f.Follow(fan.id, ann.user, ann.user)
	_, _, _ = f.Track(ann.id, StatusOf(ann.user), Meta{Status: "here"})
	f.Tracker.Close()
	for _, s := range []*fake{ann, fan} {
		e := s.take()
		if len(e) != 1 || e[0].GetStatusPresenceEvent().GetJoins()[0].Status.GetValue() != "here" {
			t.Errorf("%s got %v", s.name, e)
		}
	}
	if len(other.take()) != 0 {
		t.Error("who does not follow was told")
	}
	if !f.Online(ann.user) || !slices.Equal(f.OnlineMany([]uuid.UUID{fan.user, ann.user}), []bool{false, true}) {
		t.Error("online is wrong")
	}
	f.Unfollow(fan.id, ann.user)
	f.End(ann.id, runtime.PresenceReasonDisconnect)
	f.Tracker.Close()
	if len(fan.take()) != 0 || f.Online(ann.user) {
		t.Error("an unfollowed status was told, or the user stayed online")
	}
	f.follows.mu.Lock()
	defer f.follows.mu.Unlock()
	if len(f.follows.followed)+len(f.follows.followers) != 0 {
		t.Errorf("follows are left: %v", &f.follows)
	}
}

// A full queue of events makes those wait who cause more, and loses none.
func TestEventQueueBound(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newField(2)
		room := Stream{Mode: 8, Label: "room"}
		slow := &gate{fake: f.session("slow"), open: make(chan struct{})}
		f.sessions.Remove(slow.id)
		f.sessions.Add(slow)
		_, _, _ = f.Track(slow.id, room, Meta{})
		synctest.Wait() // the sender is stuck at the gate
		var done sync.WaitGroup
		for i := range 10 {
			s := f.session(fmt.Sprint(i))
			done.Go(func() { _, _, _ = f.Track(s.id, room, Meta{}) })
		}
		synctest.Wait()
		if n := f.Count(room); n >= 11 || n < 3 {
			t.Errorf("%d are on the stream, want the rest to wait", n)
		}
		close(slow.open)
		done.Wait()
		f.Tracker.Close()
		joins := 0
		for _, e := range slow.take() {
			joins += len(e.GetStreamPresenceEvent().GetJoins())
		}
		if joins != 11 {
			t.Errorf("%d joins were told of, want 11", joins)
		}
	})
}

type gate struct {
	*fake
	open chan struct{}
}

func (g *gate) Send(m *Message) { <-g.open; g.fake.Send(m) }

func TestRouter(t *testing.T) {
	t.Parallel()
	f := newField(0)
	room := Stream{Mode: 8}
	var all []*fake
	for i := range 4 {
		s := f.session(fmt.Sprint(i))
		_, _, _ = f.Track(s.id, room, Meta{Hidden: true})
		all = append(all, s)
	}
	out := f.session("out")
	m := NewMessage(&rtapi.Envelope{Message: &rtapi.Envelope_Pong{Pong: &rtapi.Pong{}}})
	counts := func() (n [5]int) {
		for i, s := range append(all, out) {
			n[i] = len(s.take())
		}
		return n
	}
	check := func(what string, sent, wantSent int, want [5]int) {
		t.Helper()
		if got := counts(); got != want || sent != wantSent {
			t.Errorf("%s: %v got it, %d said, want %v, %d", what, got, sent, want, wantSent)
		}
	}
	check("stream", f.router.SendToStream(room, m), 4, [5]int{1, 1, 1, 1, 0})
	check("but one", f.router.SendToStreamExcept(room, all[1].id, m), 3, [5]int{1, 0, 1, 1, 0})
	check("presences", f.router.SendToPresences([]ID{{"here", out.id}, {"", all[0].id}, {"mars", all[1].id}, {"here", uuid.Nil}}, m), 2, [5]int{1, 0, 0, 0, 1})
	check("user", f.router.SendToUser(all[2].user, m), 1, [5]int{0, 0, 1, 0, 0})
	f.router.SendToAll(m)
	check("all", 0, 0, [5]int{1, 1, 1, 1, 1})
	from := func(p *Presence) *Message { return m }
	check("relay", f.router.Relay(room, all[0].id, nil, from), 3, [5]int{0, 1, 1, 1, 0})
	check("relay to some", f.router.Relay(room, all[0].id, []uuid.UUID{all[0].id, all[3].id, out.id}, from), 2, [5]int{1, 0, 0, 1, 0})
	check("relay of a stranger", f.router.Relay(room, out.id, nil, from), 0, [5]int{})
}

func TestSessions(t *testing.T) {
	t.Parallel()
	f := newField(0)
	a := f.session("a")
	b := &fake{id: uuid.Must(NewSessionID(NodeHash("here"))), user: a.user}
	f.sessions.Add(b)
	if got := f.sessions.OfUser(a.user); len(got) != 2 || got[0].ID() != a.id || got[1].ID() != b.id {
		t.Errorf("sessions of the user: %v", got)
	}
	n := 0
	f.sessions.Each(func(Session) bool { n++; return true })
	if n != 2 || f.sessions.Count() != 2 {
		t.Errorf("%d visited, %d counted", n, f.sessions.Count())
	}
	f.sessions.Remove(a.id)
	f.sessions.Remove(a.id)
	if f.sessions.Get(a.id) != nil || f.sessions.Count() != 1 || len(f.sessions.OfUser(a.user)) != 1 {
		t.Error("a removed session is still there")
	}
	f.sessions.Remove(b.id)
	if len(f.sessions.OfUser(a.user)) != 0 {
		t.Error("the user still has sessions")
	}
	if _, _, err := f.Track(a.id, Stream{Mode: 8}, Meta{}); !errors.Is(err, ErrNoSession) {
		t.Errorf("error %v for a session that is gone", err)
	}
}

// Many goroutines at once, for the race detector; in the end nothing is left.
func TestTrackerConcurrently(t *testing.T) {
	t.Parallel()
	f := newField(8)
	room := Stream{Mode: 8, Label: "room"}
	m := NewMessage(&rtapi.Envelope{Message: &rtapi.Envelope_Pong{Pong: &rtapi.Pong{}}})
	var all sync.WaitGroup
	for i := range 8 {
		s := f.session(fmt.Sprint(i))
		all.Go(func() {
			for n := range 200 {
				_, _, _ = f.Track(s.id, room, Meta{})
				_, _, _ = f.Track(s.id, Stream{Mode: 9, Label: fmt.Sprint(n % 5)}, Meta{})
				f.router.SendToStream(room, m)
				_, _ = f.Update(s.id, room, Meta{Status: "x"})
				f.List(room, true, true)
				if n%3 == 0 {
					f.Untrack(s.id, room, 0)
				}
				if n%7 == 0 {
					f.UntrackStream(room, 0)
				}
			}
			f.End(s.id, 0)
			f.sessions.Remove(s.id)
		})
	}
	all.Wait()
	f.Tracker.Close()
	if f.Total() != 0 || f.sessions.Count() != 0 {
		t.Errorf("%d presences and %d sessions are left", f.Total(), f.sessions.Count())
	}
	for i := range f.shards {
		if len(f.shards[i].by) > 0 {
			t.Errorf("streams are left: %v", f.shards[i].by)
		}
	}
}

func BenchmarkSendToStream(b *testing.B) {
	f := newField(0)
	room := Stream{Mode: 8}
	for range 100 {
		made := f.session("s")
		s := &sink{fake{id: made.id, user: made.user}}
		f.sessions.Remove(s.id)
		f.sessions.Add(s)
		_, _, _ = f.Track(s.id, room, Meta{Hidden: true})
	}
	b.ReportAllocs()
	for b.Loop() {
		f.router.SendToStream(room, NewMatchData("m", nil, 1, []byte("x"), true))
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/100, "ns/receiver")
}

type sink struct{ fake }

func (s *sink) Send(m *Message) { _, _ = m.Bytes(JSON) }
