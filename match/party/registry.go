// Package party keeps parties: groups of players with a leader, data messages
// and matchmaker tickets of their own.
//
// A Registry makes and finds parties. A party is a lock and a little state.
// Its members are the sessions present on its stream, so a session that ends,
// leaves or is taken off the stream by module code leaves the party. A party
// without members ends immediately. Every method may be called from any
// goroutine and blocks on nothing but short locks.
//
// Lock order: the tracker's, a party's, the registry's or the matchmaker's.
// The tracker reports joins and leaves with its locks held, so nothing here
// calls the tracker while holding a lock of its own, apart from Tracker.Behind.
package party

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/heroiclabs/nakama-common/rtapi"
	"github.com/heroiclabs/nakama-common/runtime"
	"github.com/rs/zerolog"

	"kumi/match/matchmaker"
	"kumi/presence"
	"kumi/store/fault"
)

// MaxSize is the maximum number of members of a party.
const MaxSize = 256

// Options configure a Registry. Logger, Metrics and Elsewhere are optional.
type Options struct {
	Node       string
	Tracker    *presence.Tracker
	Router     *presence.Router
	Matchmaker *matchmaker.Matchmaker // for the parties' tickets
	Logger     zerolog.Logger
	Metrics    Metrics   // nil: nothing is recorded
	Elsewhere  Elsewhere // nil: there are no other nodes
}

// Metrics receives what parties count. Implementations must not block.
type Metrics interface {
	// Parties sets the number of parties, after each change and in order.
	Parties(n int)
}

type noMetrics struct{}

func (noMetrics) Parties(int) {}

// Registry makes, finds and lists parties. Make one with NewRegistry.
type Registry struct {
	o          Options
	hash       presence.NodeID // of this node
	admissions atomic.Uint64   // numbers given to sessions of other nodes
	mu         sync.RWMutex
	parties    map[uuid.UUID]*party
	created    int64 // the newest party.created
}

// NewRegistry returns an empty registry, and makes it the tracker's listener
// for parties.
func NewRegistry(o Options) *Registry {
	if o.Metrics == nil {
		o.Metrics = noMetrics{}
	}
	r := &Registry{o: o, hash: presence.NodeHash(o.Node), parties: map[uuid.UUID]*party{}}
	o.Tracker.Listen(presence.ModeParty, r.presenceChanged)
	return r
}

// presenceChanged is the tracker's listener.
func (r *Registry) presenceChanged(s presence.Stream, join, leave *presence.Presence) {
	if s.Label != r.o.Node {
		return
	}
	p := r.at(s.Subject, s.Label)
	switch {
	case p == nil && join != nil:
		r.refuse(join)
	case p == nil:
	case join != nil && leave != nil && join.Admission != leave.Admission: // it has left and come again
		p.untracked(leave)
		p.tracked(join, false)
	case join != nil:
		p.tracked(join, leave != nil)
	default:
		p.untracked(leave)
	}
}

// Errors of parties. All have code fault.InvalidArgument; errors.Is finds the
// runtime package's values in them.
var (
	ErrIDInvalid = fault.New(fault.InvalidArgument, "Invalid party ID")
	ErrNotFound  = fault.New(fault.InvalidArgument, "party not found")
	ErrSize      = fault.Newf(fault.InvalidArgument, "Invalid party max size, must be 1-%d", MaxSize)

	errFull             = known(runtime.ErrPartyFull)
	errDuplicate        = known(runtime.ErrPartyJoinRequestDuplicate)
	errMember           = known(runtime.ErrPartyJoinRequestAlreadyMember)
	errRequestsFull     = known(runtime.ErrPartyJoinRequestsFull)
	errNotLeader        = known(runtime.ErrPartyNotLeader)
	errNotMember        = known(runtime.ErrPartyNotMember)
	errNotRequest       = known(runtime.ErrPartyNotRequest)
	errAccept           = known(runtime.ErrPartyAcceptRequest)
	errRemoveSelf       = known(runtime.ErrPartyRemoveSelf)
	errLabelTooLong     = known(runtime.ErrPartyLabelTooLong)
	errHiddenWithLabel  = fault.New(fault.InvalidArgument, "party is hidden and label is not empty, invalid operation")
	errLabelNotAnObject = fault.New(fault.InvalidArgument, "failed to unmarshal party label: it must be a JSON object")
)

func known(err error) error { return fault.Wrap(fault.InvalidArgument, err.Error(), err) }

// ParseID splits "<uuid>.<node>". The error is ErrIDInvalid.
func ParseID(id string) (party uuid.UUID, node string, err error) {
	text, node, ok := strings.Cut(id, ".")
	if !ok || len(text) != 36 || node == "" {
		return uuid.Nil, "", ErrIDInvalid
	}
	if party, err = uuid.FromString(text); err != nil {
		return uuid.Nil, "", ErrIDInvalid
	}
	return party, node, nil
}

// Count returns the number of parties.
func (r *Registry) Count() int {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return len(r.parties)
}

func (r *Registry) at(id uuid.UUID, node string) *party {
	if node != r.o.Node {
		return nil
	}
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.parties[id]
}

// add registers a party, and forget removes it.
func (r *Registry) add(p *party) {
	r.mu.Lock()
	r.parties[p.id] = p
	r.o.Metrics.Parties(len(r.parties))
	r.mu.Unlock()
}

func (r *Registry) forget(p *party) {
	r.mu.Lock()
	delete(r.parties, p.id)
	r.o.Metrics.Parties(len(r.parties))
	r.mu.Unlock()
}

// creation returns the time of a new party in Unix nanoseconds: now, or a nanosecond after
// the one before.
func (r *Registry) creation() int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.created = max(time.Now().UnixNano(), r.created+1)
	return r.created
}

// enter tracks a session that joins a party, as startJoin returned it, on the party's
// stream. With single it leaves its other parties.
func (r *Registry) enter(ctx context.Context, p *party, m *presence.Presence, single bool) error {
	if r.onOtherNode(m.Session) {
		return r.enterElsewhere(ctx, p, m, single)
	}
	_, _, err := r.o.Tracker.Track(m.Session, p.stream, presence.Meta{Username: m.Username})
	member := p.finishJoin(m.Session)
	if err != nil {
		p.untracked(m)
		return err
	}
	if !member {
		// The party was closed, or the session removed from it, since startJoin.
		r.o.Tracker.Untrack(m.Session, p.stream, runtime.PresenceReasonLeave)
		return ErrNotFound
	}
	if single {
		r.leaveOthers(m.Session, p.stream)
	}
	return nil
}

// leaveOthers makes a session of this node leave all parties but one.
func (r *Registry) leaveOthers(session uuid.UUID, but presence.Stream) {
	r.o.Tracker.UntrackAll(session, runtime.PresenceReasonLeave, func(s presence.Stream) bool {
		return s.Mode == presence.ModeParty && s != but
	})
}

// Leave takes a session out of a party; a session that is not in it is no
// error. The error is ErrIDInvalid.
func (r *Registry) Leave(session uuid.UUID, id string) error {
	party, node, err := ParseID(id)
	if err != nil {
		return err
	}
	r.o.Tracker.Untrack(session, streamOf(party, node), runtime.PresenceReasonLeave)
	return nil
}

// Data sends a member's message to the other members. It is encoded once.
// Errors: ErrIDInvalid, ErrNotFound, and one for a session that is no member.
func (r *Registry) Data(session uuid.UUID, in *rtapi.PartyDataSend) error {
	party, node, err := ParseID(in.GetPartyId())
	if err != nil {
		return err
	}
	stream := streamOf(party, node)
	if err := r.isMember(session, stream); err != nil {
		return err
	}
	r.o.Router.Relay(stream, session, nil, func(sender *presence.Presence) *presence.Message {
		return presence.NewMessage(&rtapi.Envelope{Message: &rtapi.Envelope_PartyData{PartyData: &rtapi.PartyData{
			PartyId: stream.MatchID(), Presence: sender.UserPresence(), OpCode: in.GetOpCode(), Data: in.GetData(),
		}}})
	})
	return nil
}

// isMember checks that a session of this node is in a party. Of a party of another node
// this one knows the stream, whose presences are its members.
func (r *Registry) isMember(session uuid.UUID, stream presence.Stream) error {
	if p := r.at(stream.Subject, stream.Label); p != nil {
		if !p.has(session) {
			return errNotMember
		}
		return nil
	}
	switch {
	case r.o.Elsewhere == nil || r.o.Tracker.Count(stream) == 0:
		return ErrNotFound
	case r.o.Tracker.Get(session, stream) == nil:
		return errNotMember
	}
	return nil
}

func streamOf(id uuid.UUID, node string) presence.Stream {
	return presence.Stream{Mode: presence.ModeParty, Subject: id, Label: node}
}
