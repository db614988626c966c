package cluster

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/gofrs/uuid/v5"

	"kumi/cluster/wire"
	"kumi/presence"
)

// PresencesOptions are what a node's presences are shared from. The functions may be nil,
// they are those of presence.Links.
type PresencesOptions struct {
	Tracker *presence.Tracker
	Router  *presence.Router

	Opened  func(from presence.NodeID, user, session uuid.UUID, replaces []uuid.UUID)
	Ordered func(from presence.NodeID, payload []byte)
	// Copied is called when all that a node has was copied: this node may have missed
	// what the other told it to do. It must not block.
	Copied func()
}

// Presences shares the presences of this node with the others and keeps copies of theirs,
// and carries messages to their sessions. Its methods may be called from any goroutine.
type Presences struct {
	node    *Node
	tracker *presence.Tracker
	router  *presence.Router
	log     *opLog
	parts   partServer
	copied  func()
	pulling chan struct{} // has an element for each snapshot that is taken

	mu        sync.Mutex
	followers map[presence.NodeID]*follower
	outboxes  sync.Map // of *outbox by presence.NodeID

	counts struct{ resent, snapshots, diverged atomic.Int64 }
}

// PresencesStats are figures of the copies, for metrics.
type PresencesStats struct {
	// Resent is how often operations were asked for that did not arrive, Snapshots how
	// often all that a node has was copied.
	Resent, Snapshots int64
	// Diverged is how often a copy differed from what the node has: it must be 0.
	Diverged int64
}

// SharePresences connects a tracker to the cluster. It is called before the node starts
// and before a session opens.
func SharePresences(n *Node, o PresencesOptions) *Presences {
	p := &Presences{
		node: n, tracker: o.Tracker, router: o.Router, log: newOpLog(n),
		pulling: make(chan struct{}, snapshotsAtOnce), followers: map[presence.NodeID]*follower{},
	}
	p.parts = partServer{presences: p, open: map[presence.NodeID]*openPart{}}
	if o.Opened == nil {
		o.Opened = func(presence.NodeID, uuid.UUID, uuid.UUID, []uuid.UUID) {}
	}
	if o.Ordered == nil {
		o.Ordered = func(presence.NodeID, []byte) {}
	}
	if o.Copied == nil {
		o.Copied = func() {}
	}
	p.copied = o.Copied
	o.Tracker.Connect(presence.Links{Log: p.log, Peers: p, Opened: o.Opened, Ordered: o.Ordered})

	HandleBroadcast(n, SubjectLog, p.onLog)
	HandleCall(n, wire.Method_METHOD_LOG, func(_ context.Context, _ presence.NodeID, in *wire.LogRequest) (*wire.LogAnswer, error) {
		b, err := p.log.since(in.From)
		return &wire.LogAnswer{Ops: b}, err
	})
	HandleCall(n, wire.Method_METHOD_PART, p.parts.answer)
	HandleCall(n, wire.Method_METHOD_SESSION, p.act)
	HandleItem(n, wire.Kind_KIND_DELIVER, p.deliver)
	HandleItem(n, wire.Kind_KIND_CLOSE_SESSION, p.closeSession)
	n.OnPeer(p.onPeer)
	n.OnBeat(p.fillBeat, p.onBeat)
	n.OnJoin(p.join)
	return p
}

// Stats returns the figures so far.
func (p *Presences) Stats() PresencesStats {
	return PresencesStats{Resent: p.counts.resent.Load(), Snapshots: p.counts.snapshots.Load(), Diverged: p.counts.diverged.Load()}
}

// follower returns the follower of a node. make makes one if there is none.
func (p *Presences) follower(id presence.NodeID, make bool) *follower {
	p.mu.Lock()
	defer p.mu.Unlock()
	f := p.followers[id]
	if f == nil && make {
		f = newFollower(p, id)
		p.followers[id] = f
	}
	return f
}

// Behind implements presence.Peers.
func (p *Presences) Behind(node presence.NodeID) bool {
	f := p.follower(node, false)
	return f != nil && f.behind.Load()
}

func (p *Presences) onPeer(peer Peer, was State) {
	f := p.follower(peer.ID, true)
	if peer.State == Lost {
		p.parts.forget(peer.ID)
	}
	f.post(func() { f.peer(peer, was) })
}

func (p *Presences) onLog(data []byte) {
	o, err := readOps(data)
	if err != nil {
		p.node.counts.malformed.Add(1)
		p.node.log.Warn().Err(err).Int("bytes", len(data)).Msg("a message of a presence log is skipped")
		return
	}
	if f := p.follower(o.node, false); f != nil && !f.full() {
		f.post(func() { f.arrived(o) })
	}
}

func (p *Presences) fillBeat(b *wire.Beat) { b.Log, b.Checksum = p.log.state() }

func (p *Presences) onBeat(from presence.NodeID, b *wire.Beat) {
	if f := p.follower(from, false); f != nil {
		f.post(func() { f.beat(b.Epoch, b.Log, b.Checksum) })
	}
}

// join sends this node's log, and waits until the nodes that are known are copied.
func (p *Presences) join(ctx context.Context) error {
	p.node.wait.Go(func() { p.log.run(p.node.context) })
	for _, peer := range p.node.Peers() {
		f := p.follower(peer.ID, false)
		if f == nil {
			continue
		}
		select {
		case <-f.snapshot.taken:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}
