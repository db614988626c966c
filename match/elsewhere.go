package match

import (
	"context"
	"errors"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/heroiclabs/nakama-common/api"
	"github.com/heroiclabs/nakama-common/runtime"

	"kumi/presence"
	"kumi/store/fault"
)

// Elsewhere reaches the other nodes of a cluster. Nodes are named as in the ids of matches,
// which come from clients. Its methods may be called from any goroutine; those without a
// context never block, do not call the tracker, and reach their node in the order of the
// calls, or not at all if it is lost.
type Elsewhere interface {
	// Known reports whether a node of this name is in the cluster and not lost.
	Known(node string) bool
	// Call asks the node of a match, and waits for AnswerWait at most. Errors are those
	// that the node's Registry.Answer returns, NotFound for a node that is not known and
	// Unavailable for one that cannot be reached.
	Call(ctx context.Context, node string, c *Call) (*Answer, error)
	// Input sends a client's message to a match. If it is not reliable it may get lost.
	Input(node string, match, session uuid.UUID, d *DataSend)
	// Dismiss tells a match that a session which it let in does not come.
	Dismiss(node string, match, session uuid.UUID, admission uint64)
	// Cancel undoes an OpCreate whose answer has not come.
	Cancel(node string, match uuid.UUID)
	// Untrack makes a session of another node leave a stream; see Registry.Untrack.
	Untrack(session uuid.UUID, stream presence.Stream, admission uint64)
	// List lists authoritative matches of one node or, if node is empty, of all others.
	// Nodes that do not answer in time are left out, counted and logged.
	List(ctx context.Context, node string, f *ListFilter) ([]Listed, error)
	// Exists asks all nodes whether one of them has a relayed match.
	Exists(ctx context.Context, match uuid.UUID) bool
	// Place picks the node for a new match: an empty name means this one.
	Place() (node string)

	// Hold makes the other nodes keep what their clients send to a match of this one, until
	// they are told that it has moved. It returns when what they had sent before has arrived
	// here and what this node had sent before has arrived there, except with nodes that do
	// not answer within a second.
	Hold(m Move)
	// Heirs returns the nodes that can take over a match of this one, the best first, and
	// whether one is starting that may be able to soon. Those in except do not count.
	Heirs(except []string) (ready []string, coming bool)
	// HandOver asks a node to take over a match whose snapshot this node has written with
	// this epoch, and waits for it. ended says that the match did not want to go on there.
	HandOver(ctx context.Context, node string, m Move, handler string) (ended bool, err error)
	// Moved tells all other nodes where matches run. Confirm waits until they know, too, or
	// do not answer.
	Moved(all ...Move)
	Confirm(ctx context.Context, all []Move)
}

// Op is what a Call asks for.
type Op uint8

// The operations, with the fields of Call and Answer that they use beside Match. Their
// numbers are part of the protocol between nodes.
const (
	OpAdmit  Op = iota + 1 // Joiner, Metadata, OnStream; Accepted, Reason, New, Admission, Presences, Label
	OpSignal               // Text; Text
	OpState                // ; Presences, Tick, Text
	OpGet                  // ; Match, nil if there is none
	OpCreate               // Text (the handler), Params
	OpEnd                  // Grace
	OpPause
	OpResume
	OpStep
	OpPatch // Text
)

// Call is a request to the node of a match.
type Call struct {
	Op       Op
	Match    uuid.UUID
	Home     string // the node in the match's id; empty: the one that is called
	Text     string
	Grace    time.Duration
	Joiner   *Joiner
	Metadata map[string]string
	OnStream bool // the joiner is on the match's stream already
	Params   map[string]any
}

// Answer is the answer to a Call.
type Answer struct {
	Accepted, New bool
	Reason        string
	Admission     uint64
	Presences     []*presence.Presence
	Label, Text   string
	Tick          int64
	Match         *api.Match
	Moved         *Move // instead of an answer: ask there
}

// Listed is a match in a listing, with what it is sorted by.
type Listed struct {
	Match   *api.Match
	Score   float64
	Created int64 // Unix nanoseconds
}

// ErrElsewhere answers what can be done only on the node of a match.
var ErrElsewhere = fault.New(fault.FailedPrecondition, "The match runs on another node. Open the console of that node.")

// known are the errors that callers compare with, and that so have to be the same values
// when they come from another node.
var known = []error{
	ErrIDInvalid, ErrNotFound, ErrBusy, ErrFailed, ErrStopping, ErrNotPaused, ErrStateFixed,
	runtime.ErrMatchLabelTooLong,
}

// call asks the node of a match that is not here.
func (r *Registry) call(ctx context.Context, node string, c *Call) (*Answer, error) {
	if r.o.Elsewhere == nil {
		return nil, ErrNotFound
	}
	c.Home = node
	a, err := r.callOwner(ctx, c)
	switch code := fault.CodeOf(err); {
	case err == nil:
		return a, nil
	case code == fault.NotFound && c.Op != OpCreate: // the match, or its node
		return nil, ErrNotFound
	case code == fault.DeadlineExceeded:
		return nil, fault.Wrap(fault.Unavailable, "The match's node has not answered in time.", err)
	}
	for _, k := range known {
		if fault.CodeOf(k) == fault.CodeOf(err) && fault.Text(k) == fault.Text(err) {
			return nil, k
		}
	}
	return nil, err
}

// maxRedirects is how often a call follows a match that has moved.
const maxRedirects = 4

// callOwner calls the node that runs a match. It waits while the match is moving.
func (r *Registry) callOwner(ctx context.Context, c *Call) (*Answer, error) {
	ctx, cancel := context.WithTimeout(ctx, r.o.AnswerWait)
	defer cancel()
	for range maxRedirects {
		node, err := r.moves.settled(ctx, c.Match, c.Home)
		if err != nil {
			return nil, err
		}
		var a *Answer
		switch {
		case node != r.o.Node:
			a, err = r.o.Elsewhere.Call(ctx, node, c)
		case r.here(c.Match) != nil: // it has come here
			a, err = r.Answer(ctx, c)
		default:
			return nil, ErrNotFound
		}
		if err != nil || a.Moved == nil {
			return a, err
		}
		r.Moved(false, *a.Moved)
	}
	return nil, errMoving
}

// errMoved says that another node runs the match by now.
var errMoved = errors.New("the match has moved to another node")

// onOtherNode reports whether a session is one of another node of the cluster.
func (r *Registry) onOtherNode(session uuid.UUID) bool {
	return r.o.Elsewhere != nil && !presence.OnNode(session, r.hash)
}

// untrack makes a session leave a stream, wherever the session is, and reports whether it
// was there; of a session of another node it assumes that.
func (r *Registry) untrack(session uuid.UUID, stream presence.Stream) bool {
	if r.onOtherNode(session) {
		r.o.Elsewhere.Untrack(session, stream, 0)
		return true
	}
	return r.tracker.Untrack(session, stream, runtime.PresenceReasonLeave)
}

// refuse takes a session that another node has let in off the stream of a match that did not let it in,
// or does not count on it any more.
func (r *Registry) refuse(p *presence.Presence) {
	switch {
	case r.o.Elsewhere == nil || p.Admission == 0:
	case r.onOtherNode(p.Session):
		r.o.Elsewhere.Untrack(p.Session, p.Stream, p.Admission)
	default: // another node let it in, which had the match before
		go r.Untrack(p.Session, p.Stream, p.Admission)
	}
}

// refuseAll is refuse for those on the streams of matches that this node should have and
// does not.
func (r *Registry) refuseAll() {
	if r.o.Elsewhere == nil {
		return
	}
	var streams []presence.Stream
	r.tracker.Streams(presence.ModeMatchAuthoritative, func(s presence.Stream, _ int) bool {
		if r.Owner(s) == r.o.Node && r.homed(s.Subject, s.Label) == nil {
			streams = append(streams, s)
		}
		return true
	})
	for _, s := range streams {
		for _, p := range r.tracker.List(s, true, true) {
			r.refuse(p)
		}
	}
}

// joinElsewhere lets a session of this node into a match of another one: that node's
// handler decides, and this node puts the session on the match's stream. The match sees by
// the admission's number whether what it decided still holds when the presence arrives.
func (r *Registry) joinElsewhere(ctx context.Context, stream presence.Stream, q *JoinRequest) (*presence.Presence, *Answer, error) {
	session := q.Joiner.Session
	a, err := r.call(ctx, stream.Label, &Call{
		Op: OpAdmit, Match: stream.Subject, Joiner: q.Joiner, Metadata: q.Metadata, OnStream: r.tracker.Get(session, stream) != nil,
	})
	if err != nil {
		return nil, nil, err
	}
	if !a.Accepted {
		return nil, nil, &Rejected{Reason: a.Reason}
	}
	meta := presence.Meta{Username: q.Joiner.Username, Admission: a.Admission}
	self, isNew, err := r.tracker.Track(session, stream, meta)
	if err == nil && !isNew && self.Admission != a.Admission {
		// The match does not count on that presence any more, and has sent word of it.
		r.tracker.Untrack(session, stream, runtime.PresenceReasonLeave)
		self, _, err = r.tracker.Track(session, stream, meta)
	}
	if err != nil {
		r.dismiss(stream, session, a.Admission)
		return nil, nil, err
	}
	if owner := r.Owner(stream); owner != r.o.Node && !r.o.Elsewhere.Known(owner) { // NodeLost may have come too early to see it
		r.tracker.Untrack(session, stream, runtime.PresenceReasonLeave)
		return nil, nil, ErrNotFound
	}
	return self, a, nil
}

// dismiss tells a match that a session of this node does not come which it let in.
func (r *Registry) dismiss(stream presence.Stream, session uuid.UUID, admission uint64) {
	if owner := r.Owner(stream); owner != r.o.Node {
		r.o.Elsewhere.Dismiss(owner, stream.Subject, session, admission)
	} else {
		r.Dismissed(stream.Subject, session, admission)
	}
}
