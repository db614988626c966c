package match

import (
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/heroiclabs/nakama-common/runtime"

	"kumi/presence"
)

// End ends a match, of either kind. With a grace period the handler's Terminate is called
// with it, and the match may go on for so long. It does not wait for the end. The errors
// are ErrIDInvalid and ErrNotFound.
func (r *Registry) End(id string, grace time.Duration) error {
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
	m := r.find(matchID, node)
	if m == nil {
		return ErrNotFound
	}
	stop := func() {
		m.box.mu.Lock()
		m.post(item{kind: doStop})
	}
	if grace <= 0 {
		stop()
		return nil
	}
	m.box.mu.Lock()
	m.post(item{kind: doTerminate, grace: int(grace / time.Second)})
	time.AfterFunc(grace, stop) // does nothing once the match has ended
	return nil
}

// Kick makes those leave a match, of either kind, whom which picks, and returns how many
// these are. The handler's Leave is called. The errors are ErrIDInvalid and ErrNotFound.
func (r *Registry) Kick(id string, which func(user, session uuid.UUID) bool) (int, error) {
	matchID, node, err := ParseID(id)
	if err != nil {
		return 0, err
	}
	stream := presence.RelayedMatch(matchID)
	if node == "" {
		if r.tracker.Count(stream) == 0 {
			return 0, ErrNotFound
		}
	} else {
		m := r.find(matchID, node)
		if m == nil {
			return 0, ErrNotFound
		}
		stream = m.stream
	}
	kicked := 0
	for _, p := range r.tracker.List(stream, true, true) {
		if which(p.UserID, p.Session) && r.tracker.Untrack(p.Session, stream, runtime.PresenceReasonLeave) {
			kicked++
		}
	}
	return kicked, nil
}
