package party

import (
	"context"
	"slices"

	"github.com/gofrs/uuid/v5"
	"github.com/heroiclabs/nakama-common/rtapi"
	"github.com/heroiclabs/nakama-common/runtime"

	"kumi/match/matchmaker"
	"kumi/presence"
)

// Operations for the leader only. Each of them fails with ErrIDInvalid,
// ErrNotFound, if the session is not the leader, or with code 14 if the party's
// node cannot be reached.

// lockAsLeader locks a party and checks that session is its leader. Unless it
// fails, the caller must unlock p.mu.
func (p *party) lockAsLeader(session uuid.UUID) error {
	p.mu.Lock()
	switch {
	case p.over:
		p.mu.Unlock()
		return ErrNotFound
	case p.leader != session:
		p.mu.Unlock()
		return errNotLeader
	}
	return nil
}

// isTarget reports whether a presence is the one that a client named.
func isTarget(p *presence.Presence, target *rtapi.UserPresence) bool {
	return p.UserID.String() == target.GetUserId() && p.Session.String() == target.GetSessionId() && p.Username == target.GetUsername()
}

func indexOf(list []*presence.Presence, target *rtapi.UserPresence) int {
	return slices.IndexFunc(list, func(p *presence.Presence) bool { return isTarget(p, target) })
}

// Promote makes another member the leader and notifies all members.
func (r *Registry) Promote(ctx context.Context, session uuid.UUID, id string, target *rtapi.UserPresence) error {
	_, err := r.do(ctx, id, &Call{Op: OpPromote, Session: session, Target: target})
	return err
}

func (p *party) promote(session uuid.UUID, target *rtapi.UserPresence) error {
	if err := p.lockAsLeader(session); err != nil {
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
func (r *Registry) Accept(ctx context.Context, session uuid.UUID, id string, target *rtapi.UserPresence, single bool) error {
	_, err := r.do(ctx, id, &Call{Op: OpAccept, Session: session, Target: target, Single: single})
	return err
}

func (p *party) accept(ctx context.Context, c *Call) error {
	if err := p.lockAsLeader(c.Session); err != nil {
		return err
	}
	i := indexOf(p.requests, c.Target)
	if i < 0 {
		p.mu.Unlock()
		return errNotRequest
	}
	if len(p.members) >= p.maxSize {
		p.mu.Unlock()
		return errFull
	}
	m := p.startJoin(p.requests[i])
	p.mu.Unlock()
	if p.reg.enter(ctx, p, m, c.Single) != nil {
		return errAccept
	}
	return nil
}

// Remove removes a member, which is told that the party closed, or drops a
// request to join. The leader cannot remove itself.
func (r *Registry) Remove(ctx context.Context, session uuid.UUID, id string, target *rtapi.UserPresence) error {
	_, err := r.do(ctx, id, &Call{Op: OpRemove, Session: session, Target: target})
	return err
}

func (p *party) removeTarget(session uuid.UUID, target *rtapi.UserPresence) error {
	if err := p.lockAsLeader(session); err != nil {
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
	removed := p.members[i]
	if removed.Session == session {
		p.mu.Unlock()
		return errRemoveSelf
	}
	p.members = slices.Delete(p.members, i, i+1)
	p.removeTickets()
	p.send(removed.Session, closedEnvelope(p.text))
	p.mu.Unlock()
	if p.reg.onOtherNode(removed.Session) {
		p.reg.o.Elsewhere.Untrack(removed.Session, p.stream, removed.Admission)
	} else {
		p.reg.o.Tracker.Untrack(removed.Session, p.stream, runtime.PresenceReasonLeave)
	}
	return nil
}

func closedEnvelope(party string) *rtapi.Envelope {
	return &rtapi.Envelope{Message: &rtapi.Envelope_PartyClose{PartyClose: &rtapi.PartyClose{PartyId: party}}}
}

// Close ends a party and notifies all members, the leader included.
func (r *Registry) Close(ctx context.Context, session uuid.UUID, id string) error {
	_, err := r.do(ctx, id, &Call{Op: OpClose, Session: session})
	return err
}

func (p *party) close(session uuid.UUID) error {
	if err := p.lockAsLeader(session); err != nil {
		return err
	}
	p.over = true
	p.removeTickets()
	p.broadcast(uuid.Nil, closedEnvelope(p.text))
	p.reg.forget(p)
	p.mu.Unlock()
	p.reg.o.Tracker.UntrackStream(p.stream, runtime.PresenceReasonLeave)
	return nil
}

// Requests lists the requests to join, oldest first.
func (r *Registry) Requests(ctx context.Context, session uuid.UUID, id string) (*rtapi.PartyJoinRequest, error) {
	a, err := r.do(ctx, id, &Call{Op: OpRequests, Session: session})
	if err != nil {
		return nil, err
	}
	return a.Requests, nil
}

func (p *party) listRequests(session uuid.UUID) (*rtapi.PartyJoinRequest, error) {
	if err := p.lockAsLeader(session); err != nil {
		return nil, err
	}
	defer p.mu.Unlock()
	return &rtapi.PartyJoinRequest{PartyId: p.text, Presences: presence.UserPresences(p.pruneRequests())}, nil
}

// Update changes the party's label and flags and notifies all members. A
// hidden party can have no label.
func (r *Registry) Update(ctx context.Context, session uuid.UUID, in *rtapi.PartyUpdate) error {
	_, err := r.do(ctx, in.GetPartyId(), &Call{Op: OpUpdate, Session: session, Update: in})
	return err
}

func (p *party) change(session uuid.UUID, in *rtapi.PartyUpdate) error {
	if err := p.lockAsLeader(session); err != nil {
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
func (r *Registry) AddTicket(ctx context.Context, session uuid.UUID, id string, request matchmaker.Request) (*rtapi.PartyMatchmakerTicket, error) {
	a, err := r.do(ctx, id, &Call{Op: OpAddTicket, Session: session, Request: &request})
	if err != nil {
		return nil, err
	}
	return a.Ticket, nil
}

func (p *party) addTicket(session uuid.UUID, request matchmaker.Request) (*rtapi.PartyMatchmakerTicket, error) {
	if err := p.lockAsLeader(session); err != nil {
		return nil, err
	}
	defer p.mu.Unlock()
	request.PartyID, request.Presences = p.text, slices.Clone(p.members)
	t, err := p.reg.o.Matchmaker.Add(request)
	if err != nil {
		return nil, err
	}
	out := &rtapi.PartyMatchmakerTicket{PartyId: p.text, Ticket: t.ID}
	p.broadcast(session, &rtapi.Envelope{Message: &rtapi.Envelope_PartyMatchmakerTicket{PartyMatchmakerTicket: out}})
	return out, nil
}

// RemoveTicket removes a matchmaker ticket of the party. Errors are also those
// of matchmaker.RemovePartyTicket.
func (r *Registry) RemoveTicket(ctx context.Context, session uuid.UUID, id, ticket string) error {
	_, err := r.do(ctx, id, &Call{Op: OpRemoveTicket, Session: session, Ticket: ticket})
	return err
}

func (p *party) removeTicket(session uuid.UUID, ticket string) error {
	if err := p.lockAsLeader(session); err != nil {
		return err
	}
	p.mu.Unlock() // it waits for a match that is being formed
	return p.reg.o.Matchmaker.RemovePartyTicket(p.text, ticket)
}
