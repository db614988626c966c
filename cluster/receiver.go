package cluster

import (
	"maps"

	"kumi/cluster/wire"
)

const (
	// askEvery and holeTicks are how often a hole is asked for, and how long it is waited
	// for, in ticks.
	askEvery, holeTicks = 2, 10
	// tailTicks is how long numbers that the peer has sent may be missing at the end.
	tailTicks = 2
	// heldMax is how many items beyond a hole are kept. More are asked for again.
	heldMax = 64 << 10
	// confirmEvery is how many bytes arrive until the sender is told so.
	confirmEvery = window / 4
)

// receiver puts the items of one process of a peer in order. The loop alone uses it.
type receiver struct {
	next  uint64                // the number that is due
	sent  uint64                // the last that the peer has sent, as far as it is known
	held  map[uint64]*wire.Item // those that came too early
	hole  int                   // ticks since next is missing
	bytes int                   // since the sender was told what has arrived
}

// onFrame takes in what a peer sends on its link.
func (n *Node) onFrame(f *wire.Frame) {
	id, ok := idOf(f.Node)
	if !ok {
		n.counts.malformed.Add(1)
		return
	}
	p := n.find(id)
	if p == nil || p.Epoch != f.Epoch || f.ToEpoch != n.options.Epoch || p.State == Lost {
		return // of another process, or for one; or a peer that is not back yet
	}
	if f.ResendFrom > 0 {
		p.out.sendAgain(f.ResendFrom, f.ResendUntil)
	}
	p.out.acknowledge(f.Received)
	if len(f.Items) == 0 {
		return
	}
	number := f.First
	for _, item := range f.Items {
		until := number + max(1, item.Skip)
		if number == 0 || until <= number {
			n.counts.malformed.Add(1)
			return
		}
		p.in.sent = max(p.in.sent, until-1)
		switch {
		case until <= p.in.next: // it has arrived before
		case number <= p.in.next:
			n.accept(p, item, until)
		case len(p.in.held) < heldMax:
			p.in.hold(number, item)
		}
		p.in.bytes += len(item.Data) + entrySize // as the sender counts
		number = until
	}
	if len(p.in.held) > 0 && p.in.hole == 0 {
		n.ask(p)
	}
	p.out.confirm(p.in.next-1, p.in.bytes >= confirmEvery)
	if p.in.bytes >= confirmEvery {
		p.in.bytes = 0
	}
}

func (r *receiver) hold(number uint64, item *wire.Item) {
	if r.held == nil {
		r.held = map[uint64]*wire.Item{}
	}
	r.held[number] = item
}

// accept handles the item that is due, and those that waited for it. until is the number
// after it.
func (n *Node) accept(p *peer, item *wire.Item, until uint64) {
	r := &p.in
	skipped := false
	for {
		r.next, r.hole = until, 0
		if item.Skip == 0 {
			n.handleItem(p, item)
		}
		skipped = skipped || item.Skip > 1
		item = r.held[r.next]
		if item == nil {
			break
		}
		delete(r.held, r.next)
		until = r.next + max(1, item.Skip)
	}
	if skipped {
		maps.DeleteFunc(r.held, func(number uint64, _ *wire.Item) bool { return number < r.next })
	}
}

func (n *Node) handleItem(p *peer, item *wire.Item) {
	handle := n.on.item[item.Kind]
	if handle == nil {
		n.counts.unknown.Add(1)
		return
	}
	if err := handle(p.ID, item.Data); err != nil {
		n.counts.malformed.Add(1)
		n.log.Warn().Err(err).Str("peer", p.Name).Stringer("kind", item.Kind).Msg("an item from another node cannot be read")
	}
}

// chase asks for what is missing from a peer, and after a second goes on without it. It is
// called each tick. While the peer is silent nothing can come, and the time stands still. A
// peer that is down only because this node cannot send to it is asked all the same: if
// both are in that state, neither link would ever empty.
func (n *Node) chase(p *peer) {
	r := &p.in
	if r.next > r.sent || p.silent > askEvery+1 {
		return
	}
	r.hole++
	due := r.hole - 1
	if len(r.held) == 0 {
		due = r.hole - tailTicks // perhaps it is on its way
	}
	switch {
	case r.hole > holeTicks:
		n.giveUp(p)
	case due >= 0 && due%askEvery == 0:
		n.ask(p)
	}
}

// ask asks the peer to send again what is missing, up to the first item that is there.
func (n *Node) ask(p *peer) {
	r := &p.in
	until := r.sent + 1
	for number := range r.held {
		until = min(until, number)
	}
	r.hole = max(r.hole, 1)
	n.publishFrame(p, &wire.Frame{
		Node: n.self[:], Epoch: n.options.Epoch, ToEpoch: p.Epoch, Received: r.next - 1, ResendFrom: r.next, ResendUntil: until,
	})
}

// giveUp goes on with the first item that is there.
func (n *Node) giveUp(p *peer) {
	r := &p.in
	first := r.sent + 1
	for number := range r.held {
		first = min(first, number)
	}
	n.counts.lost.Add(int64(first - r.next))
	n.log.Warn().Str("peer", p.Name).Uint64("items", first-r.next).Msg("items from another node are lost")
	skip := &wire.Item{Skip: first - r.next}
	n.accept(p, skip, first)
	p.out.confirm(r.next-1, false)
}

// patience starts to wait anew for what is missing, after the peer was silent.
func (r *receiver) patience() { r.hole = 0 }

func (n *Node) publishFrame(p *peer, f *wire.Frame) { p.out.publish(f) }
