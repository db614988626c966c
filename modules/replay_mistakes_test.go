package modules

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/gofrs/uuid/v5"

	"kumi/internal/journal"
	"kumi/match"
	"kumi/presence"
)

// playAll plays a match in which each command of randomGame occurs, and returns its recording.
func playAll(t *testing.T, w *recordingServer, ops ...int64) *match.Recording {
	t.Helper()
	m := w.stepped(t, "random", map[string]any{"level": "x"})
	id := m.id
	var who uuid.UUID
	for who.IsNil() { // the game refuses some
		j := m.joiner("ann")
		w.sessions.Add(&session{id: j.Session, user: j.UserID, name: j.Username, closed: make(chan presence.CloseReason, 1), arrived: make(chan struct{}, 100)})
		if _, err := w.matches.Join(context.Background(), match.JoinRequest{ID: id, Joiner: j, Metadata: map[string]string{"m": "1"}}); err == nil {
			who = j.Session
		}
	}
	for _, op := range ops {
		if err := w.matches.Data(who, &match.DataSend{ID: id, OpCode: op, Data: []byte("hi"), Reliable: true}); err != nil {
			t.Fatal(err)
		}
		m.step()
	}
	if _, err := w.matches.Signal(context.Background(), id, "hello"); err != nil {
		t.Fatal(err)
	}
	m.step()
	_ = w.matches.End(context.Background(), id, 0)
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); {
		if got, err := w.matches.Get(context.Background(), id); err != nil || got == nil {
			break
		}
	}
	all := w.recordings(t)
	return all[len(all)-1]
}

// A replay notices whatever is wrong with what a match gets.
func TestReplayNoticesMistakes(t *testing.T) {
	t.Parallel()
	const anyKind = journal.Kind(0)
	// change changes the first entry of a kind in a loop.
	change := func(kind journal.Kind, f func(e *journal.Entry)) func(*match.Recording) bool {
		return func(rec *match.Recording) bool {
			for _, s := range rec.Segments[0].Steps {
				for i := range s.Entries {
					if e := &s.Entries[i]; s.Name() == "loop" && (kind == anyKind || e.Kind == kind) {
						f(e)
						return true
					}
				}
			}
			return false
		}
	}
	drop := func(name string) func(*match.Recording) bool {
		return func(rec *match.Recording) bool {
			s := rec.Segments[0]
			for i, step := range s.Steps {
				if step.Name() == name {
					s.Steps = append(s.Steps[:i:i], s.Steps[i+1:]...)
					return true
				}
			}
			return false
		}
	}
	input := func(f func(s *match.Step)) func(*match.Recording) bool {
		return func(rec *match.Recording) bool {
			for _, s := range rec.Segments[0].Steps {
				if len(s.Input) > 0 {
					f(s)
					return true
				}
			}
			return false
		}
	}
	mistakes := map[string]func(*match.Recording) bool{
		"another time":     change(journal.Time, func(e *journal.Entry) { e.Number += 5e9 }),
		"another result":   change(journal.Call, func(e *journal.Entry) { e.Data[len(e.Data)-2] ^= 1 }),
		"no joining":       drop("join"),
		"no signal":        drop("signal"),
		"a lost message":   input(func(s *match.Step) { s.Input = nil }),
		"another message":  input(func(s *match.Step) { s.Input[0].Data = []byte("ho") }),
		"another op code":  input(func(s *match.Step) { s.Input[0].OpCode = 99 }),
		"another sender":   input(func(s *match.Step) { p := *s.Input[0].Presence; p.Username = "eve"; s.Input[0].Presence = &p }),
		"other parameters": func(rec *match.Recording) bool { rec.Birth.Params["level"] = "y"; return true },
		"other randomness": func(rec *match.Recording) bool { rec.Birth.Generator[8] ^= 1; return true },
		"another broadcast": func(rec *match.Recording) bool {
			for _, s := range rec.Segments[0].Steps {
				if len(s.Outputs) > 0 && s.Name() == "loop" {
					s.Outputs = s.Outputs[1:]
					return true
				}
			}
			return false
		},
	}
	for _, language := range []string{"javascript", "lua"} {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			w := newRecordingServer(t, randomFiles(language), nil)
			if err := w.load(); err != nil {
				t.Fatal(err)
			}
			for name, spoil := range mistakes {
				rec := playAll(t, w, 2, 3, 1, 4, 5, 6, 7, 8)
				if _, differences := w.replay(t, rec); len(differences) > 0 {
					t.Fatalf("without a mistake: %s", strings.Join(differences, "\n"))
				}
				if !spoil(rec) {
					t.Errorf("%s: there is nothing to spoil", name)
				} else if _, differences := w.replay(t, rec); len(differences) == 0 {
					t.Errorf("%s: the replay is the same", name)
				}
			}
		})
	}
}
