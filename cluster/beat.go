package cluster

import (
	"time"

	"google.golang.org/protobuf/proto"

	"kumi/cluster/bus"
	"kumi/cluster/wire"
	"kumi/presence"
)

const (
	tickEvery = 100 * time.Millisecond
	beatEvery = 250 * time.Millisecond
	infoEvery = 4 // beats
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

// idOf reads a node's id.
func idOf(b []byte) (id presence.NodeID, ok bool) {
	return id, copy(id[:], b) == len(id) && len(b) == len(id)
}

// tick counts the silence of the peers. Ticks that a stopped process or a busy loop has
// missed are one tick, so after a pause of its own a node finds nobody silent.
func (n *Node) tick() {
	var connected map[string]bool
	asked, known := false, false
	for _, p := range n.all() {
		if p.State == Lost {
			continue // until a beat
		}
		p.silent++
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

// sendBeat tells all others that this node lives, and what it has received from them.
func (n *Node) sendBeat(withInfo bool) {
	state := wire.State(n.state.Load())
	b := &wire.Beat{Node: n.self[:], Epoch: n.options.Epoch, State: state}
	for _, p := range n.all() {
		if p.State == Lost {
			continue
		}
		received, sent := p.out.numbers()
		b.Received = append(b.Received, &wire.Received{Node: p.ID[:], Epoch: p.Epoch, Received: received, Sent: sent})
	}
	if withInfo || state == wire.State_STATE_JOINING {
		b.Info = n.info()
	}
	for _, f := range n.on.fill {
		f(b)
	}
	if b.Info != nil {
		n.digest.Store(&b.Info.Digest)
	}
	n.publishBeat(b)
}

func (n *Node) publishBeat(b *wire.Beat) {
	data, err := proto.Marshal(b)
	if err == nil {
		err = n.publish(string(SubjectBeat), data)
	}
	if err != nil && n.context.Err() == nil {
		n.log.Debug().Err(err).Msg("a beat was not sent")
	}
}

// onBeat takes in what another node says of itself.
func (n *Node) onBeat(b *wire.Beat) {
	id, ok := idOf(b.Node)
	if !ok {
		n.counts.malformed.Add(1)
		return
	}
	if id == n.self {
		n.onOwnName(b)
		return
	}
	n.onRefusal(b)
	p := n.find(id)
	switch {
	case p != nil && (b.Epoch < p.Epoch || b.Epoch == p.Epoch && p.heard == Lost):
		return // it is over
	case p != nil && b.Epoch > p.Epoch && b.State == wire.State_STATE_JOINING && p.heard != Lost && p.silent < aliveTicks:
		return // its name may be taken: the process that is heard decides
	case p == nil || b.Epoch > p.Epoch:
		if b.State == wire.State_STATE_GONE {
			return
		}
		if p != nil {
			p.heard = Lost
			n.judge(p)
			p.out.close()
		}
		if b.Info == nil || !n.agree(id, b) {
			return
		}
		p = n.admit(id, b)
		n.beatSoon, n.beats = true, infoEvery-1 // so that it knows of this node at once
	}
	if b.Info != nil {
		n.compare(p, b.Info)
		n.mu.Lock()
		p.read(b.Info)
		n.mu.Unlock()
	}
	p.silent, p.heard = 0, stateOf(b.State)
	for _, r := range b.Received {
		if of, ok := idOf(r.Node); ok && of == n.self && r.Epoch == n.options.Epoch {
			p.out.acknowledge(r.Received)
			p.in.sent = max(p.in.sent, r.Sent)
		}
	}
	n.judge(p)
	for _, f := range n.on.read {
		f(id, b)
	}
	select {
	case n.heard <- struct{}{}:
	default:
	}
}
