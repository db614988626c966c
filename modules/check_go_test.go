package modules

import (
	"errors"
	"strings"
	"testing"

	"github.com/heroiclabs/nakama-common/api"
	"github.com/heroiclabs/nakama-common/runtime"

	"kumi/modules/check"
	"kumi/modules/golang"
)

// A check names the places of what Go modules register twice; what adds up is not
// twice.
func TestCheckOfGo(t *testing.T) {
	t.Parallel()
	var r check.Report
	fn := func(goCtx, goLog, goDB, goNK, string) (string, error) { return "", nil }
	event := func(goCtx, goLog, *api.Event) {}
	w := emptyTestServer(t, nil)
	l := &loading{Options: w.options, nk: w.core.Module(), report: &r}
	p := newPart("go")
	l.begin(p)
	err := l.golang(t.Context(), p, golang.Module{Name: "game", Init: func(_ goCtx, _ goLog, _ goDB, _ goNK, init runtime.Initializer) error {
		return errors.Join(
			init.RegisterRpc("x", fn),
			init.RegisterEvent(event), init.RegisterEvent(event),
			init.RegisterRpc("X", fn))
	}})
	problems := r.Problems()
	if err != nil || len(problems) != 1 || !strings.HasPrefix(problems[0].Text, "modules/check_go_test.go:30: RPC function \"x\" is registered twice: it shadows the one at modules/check_go_test.go:28") {
		t.Errorf("%v, %q", err, problems)
	}
}
