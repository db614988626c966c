package match

import (
	"cmp"
	"context"
	"sync"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/heroiclabs/nakama-common/runtime"

	"kumi/presence"
	"kumi/store/fault"
)

// What other nodes ask of this one. The cluster calls these methods, from any goroutine;
// only Answer blocks.

// Answer does what another node asks of a match of this one. Errors are those of the
// registry's method of that name.
func (r *Registry) Answer(ctx context.Context, c *Call) (*Answer, error) {
	if c.Op == OpCreate {
		return &Answer{}, r.createFor(ctx, c)
	}
	m := r.here(c.Match)
	home := cmp.Or(c.Home, r.o.Node)
	if m != nil && m.stream.Label != home {
		m = nil
	}
	if to, ok := r.moves.get(c.Match); ok && to.Home == home && to.Node != r.o.Node {
		return &Answer{Moved: &to}, nil
	}
	if m == nil {
		if r.Starting() {
			return nil, errStarting // perhaps it is one of those that are made again
		}
		if c.Op == OpGet {
			return &Answer{}, nil
		}
		return nil, ErrNotFound
	}
	a, err := m.answer(ctx, c)
	if err == errMoved {
		if to, ok := r.moves.get(c.Match); ok {
			return &Answer{Moved: &to}, nil
		}
		return nil, ErrNotFound
	}
	return a, err
}

// answer is Registry.Answer for a match of this node. It may return errMoved.
func (m *Match) answer(ctx context.Context, c *Call) (*Answer, error) {
	switch c.Op {
	case OpAdmit:
		return m.admit(ctx, c)
	case OpGet:
		return &Answer{Match: m.listing()}, nil
	case OpSignal:
		got, err := m.request(ctx, doSignal, c.Text)
		return &Answer{Text: got.text}, err
	case OpState:
		got, err := m.request(ctx, doState, "")
		return &Answer{Presences: got.members, Tick: got.tick, Text: got.text}, err
	case OpEnd:
		m.end(c.Grace)
	case OpPause, OpResume:
		m.pause(c.Op == OpPause)
	case OpStep:
		return &Answer{}, m.step()
	case OpPatch:
		_, err := m.request(ctx, doPatchState, c.Text)
		return &Answer{}, err
	default:
		return nil, fault.Newf(fault.Unimplemented, "node %s does not know operation %d of matches", m.reg.o.Node, c.Op)
	}
	return &Answer{}, nil
}

// errStarting answers other nodes before the matches of this one were restored.
var errStarting = fault.New(fault.Unavailable, "The match's node is starting.")

// admit lets a session of another node in, if the handler wants that.
func (m *Match) admit(ctx context.Context, c *Call) (*Answer, error) {
	b := &m.box
	b.mu.Lock()
	switch mem := b.members[c.Joiner.Session]; {
	case mem == nil || mem.awaited:
		b.mu.Unlock()
	case c.OnStream:
		number := mem.admission
		b.mu.Unlock()
		return &Answer{Accepted: true, Admission: number, Presences: m.reg.tracker.List(m.stream, false, true), Label: m.Label()}, nil
	default:
		// It has left; its node's word of that is on the way and will be ignored.
		m.queueLeave(mem.presence.WithReason(runtime.PresenceReasonLeave))
	}
	got, err := m.ask(ctx, c.Joiner, c.Metadata)
	if err != nil {
		return nil, err
	}
	return &Answer{
		Accepted: got.accepted, Reason: got.reason, New: true, Admission: got.number, Presences: got.others, Label: got.label,
	}, nil
}

// Input queues a message that a client sent to its node for a match of this one, or passes
// it on if the match has moved since; but not what another node has forwarded already, so that
// nodes that do not agree send nothing to and fro.
func (r *Registry) Input(match, session uuid.UUID, opCode int64, data []byte, reliable, forwarded bool) {
	if m := r.here(match); m != nil && m.data(session, opCode, data, reliable) {
		return
	}
	if to, ok := r.moves.get(match); ok && !forwarded {
		r.input(to.Home, match, session, &DataSend{OpCode: opCode, Data: data, Reliable: reliable})
	}
}

// Dismissed makes a session leave that was let in with a number and does not come.
func (r *Registry) Dismissed(match, session uuid.UUID, admission uint64) {
	if m := r.here(match); m != nil {
		m.dismiss(session, admission)
	}
}

// Untrack takes a session of this node off the stream of a match of another one, if it is
// there with this admission; 0 means any.
func (r *Registry) Untrack(session uuid.UUID, stream presence.Stream, admission uint64) {
	if p := r.tracker.Get(session, stream); p != nil && (admission == 0 || p.Admission == admission) {
		r.tracker.Untrack(session, stream, runtime.PresenceReasonLeave)
	}
}

// NodeLost makes the sessions of this node leave the matches of a node that is lost here.
// Others may still hear of that node, so this one decides about its own sessions only. It
// does not block: the sessions leave soon after.
func (r *Registry) NodeLost(node string) {
	moved := r.moves.drop(node, false)
	r.leave(func(s presence.Stream) bool { return moved[s.Subject] || r.Owner(s) == node })
}

// leave makes the sessions of this node leave matches which can no longer say so, soon.
func (r *Registry) leave(which func(presence.Stream) bool) {
	go func() {
		var streams []presence.Stream
		r.tracker.Streams(presence.ModeMatchAuthoritative, func(s presence.Stream, _ int) bool {
			if which(s) {
				streams = append(streams, s)
			}
			return true
		})
		for _, s := range streams {
			for _, p := range r.tracker.List(s, true, true) {
				if presence.OnNode(p.Session, r.hash) {
					r.tracker.Untrack(p.Session, s, runtime.PresenceReasonDisconnect)
				}
			}
		}
	}()
}

// HasRelayed reports whether a session of this node is in a relayed match.
func (r *Registry) HasRelayed(match uuid.UUID) bool {
	for _, p := range r.tracker.List(presence.RelayedMatch(match), true, true) {
		if presence.OnNode(p.Session, r.hash) {
			return true
		}
	}
	return false
}

// createFor makes a match for another node, unless that has cancelled it.
func (r *Registry) createFor(ctx context.Context, c *Call) error {
	if r.cancelled.has(c.Match) {
		return ErrNotFound
	}
	if _, err := r.create(ctx, c.Match, c.Text, c.Params); err != nil {
		return err
	}
	if r.cancelled.has(c.Match) {
		r.Cancel(c.Match)
	}
	return nil
}

// Cancel ends a match that another node asked for and has given up, also if it is made
// only later.
func (r *Registry) Cancel(match uuid.UUID) {
	r.cancelled.add(match)
	if to, ok := r.moves.get(match); ok && to.Node != r.o.Node {
		r.o.Elsewhere.Cancel(to.Node, match)
	} else if m := r.here(match); m != nil {
		m.end(0)
	}
}

// cancelled has the matches that were cancelled in the last minutes.
type cancelled struct {
	mu sync.Mutex
	at map[uuid.UUID]time.Time
}

// keepCancelled is longer than any request for a match is on its way.
const keepCancelled = 2 * time.Minute

func (c *cancelled) add(match uuid.UUID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	for id, at := range c.at {
		if now.Sub(at) > keepCancelled {
			delete(c.at, id)
		}
	}
	if c.at == nil {
		c.at = map[uuid.UUID]time.Time{}
	}
	c.at[match] = now
}

func (c *cancelled) has(match uuid.UUID) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, is := c.at[match]
	return is
}
