package party

import (
	"slices"

	"github.com/gofrs/uuid/v5"
	"github.com/heroiclabs/nakama-common/rtapi"
	"github.com/heroiclabs/nakama-common/runtime"

	"kumi/match/matchmaker"
	"kumi/presence"
)

// Operations for the leader only. Each of them fails with ErrIDInvalid,
// ErrNotFound, or if the session is not the leader.

// lockAsLeader finds a party, locks it and checks that session is its leader.
// Unless it fails, the caller must unlock p.mu.
func (r *Registry) lockAsLeader(session uuid.UUID, id string) (*party, error) {
	p, err := r.find(id)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	switch {
	case p.over:
		err = ErrNotFound
	case p.leader != session:
		err = errNotLeader
	default:
		return p, nil
	}
	p.mu.Unlock()
	return nil, err
}

// isTarget reports whether a presence is the one that a client named.
func isTarget(p *presence.Presence, target *rtapi.UserPresence) bool {
	return p.UserID.String() == target.GetUserId() && p.Session.String() == target.GetSessionId() && p.Username == target.GetUsername()
}

func indexOf(list []*presence.Presence, target *rtapi.UserPresence) int {
	return slices.IndexFunc(list, func(p *presence.Presence) bool { return isTarget(p, target) })
}

// Promote makes another member the leader and notifies all members.
func (r *Registry) Promote(session uuid.UUID, id string, target *rtapi.UserPresence) error {
	p, err := r.lockAsLeader(session, id)
	if err != nil {
		return err
	}
	defer p.mu.Unlock()
	i := indexOf(p.members, target)
	if i < 0 {
		return errNotMember
	}
	p.setLeader(p.members[i])
	return nil
}

// Accept accepts a request to join. The request of a session that has ended
// since is dropped, with an error. With single the session leaves its other
// parties.
func (r *Registry) Accept(session uuid.UUID, id string, target *rtapi.UserPresence, single bool) error {
	p, err := r.lockAsLeader(session, id)
	if err != nil {
		return err
	}
	i := indexOf(p.requests, target)
	if i < 0 {
		p.mu.Unlock()
		return errNotRequest
	}
	if len(p.members) >= p.maxSize {
		p.mu.Unlock()
		return errFull
	}
	m := p.requests[i]
	p.startJoin(m)
	p.mu.Unlock()
	if r.enter(p, m.Session, m.Username, single) != nil {
		return errAccept
	}
	return nil
}

// Remove removes a member, which is told that the party closed, or drops a
// request to join. The leader cannot remove itself.
func (r *Registry) Remove(session uuid.UUID, id string, target *rtapi.UserPresence) error {
	p, err := r.lockAsLeader(session, id)
	if err != nil {
		return err
	}
	if i := indexOf(p.requests, target); i >= 0 {
		p.requests = slices.Delete(p.requests, i, i+1)
		p.mu.Unlock()
		return nil
	}
	i := indexOf(p.members, target)
	if i < 0 {
		p.mu.Unlock()
		return errNotMember
	}
	removed := p.members[i].Session
	if removed == session {
		p.mu.Unlock()
		return errRemoveSelf
	}
	p.members = slices.Delete(p.members, i, i+1)
	p.removeTickets()
	p.send(removed, p.closed())
	p.mu.Unlock()
	r.o.Tracker.Untrack(removed, p.stream, runtime.PresenceReasonLeave)
	return nil
}

func (p *party) closed() *rtapi.Envelope {
	return &rtapi.Envelope{Message: &rtapi.Envelope_PartyClose{PartyClose: &rtapi.PartyClose{PartyId: p.text}}}
}

// Close ends a party and notifies all members, the leader included.
func (r *Registry) Close(session uuid.UUID, id string) error {
	p, err := r.lockAsLeader(session, id)
	if err != nil {
		return err
	}
	p.over = true
	p.removeTickets()
	p.broadcast(uuid.Nil, p.closed())
	r.forget(p)
	p.mu.Unlock()
	r.o.Tracker.UntrackStream(p.stream, runtime.PresenceReasonLeave)
	return nil
}

// Requests lists the requests to join, oldest first.
func (r *Registry) Requests(session uuid.UUID, id string) (*rtapi.PartyJoinRequest, error) {
	p, err := r.lockAsLeader(session, id)
	if err != nil {
		return nil, err
	}
	defer p.mu.Unlock()
	return &rtapi.PartyJoinRequest{PartyId: p.text, Presences: presence.UserPresences(p.pruneRequests())}, nil
}

// Update changes the party's label and flags and notifies all members. A
// hidden party can have no label.
func (r *Registry) Update(session uuid.UUID, in *rtapi.PartyUpdate) error {
	p, err := r.lockAsLeader(session, in.GetPartyId())
	if err != nil {
		return err
	}
	defer p.mu.Unlock()
	if in.GetHidden() && in.GetLabel() != "" && in.GetLabel() != emptyLabel {
		return errHiddenWithLabel
	}
	if err := p.update(in.GetLabel(), in.GetOpen(), in.GetHidden()); err != nil {
		return err
	}
	p.broadcast(uuid.Nil, &rtapi.Envelope{Message: &rtapi.Envelope_PartyUpdate{PartyUpdate: &rtapi.PartyUpdate{
		PartyId: p.text, Label: in.GetLabel(), Open: p.open, Hidden: p.hidden,
	}}})
	return nil
}

// AddTicket adds a matchmaker ticket for the whole party and notifies the
// other members. It fills in the request's party and presences. Errors are
// also those of matchmaker.Add.
func (r *Registry) AddTicket(session uuid.UUID, id string, request matchmaker.Request) (*rtapi.PartyMatchmakerTicket, error) {
	p, err := r.lockAsLeader(session, id)
	if err != nil {
		return nil, err
	}
	defer p.mu.Unlock()
	request.PartyID, request.Presences = p.text, slices.Clone(p.members)
	t, err := r.o.Matchmaker.Add(request)
	if err != nil {
		return nil, err
	}
	out := &rtapi.PartyMatchmakerTicket{PartyId: p.text, Ticket: t.ID}
	p.broadcast(session, &rtapi.Envelope{Message: &rtapi.Envelope_PartyMatchmakerTicket{PartyMatchmakerTicket: out}})
	return out, nil
}

// RemoveTicket removes a matchmaker ticket of the party. Errors are also those
// of matchmaker.RemovePartyTicket.
func (r *Registry) RemoveTicket(session uuid.UUID, id, ticket string) error {
	p, err := r.lockAsLeader(session, id)
	if err != nil {
		return err
	}
	defer p.mu.Unlock()
	return r.o.Matchmaker.RemovePartyTicket(p.text, ticket)
}
