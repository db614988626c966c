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

// part is what the modules of one runtime registered. A loader fills it; Load merges
// the parts.
type part struct {
	runtime string // "go", "lua" or "javascript"
	reg     *registry.Registries
	loaded  []registry.Loaded
	// pool are the VMs of the runtime; nil for Go and if there are no modules.
	pool *vm.Pool
	// match returns handlers that are registered but not in reg yet, so that modules
	// can create matches while they load; nil if reg has all of them.
	match func(name string) (match.Factory, bool)
	close []func()

	mu sync.Mutex // guards match during the load
}

// registered calls install, which puts all handlers into reg, and resets match.
func (p *part) registered(install func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	install()
	p.match = nil
}

func newPart(runtime string) *part { return &part{runtime: runtime, reg: registry.New()} }

// handler returns a match handler of this part.
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

// loading is the state of one Load.
type loading struct {
	Options
	nk    *core.Module
	scope *core.Scope // for module code without a caller
	// digest is that of the files before they were read.
	digest string
	kept   *part         // of the previous set, for a reload
	report *check.Report // for a check, else nil

	mu     sync.Mutex
	parts  []*part
	before func(name string) (match.Factory, bool) // nil for the first load
}

// begin makes the match handlers of p available to match_create. A loader
// calls it before it runs any module code.
func (l *loading) begin(p *part) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.parts = append(l.parts, p)
}

// handler returns a match handler of the modules loaded so far, in order of
// precedence.
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

// rank is the position of a runtime in the order of loading, which is that of
// precedence.
func rank(runtime string) int {
	return slices.Index([]string{"go", "lua", "javascript"}, runtime)
}

// shadowed returns the function that reports shadowed registrations: to the
// report of a check, or else to the log.
func (l *loading) shadowed() func(what string, by, was hooks.Origin) {
	if l.report != nil {
		return l.report.Shadowed
	}
	return func(what string, by, was hooks.Origin) {
		l.Logger.Warn().Str("shadowed_runtime", was.Runtime).Str("shadowed_module", was.Module).
			Str("runtime", by.Runtime).Str("module", by.Module).
			Msg(registry.ShadowedText(what, by, was))
	}
}

// overlap reports a problem with a route: to the report of a check, or else to
// the log.
func (l *loading) overlap(rt *httproute.Route, text string, replaces bool) {
	switch {
	case l.report == nil:
		l.Logger.Warn().Str("runtime", rt.Runtime).Str("module", rt.Module).Str("at", rt.At).Msg(text)
	case replaces: // may be intended
		l.report.Note(rt.At, text)
	default:
		l.report.Add(rt.At, text)
	}
}
