package modules

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/gofrs/uuid/v5"

	"kumi/match"
	"kumi/presence"
)

// A recording that does not fit keeps its last part, which begins with a whole state and can
// be replayed.
func TestReplayFromTheMiddle(t *testing.T) {
	t.Parallel()
	for _, language := range []string{"javascript", "lua"} {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			w := newRecordingServer(t, randomFiles(language), func(o *match.RecorderOptions) { o.MaxMatch = 64 << 10 })
			if err := w.load(); err != nil {
				t.Fatal(err)
			}
			m := w.stepped(t, "random", map[string]any{"level": "x"})
			id := m.id
			var who uuid.UUID
			for who.IsNil() {
				j := m.joiner("ann")
				w.sessions.Add(&session{id: j.Session, user: j.UserID, name: j.Username, closed: make(chan presence.CloseReason, 1), arrived: make(chan struct{}, 100)})
				if _, err := w.matches.Join(context.Background(), match.JoinRequest{ID: id, Joiner: j, Metadata: map[string]string{"m": "1"}}); err == nil {
					who = j.Session
				}
			}
			// Data that does not compress, and is not kept in the state.
			noise := func() []byte {
				var b strings.Builder
				for range 600 {
					b.WriteString(uuid.Must(uuid.NewV4()).String())
				}
				return []byte(b.String())
			}
			for i := range 40 {
				op, data := int64(11), noise()
				if i%4 == 0 {
					op, data = 1, []byte("roll")
				}
				// The game logs what it gets; so that its state stays small, most is for nobody.
				if err := w.matches.Data(who, &match.DataSend{ID: id, OpCode: op, Data: data, Reliable: true}); err != nil {
					t.Fatal(err)
				}
				m.step()
			}
			_ = w.matches.End(context.Background(), id, 0)
			for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); {
				if got, err := w.matches.Get(context.Background(), id); err != nil || got == nil {
					break
				}
			}
			all := w.recordings(t)
			if len(all) != 1 || all[0].First || len(all[0].Segments) == 0 || all[0].Segments[0].State == nil {
				t.Fatalf("%d recordings, of which the first begins with the match: %v", len(all), all[0].First)
			}
			steps, differences := w.replay(t, all[0])
			if len(differences) > 0 || steps < 2 {
				t.Errorf("%d calls from tick %d on: %s", steps, all[0].Segments[0].Tick, strings.Join(differences[:min(len(differences), 5)], "\n"))
			}
			if used := w.recorder.Used(); used != 0 {
				t.Errorf("%d bytes are in use after the match", used)
			}
		})
	}
}
