package cluster_test

import (
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/rs/zerolog"

	"kumi/cluster"
	"kumi/cluster/bus"
	"kumi/internal/testutil"
	"kumi/presence"
)

// real is a node on a real bus that shares presences.
func real(t *testing.T, name, join string) (*cluster.Node, *presence.Tracker, *presence.Sessions, *bus.NATS) {
	t.Helper()
	b, err := bus.Open(t.Context(), bus.Options{Cluster: "test", Process: name, Listen: "127.0.0.1:0", Log: zerolog.Nop()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	if join != "" {
		if err := b.Join(join); err != nil {
			t.Fatal(err)
		}
	}
	n := cluster.New(cluster.Options{Name: name, Epoch: 1, Bus: b, Log: zerolog.Nop()})
	sessions := presence.NewSessions()
	tracker := presence.NewTracker(presence.TrackerOptions{Node: name, Sessions: sessions})
	cluster.SharePresences(n, cluster.PresencesOptions{Tracker: tracker, Router: presence.NewRouter(tracker)})
	if err := n.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(n.Stop)
	return n, tracker, sessions, b
}

// silent is a session that drops what is sent to it.
type silent struct{ id, user uuid.UUID }

func (s silent) ID() uuid.UUID                                    { return s.id }
func (s silent) UserID() uuid.UUID                                { return s.user }
func (s silent) Username() string                                 { return "" }
func (s silent) Format() presence.Format                          { return presence.JSON }
func (s silent) Send(*presence.Message)                           {}
func (s silent) Close(presence.CloseReason, ...*presence.Message) {}

// A node joins where there are a million presences: it has them all within seconds.
func TestJoinsAMillion(t *testing.T) {
	if os.Getenv("KUMI_TEST_FAULTS") == "" {
		t.Skip("takes a minute and 3 GB: run it with make faults")
	}
	a, tracker, open, address := real(t, "a", "")
	const sessions, each = 100_000, 10
	for i := range sessions {
		id := uuid.Must(presence.NewSessionID(a.Self()))
		open.Add(silent{id, uuid.Must(uuid.NewV4())})
		for k := range each {
			stream := presence.Stream{Mode: 2, Label: "room" + strconv.Itoa((i*each+k)%500_000)}
			if _, _, err := tracker.Track(id, stream, presence.Meta{Username: "player" + strconv.Itoa(i)}); err != nil {
				t.Fatal(err)
			}
		}
	}
	begun := time.Now()
	_, copied, _, _ := real(t, "b", address.Address())
	testutil.Eventually(t, "the new node has all presences", func() bool { return copied.Total() == sessions*each })
	took := time.Since(begun)
	t.Logf("ready with %d presences after %s", copied.Total(), took.Round(time.Millisecond))
	if took > 10*time.Second {
		t.Errorf("it took %s, want at most 10 s", took)
	}
}
