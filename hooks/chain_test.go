package hooks

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/heroiclabs/nakama-common/api"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

func TestChains(t *testing.T) {
	t.Parallel()
	var ran []string
	before := func(name string, change func(*api.UpdateAccountRequest) (proto.Message, error)) Slot[Before] {
		return Slot[Before]{Origin{"go", name}, func(_ context.Context, in proto.Message) (proto.Message, error) {
			ran = append(ran, name)
			if in == nil {
				return nil, nil
			}
			return change(in.(*api.UpdateAccountRequest))
		}}
	}
	keep := func(in *api.UpdateAccountRequest) (proto.Message, error) { return in, nil }
	move := func(*api.UpdateAccountRequest) (proto.Message, error) {
		return &api.UpdateAccountRequest{Timezone: wrapperspb.String("changed")}, nil
	}
	refuse := func(*api.UpdateAccountRequest) (proto.Message, error) { return (*api.UpdateAccountRequest)(nil), nil }
	fail := func(*api.UpdateAccountRequest) (proto.Message, error) { return nil, errors.New("no") }

	for name, c := range map[string]struct {
		hooks []Slot[Before]
		in    proto.Message
		ran   []string
		out   string // of the timezone; "-" for none
		fails bool
	}{
		"handed on":         {[]Slot[Before]{before("a", move), before("b", keep)}, &api.UpdateAccountRequest{}, []string{"a", "b", "slot"}, "changed", false},
		"refused":           {[]Slot[Before]{before("a", refuse), before("b", keep)}, &api.UpdateAccountRequest{}, []string{"a"}, "-", false},
		"failed":            {[]Slot[Before]{before("a", keep), before("b", fail)}, &api.UpdateAccountRequest{}, []string{"a", "b"}, "-", true},
		"without a request": {[]Slot[Before]{before("a", keep), before("b", keep)}, nil, []string{"a", "b", "slot"}, "-", false},
	} {
		ran = nil
		r := New()
		for _, h := range c.hooks {
			r.AddBefore(API, "UpdateAccount", h)
		}
		r.SetBefore(API, "UpdateAccount", before("slot", keep))
		r.Join()
		p := r.API("UpdateAccount")
		out, err := p.Before.Call(t.Context(), c.in)
		got := "-"
		if out != nil {
			got = out.(*api.UpdateAccountRequest).Timezone.GetValue()
		}
		if !slices.Equal(ran, c.ran) || got != c.out || err != nil != c.fails {
			t.Errorf("%s: ran %v and gave %q, %v; want %v, %q", name, ran, got, err, c.ran, c.out)
		}
		if p.Before.Module != "a, b, slot" || p.Before.Runtime != "go" {
			t.Errorf("%s: the origin is %v", name, p.Before.Origin)
		}
	}
}

// All after hooks run, and every error is reported. A chain that is prepended
// runs first.
func TestAfterChains(t *testing.T) {
	t.Parallel()
	var ran []string
	after := func(name string, err error) Slot[After] {
		return Slot[After]{Origin{"lua", name}, func(context.Context, proto.Message, proto.Message) error {
			ran = append(ran, name)
			return err
		}}
	}
	first, second := errors.New("first"), errors.New("second")
	r := New()
	r.AddAfter(Realtime, "Ping", after("a", first))
	r.AddAfter(Realtime, "Ping", after("b", second))
	r.Prepend(Realtime, "Ping", &Chain{After: []Slot[After]{after("z", nil)}})
	r.Join()
	err := r.Realtime("Ping").After.Call(t.Context(), nil, nil)
	if !slices.Equal(ran, []string{"z", "a", "b"}) || !errors.Is(err, first) || !errors.Is(err, second) {
		t.Errorf("ran %v, %v", ran, err)
	}
	if p := r.Realtime("Ping"); p.Before != nil {
		t.Error("there is a before hook that nobody registered")
	}
	if r.API("Ping") != nil {
		t.Error("a realtime hook is among those of the API")
	}
}
