package match

import (
	"cmp"
	"context"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/heroiclabs/nakama-common/runtime"

	"kumi/presence"
)

// End ends a match, of either kind. With a grace period the handler's Terminate is called
// with it, and the match may go on for so long. It does not wait for the end. The errors
// are ErrIDInvalid and ErrNotFound, and code 14 for a match of a node that cannot be
// reached.
func (r *Registry) End(ctx context.Context, id string, grace time.Duration) error {
	matchID, node, err := ParseID(id)
	if err != nil {
		return err
	}
	if node == "" {
		stream := presence.RelayedMatch(matchID)
		if r.tracker.Count(stream) == 0 {
			return ErrNotFound
		}
		r.tracker.UntrackStream(stream, runtime.PresenceReasonUnknown)
		return nil
	}
	if m := r.find(matchID, node); m != nil {
		m.end(grace)
		return nil
	}
	_, err = r.call(ctx, node, &Call{Op: OpEnd, Match: matchID, Grace: grace})
	return err
}

// end ends a match, after a grace period if there is one.
func (m *Match) end(grace time.Duration) {
	stop := func() { m.order(item{kind: doStop, ordered: true}) }
	if grace <= 0 {
		stop()
		return
	}
	m.order(item{kind: doTerminate, grace: int(grace / time.Second), ordered: true})
	time.AfterFunc(grace, stop) // does nothing once the match has ended
}

// Newest returns a number that every match exceeds which this node makes later, for EndUnused.
func (r *Registry) Newest() int64 { return r.created.Load() }

// EndUnused ends an authoritative match that this node made, here or on another node, if it
// was made after Newest returned newest and nobody is in it. It does not wait for the end.
func (r *Registry) EndUnused(id string, newest int64) {
	matchID, node, err := ParseID(id)
	if err != nil || r.tracker.Count(presence.AuthoritativeMatch(matchID, node)) > 0 {
		return
	}
	if m := r.find(matchID, node); m != nil {
		if m.created > newest {
			m.end(0)
		}
	} else if r.made.after(matchID, newest) {
		r.o.Elsewhere.Cancel(r.moves.node(matchID, node), matchID)
	}
}

// Kick makes those leave a match, of either kind, whom which picks, and returns how many
// these are. The handler's Leave is called. The errors are those of End.
func (r *Registry) Kick(ctx context.Context, id string, which func(user, session uuid.UUID) bool) (int, error) {
	matchID, node, err := ParseID(id)
	if err != nil {
		return 0, err
	}
	stream := presence.RelayedMatch(matchID)
	if node != "" {
		stream = presence.AuthoritativeMatch(matchID, node)
	}
	members := r.tracker.List(stream, true, true)
	if node != "" || len(members) == 0 {
		if m, err := r.Get(ctx, id); err != nil || m == nil {
			return 0, cmp.Or(err, ErrNotFound)
		}
	}
	kicked := 0
	for _, p := range members {
		if which(p.UserID, p.Session) && r.untrack(p.Session, stream) {
			kicked++
		}
	}
	return kicked, nil
}
