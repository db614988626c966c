package match

import (
	"context"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/heroiclabs/nakama-common/rtapi"
	"github.com/heroiclabs/nakama-common/runtime"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"kumi/presence"
)

// JoinRequest is a client's request to join a match, by ID or by Token.
type JoinRequest struct {
	ID       string
	Token    string // overrides ID; joins a relayed match, creating it if needed
	Joiner   *Joiner
	Metadata map[string]string
	// Single makes the session leave its other matches after joining.
	Single bool
}

// Join lets a session into a match and tracks it on the match's stream. It
// waits for the answer of an authoritative match. The errors are ErrIDInvalid,
// ErrNotFound, *Rejected, code 14 for a match of a node that cannot be reached,
// and those of the tracker for a session that has ended.
func (r *Registry) Join(ctx context.Context, q JoinRequest) (*rtapi.Match, error) {
	id, mayCreate := q.ID, false
	if q.Token != "" {
		var ok bool
		if id, ok = r.readToken(q.Token); !ok {
			return nil, ErrIDInvalid
		}
		mayCreate = true
	}
	matchID, node, err := ParseID(id)
	if err != nil {
		return nil, err
	}
	var joined *rtapi.Match
	var stream presence.Stream
	if node == "" {
		stream = presence.RelayedMatch(matchID)
		if !mayCreate && !r.hasRelayed(ctx, stream) {
			return nil, ErrNotFound
		}
		joined, _, err = r.enterRelayed(stream, q.Joiner)
		if err == nil {
			joined.Size = int32(len(joined.Presences))
		}
	} else {
		stream = presence.AuthoritativeMatch(matchID, node)
		joined, err = r.enter(ctx, stream, &q)
	}
	if err != nil {
		return nil, err
	}
	if q.Single {
		r.tracker.UntrackAll(q.Joiner.Session, runtime.PresenceReasonLeave, func(s presence.Stream) bool {
			return s != stream && (s.Mode == presence.ModeMatchRelayed || s.Mode == presence.ModeMatchAuthoritative)
		})
	}
	return joined, nil
}

// CreateRelayed makes a relayed match with the session in it. Everyone who
// creates a match of the same name gets the same match.
func (r *Registry) CreateRelayed(j *Joiner, name string) (*rtapi.Match, error) {
	var id uuid.UUID
	if name != "" {
		id = NamedID(name)
	} else {
		var err error
		if id, err = uuid.NewV4(); err != nil {
			return nil, err
		}
	}
	made, isNew, err := r.enterRelayed(presence.RelayedMatch(id), j)
	if err != nil {
		return nil, err
	}
	if made.Size = int32(len(made.Presences)); isNew {
		made.Size++
	}
	return made, nil
}

// enterRelayed tracks a session on the stream of a relayed match; isNew is false
// if it was there already.
func (r *Registry) enterRelayed(stream presence.Stream, j *Joiner) (joined *rtapi.Match, isNew bool, err error) {
	self, isNew, err := r.tracker.Track(j.Session, stream, presence.Meta{Username: j.Username})
	if err != nil {
		return nil, false, err
	}
	return answer(stream, self, isNew, r.tracker.List(stream, false, true)), isNew, nil
}

// answer returns the match as the client sees it. A session that joins is not
// among the presences; one that joins again is.
func answer(stream presence.Stream, self *presence.Presence, isNew bool, all []*presence.Presence) *rtapi.Match {
	listed := make([]*rtapi.UserPresence, 0, len(all))
	for _, p := range all {
		if !isNew || p.Session != self.Session {
			listed = append(listed, p.UserPresence())
		}
	}
	return &rtapi.Match{MatchId: stream.MatchID(), Presences: listed, Self: self.UserPresence()}
}

// hasRelayed reports whether somebody is in a relayed match. That somebody else has just
// joined it on another node may not be known here yet, so the other nodes are asked.
func (r *Registry) hasRelayed(ctx context.Context, stream presence.Stream) bool {
	if r.tracker.Count(stream) > 0 {
		return true
	}
	if r.o.Elsewhere == nil || !r.o.Elsewhere.Exists(ctx, stream.Subject) {
		return false
	}
	r.awaitMembers(ctx, stream)
	return true
}

// membersDelay is how long the news of who is in a match may take to this node.
const membersDelay = 250 * time.Millisecond

// awaitMembers waits until this node knows who is in a match, which it does within
// milliseconds. Otherwise who joins would not see them, and what it sends at once would
// not reach them.
func (r *Registry) awaitMembers(ctx context.Context, stream presence.Stream) {
	ctx, cancel := context.WithTimeout(ctx, membersDelay)
	defer cancel()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for r.tracker.Count(stream) == 0 {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// enter lets a session into an authoritative match and puts it on the match's stream.
func (r *Registry) enter(ctx context.Context, stream presence.Stream, q *JoinRequest) (*rtapi.Match, error) {
	var self *presence.Presence
	var a *Answer
	var err error
	m := r.find(stream.Subject, stream.Label)
	if m != nil {
		self, a, err = m.enter(ctx, q.Joiner, q.Metadata)
	}
	if m == nil || err == errMoved {
		self, a, err = r.joinElsewhere(ctx, stream, q)
	}
	if err != nil {
		return nil, err
	}
	joined := answer(stream, self, a.New, a.Presences)
	joined.Authoritative, joined.Label, joined.Size = true, wrapperspb.String(a.Label), int32(len(joined.Presences))
	return joined, nil
}

// enter asks the handler, unless the session is a member already, and tracks
// the session on the stream.
func (m *Match) enter(ctx context.Context, j *Joiner, metadata map[string]string) (*presence.Presence, *Answer, error) {
	a := &Answer{}
	var present bool
	if a.Admission, present = m.presentWith(j.Session); !present {
		a.New = true
		got, err := m.ask(ctx, j, metadata)
		if err != nil {
			return nil, nil, err
		}
		if !got.accepted {
			return nil, nil, &Rejected{Reason: got.reason}
		}
		a.Presences, a.Label, a.Admission = got.others, got.label, got.number
	}
	// A node that had the match before may have given it a number.
	self, _, err := m.reg.tracker.Track(j.Session, m.stream, presence.Meta{Username: j.Username, Admission: a.Admission})
	if err != nil {
		m.dismiss(j.Session, a.Admission)
		return nil, nil, err
	}
	if !m.has(j.Session) && m.reg.Owner(m.stream) == m.reg.o.Node {
		// It was kicked, or the match ended, since the answer.
		m.reg.tracker.Untrack(j.Session, m.stream, runtime.PresenceReasonLeave)
		return nil, nil, ErrNotFound
	}
	if !a.New {
		a.Presences, a.Label = m.reg.tracker.List(m.stream, false, true), m.Label()
	}
	return self, a, nil
}

func (m *Match) has(session uuid.UUID) bool {
	m.box.mu.Lock()
	defer m.box.mu.Unlock()
	return m.box.members[session] != nil
}

// presentWith returns the number under which a member was let in. A member of a restored
// match that has not come back is not present.
func (m *Match) presentWith(session uuid.UUID) (admission uint64, present bool) {
	m.box.mu.Lock()
	defer m.box.mu.Unlock()
	if mem := m.box.members[session]; mem != nil && !mem.awaited {
		return mem.admission, true
	}
	return 0, false
}

// dismiss makes a member leave that could not be tracked on the stream.
func (m *Match) dismiss(session uuid.UUID, admission uint64) {
	b := &m.box
	b.mu.Lock()
	mem := b.members[session]
	if mem == nil || mem.admission != admission {
		b.mu.Unlock()
		return
	}
	m.queueLeave(mem.presence.WithReason(runtime.PresenceReasonDisconnect))
}

// Leave takes a session out of a match; a session that is not in it is no
// error. The error is ErrIDInvalid.
func (r *Registry) Leave(session uuid.UUID, id string) error {
	matchID, node, err := ParseID(id)
	if err != nil {
		return err
	}
	stream := presence.RelayedMatch(matchID)
	if node != "" {
		stream = presence.AuthoritativeMatch(matchID, node)
	}
	r.tracker.Untrack(session, stream, runtime.PresenceReasonLeave)
	return nil
}

// DataSend is a message from a client to a match. Data must not be modified
// afterwards.
type DataSend struct {
	ID       string
	OpCode   int64
	Data     []byte
	Reliable bool
	// To lists the sessions to relay to; nil means all others.
	To []uuid.UUID
}

// Data delivers a client's message: to the next tick of an authoritative
// match, to the other members of a relayed one. Messages of sessions that are
// not in the match are dropped. The error is ErrIDInvalid.
func (r *Registry) Data(session uuid.UUID, d *DataSend) error {
	matchID, node, err := ParseID(d.ID)
	if err != nil {
		return err
	}
	if node != "" {
		r.input(node, matchID, session, d)
		return nil
	}
	r.router.Relay(presence.RelayedMatch(matchID), session, d.To, func(sender *presence.Presence) *presence.Message {
		if rec := r.relay(matchID); rec != nil {
			receivers := -1
			if d.To != nil {
				receivers = len(d.To)
			}
			rec.relayed(sender, d.OpCode, d.Data, receivers)
		}
		return presence.NewMatchData(d.ID, sender, d.OpCode, d.Data, d.Reliable)
	})
	return nil
}

// Signal calls a match's signal handler and waits for its reply. The errors are
// ErrIDInvalid, ErrNotFound, ErrBusy and ErrFailed, and code 14 for a match of a node that
// cannot be reached.
func (r *Registry) Signal(ctx context.Context, id, data string) (string, error) {
	matchID, node, err := ParseID(id)
	if err != nil {
		return "", err
	}
	if m := r.find(matchID, node); m != nil {
		if got, err := m.request(ctx, doSignal, data); err != errMoved {
			return got.text, err
		}
	}
	a, err := r.call(ctx, node, &Call{Op: OpSignal, Match: matchID, Text: data})
	if err != nil {
		return "", err
	}
	return a.Text, nil
}

// State describes an authoritative match: its members, its tick and the state
// as the handler describes it. The errors are those of Signal.
func (r *Registry) State(ctx context.Context, id string) (members []*presence.Presence, tick int64, state string, err error) {
	matchID, node, err := ParseID(id)
	if err != nil {
		return nil, 0, "", err
	}
	if m := r.find(matchID, node); m != nil {
		if got, err := m.request(ctx, doState, ""); err != errMoved {
			return got.members, got.tick, got.text, err
		}
	}
	a, err := r.call(ctx, node, &Call{Op: OpState, Match: matchID})
	if err != nil {
		return nil, 0, "", err
	}
	return a.Presences, a.Tick, a.Text, nil
}
