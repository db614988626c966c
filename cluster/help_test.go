package cluster_test

import (
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"kumi/cluster"
	"kumi/cluster/bus/bustest"
	"kumi/cluster/wire"
	"kumi/presence"
)

// world has several nodes in one process, on a network in memory.
type world struct {
	net   *bustest.Net
	nodes map[string]*member // that run
	names sync.Map           // of all that were made, by id
	store *snapshots         // see keep
	// snapshotTicks is how often snapshots of matches are taken; 0: when a node ends.
	snapshotTicks int
}

// member is a node that keeps what it hears.
type member struct {
	*cluster.Node
	name string
	bus  *bustest.Bus

	mu     sync.Mutex
	events []string
	items  map[string][]int64 // by the sender's name
}

func newWorld(seed uint64) *world {
	return &world{net: bustest.New(seed), nodes: map[string]*member{}}
}

// node makes a node that is not started. Each change of options is applied.
func (w *world) node(name string, epoch uint64, changes ...func(*cluster.Options)) *member {
	return w.nodeAt(name, name, epoch, changes...)
}

// nodeAt makes a node whose place in the network has another name.
func (w *world) nodeAt(place, name string, epoch uint64, changes ...func(*cluster.Options)) *member {
	m := &member{name: name, bus: w.net.Bus(place), items: map[string][]int64{}}
	o := cluster.Options{Name: name, Epoch: epoch, Bus: m.bus, Log: zerolog.Nop()}
	for _, change := range changes {
		change(&o)
	}
	m.Node = cluster.New(o)
	m.OnPeer(func(p cluster.Peer, was cluster.State) {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.events = append(m.events, fmt.Sprintf("%s/%d %s→%s", p.Name, p.Epoch, was, p.State))
	})
	cluster.HandleItem(m.Node, wire.Kind_KIND_TEST, func(from presence.NodeID, in *wrapperspb.Int64Value) {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.items[w.nameOf(from)] = append(m.items[w.nameOf(from)], in.Value)
	})
	w.nodes[name] = m
	w.names.Store(presence.NodeHash(name), name)
	return m
}

func (w *world) nameOf(id presence.NodeID) string {
	if name, ok := w.names.Load(id); ok {
		return name.(string)
	}
	return id.String()
}

// start starts nodes, one after the other.
func (w *world) start(t *testing.T, members ...*member) {
	t.Helper()
	for _, m := range members {
		if err := m.Start(t.Context()); err != nil {
			t.Fatalf("start %s: %v", m.name, err)
		}
	}
}

// stop ends all nodes that a test has left.
func (w *world) stop() {
	for _, m := range w.nodes {
		m.Stop()
	}
	after(time.Minute) // what is on its way ends
}

// kill ends a node without a word.
func (m *member) kill(w *world) {
	m.bus.Close()
	m.Stop()
	delete(w.nodes, m.name)
}

// send sends a numbered item.
func (m *member) send(to string, number int64, reliable bool) {
	m.Send(presence.NodeHash(to), wire.Kind_KIND_TEST, wrapperspb.Int64(number), reliable)
}

// fill sends 10 KiB that nobody handles.
func (m *member) fill(to string, reliable bool) {
	m.SendEncoded(presence.NodeHash(to), wire.Kind_KIND_UNKNOWN, make([]byte, 10<<10), reliable)
}

// got returns what has arrived from a node.
func (m *member) got(from string) []int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return append([]int64(nil), m.items[from]...)
}

// heard returns the changes of peers since the last call.
func (m *member) heard() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	events := m.events
	m.events = nil
	return events
}

// bubble runs a test in virtual time.
func bubble(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, f)
}

// bubbleOf is bubble for one of several cases of a test.
func bubbleOf(t *testing.T, name string, f func(t *testing.T)) {
	t.Helper()
	t.Run(name, func(t *testing.T) { bubble(t, f) })
}

// after lets virtual time pass, and what happens at its end.
func after(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}
