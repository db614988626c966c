package cluster_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/heroiclabs/nakama-common/runtime"
	"pgregory.net/rapid"

	"kumi/cluster"
	"kumi/presence"
)

// step is something that happens to a cluster of three nodes, after some time.
type step struct {
	do    string
	node  int
	which int // a socket of the node, or another node
	on    int // a stream
	flag  bool
	wait  time.Duration
}

var trialStreams = []presence.Stream{
	{Mode: 8, Label: "one"}, {Mode: 8, Label: "two"}, {Mode: 9, Label: "three"}, presence.RelayedMatch(uuid.UUID{1}),
}

// deeds are what may happen; those that are named twice happen more often.
var deeds = []string{
	"open", "open", "join", "join", "join", "join", "join", "join", "leave", "leave", "leave", "update", "update", "persist", "status", "follow", "end", "end", "clear", "kick",
	"cut", "cut one way", "heal", "heal", "lose", "delay", "repeat", "pause", "resume", "resume", "kill", "start", "start",
}

var anyStep = rapid.Custom(func(t *rapid.T) step {
	// Most steps are close to each other, some after which a node is down or lost.
	wait := rapid.OneOf(rapid.Just(0), rapid.IntRange(0, 20), rapid.IntRange(0, 20), rapid.IntRange(0, 500), rapid.SampledFrom([]int{700, 2000, 2000, 12000}))
	return step{
		do:   rapid.SampledFrom(deeds).Draw(t, "do"),
		node: rapid.IntRange(0, 2).Draw(t, "node"), which: rapid.IntRange(0, 5).Draw(t, "which"), on: rapid.IntRange(0, len(trialStreams)-1).Draw(t, "on"),
		flag: rapid.Bool().Draw(t, "flag"), wait: time.Duration(wait.Draw(t, "wait")) * time.Millisecond,
	}
})

// Whatever happens to three nodes and the network between them, afterwards all copies
// equal what their owners have, and every client has seen each join and leave once and in
// order.
func TestPresencesModel(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		steps := rapid.SliceOfN(anyStep, 10, 50).Draw(rt, "steps")
		seed := rapid.Uint64().Draw(rt, "seed")
		var wrong []string
		synctest.Test(t, func(t *testing.T) { wrong = run(t, seed, steps) })
		for _, line := range wrong {
			rt.Error(line)
		}
	})
}

// trial is a cluster of three nodes under test.
type trial struct {
	*world
	t       *testing.T
	hosts   [3]*host // nil for one that was killed
	epochs  [3]uint64
	paused  [3]bool
	sockets [3][]*socket
	ever    []*socket
	count   int
	wrong   []string
}

var trialNames = [3]string{"a", "b", "c"}

func run(t *testing.T, seed uint64, steps []step) []string {
	m := &trial{world: newWorld(seed), t: t}
	defer m.stop()
	for i := range trialNames {
		m.start(i)
	}
	for i := range trialNames {
		for which := range 2 {
			m.do(step{do: "open", node: i})
			for on := range trialStreams {
				m.do(step{do: "join", node: i, which: which, on: on})
				m.do(step{do: "follow", node: i, which: which, on: on})
			}
		}
	}
	for _, s := range steps {
		m.do(s)
		time.Sleep(s.wait)
	}
	m.net.Heal()
	m.net.Delay(0, 0)
	for i := range trialNames {
		m.net.Resume(trialNames[i])
	}
	after(13 * time.Second)
	m.check()
	return m.wrong
}

func (m *trial) start(i int) {
	m.epochs[i]++
	h := m.world.host(trialNames[i], m.epochs[i], func(o *cluster.Options) { o.Restarted = m.epochs[i] > 1 })
	if err := h.Start(m.t.Context()); err != nil {
		m.wrong = append(m.wrong, fmt.Sprintf("start %s: %v", trialNames[i], err))
	}
	m.hosts[i], m.sockets[i], m.paused[i] = h, nil, false
}

func (m *trial) do(s step) {
	other := trialNames[(s.node+1+s.which%2)%3]
	switch s.do { // what happens to the network
	case "cut":
		m.net.Cut(trialNames[s.node], other)
		return
	case "cut one way":
		m.net.CutOneWay(trialNames[s.node], other)
		return
	case "heal":
		m.net.Heal()
		return
	case "lose":
		m.net.Lose(0.3)
		return
	case "repeat":
		m.net.Repeat(0.3)
		return
	case "delay":
		m.net.Delay(0, time.Duration(2*s.which*s.which)*time.Millisecond)
		return
	}
	h := m.hosts[s.node]
	switch { // to a node
	case s.do == "start" && h == nil:
		m.start(s.node)
		return
	case h == nil:
		return
	case s.do == "resume":
		m.net.Resume(trialNames[s.node])
		m.paused[s.node] = false
		return
	case m.paused[s.node]:
		return
	case s.do == "pause":
		m.net.Pause(trialNames[s.node])
		m.paused[s.node] = true
		return
	case s.do == "kill":
		h.kill(m.world)
		m.hosts[s.node], m.sockets[s.node] = nil, nil
		return
	case s.do == "open":
		m.count++
		who := h.open(fmt.Sprint(trialNames[s.node], m.count))
		m.sockets[s.node], m.ever = append(m.sockets[s.node], who), append(m.ever, who)
		return
	case s.do == "clear":
		h.tracker.UntrackStream(trialStreams[s.on], runtime.PresenceReasonLeave)
		return
	}
	all := m.sockets[s.node]
	if len(all) == 0 {
		return
	}
	who, stream := all[s.which%len(all)], trialStreams[s.on]
	switch s.do { // to a client
	case "join":
		who.join(stream, presence.Meta{Hidden: s.flag && s.which == 0, Username: m.unique(who)})
	case "leave":
		who.leave(stream)
	case "update":
		if h.tracker.Get(who.id, stream) != nil {
			_, _ = h.tracker.Update(who.id, stream, presence.Meta{Hidden: s.flag && s.which == 0, Status: fmt.Sprint(s.which), Username: m.unique(who)})
		}
	case "persist":
		h.tracker.Persist(who.id, stream, s.flag)
	case "status":
		_, _ = h.tracker.Update(who.id, presence.StatusOf(who.user), presence.Meta{Status: fmt.Sprint(s.on), Username: m.unique(who)})
	case "follow":
		if some := m.sockets[s.on%3]; len(some) > 0 {
			who.follow(some[s.which%len(some)].user)
		}
	case "kick":
		if some := m.sockets[s.on%3]; len(some) > 0 {
			h.tracker.UntrackUser(some[s.which%len(some)].user, stream, runtime.PresenceReasonLeave)
		}
	case "end":
		who.end()
		m.sockets[s.node] = slices.Delete(all, s.which%len(all), s.which%len(all)+1)
	}
}

// unique is a name by which clients can tell one join of a session from the next.
func (m *trial) unique(who *socket) string {
	m.count++
	return fmt.Sprint(who.name, "#", m.count)
}

// downs is how often other nodes were down or lost for a node. As often a presence may
// have come again.
func (h *host) downs() (n int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, e := range h.events {
		if strings.HasSuffix(e, "→down") || strings.HasSuffix(e, "→lost") {
			n++
		}
	}
	return n
}

// check compares the nodes with each other, and the clients with their nodes.
func (m *trial) check() {
	bad := func(format string, args ...any) { m.wrong = append(m.wrong, fmt.Sprintf(format, args...)) }
	on := slices.Clone(trialStreams)
	for _, all := range m.sockets {
		for _, s := range all {
			on = append(on, presence.StatusOf(s.user), presence.NotificationsOf(s.user))
		}
	}
	want, total := map[string]bool{}, 0
	for _, h := range m.hosts {
		if h == nil {
			continue
		}
		total += h.tracker.Own()
		for part := range presence.Parts {
			_, ops := h.tracker.Part(part)
			for _, op := range ops {
				if op.Kind == presence.OpTrack {
					want[fmt.Sprint(op.Session, op.Stream, op.Hidden, op.Persistence, op.Status)] = true
				}
			}
		}
	}
	for _, s := range m.ever {
		m.wrong = append(m.wrong, s.mistakes(1+s.host.downs())...)
	}
	for i, h := range m.hosts {
		if h == nil {
			continue
		}
		got := map[string]bool{}
		for _, s := range on {
			for _, p := range h.tracker.List(s, true, true) {
				got[fmt.Sprint(p.Session, s, p.Hidden, p.Persistence, p.Status)] = true
			}
		}
		for k := range maps.Keys(want) {
			if !got[k] {
				bad("%s has not got %s", trialNames[i], k)
			}
		}
		for k := range maps.Keys(got) {
			if !want[k] {
				bad("%s has the ghost %s", trialNames[i], k)
			}
		}
		if n := h.tracker.Total(); n != total || n != len(want) {
			bad("%s counts %d presences, there are %d", trialNames[i], n, total)
		}
		if s := h.Presences.Stats(); s.Diverged != 0 {
			bad("%s: %+v", trialNames[i], s)
		}
		for _, all := range m.sockets {
			for _, s := range all {
				if h.router.Session(s.id) == nil {
					bad("%s does not know the session of %s", trialNames[i], s.name)
				}
			}
		}
		for _, s := range m.sockets[i] {
			m.wrong = append(m.wrong, s.check()...)
		}
	}
}
