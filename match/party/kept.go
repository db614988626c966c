package party

import (
	"slices"

	"github.com/gofrs/uuid/v5"
	"github.com/heroiclabs/nakama-common/runtime"

	"kumi/presence"
)

// Kept is a party whose members wait while their server is restarted.
type Kept struct {
	ID       uuid.UUID   `json:"id"`
	Created  int64       `json:"created"` // Unix nanoseconds
	MaxSize  int         `json:"max_size"`
	Open     bool        `json:"open"`
	Hidden   bool        `json:"hidden"`
	Label    string      `json:"label"`
	Leader   uuid.UUID   `json:"leader"`   // as are members and requests a session
	Members  []uuid.UUID `json:"members"`  // in order of joining
	Requests []uuid.UUID `json:"requests"` // to join
}

// Keep returns the parties of this node, for a server that stops.
func (r *Registry) Keep() []*Kept {
	r.mu.RLock()
	all := make([]*party, 0, len(r.parties))
	for _, p := range r.parties {
		all = append(all, p)
	}
	r.mu.RUnlock()
	kept := make([]*Kept, 0, len(all))
	for _, p := range all {
		if k := p.keep(); k != nil {
			kept = append(kept, k)
		}
	}
	return kept
}

func (p *party) keep() *Kept {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.over {
		return nil
	}
	return &Kept{
		ID: p.id, Created: p.created, MaxSize: p.maxSize, Open: p.open, Hidden: p.hidden, Label: p.label, Leader: p.leader,
		Members: sessionsOf(p.members), Requests: sessionsOf(p.requests),
	}
}

func sessionsOf(all []*presence.Presence) []uuid.UUID {
	ids := make([]uuid.UUID, len(all))
	for i, m := range all {
		ids[i] = m.Session
	}
	return ids
}

// Restore makes the parties of before a restart again. restoreSessions puts their members
// on their streams; those that it does not leave their parties afterwards. It is called
// before clients can connect.
func (r *Registry) Restore(kept []*Kept, restoreSessions func()) {
	parties := make(map[*party]*Kept, len(kept))
	for _, k := range kept {
		p := &party{reg: r, id: k.ID, stream: streamOf(k.ID, r.o.Node), created: k.Created, maxSize: k.MaxSize, leader: k.Leader, restoring: true}
		p.text = p.stream.MatchID()
		if err := p.update(k.Label, k.Open, k.Hidden); err != nil {
			r.o.Logger.Warn().Err(err).Str("party", p.text).Msg("a party cannot be restored")
			continue
		}
		for _, session := range k.Members {
			p.members = append(p.members, &presence.Presence{ID: presence.ID{Node: r.o.Node, Session: session}, Stream: p.stream})
		}
		r.add(p)
		parties[p] = k
	}
	restoreSessions()
	for p, k := range parties {
		p.restored(k.Requests)
	}
}

// back takes the presence of a member that is on the stream again. p.mu is held.
func (p *party) back(m *presence.Presence) {
	if i := p.memberIndex(m.Session); i >= 0 {
		p.members[i] = m
	}
}

// restored removes the members that are not back, and files the requests of sessions that
// are.
func (p *party) restored(requests []uuid.UUID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.restoring = false
	for i := len(p.members) - 1; i >= 0 && !p.over; i-- {
		if !arrived(p.members[i]) {
			p.removeMember(i)
		}
	}
	for _, id := range requests {
		if s := p.reg.o.Router.Session(id); s != nil && !slices.ContainsFunc(p.members, func(m *presence.Presence) bool { return m.Session == id }) {
			p.requests = append(p.requests, p.member(&presence.Presence{
				ID: presence.ID{Node: p.reg.o.Node, Session: id}, UserID: s.UserID(),
				Meta: presence.Meta{Username: s.Username(), Reason: runtime.PresenceReasonUnknown},
			}))
		}
	}
}
