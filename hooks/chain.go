package hooks

import (
	"context"
	"errors"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"
)

// Chain is the hooks of one call that run one after another, before the hook of
// its slot: any number of modules may add theirs without hiding one another.
type Chain struct {
	Before []Slot[Before]
	After  []Slot[After]
}

// AddBefore puts a before hook at the end of the chain of an exact name.
func (r *Registry) AddBefore(kind Kind, name string, s Slot[Before]) {
	c := r.chain(kind, name)
	c.Before = append(c.Before, s)
}

// AddAfter puts an after hook at the end of the chain of an exact name.
func (r *Registry) AddAfter(kind Kind, name string, s Slot[After]) {
	c := r.chain(kind, name)
	c.After = append(c.After, s)
}

// Prepend puts a whole chain before that of an exact name.
func (r *Registry) Prepend(kind Kind, name string, first *Chain) {
	c := r.chain(kind, name)
	c.Before = append(slices.Clip(first.Before), c.Before...)
	c.After = append(slices.Clip(first.After), c.After...)
}

func (r *Registry) chain(kind Kind, name string) *Chain {
	if r.chains[kind] == nil {
		r.chains[kind] = map[string]*Chain{}
	}
	c := r.chains[kind][name]
	if c == nil {
		c = &Chain{}
		r.chains[kind][name] = c
	}
	return c
}

// EachChain visits every chain, in no order.
func (r *Registry) EachChain(visit func(kind Kind, name string, c *Chain)) {
	for kind, chains := range r.chains {
		for name, c := range chains {
			visit(Kind(kind), name, c)
		}
	}
}

// Join makes each chain, with the hook of its slot behind it, the one hook that
// API and Realtime give, so that whoever calls hooks need not know of chains. It
// is to be called once, when everything is registered.
func (r *Registry) Join() {
	r.EachChain(func(kind Kind, name string, c *Chain) {
		p := r.pair(kind, name)
		if before := with(c.Before, p.Before); len(before) > 0 {
			p.Before = &Slot[Before]{Origin: everyone(before), Call: beforeAll(before)}
		}
		if after := with(c.After, p.After); len(after) > 0 {
			p.After = &Slot[After]{Origin: everyone(after), Call: afterAll(after)}
		}
	})
	r.chains = [2]map[string]*Chain{}
}

func with[F any](chain []Slot[F], last *Slot[F]) []Slot[F] {
	if last != nil {
		return append(slices.Clip(chain), *last)
	}
	return chain
}

// everyone names the modules of several hooks.
func everyone[F any](all []Slot[F]) Origin {
	var runtimes, modules []string
	for _, s := range all {
		if !slices.Contains(runtimes, s.Runtime) {
			runtimes = append(runtimes, s.Runtime)
		}
		if !slices.Contains(modules, s.Module) {
			modules = append(modules, s.Module)
		}
	}
	return Origin{Runtime: strings.Join(runtimes, ", "), Module: strings.Join(modules, ", ")}
}

// beforeAll hands what each hook returns to the next one. The first that fails
// or refuses ends it.
func beforeAll(all []Slot[Before]) Before {
	return func(ctx context.Context, in proto.Message) (proto.Message, error) {
		for i := range all {
			out, err := all[i].Call(ctx, in)
			if err != nil {
				return nil, err
			}
			if in == nil {
				continue // a call without a request: there is nothing to hand on
			}
			if out == nil || !out.ProtoReflect().IsValid() {
				return nil, nil
			}
			in = out
		}
		return in, nil
	}
}

// afterAll runs every hook, whatever becomes of the others.
func afterAll(all []Slot[After]) After {
	return func(ctx context.Context, out, in proto.Message) error {
		var errs []error
		for i := range all {
			if err := all[i].Call(ctx, out, in); err != nil {
				errs = append(errs, err)
			}
		}
		if len(errs) == 1 {
			return errs[0]
		}
		return errors.Join(errs...)
	}
}
