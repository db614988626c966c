package cluster

import (
	"sync"
	"time"

	"google.golang.org/protobuf/proto"

	"kumi/cluster/wire"
	"kumi/presence"
)

const (
	// frameEvery is how long a link gathers items after a frame; the first goes at once.
	frameEvery = time.Millisecond
	frameSize  = 64 << 10 // bytes of items, about; a larger item has a frame of its own
	// window is how many bytes are on the way without the peer's word that they have
	// arrived. So what a slow connection queues delays beats by less than DownAfter.
	window = 512 << 10
	// keepFor is how long items are kept to be sent again.
	keepFor = 10 * time.Second
	// fullFor is how long a link may be full until its peer is down for this node.
	fullFor = 5 * time.Second
	// entrySize is what an entry costs beside its data.
	entrySize = 128
)

func frameSubject(to presence.NodeID) string { return "n." + to.String() }

// link sends items to one process of a peer, in order. Its methods may be called from any
// goroutine.
type link struct {
	node    *Node
	to      presence.NodeID
	epoch   uint64
	subject string

	mu sync.Mutex
	// entries are the items that the peer has not confirmed. entries[0] has the number
	// base, and all from next on were not sent yet.
	entries    []entry
	base, next uint64
	again      []span // what the peer has asked for again
	bytes      int64  // of the entries
	onTheWay   int64  // of those that were sent
	unreliable int    // entries that were not sent
	received   uint64 // the number up to which the other direction has arrived
	tell       bool   // the peer waits for received
	fullSince  time.Time
	state      State
	silent     bool // nothing is sent now: the peer is not heard
	running    bool // a goroutine sends
	closed     bool
}

// entry is an item. It is nil when it is not sent again.
type entry struct {
	item     *wire.Item
	size     int64
	at       time.Time
	reliable bool
}

// span is a range of numbers, without the last.
type span struct{ from, until uint64 }

func newLink(n *Node, to presence.NodeID, epoch uint64) *link {
	return &link{node: n, to: to, epoch: epoch, subject: frameSubject(to), base: 1, next: 1, state: Joining}
}

// Send sends an item to a peer: in the order of the calls, and again when it is lost on
// the way, for ten seconds. It never blocks. Without reliable the item is sent once, not
// kept while the peer is down, and dropped first when the link is full. What is sent to a
// node that is lost or unknown is dropped. The message must not be changed afterwards.
func (n *Node) Send(to presence.NodeID, kind wire.Kind, m proto.Message, reliable bool) {
	if p := n.find(to); p != nil && p.out.open(reliable) {
		data, err := proto.Marshal(m)
		if err != nil {
			n.log.Error().Err(err).Stringer("kind", kind).Msg("an item cannot be written")
			return
		}
		p.out.send(kind, data, reliable)
	}
}

// SendEncoded is Send with a message that was written already, such as one for several
// nodes. The data must not be changed afterwards.
func (n *Node) SendEncoded(to presence.NodeID, kind wire.Kind, data []byte, reliable bool) {
	if p := n.find(to); p != nil && p.out.open(reliable) {
		p.out.send(kind, data, reliable)
	}
}

// open reports whether an item is of use.
func (l *link) open(reliable bool) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return !l.closed && (l.state.Alive() || l.state == Down && reliable)
}

func (l *link) send(kind wire.Kind, data []byte, reliable bool) {
	if len(data) > l.node.bus.MaxPayload()-frameSize {
		l.node.counts.lost.Add(1)
		l.node.log.Error().Stringer("kind", kind).Int("bytes", len(data)).Msg("an item is too large to be sent to another node")
		return
	}
	e := entry{item: &wire.Item{Kind: kind, Data: data}, size: int64(len(data)) + entrySize, at: time.Now(), reliable: reliable}
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.makeRoom(e) {
		l.node.counts.lost.Add(1)
		return
	}
	l.entries = append(l.entries, e)
	l.hold(e.size)
	if !reliable {
		l.unreliable++
	}
	l.node.counts.items.Add(1)
	l.start()
}

// hold counts bytes of the buffer. Callers hold the lock.
func (l *link) hold(bytes int64) {
	l.bytes += bytes
	l.node.buffered.Add(bytes)
	if bytes < 0 && l.bytes < l.free()/2 {
		l.fullSince = time.Time{}
	}
}

// release forgets the item of an entry. Callers hold the lock.
func (l *link) release(e *entry) {
	if e.item != nil {
		e.item = nil
		l.hold(-e.size)
	}
}

// start sends what waits, on a goroutine of its own. Callers hold the lock.
func (l *link) start() {
	if !l.running && l.hasWork() {
		l.running = true
		go l.run()
	}
}

// hasWork reports whether there is something that may be sent now. Callers hold the lock.
func (l *link) hasWork() bool {
	switch {
	case l.closed || l.silent:
		return false
	case l.tell || len(l.again) > 0:
		return true
	}
	return l.next < l.base+uint64(len(l.entries)) && l.onTheWay < window
}

// busy reports whether something waits to be sent.
func (l *link) busy() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.running || l.hasWork()
}

// acknowledge takes the peer's word that everything up to a number has arrived.
func (l *link) acknowledge(number uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if number >= l.next {
		number = l.next - 1 // the peer is mistaken
	}
	if number < l.base {
		return
	}
	l.drop(int(number - l.base + 1))
	l.start()
}

// drop forgets the first entries. Callers hold the lock.
func (l *link) drop(count int) {
	for i := range l.entries[:count] {
		e := &l.entries[i]
		if l.base < l.next {
			l.onTheWay -= e.size
		} else if !e.reliable {
			l.unreliable--
		}
		l.release(e)
		l.base++
	}
	l.entries = l.entries[count:]
	l.next = max(l.next, l.base)
}

// confirm notes that the other direction has arrived up to a number, for the next beat or
// frame; now makes a frame for it.
func (l *link) confirm(number uint64, now bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.received = number
	if now {
		l.tell = true
		l.start()
	}
}

// numbers returns the last number that arrived in the other direction, and the last that
// was sent in this.
func (l *link) numbers() (received, sent uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.received, l.next - 1
}

// peerIs takes note of the peer's state: nothing is sent to one that is silent, and what
// waits for one that is lost is dropped.
func (l *link) peerIs(s State, silent bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.state, l.silent = s, silent || s == Lost
	if s == Lost {
		l.drop(len(l.entries))
		l.again = nil
	}
	l.start()
}

func (l *link) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.drop(len(l.entries))
	l.closed = true
}
