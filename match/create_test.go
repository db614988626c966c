package match

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/heroiclabs/nakama-common/runtime"

	"kumi/store/fault"
)

func TestCreateRefusals(t *testing.T) {
	t.Parallel()
	w := newTestRegistry(t, Options{})
	fails := &game{init: func(context.Context, map[string]any) error { return fault.New(fault.PermissionDenied, "no") }}
	panics := &game{init: func(context.Context, map[string]any) error { panic("oh") }}
	for _, c := range []struct {
		name string
		g    *game
		code fault.Code
	}{
		{"rate too high", &game{rate: 61}, fault.InvalidArgument},
		{"rate too low", &game{rate: -1}, fault.InvalidArgument},
		{"label", &game{label: strings.Repeat("x", 2049)}, fault.InvalidArgument},
		{"fails", fails, fault.PermissionDenied},
		{"panics", panics, fault.Internal},
	} {
		if _, err := w.try(c.name, c.g, nil); fault.CodeOf(err) != c.code {
			t.Errorf("%s: %v, want code %d", c.name, err, c.code)
		}
		if c.g.shut != 1 {
			t.Errorf("%s: handler closed %d times", c.name, c.g.shut)
		}
	}
	if _, err := w.Create(context.Background(), "nobody", nil); fault.CodeOf(err) != fault.NotFound {
		t.Errorf("unknown handler: %v", err)
	}
	if _, err := w.try("g", &game{}, map[string]any{"at": []any{1, time.Now()}}); !errors.Is(err, runtime.ErrCannotEncodeParams) || !strings.Contains(err.Error(), "at[1]") {
		t.Errorf("params that are not plain: %v", err)
	}
	if w.Count() != 0 {
		t.Errorf("%d matches", w.Count())
	}
}

func TestParamsAreCopied(t *testing.T) {
	t.Parallel()
	w := newTestRegistry(t, Options{})
	inner := map[string]any{"list": []any{"a", 1, nil}, "bytes": []byte("x")}
	var got map[string]any
	g := &game{init: func(_ context.Context, p map[string]any) error { got = p; return nil }}
	if _, err := w.try("g", g, map[string]any{"inner": inner}); err != nil {
		t.Fatal(err)
	}
	inner["list"].([]any)[0] = "changed"
	inner["bytes"].([]byte)[0] = 'y'
	copied := got["inner"].(map[string]any)
	if copied["list"].([]any)[0] != "a" || string(copied["bytes"].([]byte)) != "x" {
		t.Errorf("the match shares %v with its creator", copied)
	}
	loop := map[string]any{}
	loop["self"] = loop
	if _, err := w.try("g", g, loop); !errors.Is(err, runtime.ErrCannotEncodeParams) {
		t.Errorf("params that contain themselves: %v", err)
	}
	if _, err := w.try("g", g, nil); err != nil || got == nil {
		t.Errorf("nil params became %v, %v", got, err)
	}
}
