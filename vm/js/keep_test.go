package js_test

import (
	"context"
	"testing"
	"time"

	"kumi/vm"
	"kumi/vm/js"
)

// When one VM of a pool is replaced because of what it keeps, the others keep
// their state.
func TestOthersOfAPoolKeepTheirState(t *testing.T) {
	guard := vm.NewGuard(0, 16<<20)
	defer guard.Close()
	p, err := vm.NewPool(t.Context(), vm.PoolOptions{Min: 2, Max: 2, TooLarge: func(v vm.Instance) bool {
		_, over := vm.WeighDue(v.(vm.Weighed), 0)
		return over
	}, New: func(context.Context) (vm.Instance, error) {
		return load(t, `let mark = ""; const kept = [];
			function main(set) {
				if (set) mark = set;
				if (mark === "a") for (let i = 0; i < 2e4; i++) kept.push({ n: i, l: [i] });
				return mark;
			}`, js.Options{Guard: guard, Limits: vm.Limits{Timeout: time.Minute}}), nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	call := func(l *vm.Lease, ctx context.Context, set string) string {
		v := l.Instance()
		out, err := v.Invoke(ctx, v.Global("main"), v.(vm.Engine).FromStr(set))
		if err != nil {
			t.Fatal(err)
		}
		return v.(vm.Engine).Str(out[0])
	}
	both := func(one, two string) [2]string {
		a, ctxA, err := p.Lease(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer a.Release()
		b, ctxB, err := p.Lease(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer b.Release()
		return [2]string{call(a, ctxA, one), call(b, ctxB, two)}
	}
	both("a", "b")
	for range 300 {
		got := both("", "")
		if got[0] != "b" && got[1] != "b" {
			t.Fatalf("the VM that keeps little has lost its state: %q", got)
		}
		if got[0] == "" || got[1] == "" {
			return // the other one was replaced
		}
	}
	t.Error("the VM that keeps more and more was not replaced")
}
