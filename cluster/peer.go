package cluster

import (
	"kumi/cluster/wire"
	"kumi/presence"
)

// State is what this node knows of a peer.
type State int

// The states of peers. Lost is also that of a node that was never heard.
const (
	Lost     State = iota // its process is over for this node
	Down                  // it is silent, or this node cannot send to it; it may come back
	Joining               // it copies what others have
	Ready                 //
	Draining              // nothing new is placed on it
)

// String returns the state's name.
func (s State) String() string {
	return [...]string{"lost", "down", "joining", "ready", "draining"}[s]
}

// Alive reports whether the peer is heard.
func (s State) Alive() bool { return s > Down }

func stateOf(s wire.State) State {
	switch s {
	case wire.State_STATE_JOINING:
		return Joining
	case wire.State_STATE_READY:
		return Ready
	case wire.State_STATE_DRAINING:
		return Draining
	}
	return Lost
}

// Peer is another node, as it was last heard.
type Peer struct {
	ID    presence.NodeID
	Name  string
	Epoch uint64 // the number of its process
	State State

	Version string
	Digest  string // of its modules
	Address string
	// Sessions and Matches are how many it has; LateTicks is the share of its matches'
	// ticks that were late lately, in percent.
	Sessions, Matches, LateTicks int
	// Starting says that it has not restored its matches yet. Until then it takes none over.
	Starting bool
}

// peer is one process of another node.
type peer struct {
	Peer // Node.mu guards it; the loop alone changes it

	out *link

	// Those of the loop.
	in     receiver
	heard  State // what it said of itself; Lost after its last word
	silent int   // ticks without a beat
	choked bool  // this node cannot send to it
	told   bool  // a state of it was logged
	// process is its name on the bus, and cutOff says that no connection leads there.
	process string
	cutOff  bool
	// compared are the digests that differs is of.
	compared string
	differs  bool
}

// admit makes the peer of a process that was heard first. The loop calls it.
func (n *Node) admit(id presence.NodeID, b *wire.Beat) *peer {
	p := &peer{Peer: Peer{ID: id, Epoch: b.Epoch}}
	p.out = newLink(n, id, b.Epoch)
	p.in.next = 1
	p.read(b.Info)
	n.mu.Lock()
	n.peers[id] = p
	n.names[p.Name] = id
	n.mu.Unlock()
	delete(n.strangers, id)
	return p
}

// read takes over what a beat says of the node.
func (p *peer) read(i *wire.Info) {
	p.process = i.Process
	p.Name, p.Version, p.Digest, p.Address = i.Name, i.Version, i.Digest, i.Address
	p.Sessions, p.Matches, p.LateTicks = int(i.Sessions), int(i.Matches), int(i.LateTicksPercent)
}

// compare logs that a peer has begun to run other modules than this node, or the same
// again.
func (n *Node) compare(p *peer, i *wire.Info) {
	own := n.digest.Load()
	if own == nil || p.compared == i.Digest+*own {
		return
	}
	p.compared = i.Digest + *own
	if differ := i.Digest != *own; differ != p.differs {
		p.differs = differ
		if differ {
			n.log.Warn().Str("peer", i.Name).Str("theirs", i.Digest).Str("ours", *own).Msg("a node of the cluster has other modules: new matches are placed on nodes with the caller's modules only")
		} else {
			n.log.Info().Str("peer", i.Name).Msg("a node of the cluster has the same modules again")
		}
	}
}

// judge sets the peer's state from what was heard of it, and tells of a change. The loop
// calls it.
func (n *Node) judge(p *peer) {
	is := p.heard
	silent := p.silent >= ticks(n.options.DownAfter) || p.cutOff && p.silent >= cutOffTicks
	switch {
	case is == Lost:
	case p.silent >= ticks(n.options.LostAfter):
		is = Lost
	case silent, p.choked:
		is = Down
	}
	p.out.peerIs(is, silent)
	was := p.State
	if is == was {
		return
	}
	n.mu.Lock()
	p.State = is
	now := p.Peer
	n.mu.Unlock()

	if !was.Alive() {
		p.in.patience()
	}
	if !is.Alive() {
		n.calls.fail(&p.ID, unreachable(now))
	}
	n.tellOf(now, was, !p.told)
	p.told = true
}

// tellOf logs a change and tells the rooms. A process that is heard first was nothing.
func (n *Node) tellOf(p Peer, was State, first bool) {
	event := n.log.Info()
	if p.State == Down {
		event = n.log.Warn()
	}
	event = event.Str("peer", p.Name).Uint64("epoch", p.Epoch)
	if !first {
		event = event.Stringer("was", was)
	}
	event.Stringer("state", p.State).Msg("a node of the cluster changed its state")
	for _, f := range n.on.peer {
		f(p, was)
	}
}
