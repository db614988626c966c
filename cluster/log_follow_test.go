package cluster

import (
	"testing"
	"testing/synctest"

	"github.com/gofrs/uuid/v5"
	"github.com/rs/zerolog"

	"kumi/presence"
)

// What arrives late from an earlier process of a node has no effect, nor has what a node
// says that is down.
func TestLateOperations(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tracker := presence.NewTracker(presence.TrackerOptions{Node: "a", Sessions: presence.NewSessions()})
		p := SharePresences(New(Options{Name: "a", Log: zerolog.Nop()}), PresencesOptions{Tracker: tracker, Router: presence.NewRouter(tracker)})
		b := presence.NodeHash("b")
		f := p.follower(b, true)
		f.copy = tracker.AddNode(b, "b", 2)
		f.stage, f.next = current, 1
		up := func(epoch, number uint64) uuid.UUID {
			id := uuid.Must(presence.NewSessionID(b))
			f.arrived(ops{node: b, epoch: epoch, first: number, ops: []presence.Op{
				{Kind: presence.OpUp, Session: id, User: uuid.Must(uuid.NewV4())}, {Kind: presence.OpTrack, Session: id, Stream: presence.Stream{Mode: 8}},
			}})
			return id
		}
		up(1, 1)
		if n := tracker.Total(); n != 0 {
			t.Errorf("%d presences of an earlier process", n)
		}
		up(2, 1)
		if n := tracker.Total(); n != 1 || f.next != 3 {
			t.Errorf("%d presences and number %d is next, want 1 and 3", n, f.next)
		}
		f.stop()
		f.copy.Down()
		up(2, 3)
		if n := tracker.Total(); n != 0 {
			t.Errorf("%d presences of a node that is down", n)
		}
	})
}
