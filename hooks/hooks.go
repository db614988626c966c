// Package hooks holds what modules registered beside RPCs: before and after
// hooks of API calls and realtime messages, event handlers and the handlers
// that exist once per server.
//
// A Registry is filled while modules load and never changes afterwards, so it
// is read from any goroutine without locks. There is one handler per slot; a
// later registration takes the place of an earlier one and the caller learns
// which. Chains are the exception: their hooks add up, see Chain. The package knows
// nothing of languages.
package hooks

import (
	"context"
	"strings"

	"google.golang.org/protobuf/proto"
)

// Before runs before a call. It gets the request (nil for calls without a
// body) and returns the one to go on with; nil rejects the call. An error may
// carry a fault code. It is called from any goroutine, several at once, with a
// context that carries the caller's core.Scope.
type Before func(ctx context.Context, in proto.Message) (proto.Message, error)

// After runs once a call succeeded, with the answer (nil where it is empty)
// and the request as the before hook left it. Its error is only logged.
type After func(ctx context.Context, out, in proto.Message) error

// Origin says which module a handler came from.
type Origin struct {
	Runtime string // "go", "lua" or "javascript"
	Module  string
}

// Slot is a handler of type F and where it came from. F is the zero value when
// nothing is registered.
type Slot[F any] struct {
	Origin
	Call F
}

// Pair is the two hooks of one call.
type Pair struct {
	Before *Slot[Before]
	After  *Slot[After]
}

// Registry is a loaded set of hooks. The zero value is not usable; call New.
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

// API finds the hooks of an API method by its exact name (as in Methods), or
// returns nil. Doors look a name up once per call.
func (r *Registry) API(name string) *Pair { return r.api[name] }

// Realtime finds the hooks of a realtime message by its exact name (as in
// RealtimeNames), or returns nil.
func (r *Registry) Realtime(name string) *Pair { return r.realtime[name] }

// Kind says which table a hook belongs to.
type Kind uint8

// The two kinds of calls with hooks.
const (
	API Kind = iota
	Realtime
)

// Canonical returns the exact spelling of a hook name, which modules may write
// in any case; ok is false for a name that does not exist.
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

// Each visits every registered pair, in no order.
func (r *Registry) Each(visit func(kind Kind, name string, p *Pair)) {
	for name, p := range r.api {
		visit(API, name, p)
	}
	for name, p := range r.realtime {
		visit(Realtime, name, p)
	}
}
