package cluster

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/gofrs/uuid/v5"

	"kumi/cluster/wire"
	"kumi/presence"
	"kumi/store/fault"
)

const (
	// heldOps is how many operations wait for others before them, or for a snapshot.
	heldOps = 1 << 17
	// inboxMax is how many messages of a peer's log wait to be read.
	inboxMax = 512
)

// follower keeps the copy of one other node's presences current, through all processes
// that have that node's name.
//
// It is an actor: post runs functions one after the other, on a goroutine that exists
// while there are any. What is below inbox belongs to it.
type follower struct {
	presences *Presences
	id        presence.NodeID

	mu      sync.Mutex
	inbox   []func()
	running bool
	// behind says that the node is not lost, and its copy not current. Anybody may read it.
	behind atomic.Bool

	name  string
	copy  *presence.Replica // nil while no process of the node is known
	stage stage
	next  uint64 // the number of the operation to apply next
	held  []ops  // later ones, by their numbers
	count int    // operations in held
	// promised is the last number that a beat told of, asking is set while operations
	// are asked for.
	promised uint64
	asking   bool

	snapshot snapshot
}

// stage is how current a copy is.
type stage uint8

const (
	stale   stage = iota // the node is down; nothing is applied until it is back
	copying              // a snapshot is taken, and what is heard meanwhile is held
	current
)

func newFollower(p *Presences, id presence.NodeID) *follower {
	f := &follower{presences: p, id: id}
	f.snapshot.taken = make(chan struct{})
	return f
}

// post runs f after what was posted before.
func (f *follower) post(do func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.inbox = append(f.inbox, do)
	if !f.running {
		f.running = true
		f.presences.node.wait.Go(f.run)
	}
}

func (f *follower) run() {
	for {
		f.mu.Lock()
		batch := f.inbox
		f.inbox = nil
		if len(batch) == 0 {
			f.running = false
			f.mu.Unlock()
			return
		}
		f.mu.Unlock()
		for _, do := range batch {
			do()
		}
	}
}

// full reports whether messages of the log had better be dropped: they are sent again.
func (f *follower) full() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.inbox) > inboxMax
}

// peer is what the node's membership says of the other node.
func (f *follower) peer(p Peer, was State) {
	switch {
	case p.State == Lost:
		f.lose()
	case p.State == Down:
		if f.copy != nil {
			f.stop()
			f.copy.Down()
		}
	case was.Alive():
	default:
		if f.copy == nil {
			f.name = p.Name
			f.copy = f.presences.tracker.AddNode(p.ID, p.Name, p.Epoch)
		}
		f.takeSnapshot("")
	}
}

func (f *follower) lose() {
	if f.copy == nil {
		return
	}
	f.stop()
	f.copy.Lost()
	f.copy = nil
	f.behind.Store(false)
	f.snapshot.finish()
}

// stop forgets what is under way.
func (f *follower) stop() {
	f.stage = stale
	f.behind.Store(true)
	f.snapshot.abort()
	f.held, f.count = nil, 0
}

// arrived takes operations of the node's log.
func (f *follower) arrived(o ops) {
	if f.copy == nil || f.copy.Epoch() != o.epoch || f.stage == stale {
		return
	}
	after := o.first + uint64(len(o.ops))
	switch {
	case f.stage == current && after <= f.next:
	case f.stage == current && o.first <= f.next:
		f.apply(o)
		f.applyHeld()
	case f.count+len(o.ops) <= heldOps:
		f.hold(o)
		if f.stage == current {
			f.behind.Store(true)
			f.ask()
		}
	}
}

// hold keeps operations in the order of their numbers.
func (f *follower) hold(o ops) {
	i, twice := slices.BinarySearchFunc(f.held, o.first, func(h ops, first uint64) int {
		switch {
		case h.first < first:
			return -1
		case h.first > first:
			return 1
		}
		return 0
	})
	if twice && len(f.held[i].ops) >= len(o.ops) {
		return
	}
	f.held = slices.Insert(f.held, i, o)
	f.count += len(o.ops)
}

// applyHeld applies what is held, up to a hole.
func (f *follower) applyHeld() {
	for len(f.held) > 0 && f.held[0].first <= f.next {
		o := f.held[0]
		f.held = slices.Delete(f.held, 0, 1)
		f.count -= len(o.ops)
		if o.first+uint64(len(o.ops)) > f.next {
			f.apply(o)
		}
	}
	f.behind.Store(len(f.held) > 0)
	if len(f.held) > 0 {
		f.ask()
	}
}

// apply applies those of o that are next. One of them is.
func (f *follower) apply(o ops) {
	do := o.ops[f.next-o.first:]
	if s := &f.snapshot; s.covers(f.next) {
		do = s.without(f.next, do)
	}
	f.next = o.first + uint64(len(o.ops))
	f.copy.Apply(do...)
}

// ask asks for the operations that are next, unless it has.
func (f *follower) ask() {
	if f.asking {
		return
	}
	f.asking = true
	from, epoch := f.next, f.copy.Epoch()
	f.presences.counts.resent.Add(1)
	f.presences.node.wait.Go(func() {
		ctx, cancel := context.WithTimeout(f.presences.node.context, logTimeout)
		defer cancel()
		out := new(wire.LogAnswer)
		err := Call(ctx, f.presences.node, f.id, wire.Method_METHOD_LOG, &wire.LogRequest{From: from}, out)
		var o ops
		if err == nil {
			o, err = readOps(out.Ops)
		}
		f.post(func() {
			f.asking = false
			if f.copy == nil || f.copy.Epoch() != epoch || f.stage != current {
				return
			}
			if fault.CodeOf(err) == fault.OutOfRange && f.next == from {
				f.takeSnapshot("operations are missing that the node no longer has")
			} else if err == nil {
				f.arrived(o)
			} // otherwise the next beat asks again
		})
	})
}

// beat compares the copy with what the node says of itself.
func (f *follower) beat(epoch, seq, sum uint64) {
	if f.copy == nil || f.copy.Epoch() != epoch || f.stage != current {
		return
	}
	switch applied := f.next - 1; {
	case seq > applied:
		// What the last beat told of should be here; the rest may be on its way.
		if f.promised > applied {
			f.ask()
		}
		f.promised = seq
	case seq == applied && sum != f.copy.Checksum():
		f.presences.counts.diverged.Add(1)
		f.presences.node.log.Error().Str("peer", f.name).Uint64("number", seq).Msg("the copy of a node's presences differs from the node's: it is taken anew")
		f.takeSnapshot("")
	}
}

// early are presences whose sessions opened after the snapshot's part with sessions was
// read.
type early map[uuid.UUID][]presence.Op
