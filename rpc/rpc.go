// Package rpc holds the RPC functions that modules registered, by id.
//
// A Registry is filled while modules load and never changes afterwards, so it
// is read from any goroutine without locks. It knows nothing of languages: a
// function is a Go function whatever is behind it.
package rpc

import (
	"context"
	"slices"
	"strings"
)

// Func runs one RPC. The context carries the caller's core.Scope. An error may
// carry a fault code. Func is called from any goroutine, several at once.
type Func func(ctx context.Context, payload string) (string, error)

// Function is a registered RPC and where it came from.
type Function struct {
	ID      string // as registered, lower-cased
	Runtime string // "go", "lua" or "javascript"
	Module  string // the module that registered it
	Call    Func
}

// Registry maps RPC ids to functions. Ids are matched without regard to case,
// as the protocol has it.
type Registry struct {
	byID map[string]*Function
}

// NewRegistry returns an empty registry.
func NewRegistry() *Registry { return &Registry{byID: map[string]*Function{}} }

// Set registers f and returns the function it took the place of, if any.
func (r *Registry) Set(f *Function) (replaced *Function) {
	f.ID = strings.ToLower(f.ID)
	replaced = r.byID[f.ID]
	r.byID[f.ID] = f
	return replaced
}

// Lookup finds a function, or returns nil.
func (r *Registry) Lookup(id string) *Function {
	if f := r.byID[id]; f != nil {
		return f // already lower case: the usual call, without a copy
	}
	return r.byID[strings.ToLower(id)]
}

// All lists the functions in order of their ids.
func (r *Registry) All() []*Function {
	all := make([]*Function, 0, len(r.byID))
	for _, f := range r.byID {
		all = append(all, f)
	}
	slices.SortFunc(all, func(a, b *Function) int { return strings.Compare(a.ID, b.ID) })
	return all
}
