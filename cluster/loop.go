package cluster

import (
	"time"

	"google.golang.org/protobuf/proto"

	"kumi/cluster/bus"
)

const (
	// pauseTime is how late a tick is after which this process was stopped. Others have
	// closed their connections to it meanwhile, and reconnectTime is how long these may
	// take to open again.
	pauseTime, reconnectTime = time.Second, 2 * time.Second
	tickEvery                = 100 * time.Millisecond
	beatEvery                = 250 * time.Millisecond
	infoEvery                = 4 // beats
	// aliveTicks is for how long a peer that was heard keeps its name from a new process
	// that joins. It is less than objectTimeout.
	aliveTicks = 10
	// cutOffTicks is the silence after which a peer is down to which no connection leads.
	cutOffTicks = 5
	// backlog is how many messages that have arrived a tick reads first, so that it does
	// not judge peers whose beats wait.
	backlog = 10_000
)

// ticks returns how many ticks make a time.
func ticks(d time.Duration) int { return int(max(1, d/tickEvery)) }

// loop receives what the other nodes send. It ends with the node or when the bus is
// closed.
func (n *Node) loop(messages <-chan bus.Message) {
	defer close(n.stopped)
	tick, beat := time.NewTicker(tickEvery), time.NewTicker(beatEvery)
	defer tick.Stop()
	defer beat.Stop()
	n.sendBeat(true)
	for {
		select {
		case m, ok := <-messages:
			if !ok {
				return
			}
			n.receive(m)
		case <-tick.C:
			if !n.receiveBacklog(messages) {
				return
			}
			n.tick()
		case <-beat.C:
			n.beatSoon = true
		case <-n.context.Done():
			n.sendBeat(false)
			return
		}
		if n.beatSoon {
			n.beatSoon = false
			n.beats++
			n.sendBeat(n.beats%infoEvery == 0)
		}
	}
}

// receiveBacklog handles what has arrived already. It returns false when the bus is
// closed.
func (n *Node) receiveBacklog(messages <-chan bus.Message) bool {
	for range backlog {
		select {
		case m, ok := <-messages:
			if !ok {
				return false
			}
			n.receive(m)
		default:
			return true
		}
	}
	return true
}

func (n *Node) receive(m bus.Message) {
	n.counts.received.Add(1)
	var err error
	switch m.Subject {
	case string(SubjectBeat):
		err = unmarshal(m.Data, n.onBeat)
	case frameSubject(n.self):
		err = unmarshal(m.Data, n.onFrame)
	case callSubject(n.self):
		err = unmarshal(m.Data, n.onCall)
	case answerSubject(n.self):
		err = unmarshal(m.Data, n.onAnswer)
	default:
		if f := n.on.broadcast[Subject(m.Subject)]; f != nil {
			f(m.Data)
		}
	}
	if err != nil {
		n.counts.malformed.Add(1)
		n.log.Warn().Err(err).Str("subject", m.Subject).Int("bytes", len(m.Data)).Msg("a message from another node cannot be read")
	}
}

// unmarshal reads a message and hands it on.
func unmarshal[T any, M interface {
	*T
	proto.Message
}](data []byte, f func(M)) error {
	m := M(new(T))
	if err := proto.Unmarshal(data, m); err != nil {
		return err
	}
	f(m)
	return nil
}

// tick counts the silence of the peers. Ticks that a stopped process or a busy loop has
// missed are one tick, so after a pause of its own a node finds nobody silent.
func (n *Node) tick() {
	if late := time.Since(n.ticked); !n.ticked.IsZero() && late > pauseTime {
		n.patient = ticks(reconnectTime)
	}
	n.ticked, n.patient = time.Now(), max(0, n.patient-1)
	var connected map[string]bool
	asked, known := false, false
	for _, p := range n.all() {
		if p.State == Lost {
			continue // until a beat
		}
		if p.silent++; n.patient > 0 && p.State.Alive() {
			p.silent = 0
		}
		if p.silent >= cutOffTicks && !asked {
			connected, known = n.bus.Connected()
			asked = true
		}
		p.cutOff = known && !connected[p.process]
		p.choked = p.out.choked()
		n.judge(p)
		p.out.trim()
		n.chase(p)
	}
}
