package presence

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

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

// The tracker against a plain model: same members, same answers, and a
// consistent listener.
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

// Many goroutines concurrently, for the race detector; in the end nothing is
// left.
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
		if len(f.shards[i].streams) > 0 {
			t.Errorf("streams are left: %v", f.shards[i].streams)
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
