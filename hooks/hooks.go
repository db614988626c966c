// Package hooks holds what modules registered other than RPCs: before and
// after hooks of API calls and realtime messages, event handlers, and the
// handlers that exist once per server.
//
// A Registry is filled while modules load and is immutable afterwards, so it
// may be read from any goroutine. There is one handler per slot; a later
// registration replaces an earlier one, and the caller is told which. Chains
// are the exception: their hooks add up, see Chain. The package does not know
// about script languages.
package hooks

import (
	"context"
	"strings"

	"google.golang.org/protobuf/proto"
)

// Before runs before a call. It gets the request (nil for calls without a
// body) and returns the one to continue with; nil rejects the call. An error
// may carry a fault code. It is called from any goroutine, concurrently, with
// a context that carries the caller's core.Scope.
type Before func(ctx context.Context, in proto.Message) (proto.Message, error)

// After runs after a call succeeded, with the response (nil if empty) and the
// request as the before hook returned it. Its error is only logged.
type After func(ctx context.Context, out, in proto.Message) error

// Origin is the module that registered a handler.
type Origin struct {
	Runtime string // "go", "lua" or "javascript"
	Module  string
}

// Slot is a handler of type F and its origin. F is the zero value if none is
// registered.
type Slot[F any] struct {
	Origin
	Call F
}

// Pair holds the before and after hook of one call.
type Pair struct {
	Before *Slot[Before]
	After  *Slot[After]
}

// Registry is a loaded set of hooks. Make one with New.
type Registry struct {
	api      map[string]*Pair
	realtime map[string]*Pair
	chains   [2]map[string]*Chain // by Kind
	Single   Singles
	Events   Events
}

// New returns an empty registry.
func New() *Registry {
	return &Registry{api: map[string]*Pair{}, realtime: map[string]*Pair{}}
}

// API returns the hooks of an API method by its exact name (as in Methods), or
// nil.
func (r *Registry) API(name string) *Pair { return r.api[name] }

// Realtime returns the hooks of a realtime message by its exact name (as in
// RealtimeNames), or nil.
func (r *Registry) Realtime(name string) *Pair { return r.realtime[name] }

// Kind is the kind of call a hook belongs to.
type Kind uint8

// The kinds of calls with hooks.
const (
	API Kind = iota
	Realtime
)

// Canonical returns the exact spelling of a hook name, which modules may write
// in any case; ok is false for an unknown name.
func Canonical(kind Kind, name string) (exact string, ok bool) {
	if kind == API {
		m, ok := LookupMethod(name)
		if !ok {
			return "", false
		}
		return m.Name, true
	}
	exact, ok = realtimeNames[strings.ToLower(name)]
	return exact, ok
}

// SetBefore registers a before hook under an exact name and returns the slot
// it replaced, if any.
func (r *Registry) SetBefore(kind Kind, name string, s Slot[Before]) (replaced *Slot[Before]) {
	p := r.pair(kind, name)
	replaced, p.Before = p.Before, &s
	return replaced
}

// SetAfter registers an after hook under an exact name and returns the slot it
// replaced, if any.
func (r *Registry) SetAfter(kind Kind, name string, s Slot[After]) (replaced *Slot[After]) {
	p := r.pair(kind, name)
	replaced, p.After = p.After, &s
	return replaced
}

func (r *Registry) pair(kind Kind, name string) *Pair {
	table := r.api
	if kind == Realtime {
		table = r.realtime
	}
	p := table[name]
	if p == nil {
		p = &Pair{}
		table[name] = p
	}
	return p
}

// Each calls visit for every registered pair, in no order.
func (r *Registry) Each(visit func(kind Kind, name string, p *Pair)) {
	for name, p := range r.api {
		visit(API, name, p)
	}
	for name, p := range r.realtime {
		visit(Realtime, name, p)
	}
}
