// Package rpc holds the RPC functions that modules registered, by id.
//
// A Registry is filled while modules load and is immutable afterwards, so it
// may be read from any goroutine. The package does not know about script
// languages: each function is a Go function.
package rpc

import (
	"context"
	"slices"
	"strings"
)

// Func runs one RPC. The context carries the caller's core.Scope. An error may
// carry a fault code. It is called from any goroutine, concurrently.
type Func func(ctx context.Context, payload string) (string, error)

// Function is a registered RPC and its origin.
type Function struct {
	ID      string // as registered, lower-cased
	Runtime string // "go", "lua" or "javascript"
	Module  string // the module that registered it
	Call    Func
}

// Registry maps RPC ids to functions, ignoring case, as the protocol does.
type Registry struct {
	byID map[string]*Function
}

// NewRegistry returns an empty registry.
func NewRegistry() *Registry { return &Registry{byID: map[string]*Function{}} }

// Set registers f and returns the function it replaced, if any.
func (r *Registry) Set(f *Function) (replaced *Function) {
	f.ID = strings.ToLower(f.ID)
	replaced = r.byID[f.ID]
	r.byID[f.ID] = f
	return replaced
}

// Lookup returns a function, or nil.
func (r *Registry) Lookup(id string) *Function {
	if f := r.byID[id]; f != nil {
		return f // already lower case: the usual call, without a copy
	}
	return r.byID[strings.ToLower(id)]
}

// All returns the functions in order of their ids.
func (r *Registry) All() []*Function {
	all := make([]*Function, 0, len(r.byID))
	for _, f := range r.byID {
		all = append(all, f)
	}
	slices.SortFunc(all, func(a, b *Function) int { return strings.Compare(a.ID, b.ID) })
	return all
}
