package cluster_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/gofrs/uuid/v5"

	"kumi/presence"
	"kumi/store/fault"
)

// What is done to a session of another node is done there, with the same errors as here.
func TestActOnSessionsElsewhere(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(1)
		defer w.stop()
		hosts := startHosts(t, w, "a", "b")
		a, b := hosts[0], hosts[1]
		ann, bob := a.open("ann"), b.open("bob")
		stream := presence.Stream{Mode: 20, Label: "x"}
		act := func(c presence.SessionCall) (bool, error) {
			if c.Session == uuid.Nil {
				c.Session = bob.id
			}
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
			defer cancel()
			return a.tracker.Act(ctx, c)
		}
		meta := presence.Meta{Hidden: true, Persistence: true, Status: "s"}
		for _, want := range []bool{true, false} {
			if done, err := act(presence.SessionCall{Do: presence.ActTrack, User: bob.user, Stream: stream, Meta: meta}); done != want || err != nil {
				t.Errorf("track: %t, %v, want %t", done, err, want)
			}
		}
		if p := b.tracker.Get(bob.id, stream); p == nil || !p.Hidden || !p.Persistence || p.Status != "s" || p.Username != "bob" {
			t.Errorf("bob is on the stream as %+v", p)
		}
		if _, err := act(presence.SessionCall{Do: presence.ActFollow, Users: []uuid.UUID{ann.user}}); err != nil {
			t.Error(err)
		}
		_, _ = a.tracker.Update(ann.id, presence.StatusOf(ann.user), presence.Meta{Status: "here"})
		after(time.Second)
		if bob.told() == 0 {
			t.Error("bob does not follow ann")
		}
		for name, c := range map[string]struct {
			call presence.SessionCall
			want error
		}{
			"another user": {presence.SessionCall{Do: presence.ActTrack, User: ann.user, Stream: stream}, presence.ErrNoSession},
			"no session":   {presence.SessionCall{Do: presence.ActUntrack, Session: uuid.Must(presence.NewSessionID(b.Self()))}, presence.ErrNoSession},
			"no node":      {presence.SessionCall{Do: presence.ActUntrack, Session: uuid.Must(uuid.NewV4())}, presence.ErrNoNode},
		} {
			if _, err := act(c.call); !errors.Is(err, c.want) {
				t.Errorf("%s: %v, want %v", name, err, c.want)
			}
		}
		if done, err := act(presence.SessionCall{Do: presence.ActUntrack, Stream: stream}); !done || err != nil || b.tracker.Count(stream) != 0 {
			t.Errorf("untrack: %t, %v", done, err)
		}
		if _, err := act(presence.SessionCall{Do: presence.ActDisconnect}); err != nil || !slices.Equal(bob.closedBy(), []presence.CloseReason{presence.Disconnected}) {
			t.Errorf("disconnect: %v, closed by %v", err, bob.closedBy())
		}
		if _, err := act(presence.SessionCall{Do: presence.ActTrack, Stream: stream}); !errors.Is(err, presence.ErrSessionEnded) {
			t.Errorf("after it ended: %v", err)
		}
		b.kill(w)
		after(2 * time.Second)
		if _, err := act(presence.SessionCall{Do: presence.ActUntrack, Stream: stream}); fault.CodeOf(err) != fault.Unavailable {
			t.Errorf("a node that is down: %v", err)
		}
	})
}
