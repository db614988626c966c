package modules

import (
	"cmp"
	"slices"
	"sync"

	"kumi/core"
	"kumi/hooks"
	"kumi/match"
	"kumi/modules/check"
	"kumi/modules/httproute"
	"kumi/modules/registry"
	"kumi/vm"
)

// part is what the modules of one runtime registered. A loader fills one; Load
// merges them.
type part struct {
	runtime string // "go", "lua" or "javascript"
	reg     *registry.Registries
	loaded  []registry.Loaded
	// pool is the runtime's VMs; nil for Go and for an empty runtime.
	pool *vm.Pool
	// match finds handlers that are registered but not in reg yet, so that
	// modules can make matches while they load; nil when reg has all.
	match func(name string) (match.Factory, bool)
	close []func()

	mu sync.Mutex // guards match while modules load
}

// registered ends the search for handlers that are not in reg yet: install puts all
// of them there.
func (p *part) registered(install func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	install()
	p.match = nil
}

func newPart(runtime string) *part { return &part{runtime: runtime, reg: registry.New()} }

// handler finds a match handler of this part.
func (p *part) handler(name string) (match.Factory, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if f, ok := p.reg.Match(name); ok {
		return f, true
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
	kept   *part         // of the set before, when that is loaded anew
	report *check.Report // of a check, else nil

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

// shadowed is who hears that a registration took the place of another one: the
// report of a check, or else the log.
func (l *loading) shadowed() func(what string, by, was hooks.Origin) {
	if l.report != nil {
		return l.report.Shadowed
	}
	return func(what string, by, was hooks.Origin) {
		l.Logger.Warn().Str("shadowed_runtime", was.Runtime).Str("shadowed_module", was.Module).
			Str("runtime", by.Runtime).Str("module", by.Module).
			Msgf("%s of the %s module %q is shadowed by that of the %s module %q", what, was.Runtime, was.Module, by.Runtime, by.Module)
	}
}

// overlap tells what is odd about a route: the report of a check, or else the log.
func (l *loading) overlap(rt *httproute.Route, text string, replaces bool) {
	switch {
	case l.report == nil:
		l.Logger.Warn().Str("runtime", rt.Runtime).Str("module", rt.Module).Str("at", rt.At).Msg(text)
	case replaces: // which may be meant
		l.report.Note(rt.At, text)
	default:
		l.report.Add(rt.At, text)
	}
}
