package cluster

import (
	"time"

	"google.golang.org/protobuf/proto"

	"kumi/cluster/wire"
)

func (l *link) run() {
	for {
		l.mu.Lock()
		if !l.hasWork() {
			l.running = false
			l.mu.Unlock()
			return
		}
		f := l.frame()
		l.mu.Unlock()
		l.publish(f)
		time.Sleep(frameEvery)
	}
}

// publish sends a frame. What the bus refuses is missing at the peer, which asks for it.
func (l *link) publish(f *wire.Frame) {
	data, err := proto.Marshal(f)
	if err == nil {
		err = l.node.publish(l.subject, data)
	}
	if err != nil && l.node.context.Err() == nil {
		l.node.log.Debug().Err(err).Stringer("peer", l.to).Msg("a frame was not sent")
	}
}

// frame takes the items of the next frame. Callers hold the lock.
func (l *link) frame() *wire.Frame {
	f := &wire.Frame{Node: l.node.self[:], Epoch: l.node.options.Epoch, ToEpoch: l.epoch, Received: l.received}
	l.tell = false
	if len(l.again) > 0 {
		l.fillAgain(f)
		return f
	}
	f.First = l.next
	size := int64(0)
	for int(l.next-l.base) < len(l.entries) && l.onTheWay < window {
		e := &l.entries[l.next-l.base]
		if len(f.Items) > 0 && size+e.size > frameSize {
			break
		}
		size += e.size
		l.onTheWay += e.size
		l.next++
		f.Items = append(f.Items, e.item)
		if !e.reliable {
			l.unreliable--
			l.release(e)
		}
	}
	return f
}

// fillAgain fills a frame with items that the peer has asked for again. Callers hold the
// lock.
func (l *link) fillAgain(f *wire.Frame) {
	s := &l.again[0]
	f.First = s.from
	if gone := min(l.base, s.until); s.from < gone { // the peer was lost in between
		l.node.counts.lost.Add(int64(gone - s.from))
		f.Items = append(f.Items, &wire.Item{Skip: gone - s.from})
		s.from = gone
	}
	size := int64(0)
	for ; s.from < s.until && size < frameSize; s.from++ {
		e := &l.entries[s.from-l.base]
		size += entrySize
		if e.item == nil {
			if e.reliable {
				l.node.counts.lost.Add(1)
				e.reliable = false // counted
			}
			f.Items = append(f.Items, &wire.Item{Skip: 1})
			continue
		}
		size += e.size
		l.node.counts.again.Add(1)
		f.Items = append(f.Items, e.item)
	}
	if s.from == s.until {
		l.again = l.again[1:]
	}
}

// sendAgain sends numbers again that the peer misses.
func (l *link) sendAgain(from, until uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if until = min(until, l.next); from < 1 || from >= until {
		return
	}
	l.again = []span{{from, until}} // the peer asks for the same until it has it
	l.start()
}
