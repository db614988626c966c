package party

import (
	"slices"
	"sync"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/heroiclabs/nakama-common/rtapi"

	"kumi/presence"
	"kumi/store/query"
)

// party is one party. What is above mu never changes.
type party struct {
	reg     *Registry
	id      uuid.UUID
	text    string // "<uuid>.<node>"
	stream  presence.Stream
	seq     uint64 // order of creation
	created int64  // Unix milliseconds
	maxSize int

	mu       sync.Mutex
	over     bool
	open     bool
	hidden   bool
	label    string
	doc      *query.Doc           // replaced, never changed
	leader   uuid.UUID            // the session
	members  []*presence.Presence // in order of joining
	coming   []uuid.UUID          // sessions that were let in and are on their way to the stream
	requests []*presence.Presence
}

// Create makes a party with a session in it, its leader. Label is a JSON object
// or null, or empty. With single the session leaves its other parties. Errors: ErrSize,
// those of the label, and the tracker's for a session that has ended.
func (r *Registry) Create(who *presence.Presence, in *rtapi.PartyCreate, single bool) (*rtapi.Party, error) {
	if in.GetMaxSize() < 0 || in.GetMaxSize() > MaxSize {
		return nil, ErrSize
	}
	id, err := uuid.NewV4()
	if err != nil {
		return nil, err
	}
	p := &party{
		reg: r, id: id, stream: streamOf(id, r.o.Node), created: time.Now().UnixMilli(), maxSize: int(in.GetMaxSize()),
		leader: who.Session,
	}
	p.text = p.stream.MatchID()
	if err := p.set(in.GetLabel(), in.GetOpen(), in.GetHidden()); err != nil {
		return nil, err
	}
	p.letIn(p.member(who))
	r.add(p)
	if err := r.enter(p, who.Session, who.Username, single); err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	out := p.describe(who.Session)
	out.Label, out.Hidden = in.GetLabel(), p.hidden // clients wait for no label, not for an empty one
	return out, nil
}

// member is a session as a member.
func (p *party) member(who *presence.Presence) *presence.Presence {
	return &presence.Presence{
		ID: who.ID, Stream: p.stream, UserID: who.UserID, Meta: presence.Meta{Username: who.Username},
	}
}

// describe is what a member is told of its party. The lock is held.
func (p *party) describe(self uuid.UUID) *rtapi.Party {
	out := &rtapi.Party{
		PartyId: p.text, Open: p.open, MaxSize: int32(p.maxSize), Presences: presence.UserPresences(p.members),
	}
	for i, m := range p.members {
		if m.Session == self {
			out.Self = out.Presences[i]
		}
		if m.Session == p.leader {
			out.Leader = out.Presences[i]
		}
	}
	return out
}

// Join lets a session into an open party, and files a request to join a closed
// one. Errors: ErrIDInvalid, ErrNotFound, full, and for a closed party: already
// a member, requests full, a second request of the same user.
func (r *Registry) Join(who *presence.Presence, id string, single bool) error {
	p, err := r.find(id)
	if err != nil {
		return err
	}
	in, err := p.ask(who)
	if err != nil || !in {
		return err
	}
	return r.enter(p, who.Session, who.Username, single)
}

// ask counts a session in, or notes its request.
func (p *party) ask(who *presence.Presence) (in bool, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.over:
		return false, ErrNotFound
	case len(p.members) >= p.maxSize:
		return false, errFull
	case p.open:
		p.letIn(p.member(who))
		return true, nil
	case p.find(who.Session) >= 0:
		return false, errMember
	case len(p.waiting()) >= p.maxSize:
		return false, errRequestsFull
	case slices.ContainsFunc(p.requests, func(r *presence.Presence) bool { return r.UserID == who.UserID }):
		return false, errDuplicate
	}
	request := p.member(who)
	p.requests = append(p.requests, request)
	p.tell(p.leader, &rtapi.Envelope{Message: &rtapi.Envelope_PartyJoinRequest{PartyJoinRequest: &rtapi.PartyJoinRequest{
		PartyId: p.text, Presences: []*rtapi.UserPresence{request.UserPresence()},
	}}})
	return false, nil
}

// waiting is who asks to join. Those that have ended since do not wait. The lock
// is held.
func (p *party) waiting() []*presence.Presence {
	p.requests = slices.DeleteFunc(p.requests, func(r *presence.Presence) bool { return p.reg.o.Router.Session(r.Session) == nil })
	return p.requests
}

// letIn makes a session a member, with a place from now on, before it is on the
// stream. Who calls it calls Registry.enter next. The lock is held.
func (p *party) letIn(who *presence.Presence) {
	p.coming = append(p.coming, who.Session)
	p.count(who)
}

// came ends what letIn began, and tells whether the session is a member still.
func (p *party) came(session uuid.UUID) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if i := slices.Index(p.coming, session); i >= 0 {
		p.coming = slices.Delete(p.coming, i, i+1)
	}
	return !p.over && p.find(session) >= 0
}

// count makes a session a member. What it asked for before is settled. The lock
// is held.
func (p *party) count(who *presence.Presence) {
	p.requests = slices.DeleteFunc(p.requests, func(r *presence.Presence) bool { return r.Session == who.Session })
	if p.find(who.Session) < 0 {
		p.members = append(p.members, who)
	}
	p.changed()
}

// changed ends the tickets that the party got in another line-up. The lock is
// held.
func (p *party) changed() { p.reg.o.Matchmaker.RemoveParty(p.text) }

// arrived is told by the tracker that a session is on the stream: one that was
// let in, or one that module code put there.
func (p *party) arrived(who *presence.Presence) {
	if who.Hidden {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.over {
		return
	}
	switch i := p.find(who.Session); {
	case i >= 0:
		p.members[i] = who
	case slices.Contains(p.coming, who.Session):
		return // let in, and removed before it came
	default:
		p.count(who)
	}
	if p.maxSize > 0 { // with 0 even its leader counts as one too many, and is told nothing
		p.tell(who.Session, &rtapi.Envelope{Message: &rtapi.Envelope_Party{Party: p.describe(who.Session)}})
	}
}

// left takes a session out, which is gone from the stream or never came onto
// it. The oldest member follows a leader; a party without members is over.
func (p *party) left(session uuid.UUID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	i := p.find(session)
	if p.over || i < 0 {
		return
	}
	p.members = slices.Delete(p.members, i, i+1)
	p.changed()
	if len(p.members) == 0 {
		p.over = true
		p.reg.forget(p)
		return
	}
	if p.leader == session {
		p.lead(p.members[0])
	}
}

// lead makes a member the leader and tells all. The lock is held.
func (p *party) lead(who *presence.Presence) {
	p.leader = who.Session
	p.tellAll(uuid.Nil, &rtapi.Envelope{Message: &rtapi.Envelope_PartyLeader{PartyLeader: &rtapi.PartyLeader{
		PartyId: p.text, Presence: who.UserPresence(),
	}}})
}

func (p *party) has(session uuid.UUID) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return !p.over && p.find(session) >= 0
}

// find is the place of a member, or -1. The lock is held.
func (p *party) find(session uuid.UUID) int {
	return slices.IndexFunc(p.members, func(m *presence.Presence) bool { return m.Session == session })
}

// tell sends to one session, which may have ended.
func (p *party) tell(session uuid.UUID, env *rtapi.Envelope) {
	if s := p.reg.o.Router.Session(session); s != nil {
		s.Send(presence.NewMessage(env))
	}
}

// tellAll sends to the members but one. The lock is held, so that all read the
// party's messages in one order.
func (p *party) tellAll(except uuid.UUID, env *rtapi.Envelope) {
	m := presence.NewMessage(env)
	for _, member := range p.members {
		if member.Session == except {
			continue
		}
		if s := p.reg.o.Router.Session(member.Session); s != nil {
			s.Send(m)
		}
	}
}
