package party

import (
	"context"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/heroiclabs/nakama-common/api"
	"github.com/heroiclabs/nakama-common/rtapi"
	"github.com/heroiclabs/nakama-common/runtime"

	"kumi/match/matchmaker"
	"kumi/presence"
	"kumi/store/fault"
)

// Elsewhere reaches the other nodes of a cluster. A party lives on the node that its id
// names; sessions of any node may be in it. Its methods may be called from any goroutine.
type Elsewhere interface {
	// Known reports whether a node of this name is in the cluster and not lost.
	Known(node string) bool
	// Call asks the node of a party. Errors are those of the node's Registry.Answer,
	// NotFound for a node that is not known and Unavailable for one that cannot be reached.
	Call(ctx context.Context, node string, c *Call) (*Answer, error)
	// Enter calls Registry.Enter on the node of the session.
	Enter(ctx context.Context, e *Entry) error
	// Untrack calls Registry.Untrack on the node of the session. It does not block.
	Untrack(session uuid.UUID, stream presence.Stream, admission uint64)
	// List calls Registry.ListHere on one node or, if node is empty, on all others. Nodes
	// that do not answer in time are left out, counted and logged.
	List(ctx context.Context, node string, f *ListFilter) ([]Listed, error)
}

// Op is what a Call asks for.
type Op uint8

// The operations, with the fields of Call that they use beside Party. All but OpJoin are
// for the leader, in Session. The numbers are part of the protocol between nodes.
const (
	OpJoin         Op = iota + 1 // Joiner, Single, OnStream
	OpAccept                     // Target, Single
	OpRemove                     // Target
	OpPromote                    // Target
	OpClose                      //
	OpUpdate                     // Update
	OpRequests                   //
	OpAddTicket                  // Request
	OpRemoveTicket               // Ticket
)

// Call is a request to the node of a party.
type Call struct {
	Op       Op
	Party    uuid.UUID
	Session  uuid.UUID
	Joiner   *presence.Presence
	Target   *rtapi.UserPresence
	Single   bool // who enters leaves its other parties
	OnStream bool // the joiner is on the party's stream
	Update   *rtapi.PartyUpdate
	Request  *matchmaker.Request
	Ticket   string
}

// Answer is the answer to a Call: of OpRequests the requests, of OpAddTicket the ticket.
type Answer struct {
	Requests *rtapi.PartyJoinRequest
	Ticket   *rtapi.PartyMatchmakerTicket
}

// Entry puts a session on the stream of a party of another node. The party sees by the
// admission's number whether the presence that arrives is one that it still counts on.
type Entry struct {
	Party     uuid.UUID
	Node      string // of the party
	Session   uuid.UUID
	Username  string
	Admission uint64
	Single    bool
}

// Listed is a party in a listing and its place there.
type Listed struct {
	Party *api.Party
	At    Position
}

// knownErrors are the errors that callers compare with, and that so have to be the same
// values when they come from another node.
var knownErrors = []error{
	ErrIDInvalid, ErrNotFound, errFull, errDuplicate, errMember, errRequestsFull, errNotLeader, errNotMember, errNotRequest,
	errAccept, errRemoveSelf, errLabelTooLong, errHiddenWithLabel, errLabelNotAnObject,
}

// do does something with a party, here or on its node.
func (r *Registry) do(ctx context.Context, id string, c *Call) (*Answer, error) {
	party, node, err := ParseID(id)
	if err != nil {
		return nil, err
	}
	c.Party = party
	if r.o.Elsewhere == nil || node == r.o.Node {
		if node != r.o.Node {
			return nil, ErrNotFound
		}
		return r.Answer(ctx, c)
	}
	if c.Op == OpJoin {
		c.OnStream = r.o.Tracker.Get(c.Joiner.Session, streamOf(party, node)) != nil
	}
	a, err := r.o.Elsewhere.Call(ctx, node, c)
	switch {
	case err == nil:
		return a, nil
	case fault.CodeOf(err) == fault.NotFound: // the node
		return nil, ErrNotFound
	case fault.CodeOf(err) == fault.DeadlineExceeded:
		return nil, fault.Wrap(fault.Unavailable, "The party's node has not answered in time.", err)
	}
	for _, known := range knownErrors {
		if fault.CodeOf(known) == fault.CodeOf(err) && fault.Text(known) == fault.Text(err) {
			return nil, known
		}
	}
	return nil, err
}

// Answer does what a session of any node asks of a party of this one. The cluster calls it
// for other nodes, from any goroutine. Errors are those of the registry's method of that
// name.
func (r *Registry) Answer(ctx context.Context, c *Call) (*Answer, error) {
	p := r.at(c.Party, r.o.Node)
	if p == nil {
		return nil, ErrNotFound
	}
	a := &Answer{}
	var err error
	switch c.Op {
	case OpJoin:
		err = p.join(ctx, c)
	case OpAccept:
		err = p.accept(ctx, c)
	case OpRemove:
		err = p.removeTarget(c.Session, c.Target)
	case OpPromote:
		err = p.promote(c.Session, c.Target)
	case OpClose:
		err = p.close(c.Session)
	case OpUpdate:
		err = p.change(c.Session, c.Update)
	case OpRequests:
		a.Requests, err = p.listRequests(c.Session)
	case OpAddTicket:
		a.Ticket, err = p.addTicket(c.Session, *c.Request)
	case OpRemoveTicket:
		err = p.removeTicket(c.Session, c.Ticket)
	default:
		err = fault.Newf(fault.Unimplemented, "node %s does not know operation %d of parties", r.o.Node, c.Op)
	}
	if err != nil {
		return nil, err
	}
	return a, nil
}

// onOtherNode reports whether a session is one of another node of the cluster.
func (r *Registry) onOtherNode(session uuid.UUID) bool {
	return r.o.Elsewhere != nil && !presence.OnNode(session, r.hash)
}

// enterElsewhere is enter for a session of another node.
func (r *Registry) enterElsewhere(ctx context.Context, p *party, m *presence.Presence, single bool) error {
	err := r.o.Elsewhere.Enter(ctx, &Entry{
		Party: p.id, Node: r.o.Node, Session: m.Session, Username: m.Username, Admission: m.Admission, Single: single,
	})
	member := p.finishJoin(m.Session)
	switch {
	case err != nil:
		p.untracked(m)
	case !member:
		err = ErrNotFound
	default:
		time.AfterFunc(arrivalDeadline, func() { p.dropUnlessArrived(m) })
		return nil
	}
	// The node may have put it on the stream even if its answer did not come.
	r.o.Elsewhere.Untrack(m.Session, p.stream, m.Admission)
	return err
}

// arrivalDeadline is how long a party waits for the presence of a session of another node
// that it has let in.
const arrivalDeadline = 15 * time.Second

// dropUnlessArrived removes a member whose presence has not arrived: it left before its
// node could tell, and so nothing will tell that it left.
func (p *party) dropUnlessArrived(m *presence.Presence) {
	p.mu.Lock()
	defer p.mu.Unlock()
	i := p.memberIndex(m.Session)
	if p.over || i < 0 || p.members[i].Admission != m.Admission || arrived(p.members[i]) {
		return
	}
	if p.reg.o.Tracker.Behind(m.Session) {
		time.AfterFunc(arrivalDeadline, func() { p.dropUnlessArrived(m) })
		return
	}
	p.removeMember(i)
	p.reg.o.Elsewhere.Untrack(m.Session, p.stream, m.Admission)
}

// Enter puts a session of this node on the stream of a party of another one that has let
// it in. Errors: those of the tracker for a session that has ended, ErrNotFound if the
// party's node is lost.
func (r *Registry) Enter(e *Entry) error {
	stream := streamOf(e.Party, e.Node)
	meta := presence.Meta{Username: e.Username, Admission: e.Admission}
	self, isNew, err := r.o.Tracker.Track(e.Session, stream, meta)
	if err == nil && !isNew && self.Admission != e.Admission {
		// The party does not count on that presence any more, and has sent word of it.
		r.o.Tracker.Untrack(e.Session, stream, runtime.PresenceReasonLeave)
		_, _, err = r.o.Tracker.Track(e.Session, stream, meta)
	}
	if err != nil {
		return err
	}
	if !r.o.Elsewhere.Known(e.Node) { // NodeLost may have come too early to see it
		r.o.Tracker.Untrack(e.Session, stream, runtime.PresenceReasonLeave)
		return ErrNotFound
	}
	if e.Single {
		r.leaveOthers(e.Session, stream)
	}
	return nil
}

// Untrack takes a session of this node off the stream of a party of another one, if it is
// there with this admission; 0 means any.
func (r *Registry) Untrack(session uuid.UUID, stream presence.Stream, admission uint64) {
	if p := r.o.Tracker.Get(session, stream); p != nil && (admission == 0 || p.Admission == admission) {
		r.o.Tracker.Untrack(session, stream, runtime.PresenceReasonLeave)
	}
}

// refuse takes a session of another node off the stream of a party that does not count on
// it. It may be called with any lock held.
func (r *Registry) refuse(m *presence.Presence) {
	if r.o.Elsewhere != nil && m.Admission != 0 {
		r.o.Elsewhere.Untrack(m.Session, m.Stream, m.Admission)
	}
}

// NodeLost tells the sessions of this node that the parties of a node have closed that is
// lost here, and makes them leave. Others may still hear of that node, so this one decides
// about its own sessions only. It does not block: the sessions leave soon after.
func (r *Registry) NodeLost(node string) {
	go func() {
		var streams []presence.Stream
		r.o.Tracker.Streams(presence.ModeParty, func(s presence.Stream, _ int) bool {
			if s.Label == node {
				streams = append(streams, s)
			}
			return true
		})
		r.leaveClosed(streams)
	}()
}

// leaveClosed makes the sessions of this node leave parties, which they hear have closed.
func (r *Registry) leaveClosed(parties []presence.Stream) {
	for _, s := range parties {
		closed := presence.NewMessage(closedEnvelope(s.MatchID()))
		for _, p := range r.o.Tracker.List(s, true, true) {
			if !presence.OnNode(p.Session, r.hash) {
				continue
			}
			if session := r.o.Router.Session(p.Session); session != nil {
				session.Send(closed)
			}
			r.o.Tracker.Untrack(p.Session, s, runtime.PresenceReasonDisconnect)
		}
	}
}
