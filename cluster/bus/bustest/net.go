// Package bustest connects nodes by a network in memory that tests can make lose, repeat
// and delay messages, cut between two nodes, and pause.
//
// It uses package time, so in a bubble of testing/synctest its delays are virtual. What
// it does at random follows from a seed.
package bustest

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"time"
)

// Net is a network. Its methods may be called from any goroutine.
type Net struct {
	mu           sync.Mutex
	resumed      *sync.Cond
	random       *rand.Rand
	buses        map[string]*Bus
	loss, repeat float64
	min, max     time.Duration
	rate         int // bytes per second between two nodes, 0 for no limit
	cut          map[pair]bool
	paused       map[string]bool
	routes       map[pair]*route
	lost, count  int
	direct       bool
}

// pair is a sender and a receiver.
type pair struct{ from, to string }

// New makes a network that delivers everything at once.
func New(seed uint64) *Net {
	n := &Net{
		random: rand.New(rand.NewPCG(seed, 1)), buses: map[string]*Bus{},
		cut: map[pair]bool{}, paused: map[string]bool{}, routes: map[pair]*route{},
	}
	n.resumed = sync.NewCond(&n.mu)
	return n
}

// Bus connects a node. A second bus with the same name takes the place of the first,
// which hears nothing more. What is on its way to the first arrives at the second.
func (n *Net) Bus(name string) *Bus {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.count++
	b := &Bus{net: n, name: name, process: fmt.Sprintf("%s-%d", name, n.count), subjects: map[string]bool{}}
	n.buses[name] = b
	return b
}

// Lose loses this share of the messages, between 0 and 1, for each receiver.
func (n *Net) Lose(share float64) { n.set(func() { n.loss = share }) }

// Repeat delivers this share of the messages twice.
func (n *Net) Repeat(share float64) { n.set(func() { n.repeat = share }) }

// Delay delays each message by a random time. Messages between the same two nodes keep
// their order.
func (n *Net) Delay(min, max time.Duration) { n.set(func() { n.min, n.max = min, max }) }

// Direct makes the buses tell which others are connected.
func (n *Net) Direct() { n.set(func() { n.direct = true }) }

// Throttle lets this many bytes a second through from one node to another, with what
// waits queued. 0 lifts the limit.
func (n *Net) Throttle(bytesPerSecond int) { n.set(func() { n.rate = bytesPerSecond }) }

// Cut loses everything between two nodes, in both directions.
func (n *Net) Cut(a, b string) { n.set(func() { n.cut[pair{a, b}], n.cut[pair{b, a}] = true, true }) }

// CutOneWay loses everything from one node to another.
func (n *Net) CutOneWay(from, to string) { n.set(func() { n.cut[pair{from, to}] = true }) }

// Heal ends all cuts, losses and repetitions.
func (n *Net) Heal() {
	n.set(func() {
		clear(n.cut)
		n.loss, n.repeat = 0, 0
	})
}

// Pause stops a node as if its process were stopped: nothing arrives, and who publishes
// there waits. What others send meanwhile arrives after Resume.
func (n *Net) Pause(name string) { n.set(func() { n.paused[name] = true }) }

// Resume ends a pause.
func (n *Net) Resume(name string) {
	n.set(func() {
		delete(n.paused, name)
		for to, r := range n.routes {
			if to.to == name {
				r.start()
			}
		}
		n.resumed.Broadcast()
	})
}

// Lost returns how many messages were lost so far.
func (n *Net) Lost() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.lost
}

func (n *Net) set(f func()) {
	n.mu.Lock()
	defer n.mu.Unlock()
	f()
}

// chance reports whether something with this probability happens. Callers hold the lock.
func (n *Net) chance(share float64) bool { return share > 0 && n.random.Float64() < share }

// delay draws a delay. Callers hold the lock.
func (n *Net) delay() time.Duration {
	if n.max <= n.min {
		return n.min
	}
	return n.min + time.Duration(n.random.Int64N(int64(n.max-n.min)))
}
