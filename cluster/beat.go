package cluster

import (
	"google.golang.org/protobuf/proto"

	"kumi/cluster/wire"
	"kumi/presence"
)

// idOf reads a node's id.
func idOf(b []byte) (id presence.NodeID, ok bool) {
	return id, copy(id[:], b) == len(id) && len(b) == len(id)
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
	}
	n.mu.Lock()
	if b.Info != nil {
		p.read(b.Info)
	}
	p.Starting = b.Starting
	n.mu.Unlock()
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
