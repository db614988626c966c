// Package cluster makes several processes one server: it knows which nodes there are and
// whether they live, and carries calls, items and broadcasts between them.
//
// Each node tells only of what is its own, and judges for itself which others it hears:
// there is no majority and no leader here. Nothing is stored but the epoch of each name,
// in the database, which package core keeps.
//
// One goroutine of a node, its loop, receives everything: it calls the handlers of items
// and broadcasts, and tells of changes of peers, one after the other and in the order in
// which things arrived. So these must not block, and must not wait for a call. Time is
// that of package time; tests run in bubbles of testing/synctest.
package cluster

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"kumi/cluster/bus"
	"kumi/cluster/wire"
	"kumi/presence"
)

// Options are what a node is made from.
type Options struct {
	// Name differs for each node of the cluster.
	Name string
	// Epoch is higher than that of every earlier process with this name.
	Epoch uint64
	Bus   bus.Bus
	Log   zerolog.Logger

	// Version is the program's, Address the one that other nodes reach this node at.
	Version, Address string
	// Fingerprint is that of the keys that all nodes must share. Nodes with another one
	// do not join.
	Fingerprint []byte
	// Expect are the nodes that were alive a short time ago. A node that joins waits for
	// them for a while.
	Expect []string
	// Restarted says that an earlier process of this name ended without a word, or may
	// still be alive. A node that joins waits for its objection.
	Restarted bool

	// DownAfter and LostAfter are how long a peer may be silent: 1.5 s and 10 s if zero.
	DownAfter, LostAfter time.Duration
	// Buffer limits the bytes that all links together hold to send them again: 256 MiB if
	// zero.
	Buffer int64
	// Begin, if it is set, is called by Start to fill in what is known only then: Epoch,
	// Bus, Address, Expect and Restarted.
	Begin func(ctx context.Context, o *Options) error
	// Replaced is called once, on a goroutine of its own, when a newer process has this
	// node's name. The process should end.
	Replaced func(error)
}

// Node is this process as a member of the cluster. Its methods may be called from any
// goroutine unless they say otherwise.
type Node struct {
	options Options
	self    presence.NodeID
	log     zerolog.Logger
	bus     bus.Bus
	state   atomic.Int32           // a wire.State
	digest  atomic.Pointer[string] // of this node's modules, once it was told

	on handlers

	mu    sync.RWMutex
	peers map[presence.NodeID]*peer
	names map[string]presence.NodeID

	calls    openCalls
	buffered atomic.Int64 // bytes in the send buffers of all links
	counts   counts

	// Those of the loop.
	beats     int
	ticked    time.Time // the last tick
	patient   int       // ticks in which no peer counts as silent
	beatSoon  bool
	strangers map[presence.NodeID]uint64 // nodes that were refused, with their epochs

	started  atomic.Bool
	context  context.Context // ends with Stop
	cancel   context.CancelFunc
	refused  chan error    // an objection against this node's joining
	heard    chan struct{} // has something when a peer was heard first
	stopped  chan struct{} // closed when the loop has ended
	replaced sync.Once
	wait     sync.WaitGroup
}

// goodbye is how long the links may take for their last items, and the bus for a node's
// last beat.
const goodbye = time.Second

// New makes a node. Handlers are added before Start.
func New(o Options) *Node {
	if o.DownAfter == 0 {
		o.DownAfter = 1500 * time.Millisecond
	}
	if o.LostAfter == 0 {
		o.LostAfter = 10 * time.Second
	}
	if o.Buffer == 0 {
		o.Buffer = 256 << 20
	}
	n := &Node{
		options: o, self: presence.NodeHash(o.Name), bus: o.Bus,
		log:   o.Log,
		peers: map[presence.NodeID]*peer{}, names: map[string]presence.NodeID{}, strangers: map[presence.NodeID]uint64{},
		refused: make(chan error, 1), heard: make(chan struct{}, 1), stopped: make(chan struct{}),
	}
	n.on.init()
	n.calls.init()
	n.context, n.cancel = context.WithCancel(context.Background())
	n.state.Store(int32(wire.State_STATE_JOINING))
	return n
}

// Self returns this node's id.
func (n *Node) Self() presence.NodeID { return n.self }

// Name returns this node's name.
func (n *Node) Name() string { return n.options.Name }

// Epoch returns the number of this process among those that had the node's name, from
// Start on.
func (n *Node) Epoch() uint64 { return n.options.Epoch }

// State returns what this node says of itself: Joining, Ready or Draining.
func (n *Node) State() State { return stateOf(wire.State(n.state.Load())) }

// Drain tells the others, at the next beat, to place nothing new on this node. It does
// nothing unless the node is ready: one that has failed to join has left.
func (n *Node) Drain() {
	n.state.CompareAndSwap(int32(wire.State_STATE_READY), int32(wire.State_STATE_DRAINING))
}

// Peers returns all other nodes that are not lost.
func (n *Node) Peers() []Peer {
	n.mu.RLock()
	defer n.mu.RUnlock()
	list := make([]Peer, 0, len(n.peers))
	for _, p := range n.peers {
		if p.State != Lost {
			list = append(list, p.Peer)
		}
	}
	return list
}

// Peer returns another node, unless it is unknown or lost.
func (n *Node) Peer(id presence.NodeID) (Peer, bool) {
	n.mu.RLock()
	defer n.mu.RUnlock()
	p := n.peers[id]
	if p == nil || p.State == Lost {
		return Peer{}, false
	}
	return p.Peer, true
}

// ByName returns another node by its name, unless it is unknown or lost. Names of nodes
// come from clients' texts, too.
func (n *Node) ByName(name string) (Peer, bool) {
	n.mu.RLock()
	id, ok := n.names[name]
	n.mu.RUnlock()
	if !ok {
		return Peer{}, false
	}
	return n.Peer(id)
}

// find returns a peer that is known, lost or not, or nil.
func (n *Node) find(id presence.NodeID) *peer {
	n.mu.RLock()
	defer n.mu.RUnlock()
	return n.peers[id]
}

// Stop sends what waits in the links, says goodbye and closes the bus. The others take
// this node's presences off at once. It may be called once, also after a Start that
// failed.
func (n *Node) Stop() {
	n.flush()
	n.leave()
	if n.started.Load() {
		select {
		case <-n.stopped:
		case <-time.After(goodbye):
		}
	}
	if n.bus != nil {
		n.bus.Close()
	}
	for _, p := range n.all() {
		p.out.close()
	}
	n.calls.fail(nil, errStopped)
	n.wait.Wait()
}

// flush waits until the links have sent what they have, for a short time: a peer may be
// slow or silent.
func (n *Node) flush() {
	deadline := time.Now().Add(goodbye)
	for _, p := range n.all() {
		for p.out.busy() && time.Now().Before(deadline) && n.context.Err() == nil {
			time.Sleep(frameEvery)
		}
	}
}

// leave makes the loop say goodbye and end.
func (n *Node) leave() {
	n.state.Store(int32(wire.State_STATE_GONE))
	n.cancel()
}

func (n *Node) all() []*peer {
	n.mu.RLock()
	defer n.mu.RUnlock()
	list := make([]*peer, 0, len(n.peers))
	for _, p := range n.peers {
		list = append(list, p)
	}
	return list
}
