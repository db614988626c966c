package modules

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/heroiclabs/nakama-common/runtime"
)

// counter is a match that counts signals.
type counter struct{}

type counterState struct{ N int }

func (c *counter) MatchInit(ctx context.Context, _ runtime.Logger, _ goDB, _ goNK, params map[string]any) (any, int, string) {
	if _, ok := params["empty"]; ok {
		return nil, 1, ""
	}
	if rate, ok := params["rate"].(int); ok {
		return &counterState{}, rate, ""
	}
	if ctx.Value(runtime.RUNTIME_CTX_MATCH_TICK_RATE) != nil {
		return &counterState{N: 1000}, 10, ""
	}
	return &counterState{}, 10, "counting"
}

func (c *counter) MatchJoinAttempt(_ context.Context, _ runtime.Logger, _ goDB, _ goNK, _ runtime.MatchDispatcher, _ int64, state any, _ runtime.Presence, _ map[string]string) (any, bool, string) {
	return state, true, ""
}

func (c *counter) MatchJoin(_ context.Context, _ runtime.Logger, _ goDB, _ goNK, _ runtime.MatchDispatcher, _ int64, state any, _ []runtime.Presence) any {
	return state
}

func (c *counter) MatchLeave(_ context.Context, _ runtime.Logger, _ goDB, _ goNK, _ runtime.MatchDispatcher, _ int64, state any, _ []runtime.Presence) any {
	return state
}

func (c *counter) MatchLoop(_ context.Context, _ runtime.Logger, _ goDB, _ goNK, _ runtime.MatchDispatcher, _ int64, state any, _ []runtime.MatchData) any {
	return state
}

func (c *counter) MatchTerminate(_ context.Context, _ runtime.Logger, _ goDB, _ goNK, _ runtime.MatchDispatcher, _ int64, state any, _ int) any {
	return state
}

func (c *counter) MatchSignal(ctx context.Context, _ runtime.Logger, _ goDB, _ goNK, d runtime.MatchDispatcher, _ int64, state any, data string) (any, string) {
	switch data {
	case "stop":
		return nil, "stopped"
	case "panic":
		panic("in a signal")
	case "label":
		if err := d.MatchLabelUpdate("new"); err != nil {
			return state, err.Error()
		}
		return state, "ok"
	}
	s := state.(*counterState)
	s.N++
	return s, fmt.Sprintf("%d %v %v %v", s.N, ctx.Value(runtime.RUNTIME_CTX_MODE), ctx.Value(runtime.RUNTIME_CTX_MATCH_LABEL), ctx.Value(runtime.RUNTIME_CTX_MATCH_TICK_RATE))
}

func TestGoMatch(t *testing.T) {
	t.Parallel()
	_, w, err := goServer(t, func(_ goCtx, _ goLog, _ goDB, _ goNK, init runtime.Initializer) error {
		return init.RegisterMatch("counter", func(goCtx, goLog, goDB, goNK) (runtime.Match, error) { return &counter{}, nil })
	})
	if err != nil {
		t.Fatal(err)
	}
	nk := w.core.Module()
	id, err := nk.MatchCreate(t.Context(), "counter", map[string]any{})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ data, want string }{
		{"", "1 match counting 10"}, {"", "2 match counting 10"}, {"label", "ok"}, {"", "3 match new 10"},
	} {
		if got, err := nk.MatchSignal(t.Context(), id, c.data); err != nil || got != c.want {
			t.Errorf("signal %q: got %q, %v; want %q", c.data, got, err, c.want)
		}
	}
	other, err := nk.MatchCreate(t.Context(), "counter", nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := nk.MatchSignal(t.Context(), other, "panic"); err == nil {
		t.Error("a panic gave no error")
	}
	if got, err := nk.MatchSignal(t.Context(), id, ""); err != nil || got != "4 match new 10" {
		t.Errorf("after the panic of another match: %q, %v", got, err)
	}
	if len(w.log.Lines("panicked: in a signal", "golang_match_test.go")) == 0 {
		t.Error("the panic was not logged with its stack")
	}
	for _, params := range []map[string]any{{"empty": true}, {"rate": 0}, {"rate": 61}} {
		if _, err := nk.MatchCreate(t.Context(), "counter", params); err == nil || !strings.Contains(err.Error(), "MatchInit returned") {
			t.Errorf("%v: got %v", params, err)
		}
	}
}
