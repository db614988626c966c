package modules

import (
	"context"
	"testing"

	"github.com/heroiclabs/nakama-common/runtime"
)

// A match handler may have an empty name, as with Nakama.
func TestMatchWithoutName(t *testing.T) {
	t.Parallel()
	w := newTestServer(t, map[string]string{"index.js": `
		const f = () => null;
		function InitModule(ctx, logger, nk, init) {
			init.registerMatch("", { matchInit: f, matchJoinAttempt: f, matchJoin: f, matchLeave: f, matchLoop: f, matchTerminate: f, matchSignal: f });
		}`})
	if _, ok := w.Handler(""); !ok {
		t.Error("JavaScript's handler is missing")
	}
	p, _, err := goServer(t, func(_ goCtx, _ goLog, _ goDB, _ goNK, init runtime.Initializer) error {
		return init.RegisterMatch("", func(context.Context, runtime.Logger, goDB, runtime.NakamaModule) (runtime.Match, error) {
			return nil, nil
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := p.handler(""); !ok {
		t.Error("Go's handler is missing")
	}
}
