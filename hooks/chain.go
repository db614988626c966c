package hooks

import (
	"context"
	"errors"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"
)

// Chain is a list of hooks of one call that run in order, before the hook of
// its slot. Modules can add to it without replacing each other's hooks.
type Chain struct {
	Before []Slot[Before]
	After  []Slot[After]
}

// AddBefore appends a before hook to the chain of an exact name.
func (r *Registry) AddBefore(kind Kind, name string, s Slot[Before]) {
	c := r.chain(kind, name)
	c.Before = append(c.Before, s)
}

// AddAfter appends an after hook to the chain of an exact name.
func (r *Registry) AddAfter(kind Kind, name string, s Slot[After]) {
	c := r.chain(kind, name)
	c.After = append(c.After, s)
}

// Prepend inserts a whole chain before that of an exact name.
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

// EachChain calls visit for every chain, in no order.
func (r *Registry) EachChain(visit func(kind Kind, name string, c *Chain)) {
	for kind, chains := range r.chains {
		for name, c := range chains {
			visit(Kind(kind), name, c)
		}
	}
}

// Join combines each chain and the hook of its slot into the one hook that API
// and Realtime return, so that callers need not know about chains. It is
// called once, after everything is registered.
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

// everyone joins the origins of several hooks.
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

// beforeAll passes the result of each hook to the next one, and ends with the
// first that fails or rejects.
func beforeAll(all []Slot[Before]) Before {
	return func(ctx context.Context, in proto.Message) (proto.Message, error) {
		for i := range all {
			out, err := all[i].Call(ctx, in)
			if err != nil {
				return nil, err
			}
			if in == nil {
				continue // a call without a request
			}
			if out == nil || !out.ProtoReflect().IsValid() {
				return nil, nil
			}
			in = out
		}
		return in, nil
	}
}

// afterAll runs every hook, even if others fail.
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
