package socket

import (
	"testing"

	"github.com/gofrs/uuid/v5"

	"kumi/presence"
)

// Listeners of the tracker send to sessions while the tracker is locked. A session that is
// being kept must not wait for the tracker with its outbox locked.
func TestKeepLocksOneAfterTheOther(t *testing.T) {
	t.Parallel()
	r := parkingServer(t, 600)
	ann := r.player("ann", presence.JSON)
	ann.call(ping())
	s := r.sessions.OfUser(ann.user)[0].(*session)
	ann.park(s)
	stream := presence.Stream{Mode: 200, Subject: uuid.Must(uuid.NewV4())}
	kept := make(chan *kept)
	r.tracker.Listen(stream.Mode, func(presence.Stream, *presence.Presence, *presence.Presence) {
		go func() { kept <- s.keep() }()
		eventually(t, "it is being kept", func() bool {
			if !s.out.mu.TryLock() {
				return false
			}
			defer s.out.mu.Unlock()
			return s.out.ended
		})
		s.Send(streamed("late"))
	})
	if _, _, err := r.tracker.Track(s.id, stream, presence.Meta{Username: "ann"}); err != nil {
		t.Fatal(err)
	}
	if k := <-kept; k == nil || len(k.Queue) != 0 || len(k.Presences) != 2 {
		t.Errorf("kept %+v", k)
	}
}
