package matchmaker

import (
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/heroiclabs/nakama-common/runtime"
)

// collected collects what callbacks report.
type collected[T any] struct {
	mu   sync.Mutex
	list []T
}

func (g *collected[T]) add(values ...T) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.list = append(g.list, values...)
}

func (g *collected[T]) take() []T {
	g.mu.Lock()
	defer g.mu.Unlock()
	list := g.list
	g.list = nil
	return list
}

func TestInterval(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var matches collected[*Match]
		m := New(Options{OnMatched: func(match *Match) { matches.add(match) }})
		m.Start()
		m.Start() // changes nothing
		defer m.Stop()
		add(t, m, solo(1, 2, 3))
		add(t, m, solo(2, 2, 3))
		after := func(d time.Duration, want int) {
			t.Helper()
			time.Sleep(d) // of the bubble's clock
			synctest.Wait()
			if got := matches.take(); len(got) != want {
				t.Errorf("%d matches, want %d", len(got), want)
			}
		}
		after(15*time.Second, 0)
		after(14*time.Second, 0)
		after(time.Second, 1)
		add(t, m, solo(1, 2, 2))
		add(t, m, solo(2, 2, 2))
		after(14*time.Second, 0)
		after(time.Second, 1)
	})
}

func TestTimeout(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var late collected[*Ticket]
		m := New(Options{TicketTimeout: 20 * time.Second, OnTimeout: func(list []*Ticket) { late.add(list...) }})
		m.Start()
		defer m.Stop()
		time.Sleep(7 * time.Second)
		first := add(t, m, solo(1, 2, 3))
		time.Sleep(2 * time.Second)
		second := add(t, m, solo(2, 3, 3))
		gone := func(d time.Duration, want ...*Ticket) {
			t.Helper()
			time.Sleep(d)
			synctest.Wait()
			got := late.take()
			if len(got) != len(want) {
				t.Fatalf("%d timed out, want %d", len(got), len(want))
			}
			for i, ticket := range want {
				if got[i] != ticket {
					t.Errorf("timed out: %v, want %v", got[i].ID, ticket.ID)
				}
				if _, ok := m.Ticket(ticket.ID); ok {
					t.Error("a ticket that timed out is still in the pool")
				}
			}
		}
		gone(17 * time.Second)
		gone(time.Second, first)
		gone(time.Second)
		gone(time.Second, second)
		gone(time.Hour)
	})
}

func TestStop(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		var called atomic.Int32
		m := New(Options{Workers: 2, OnMatched: func(*Match) {
			called.Add(1)
			<-release
		}})
		m.Start()
		for n := range 6 {
			add(t, m, solo(n, 2, 2))
		}
		time.Sleep(15 * time.Second)
		synctest.Wait()
		if n := called.Load(); n != 2 {
			t.Errorf("%d calls at a time, want 2", n)
		}
		stopped := make(chan struct{})
		go func() { m.Stop(); m.Stop(); close(stopped) }()
		synctest.Wait()
		select {
		case <-stopped:
			t.Error("stopped while calls were running")
		default:
		}
		if _, err := m.Add(solo(9, 2, 2)); !errors.Is(err, runtime.ErrMatchmakerNotAvailable) {
			t.Errorf("error %v, want not available", err)
		}
		close(release)
		<-stopped
		if n := called.Load(); n != 3 {
			t.Errorf("%d calls, want all 3", n)
		}
	})
}

func TestPanicOfCallback(t *testing.T) {
	t.Parallel()
	var called atomic.Int32
	m := New(Options{Workers: 1, OnMatched: func(*Match) {
		if called.Add(1) == 1 {
			panic("a bug above")
		}
	}})
	for n := range 4 {
		add(t, m, solo(n, 2, 2))
	}
	m.Process()
	m.Stop()
	if n := called.Load(); n != 2 {
		t.Errorf("%d calls, want 2", n)
	}
}

// passCounts is what a pass reports.
type passCounts struct {
	tickets, active, matches, players, timedOut int
}

func (c *passCounts) MatchmakerPass(tickets, active int, _ time.Duration) {
	c.tickets, c.active = tickets, active
}
func (c *passCounts) MatchmakerFormed(matches, players int) { c.matches, c.players = matches, players }
func (c *passCounts) MatchmakerTimedOut(tickets int)        { c.timedOut += tickets }
func (c *passCounts) MatchmakerLeads(bool)                  {}

func TestMetrics(t *testing.T) {
	t.Parallel()
	var c passCounts
	time := &clock{}
	m := New(Options{Metrics: &c, Now: time.now, Rand: inOrder(), TicketTimeout: 100e9})
	add(t, m, solo(1, 2, 2).query("+properties.none:x"))
	m.Process()
	add(t, m, party("p", 3, 3, 2, 3))
	add(t, m, solo(4, 3, 3))
	m.Process()
	if want := (passCounts{tickets: 3, active: 2, matches: 1, players: 3}); c != want {
		t.Errorf("counted %+v, want %+v", c, want)
	}
	time.at.Add(200)
	m.Process()
	if want := (passCounts{tickets: 1, timedOut: 1}); c != want {
		t.Errorf("counted %+v, want %+v", c, want)
	}
}

// TestPassHoldsNoLock adds, removes and asks in the middle of a pass.
func TestPassHoldsNoLock(t *testing.T) {
	t.Parallel()
	var m *Matchmaker
	m = New(Options{Hooks: func() Hooks {
		return Hooks{Processor: func(all []runtime.MatchmakerEntry) [][]runtime.MatchmakerEntry {
			later, err := m.Add(solo(3, 2, 2))
			if err != nil {
				t.Error(err)
			}
			if _, err := m.Explain(later.ID); err != nil {
				t.Error(err)
			}
			if n := m.RemoveSession(session(2)); n != 1 {
				t.Errorf("%d removed", n)
			}
			return [][]runtime.MatchmakerEntry{all}
		}}
	}})
	add(t, m, solo(1, 2, 2))
	add(t, m, solo(2, 2, 2))
	if got := show(m.Process()); got != "" {
		t.Errorf("formed %q with a player who left meanwhile", got)
	}
	if s := m.Stats(); s.Tickets != 2 {
		t.Errorf("%d tickets, want the one that stayed and the one that came", s.Tickets)
	}
}

// TestConcurrent has sessions add, remove and end while passes run, and checks
// that no session is in two matches with one ticket and that nothing is left
// behind.
func TestConcurrent(t *testing.T) {
	t.Parallel()
	const workers, rounds = 8, 300
	var matched sync.Map // ticket id
	m := New(Options{MaxTickets: 3, MaxIntervals: 3, OnMatched: func(match *Match) {
		for _, e := range match.Entries {
			if other, twice := matched.LoadOrStore(e.Ticket.ID, match); twice && other != match {
				t.Errorf("ticket %s is in two matches", e.Ticket.ID)
			}
		}
	}})
	stop := make(chan struct{})
	var passes, players sync.WaitGroup
	passes.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				m.Process()
			}
		}
	})
	var removed sync.Map
	for w := range workers {
		players.Go(func() {
			r := rand.New(rand.NewPCG(uint64(w), 1))
			for n := range rounds {
				id := w*rounds*4 + n*4
				request := solo(id, 2, 2+r.IntN(3))
				if r.IntN(4) == 0 {
					request = party(string(rune('a'+w)), 2, 4, id, id+1)
				}
				ticket, err := m.Add(request.num("rank", float64(r.IntN(10))).query("+properties.rank:>2"))
				if err != nil && !errors.Is(err, runtime.ErrMatchmakerTooManyTickets) {
					t.Error(err)
				}
				if err != nil {
					m.RemoveParty(request.PartyID)
					continue
				}
				switch r.IntN(6) {
				case 0:
					if m.Remove(ticket.ID) == nil {
						removed.Store(ticket.ID, true)
					}
				case 1:
					m.RemoveSession(session(id))
				case 2:
					if _, err := m.Explain(ticket.ID); err != nil && !errors.Is(err, runtime.ErrMatchmakerTicketNotFound) {
						t.Error(err)
					}
				case 3:
					m.Stats()
				}
			}
		})
	}
	players.Wait()
	close(stop)
	passes.Wait()
	m.Stop()
	removed.Range(func(id, _ any) bool {
		if _, both := matched.Load(id); both {
			t.Errorf("ticket %v was removed and matched", id)
		}
		return true
	})
	for _, ticket := range m.tickets {
		m.Remove(ticket.ID)
	}
	if len(m.tickets)+len(m.sessions)+len(m.parties) != 0 || m.order.oldest() != nil {
		t.Errorf("left behind: %d tickets, %d sessions, %d parties", len(m.tickets), len(m.sessions), len(m.parties))
	}
}
