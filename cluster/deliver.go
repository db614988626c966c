package cluster

import (
	"sync"

	"github.com/gofrs/uuid/v5"
	"google.golang.org/protobuf/proto"

	"kumi/cluster/wire"
	"kumi/presence"
)

var _ presence.Peers = (*Presences)(nil)

// outbox is what goes to the sessions of one node.
type outbox struct {
	mu       sync.Mutex
	queued   *presence.Message
	sessions []uuid.UUID // of queued
}

func (p *Presences) outbox(to presence.NodeID) *outbox {
	o, ok := p.outboxes.Load(to)
	if !ok {
		o, _ = p.outboxes.LoadOrStore(to, new(outbox))
	}
	return o.(*outbox)
}

// ToStream implements presence.Peers.
func (p *Presences) ToStream(nodes []presence.NodeID, s presence.Stream, except uuid.UUID, m *presence.Message) {
	envelope, err := m.Bytes(presence.Protobuf)
	if err != nil {
		return
	}
	item := &wire.Deliver{Stream: writeStream(s), Envelope: envelope}
	if except != uuid.Nil {
		item.Except = except[:]
	}
	p.send(nodes, item, m.Reliable())
}

// ToSessions implements presence.Peers.
func (p *Presences) ToSessions(node presence.NodeID, sessions []uuid.UUID, m *presence.Message) {
	if item := toSessions(sessions, m); item != nil {
		p.send([]presence.NodeID{node}, item, m.Reliable())
	}
}

// ToAll implements presence.Peers.
func (p *Presences) ToAll(m *presence.Message) {
	envelope, err := m.Bytes(presence.Protobuf)
	if err != nil {
		return
	}
	var nodes []presence.NodeID
	for _, peer := range p.node.Peers() {
		nodes = append(nodes, peer.ID)
	}
	p.send(nodes, &wire.Deliver{All: true, Envelope: envelope}, true)
}

// Queue implements presence.Peers.
func (p *Presences) Queue(node presence.NodeID, session uuid.UUID, m *presence.Message) {
	o := p.outbox(node)
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.queued != m {
		p.flush(node, o)
		o.queued = m
	}
	o.sessions = append(o.sessions, session)
}

// Flush implements presence.Peers.
func (p *Presences) Flush(node presence.NodeID) {
	o := p.outbox(node)
	o.mu.Lock()
	defer o.mu.Unlock()
	p.flush(node, o)
}

// flush sends what is queued. o.mu is held.
func (p *Presences) flush(node presence.NodeID, o *outbox) {
	if o.queued == nil {
		return
	}
	if item := toSessions(o.sessions, o.queued); item != nil {
		p.node.Send(node, wire.Kind_KIND_DELIVER, item, o.queued.Reliable())
	}
	o.queued, o.sessions = nil, o.sessions[:0]
}

// send sends an item to nodes, after what was queued for them.
func (p *Presences) send(nodes []presence.NodeID, item *wire.Deliver, reliable bool) {
	data, err := proto.Marshal(item)
	if err != nil {
		return
	}
	for _, node := range nodes {
		o := p.outbox(node)
		o.mu.Lock()
		p.flush(node, o)
		p.node.SendEncoded(node, wire.Kind_KIND_DELIVER, data, reliable)
		o.mu.Unlock()
	}
}

// Close implements presence.Peers.
func (p *Presences) Close(node presence.NodeID, session uuid.UUID, reason presence.CloseReason, final []*presence.Message) {
	item := &wire.CloseSession{Session: session[:], Reason: uint32(reason)}
	for _, m := range final {
		if envelope, err := m.Bytes(presence.Protobuf); err == nil {
			item.Final = append(item.Final, envelope)
		}
	}
	o := p.outbox(node)
	o.mu.Lock()
	defer o.mu.Unlock()
	p.flush(node, o)
	p.node.Send(node, wire.Kind_KIND_CLOSE_SESSION, item, true)
}

// deliver sends what came from another node to this node's sessions.
func (p *Presences) deliver(_ presence.NodeID, in *wire.Deliver) {
	m := presence.NewEncoded(in.Envelope)
	switch {
	case in.All:
		p.router.SendToOwn(m)
	case in.Stream != nil:
		p.router.ArriveOnStream(readStream(in.Stream), readID(in.Except), m)
	default:
		for _, id := range in.Sessions {
			p.router.ArriveForSession(readID(id), m)
		}
	}
}

func (p *Presences) closeSession(_ presence.NodeID, in *wire.CloseSession) {
	s := p.router.Own(readID(in.Session))
	reason := presence.CloseReason(in.Reason)
	if s == nil || !reason.Valid() {
		return
	}
	final := make([]*presence.Message, len(in.Final))
	for i, envelope := range in.Final {
		final[i] = presence.NewEncoded(envelope)
	}
	s.Close(reason, final...)
}

func toSessions(sessions []uuid.UUID, m *presence.Message) *wire.Deliver {
	envelope, err := m.Bytes(presence.Protobuf)
	if err != nil {
		return nil
	}
	item := &wire.Deliver{Sessions: make([][]byte, len(sessions)), Envelope: envelope}
	for i := range sessions {
		item.Sessions[i] = sessions[i][:]
	}
	return item
}

func writeStream(s presence.Stream) *wire.Stream {
	w := &wire.Stream{Mode: uint32(s.Mode), Label: []byte(s.Label)}
	if s.Subject != uuid.Nil {
		w.Subject = s.Subject[:]
	}
	if s.Subcontext != uuid.Nil {
		w.Subcontext = s.Subcontext[:]
	}
	return w
}

func readStream(w *wire.Stream) presence.Stream {
	return presence.Stream{Mode: uint8(w.GetMode()), Subject: readID(w.GetSubject()), Subcontext: readID(w.GetSubcontext()), Label: string(w.GetLabel())}
}

// readID reads an id; anything else is the nil id.
func readID(b []byte) uuid.UUID {
	id, _ := uuid.FromBytes(b)
	return id
}
