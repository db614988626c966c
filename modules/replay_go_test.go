package modules

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/heroiclabs/nakama-common/api"
	"github.com/heroiclabs/nakama-common/runtime"

	"kumi/core"
	"kumi/modules/golang"
)

// newGoRecordingServer is a server with a match handler "random" in Go.
func newGoRecordingServer(t *testing.T, handler func(goCtx, goLog, goDB, goNK) (runtime.Match, error)) *recordingServer {
	t.Helper()
	w := newRecordingServer(t, nil, nil)
	l := &loading{Options: w.options, nk: w.core.Module(), scope: &core.Scope{Env: w.options.Env, Node: testNode, Version: "test"}}
	p := newPart("go")
	err := l.golang(t.Context(), p, golang.Module{Name: "game", Init: func(_ goCtx, _ goLog, _ goDB, _ goNK, init runtime.Initializer) error {
		return init.RegisterMatch("random", handler)
	}})
	if err != nil {
		t.Fatal(err)
	}
	w.Set = merge([]*part{p}, l.shadowed(), func(string) {})
	w.matches.SetHandlers(w.Handler)
	return w
}

// sums is a match in Go that uses nothing but its arguments.
type sums struct{ counter }

type sumState struct {
	Sum  int
	Last map[string]string
}

func (*sums) MatchInit(context.Context, runtime.Logger, goDB, goNK, map[string]any) (any, int, string) {
	return &sumState{Last: map[string]string{}}, 10, "sums"
}

func (*sums) MatchLoop(_ context.Context, _ runtime.Logger, _ goDB, _ goNK, d runtime.MatchDispatcher, tick int64, state any, messages []runtime.MatchData) any {
	s := state.(*sumState)
	for _, m := range messages {
		s.Sum += int(m.GetOpCode())
		s.Last[m.GetUsername()] = string(m.GetData())
	}
	_ = d.BroadcastMessage(1, fmt.Appendf(nil, "%d at %d", s.Sum, tick), nil, nil, true)
	return s
}

func (*sums) MatchSignal(_ context.Context, _ runtime.Logger, _ goDB, _ goNK, _ runtime.MatchDispatcher, _ int64, state any, data string) (any, string) {
	return state, data
}

// A match in Go that uses nothing but its arguments is the same when it is replayed, and a
// replay notices a message that is lost.
func TestReplayOfGo(t *testing.T) {
	t.Parallel()
	w := newGoRecordingServer(t, func(goCtx, goLog, goDB, goNK) (runtime.Match, error) { return &sums{}, nil })
	rec := playAll(t, w, 2, 3, 1, 9)
	if steps, differences := w.replay(t, rec); len(differences) > 0 || steps < 8 {
		t.Errorf("%d calls, differences: %s", steps, strings.Join(differences, "\n"))
	}
	for _, s := range rec.Segments[0].Steps {
		if len(s.Input) > 0 {
			s.Input = nil
			break
		}
	}
	if _, differences := w.replay(t, rec); len(differences) == 0 {
		t.Error("the replay without a message is the same")
	}
}

// asking is a match in Go whose state is what nk answered.
type asking struct {
	sums
	user  string
	calls *atomic.Int64 // of functions that run in the module
}

func (a *asking) MatchInit(ctx context.Context, _ runtime.Logger, _ goDB, nk goNK, _ map[string]any) (any, int, string) {
	user, _, _, err := nk.AuthenticateDevice(ctx, "asking-device-1", "asker", true)
	if err != nil {
		return nil, 0, ""
	}
	a.user = user
	return &[]string{user}, 10, "asking"
}

func (a *asking) MatchLoop(ctx context.Context, logger runtime.Logger, db goDB, nk goNK, d runtime.MatchDispatcher, _ int64, state any, messages []runtime.MatchData) any {
	s := state.(*[]string)
	note := func(results ...any) {
		text, err := json.Marshal(results)
		*s = append(*s, fmt.Sprint(string(text), err))
	}
	for _, m := range messages {
		switch m.GetOpCode() {
		case 1: // messages, nil and not
			acks, err := nk.StorageWrite(ctx, []*runtime.StorageWrite{{Collection: "c", Key: "k", UserID: a.user, Value: `{"n":1}`}})
			note(acks, err)
			objects, err := nk.StorageRead(ctx, []*runtime.StorageRead{{Collection: "c", Key: "k", UserID: a.user}, {Collection: "c", Key: "none", UserID: a.user}})
			note(objects, err)
			account, err := nk.AccountGetId(ctx, a.user)
			note(account, err)
			match, err := nk.MatchGet(ctx, "11111111-1111-4111-8111-111111111111."+testNode)
			note(match, match == nil, err)
		case 2: // structures and interfaces
			updated, previous, err := nk.WalletUpdate(ctx, a.user, map[string]int64{"coins": 5}, map[string]any{"why": "luck"}, true)
			note(updated, previous, err)
			items, cursor, err := nk.WalletLedgerList(ctx, a.user, 10, "")
			note(len(items), cursor, err)
			for _, i := range items {
				note(i.GetID(), i.GetUserID(), i.GetCreateTime(), i.GetUpdateTime(), i.GetChangeset(), i.GetMetadata())
			}
			id, _, _ := strings.Cut(ctx.Value(runtime.RUNTIME_CTX_MATCH_ID).(string), ".")
			present, err := nk.StreamUserList(6, id, "", testNode, true, true)
			note(len(present), present == nil, err)
			for _, p := range present {
				note(p.GetUserId(), p.GetSessionId(), p.GetNodeId(), p.GetUsername(), p.GetHidden(), p.GetStatus())
			}
			meta, err := nk.StreamUserGet(6, id, "", testNode, m.GetUserId(), m.GetSessionId())
			note(meta == nil, err)
			count, err := nk.StreamCount(6, id, "", testNode)
			note(count, err)
		case 3: // errors, by their value, type, code and text
			_, _, err := nk.WalletUpdate(ctx, a.user, map[string]int64{"coins": -500}, nil, true)
			var negative *runtime.WalletNegativeError
			note(errors.As(err, &negative), negative, fmt.Sprint(err))
			_, err = nk.StorageWrite(ctx, []*runtime.StorageWrite{{Collection: "c", Key: "k", UserID: a.user, Value: `{}`, Version: "other"}})
			note(err == runtime.ErrStorageRejectedVersion, fmt.Sprint(err))
			_, err = nk.AccountGetId(ctx, "nobody")
			note(fmt.Sprint(err))
			_, err = nk.MatchSignal(ctx, "x", "y")
			note(errors.Is(err, runtime.ErrMatchIdInvalid), fmt.Sprint(err))
		case 4: // a function that is called back
			acks, err := nk.StorageWriteRetry(ctx, []*runtime.StorageRead{{Collection: "c", Key: "k", UserID: a.user}}, func(read []*api.StorageObject) ([]*runtime.StorageWrite, error) {
				a.calls.Add(1)
				note(read)
				account, err := nk.AccountGetId(ctx, a.user)
				note(account.GetUser().GetUsername(), err)
				return []*runtime.StorageWrite{{Collection: "c", Key: "k", UserID: a.user, Value: `{"n":2}`}}, nil
			}, 3)
			note(acks, err)
		case 5: // beyond runtime.NakamaModule
			tickets, err := nk.(interface {
				MatchmakerTickets(ctx context.Context, limit int, user string) ([]map[string]any, error)
			}).MatchmakerTickets(ctx, 5, "")
			note(tickets, err)
			nk.MetricsCounterAdd("asked", nil, 1)
			done := make(chan error)
			go func() { done <- nk.Event(ctx, &api.Event{Name: "asked"}) }()
			note(<-done)
			ended, cancel := context.WithCancel(ctx)
			cancel()
			_, err = nk.StorageRead(ended, []*runtime.StorageRead{{Collection: "c", Key: "k", UserID: a.user}})
			note(errors.Is(err, context.Canceled), fmt.Sprint(err))
		}
	}
	_ = d.BroadcastMessage(1, []byte((*s)[len(*s)-1]), nil, nil, true)
	return s
}

// What nk answered to a match in Go is what it answers in a replay, which asks nobody else:
// the database of the replay has changed meanwhile. SQL is refused.
func TestReplayOfGoThatAsks(t *testing.T) {
	t.Parallel()
	var calls atomic.Int64
	var db *sql.DB
	w := newGoRecordingServer(t, func(_ goCtx, _ goLog, given goDB, _ goNK) (runtime.Match, error) {
		db = given
		return &asking{calls: &calls}, nil
	})
	rec := playAll(t, w, 1, 2, 3, 4, 5, 1)
	if len(rec.Segments) == 0 || calls.Load() == 0 {
		t.Fatalf("%d segments, %d calls back", len(rec.Segments), calls.Load())
	}
	user, _, _, err := w.core.Module().AuthenticateDevice(t.Context(), "asking-device-1", "", false)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.core.Module().AccountDeleteId(t.Context(), user, false); err != nil {
		t.Fatal(err)
	}
	before := calls.Load()
	if steps, differences := w.replay(t, rec); len(differences) > 0 || steps < 8 {
		t.Errorf("%d calls, differences: %s", steps, strings.Join(differences, "\n"))
	}
	if calls.Load() != 2*before {
		t.Errorf("functions were called back %d times, then %d", before, calls.Load()-before)
	}
	if _, _, _, err := w.core.Module().AuthenticateDevice(t.Context(), "asking-device-1", "", false); err == nil {
		t.Error("the replay made the account again")
	}
	if err := db.Ping(); err == nil || !strings.Contains(err.Error(), "a replay of a match has no database") {
		t.Errorf("the database of a replay: %v", err)
	}
	for i, s := range rec.Segments[0].Steps {
		if len(s.Entries) > 0 {
			rec.Segments[0].Steps[i].Entries = s.Entries[1:]
			break
		}
	}
	if _, differences := w.replay(t, rec); len(differences) == 0 || !strings.Contains(differences[0], "StorageWrite") {
		t.Errorf("a replay without an answer: %s", strings.Join(differences, "\n"))
	}
}
