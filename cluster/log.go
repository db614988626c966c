package cluster

import (
	"context"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"kumi/presence"
	"kumi/store/fault"
)

const (
	// opsEvery is how long operations are gathered before they are sent, opsEveryMany
	// where there are more than manyNodes.
	opsEvery, opsEveryMany = 5 * time.Millisecond, 20 * time.Millisecond
	manyNodes              = 16
	// opsAtOnce is the pause between two messages if an operation should be sent at once.
	opsAtOnce = time.Millisecond
	opsSize   = 64 << 10 // bytes of operations in a message, about
	// opsKept is how many operations are kept to be sent again, for opsKeptFor.
	opsKept    = 64 << 10
	opsKeptFor = 30 * time.Second
	// answerSize is the size of an answer with operations, about.
	answerSize = 256 << 10
	// payloadMax is the size of an order or revocation.
	payloadMax = 256 << 10
)

// opLog is this node's presence log: it numbers what happens and sends it to all. Its
// methods may be called from any goroutine.
type opLog struct {
	node *Node
	log  zerolog.Logger

	mu   sync.Mutex
	seq  uint64 // of the last operation
	sum  uint64
	open opsFrame   // not sent, and still growing
	full []opsFrame // not sent
	sent []opsFrame // kept
	kept int        // operations in sent

	wake chan struct{} // there is something to send
	now  chan struct{} // and it should go at once
}

// opsFrame is operations with consecutive numbers, as they are written.
type opsFrame struct {
	first uint64
	n     int
	data  []byte
	at    time.Time
}

func newOpLog(n *Node) *opLog {
	return &opLog{node: n, log: n.log, wake: make(chan struct{}, 1), now: make(chan struct{}, 1)}
}

// Append implements presence.Log.
func (l *opLog) Append(op presence.Op, sum uint64) {
	if len(op.Payload) > payloadMax {
		l.log.Error().Int("bytes", len(op.Payload)).Msg("an order to all nodes is too large")
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.seq++
	l.sum ^= sum
	if l.open.n == 0 {
		l.open.first = l.seq
		signal(l.wake)
	}
	l.open.data = appendOp(l.open.data, opsField, &op)
	l.open.n++
	if len(l.open.data) >= opsSize {
		l.full = append(l.full, l.open)
		l.open = opsFrame{}
		signal(l.now)
	}
	if op.First && receives(op.Stream.Mode) {
		signal(l.now)
	}
}

// receives reports whether others are likely to send to a stream as soon as somebody is
// on it. Nothing is sent to status streams, and what is sent to users who have just come
// is stored.
func receives(mode uint8) bool {
	return mode != presence.ModeStatus && mode != presence.ModeNotifications
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// Seq implements presence.Log.
func (l *opLog) Seq() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.seq
}

// state returns the last number and the checksum at it.
func (l *opLog) state() (seq, sum uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.seq, l.sum
}

// run sends what is appended, until ctx ends.
func (l *opLog) run(ctx context.Context) {
	pause := time.NewTimer(0)
	defer pause.Stop()
	for {
		select {
		case <-l.wake:
		case <-ctx.Done():
			return
		}
		pause.Reset(opsAtOnce)
		select {
		case <-pause.C:
		case <-ctx.Done():
			return
		}
		pause.Reset(l.every() - opsAtOnce)
		select {
		case <-l.now:
		case <-pause.C:
		case <-ctx.Done():
			return
		}
		l.flush()
	}
}

func (l *opLog) every() time.Duration {
	if len(l.node.Peers()) >= manyNodes {
		return opsEveryMany
	}
	return opsEvery
}

// flush sends all that was appended.
func (l *opLog) flush() {
	now := time.Now()
	l.mu.Lock()
	out := l.full
	if l.open.n > 0 {
		out = append(out, l.open)
	}
	l.open, l.full = opsFrame{}, nil
	select { // it was for these
	case <-l.now:
	default:
	}
	for i := range out {
		out[i].at = now
		l.kept += out[i].n
	}
	l.sent = append(l.sent, out...)
	l.trim(now)
	l.mu.Unlock()
	for _, f := range out {
		header := ops{node: l.node.self, epoch: l.node.options.Epoch, first: f.first}
		if err := l.node.Broadcast(SubjectLog, append(header.appendHeader(make([]byte, 0, len(f.data)+32)), f.data...)); err != nil && l.node.context.Err() == nil {
			l.log.Debug().Err(err).Msg("operations were not sent") // they are asked for
		}
	}
}

// trim forgets operations that are too old or too many to be sent again. l.mu is held.
func (l *opLog) trim(now time.Time) {
	i := 0
	for ; i < len(l.sent) && (l.kept > opsKept || now.Sub(l.sent[i].at) > opsKeptFor); i++ {
		l.kept -= l.sent[i].n
	}
	clear(l.sent[:i])
	l.sent = l.sent[i:]
}

// since returns operations from a number on as a message, as many as fit into an answer.
func (l *opLog) since(from uint64) ([]byte, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	i := 0
	for i < len(l.sent) && l.sent[i].first+uint64(l.sent[i].n) <= from {
		i++
	}
	if i == len(l.sent) || l.sent[i].first > from {
		if from > l.seq || i == len(l.sent) && from >= l.unsent() {
			return nil, fault.Newf(fault.Unavailable, "operation %d was not sent yet", from)
		}
		return nil, fault.Newf(fault.OutOfRange, "operation %d is no longer kept", from)
	}
	header := ops{node: l.node.self, epoch: l.node.options.Epoch, first: l.sent[i].first}
	b := header.appendHeader(nil)
	for ; i < len(l.sent) && len(b) < answerSize; i++ {
		b = append(b, l.sent[i].data...)
	}
	return b, nil
}

// unsent is the number of the first operation that was not sent. l.mu is held.
func (l *opLog) unsent() uint64 {
	switch {
	case len(l.full) > 0:
		return l.full[0].first
	case l.open.n > 0:
		return l.open.first
	}
	return l.seq + 1
}
