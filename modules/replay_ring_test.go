package modules

import (
	"context"
	"strings"
	"testing"

	"github.com/gofrs/uuid/v5"

	"kumi/match"
	"kumi/presence"
)

// A recording that does not fit into memory keeps its last part, and one that does not fit into
// a file goes on in another one. What does not begin with the match begins with a whole state,
// and can be replayed.
func TestReplayFromTheMiddle(t *testing.T) {
	t.Parallel()
	for _, language := range []string{"javascript", "lua"} {
		for _, mode := range []match.RecordMode{match.RecordError, match.RecordAlways} {
			t.Run(language+" "+string(mode), func(t *testing.T) {
				t.Parallel()
				w := newRecordingServer(t, randomFiles(language), func(o *match.RecorderOptions) { o.Mode, o.MaxMatch = mode, 64<<10 })
				if err := w.load(); err != nil {
					t.Fatal(err)
				}
				m := w.stepped(t, "random", map[string]any{"level": "x"})
				var who uuid.UUID
				for who.IsNil() {
					j := m.joiner("ann")
					w.sessions.Add(&session{id: j.Session, user: j.UserID, name: j.Username, closed: make(chan presence.CloseReason, 1), arrived: make(chan struct{}, 100)})
					if _, err := w.matches.Join(context.Background(), match.JoinRequest{ID: m.id, Joiner: j, Metadata: map[string]string{"m": "1"}}); err == nil {
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
					switch {
					case i == 39:
						op, data = 12, nil // fails
					case i%4 == 0:
						op, data = 1, []byte("roll")
					}
					// The game logs what it gets; so that its state stays small, most is for nobody.
					if err := w.matches.Data(who, &match.DataSend{ID: m.id, OpCode: op, Data: data, Reliable: true}); err != nil {
						t.Fatal(err)
					}
					m.step()
					w.recorder.Flush()
				}
				all := w.recordings(t)
				if several := len(all) > 1; several != (mode == match.RecordAlways) || all[0].First != several {
					t.Fatalf("%d recordings, of which the first begins with the match: %v", len(all), all[0].First)
				}
				next := all[0].Segments[0].Tick
				for i, rec := range all {
					if rec.First != (i == 0 && mode == match.RecordAlways) || !rec.First && rec.Segments[0].State == nil || rec.Incomplete || (rec.Error != "") != (i == len(all)-1) {
						t.Errorf("recording %d of %d is %+v", i, len(all), rec.Header)
					}
					steps, differences := w.replay(t, rec, func(_ *match.Replay, s *match.Step) {
						if s.Name() == "loop" && s.Tick > next+1 {
							t.Errorf("recording %d goes on with tick %d after %d", i, s.Tick, next)
						}
						next = s.Tick
					})
					if len(differences) > 0 || steps < 2 {
						t.Errorf("%d calls from tick %d on: %s", steps, rec.Segments[0].Tick, strings.Join(differences[:min(len(differences), 5)], "\n"))
					}
				}
				if next != 39 {
					t.Errorf("the last recording ends with tick %d", next)
				}
				if used := w.recorder.Used(); used != 0 {
					t.Errorf("%d bytes are in use after the match", used)
				}
			})
		}
	}
}
