package party

import (
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

// Restore makes the parties of before a restart again, with the members and requests whose
// sessions were kept: they are on the parties' streams. It is called before clients can
// connect.
func (r *Registry) Restore(kept []*Kept) {
	for _, k := range kept {
		p := &party{reg: r, id: k.ID, stream: streamOf(k.ID, r.o.Node), created: k.Created, maxSize: k.MaxSize, leader: k.Leader}
		p.text = p.stream.MatchID()
		if err := p.update(k.Label, k.Open, k.Hidden); err != nil {
			r.o.Logger.Warn().Err(err).Str("party", p.text).Msg("a party cannot be restored")
			r.o.Tracker.UntrackStream(p.stream, runtime.PresenceReasonUnknown)
			continue
		}
		p.restore(k)
	}
}

func (p *party) restore(k *Kept) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, session := range k.Members {
		if m := p.reg.o.Tracker.Get(session, p.stream); m != nil {
			p.members = append(p.members, m)
		}
	}
	if len(p.members) == 0 {
		return
	}
	p.reg.add(p)
	if p.memberIndex(p.leader) < 0 {
		p.setLeader(p.members[0])
	}
	for _, id := range k.Requests {
		if s := p.reg.o.Router.Session(id); s != nil {
			p.requests = append(p.requests, p.member(&presence.Presence{
				ID: presence.ID{Node: p.reg.o.Node, Session: id}, UserID: s.UserID(), Meta: presence.Meta{Username: s.Username()},
			}))
		}
	}
}
