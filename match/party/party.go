package party

import (
	"context"
	"slices"
	"sync"

	"github.com/gofrs/uuid/v5"
	"github.com/heroiclabs/nakama-common/rtapi"
	"github.com/heroiclabs/nakama-common/runtime"

	"kumi/presence"
	"kumi/store/query"
)

// party is one party. The fields above mu are immutable.
type party struct {
	reg     *Registry
	id      uuid.UUID
	text    string // "<uuid>.<node>"
	stream  presence.Stream
	created int64 // Unix nanoseconds, another number for each party of a node
	maxSize int

	mu       sync.Mutex
	over     bool
	open     bool
	hidden   bool
	label    string
	doc      *query.Doc           // replaced, never modified
	leader   uuid.UUID            // a session id
	members  []*presence.Presence // in order of joining
	joining  []uuid.UUID          // sessions accepted but not on the stream yet
	requests []*presence.Presence
}

// Create makes a party whose first member and leader is the session. Label is
// a JSON object, "null" or empty. With single the session leaves its other
// parties. Errors: ErrSize, those of the label, and the tracker's for a
// session that has ended.
func (r *Registry) Create(ctx context.Context, creator *presence.Presence, in *rtapi.PartyCreate, single bool) (*rtapi.Party, error) {
	if in.GetMaxSize() < 0 || in.GetMaxSize() > MaxSize {
		return nil, ErrSize
	}
	id, err := uuid.NewV4()
	if err != nil {
		return nil, err
	}
	p := &party{
		reg: r, id: id, stream: streamOf(id, r.o.Node), created: r.creation(), maxSize: int(in.GetMaxSize()),
		leader: creator.Session,
	}
	p.text = p.stream.MatchID()
	if err := p.update(in.GetLabel(), in.GetOpen(), in.GetHidden()); err != nil {
		return nil, err
	}
	m := p.startJoin(p.member(creator))
	r.add(p)
	if err := r.enter(ctx, p, m, single); err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	out := p.describe(creator.Session)
	out.Label, out.Hidden = in.GetLabel(), p.hidden // clients expect no label rather than an empty one
	return out, nil
}

// member returns the presence of a session as a member.
func (p *party) member(m *presence.Presence) *presence.Presence {
	return &presence.Presence{
		ID: m.ID, Stream: p.stream, UserID: m.UserID, Meta: presence.Meta{Username: m.Username},
	}
}

// describe returns the party as a member sees it. p.mu is held.
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

// Join adds a session to an open party, or files a request to join a closed
// one. Errors: ErrIDInvalid, ErrNotFound, full, code 14 if the party's node cannot
// be reached, and for a closed party: already a member, requests full, a second
// request of the same user.
func (r *Registry) Join(ctx context.Context, joiner *presence.Presence, id string, single bool) error {
	_, err := r.do(ctx, id, &Call{Op: OpJoin, Joiner: joiner, Single: single})
	return err
}

func (p *party) join(ctx context.Context, c *Call) error {
	m, err := p.requestJoin(c.Joiner, c.OnStream)
	if err != nil || m == nil {
		return err
	}
	return p.reg.enter(ctx, p, m, c.Single)
}

// requestJoin adds a session to an open party and returns it as its member, or files its
// request. onStream says that a session of another node is on the party's stream.
func (p *party) requestJoin(joiner *presence.Presence, onStream bool) (in *presence.Presence, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if i := p.memberIndex(joiner.Session); i >= 0 && !onStream && p.reg.onOtherNode(joiner.Session) && !p.over {
		p.removeMember(i) // it has left; its node's word of that is on the way and will be ignored
	}
	switch {
	case p.over:
		return nil, ErrNotFound
	case len(p.members) >= p.maxSize:
		return nil, errFull
	case p.open:
		return p.startJoin(p.member(joiner)), nil
	case p.memberIndex(joiner.Session) >= 0:
		return nil, errMember
	case len(p.pruneRequests()) >= p.maxSize:
		return nil, errRequestsFull
	case slices.ContainsFunc(p.requests, func(r *presence.Presence) bool { return r.UserID == joiner.UserID }):
		return nil, errDuplicate
	}
	request := p.member(joiner)
	p.requests = append(p.requests, request)
	p.send(p.leader, &rtapi.Envelope{Message: &rtapi.Envelope_PartyJoinRequest{PartyJoinRequest: &rtapi.PartyJoinRequest{
		PartyId: p.text, Presences: []*rtapi.UserPresence{request.UserPresence()},
	}}})
	return nil, nil
}

// pruneRequests drops the requests of sessions that have ended, and returns
// the others. p.mu is held.
func (p *party) pruneRequests() []*presence.Presence {
	p.requests = slices.DeleteFunc(p.requests, func(r *presence.Presence) bool { return p.reg.o.Router.Session(r.Session) == nil })
	return p.requests
}

// startJoin makes a session a member, before it is on the stream, and returns it with the
// number of its admission. The caller calls Registry.enter next. p.mu is held.
func (p *party) startJoin(m *presence.Presence) *presence.Presence {
	if i := p.memberIndex(m.Session); i >= 0 {
		m = p.members[i]
	} else if p.reg.onOtherNode(m.Session) {
		admitted := *m
		admitted.Admission = p.reg.admissions.Add(1)
		m = &admitted
	}
	p.joining = append(p.joining, m.Session)
	p.addMember(m)
	return m
}

// finishJoin ends what startJoin began, and reports whether the session is still
// a member.
func (p *party) finishJoin(session uuid.UUID) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if i := slices.Index(p.joining, session); i >= 0 {
		p.joining = slices.Delete(p.joining, i, i+1)
	}
	return !p.over && p.memberIndex(session) >= 0
}

// addMember makes a session a member and drops its request to join. p.mu is
// held.
func (p *party) addMember(m *presence.Presence) {
	p.requests = slices.DeleteFunc(p.requests, func(r *presence.Presence) bool { return r.Session == m.Session })
	if p.memberIndex(m.Session) < 0 {
		p.members = append(p.members, m)
	}
	p.removeTickets()
}

// removeTickets removes the party's tickets, since its members have changed.
// p.mu is held.
func (p *party) removeTickets() { p.reg.o.Matchmaker.RemoveParty(p.text) }

// tracked is called by the tracker when a session is on the stream: one that
// joined, or one that module code put there. again says that it was there before.
func (p *party) tracked(m *presence.Presence, again bool) {
	if m.Hidden {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	i := p.memberIndex(m.Session)
	if m.Admission != 0 && (p.over || i < 0 || p.members[i].Admission != m.Admission) {
		p.reg.refuse(m) // it was removed, or the party closed, before it came
		return
	}
	if p.over {
		return
	}
	switch {
	case i >= 0 && p.members[i].Admission != m.Admission:
		return // put there by module code of its node while it is let in
	case i >= 0:
		known := again && m.Admission != 0 && arrived(p.members[i])
		p.members[i] = m
		if known {
			return
		}
	case slices.Contains(p.joining, m.Session):
		return // accepted, and removed before it was tracked
	default:
		p.addMember(m)
	}
	if p.maxSize > 0 { // a party of size 0 is not even sent to its leader
		p.send(m.Session, &rtapi.Envelope{Message: &rtapi.Envelope_Party{Party: p.describe(m.Session)}})
	}
}

// arrived reports whether a member was on the stream, whose presences have the reason why
// they joined.
func arrived(m *presence.Presence) bool { return m.Reason != runtime.PresenceReasonUnknown }

// untracked removes a session that left the stream or never was on it. A leave of an
// admission that has ended is ignored.
func (p *party) untracked(m *presence.Presence) {
	p.mu.Lock()
	defer p.mu.Unlock()
	i := p.memberIndex(m.Session)
	if p.over || i < 0 || m.Admission != p.members[i].Admission {
		return
	}
	p.removeMember(i)
}

// removeMember removes a member that has left. The oldest member succeeds a leader; a
// party without members ends. p.mu is held.
func (p *party) removeMember(i int) {
	gone := p.members[i].Session
	p.members = slices.Delete(p.members, i, i+1)
	p.removeTickets()
	if len(p.members) == 0 {
		p.over = true
		p.reg.forget(p)
		return
	}
	if p.leader == gone {
		p.setLeader(p.members[0])
	}
}

// setLeader makes a member the leader and notifies all. p.mu is held.
func (p *party) setLeader(m *presence.Presence) {
	p.leader = m.Session
	p.broadcast(uuid.Nil, &rtapi.Envelope{Message: &rtapi.Envelope_PartyLeader{PartyLeader: &rtapi.PartyLeader{
		PartyId: p.text, Presence: m.UserPresence(),
	}}})
}

func (p *party) has(session uuid.UUID) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return !p.over && p.memberIndex(session) >= 0
}

// memberIndex returns the index of a member, or -1. p.mu is held.
func (p *party) memberIndex(session uuid.UUID) int {
	return slices.IndexFunc(p.members, func(m *presence.Presence) bool { return m.Session == session })
}

// send sends to one session, which may have ended.
func (p *party) send(session uuid.UUID, env *rtapi.Envelope) {
	if s := p.reg.o.Router.Session(session); s != nil {
		s.Send(presence.NewMessage(env))
	}
}

// broadcast sends to all members except one. p.mu is held, so that all members
// see the messages in one order.
func (p *party) broadcast(except uuid.UUID, env *rtapi.Envelope) {
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
