package cluster

import "sync/atomic"

// counts are what a node has done since its start.
type counts struct {
	frames, bytes, unsent, received, malformed atomic.Int64
	items, lost, again                         atomic.Int64
	calls, answered, unknown, partial          atomic.Int64
}

// Stats are the figures of a node, for metrics.
type Stats struct {
	// Nodes are this node and all others that are not lost, by state, and Digests how many
	// different modules they have.
	Nodes   map[State]int
	Digests int
	// Frames and Bytes were published to the bus, Unsent is what it refused, Received
	// what has arrived, Malformed what could not be read.
	Frames, Bytes, Unsent, Received, Malformed int64
	// Items were sent on links; Lost were never handled, by the sender's and the
	// receiver's knowledge; Again were sent again; Unknown are items and calls of a kind
	// that this node does not know.
	Items, Lost, Again, Unknown int64
	// Buffered is the number of bytes that links hold to send them again.
	Buffered int64
	// Calls were made, Answered were handled for others; Open wait for an answer.
	Calls, Answered int64
	Open            int
	// Partial are listings without what one of the nodes has, which has not answered.
	Partial int64
}

// Stats returns the node's figures.
func (n *Node) Stats() Stats {
	s := Stats{
		Nodes:  map[State]int{n.State(): 1},
		Frames: n.counts.frames.Load(), Bytes: n.counts.bytes.Load(), Unsent: n.counts.unsent.Load(),
		Received: n.counts.received.Load(), Malformed: n.counts.malformed.Load(),
		Items: n.counts.items.Load(), Lost: n.counts.lost.Load(), Again: n.counts.again.Load(), Unknown: n.counts.unknown.Load(),
		Buffered: n.buffered.Load(), Calls: n.counts.calls.Load(), Answered: n.counts.answered.Load(), Open: n.calls.count(),
		Partial: n.counts.partial.Load(),
	}
	digests := map[string]bool{}
	if own := n.digest.Load(); own != nil {
		digests[*own] = true
	}
	for _, p := range n.Peers() {
		s.Nodes[p.State]++
		digests[p.Digest] = true
	}
	s.Digests = len(digests)
	return s
}
