package bustest

import (
	"bytes"
	"maps"
	"slices"
	"time"

	"kumi/cluster/bus"
)

// queue is how many messages wait for a node before more are lost.
const queue = 64 << 10

// Bus is one node's connection to a Net. It is a bus.Bus.
type Bus struct {
	net      *Net
	name     string
	process  string
	subjects map[string]bool
	messages chan bus.Message
	closed   bool
}

// Subscribe is bus.Bus.Subscribe.
func (b *Bus) Subscribe(subjects ...string) (<-chan bus.Message, error) {
	b.net.mu.Lock()
	defer b.net.mu.Unlock()
	if b.closed {
		return nil, bus.ErrClosed
	}
	for _, s := range subjects {
		b.subjects[s] = true
	}
	b.messages = make(chan bus.Message, queue)
	return b.messages, nil
}

// Publish is bus.Bus.Publish.
func (b *Bus) Publish(subject string, data []byte) error {
	n := b.net
	n.mu.Lock()
	defer n.mu.Unlock()
	for n.paused[b.name] && !b.closed {
		n.resumed.Wait()
	}
	if b.closed || n.buses[b.name] != b {
		return bus.ErrClosed
	}
	for _, name := range slices.Sorted(maps.Keys(n.buses)) { // so that the seed decides
		to := n.buses[name]
		if to == b || !to.subjects[subject] {
			continue
		}
		if n.cut[pair{b.name, to.name}] || n.chance(n.loss) {
			n.lost++
			continue
		}
		times := 1
		if n.chance(n.repeat) {
			times = 2
		}
		for range times {
			n.send(b.name, to, bus.Message{Subject: subject, Data: bytes.Clone(data)})
		}
	}
	return nil
}

// Process is bus.Bus.Process.
func (b *Bus) Process() string { return b.process }

// Connected is bus.Bus.Connected: a bus that is closed is no longer connected, one that is
// cut off is.
func (b *Bus) Connected() (processes map[string]bool, ok bool) {
	b.net.mu.Lock()
	defer b.net.mu.Unlock()
	if !b.net.direct {
		return nil, false
	}
	processes = map[string]bool{}
	for _, other := range b.net.buses {
		processes[other.process] = true
	}
	return processes, true
}

// MaxPayload is bus.Bus.MaxPayload.
func (b *Bus) MaxPayload() int { return 1 << 20 }

// Close is bus.Bus.Close. To end a node without its last words, close its bus first.
func (b *Bus) Close() {
	b.net.mu.Lock()
	defer b.net.mu.Unlock()
	if b.closed {
		return
	}
	b.closed = true
	if b.net.buses[b.name] == b {
		delete(b.net.buses, b.name)
	}
	if b.messages != nil {
		close(b.messages)
	}
	b.net.resumed.Broadcast()
}

// receive queues a message. Callers hold the network's lock.
func (b *Bus) receive(m bus.Message) {
	if b.closed || !b.subjects[m.Subject] {
		return
	}
	select {
	case b.messages <- m:
	default:
		b.net.lost++
	}
}

// route has the messages on the way from one node to another.
type route struct {
	net     *Net
	to      string
	waiting []delivery
	free    time.Time // when what was sent has passed a throttle
	running bool
}

type delivery struct {
	m  bus.Message
	at time.Time
}

// send delivers a message, now or later. Callers hold the lock.
func (n *Net) send(from string, to *Bus, m bus.Message) {
	key := pair{from, to.name}
	r := n.routes[key]
	if r == nil {
		r = &route{net: n, to: to.name}
		n.routes[key] = r
	}
	delay := n.delay()
	if n.rate > 0 {
		if now := time.Now(); r.free.Before(now) {
			r.free = now
		}
		r.free = r.free.Add(time.Duration(len(m.Data)) * time.Second / time.Duration(n.rate))
		delay += time.Until(r.free)
	}
	if delay == 0 && len(r.waiting) == 0 && !n.paused[to.name] {
		to.receive(m)
		return
	}
	at := time.Now().Add(delay)
	if last := len(r.waiting) - 1; last >= 0 && r.waiting[last].at.After(at) {
		at = r.waiting[last].at
	}
	r.waiting = append(r.waiting, delivery{m: m, at: at})
	r.start()
}

// start delivers what waits, on a goroutine of its own. Callers hold the lock.
func (r *route) start() {
	if !r.running && len(r.waiting) > 0 {
		r.running = true
		go r.run()
	}
}

func (r *route) run() {
	r.net.mu.Lock()
	defer r.net.mu.Unlock()
	for len(r.waiting) > 0 && !r.net.paused[r.to] {
		if wait := time.Until(r.waiting[0].at); wait > 0 {
			r.net.mu.Unlock()
			time.Sleep(wait)
			r.net.mu.Lock()
			continue
		}
		d := r.waiting[0]
		r.waiting = r.waiting[1:]
		if to := r.net.buses[r.to]; to != nil { // perhaps another process than the one it was for
			to.receive(d.m)
		}
	}
	r.running = false
}
