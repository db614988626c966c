package modules

import (
	"cmp"
	"slices"
	"sync"

	"github.com/rs/zerolog"

	"kumi/core"
	"kumi/hooks"
	"kumi/match"
	"kumi/modules/script"
	"kumi/vm"
)

// part is what the modules of one runtime registered. A loader fills one; Load
// merges them.
type part struct {
	runtime string // "go", "lua" or "javascript"
	reg     *script.Registries
	http    []HTTPRoute
	loaded  []Loaded
	// pool is the runtime's VMs; nil for Go and for an empty runtime.
	pool *vm.Pool
	// match finds handlers that are registered but not in reg yet, so that
	// modules can make matches while they load; nil when reg has all.
	match func(name string) (match.Factory, bool)
	close []func()

	mu sync.Mutex // guards match and reg.Matches while modules load
}

// locked runs f while nobody looks for match handlers in p.
func (p *part) locked(f func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f()
}

func newPart(runtime string) *part { return &part{runtime: runtime, reg: script.NewRegistries()} }

// handler finds a match handler of this part.
func (p *part) handler(name string) (match.Factory, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if slot, ok := p.reg.Matches[name]; ok {
		return slot.Call, true
	}
	if p.match != nil {
		return p.match(name)
	}
	return nil, false
}

// loading is what the loaders work with. It lives as long as one Load.
type loading struct {
	Options
	nk    *core.Module
	scope *core.Scope // what module code runs in without a caller
	// digest is of the files before they were read.
	digest string
	kept   *part   // of the set before, when that is loaded anew
	report *Report // of a check, else nil

	mu     sync.Mutex
	parts  []*part
	before func(name string) (match.Factory, bool) // nil at the first load
}

// begin makes the match handlers of p known to match_create. A loader calls it
// before it runs any module code.
func (l *loading) begin(p *part) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.parts = append(l.parts, p)
}

// handler finds a match handler among what is loaded so far: Go's first, then
// Lua's, then JavaScript's.
func (l *loading) handler(name string) (match.Factory, bool) {
	l.mu.Lock()
	parts, before := slices.Clone(l.parts), l.before
	l.mu.Unlock()
	slices.SortStableFunc(parts, func(a, b *part) int { return cmp.Compare(rank(a.runtime), rank(b.runtime)) })
	for _, p := range parts {
		if f, ok := p.handler(name); ok {
			return f, true
		}
	}
	if before != nil {
		return before(name)
	}
	return nil, false
}

// rank is the place of a runtime in the order of loading and of precedence.
func rank(runtime string) int {
	return slices.Index([]string{"go", "lua", "javascript"}, runtime)
}

// hidden reports that a registration took the place of another one.
func hidden(log zerolog.Logger) func(what string, by, was hooks.Origin) {
	return func(what string, by, was hooks.Origin) {
		log.Warn().Str("hidden_runtime", was.Runtime).Str("hidden_module", was.Module).
			Str("runtime", by.Runtime).Str("module", by.Module).
			Msgf("%s of the %s module %s is hidden by that of the %s module %s", what, was.Runtime, quote(was.Module), by.Runtime, quote(by.Module))
	}
}

func quote(s string) string { return "\"" + s + "\"" }
