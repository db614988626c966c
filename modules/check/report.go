// Package check finds problems in modules: it loads them with an nk whose functions
// have no effect and return made-up results, and it scans their sources.
package check

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"sync"

	"kumi/hooks"
	"kumi/modules/registry"
	"kumi/modules/script"
	"kumi/modules/source"
	"kumi/vm"
	"kumi/vm/js"
)

// Problem is one problem that a check found.
type Problem struct {
	At   string // file:line or file:line:column below the modules folder; may be empty
	Text string
}

// Report collects problems. It may be used from any goroutine.
type Report struct {
	mu       sync.Mutex
	problems []Problem
	notes    []Problem
	at       map[string]string // position of registrations, by runtime and description
}

type reportKey struct{}

// Context returns a context that makes a Load of modules a check: calls of nk
// have no effect and return made-up answers, wrong arguments and the like are
// reported to r instead of ending the load, and Load itself succeeds.
func Context(ctx context.Context, r *Report) context.Context {
	return context.WithValue(ctx, reportKey{}, r)
}

// From returns the report that Context put into ctx, or nil.
func From(ctx context.Context) *Report {
	r, _ := ctx.Value(reportKey{}).(*Report)
	return r
}

// Problems returns the problems, ordered by position.
func (r *Report) Problems() []Problem {
	r.mu.Lock()
	defer r.mu.Unlock()
	list := slices.Clone(r.problems)
	slices.SortStableFunc(list, func(a, b Problem) int {
		fileA, lineA := source.SplitAt(a.At)
		fileB, lineB := source.SplitAt(b.At)
		return cmp.Or(cmp.Compare(fileA, fileB), cmp.Compare(lineA, lineB))
	})
	return list
}

// Of returns the number of problems of a module: those in its file, or for JavaScript,
// which is one program, those in all files of that language.
func (r *Report) Of(m registry.Loaded) (n int) {
	for _, p := range r.Problems() {
		file, _ := source.SplitAt(p.At)
		switch m.Runtime {
		case vm.Lua.String():
			if file == m.Path {
				n++
			}
		case vm.JS.String():
			if file != "" && !strings.EqualFold(path.Ext(file), ".lua") {
				n++
			}
		}
	}
	return n
}

// Add reports a problem, once for each position and text.
func (r *Report) Add(at, text string) {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if p := (Problem{at, text}); !slices.Contains(r.problems, p) {
		r.problems = append(r.problems, p)
	}
}

// Failed reports an error that ended the load, at the first position that it names. It
// is dropped if it is a call of an unknown function that was reported before.
func (r *Report) Failed(err error) {
	var several interface{ Unwrap() []error }
	if errors.As(err, &several) { // a compiler reports several
		all := several.Unwrap()
		if !slices.ContainsFunc(all, func(err error) bool { _, ok := err.(*js.SyntaxError); return !ok }) {
			for _, err := range all {
				r.Failed(err)
			}
			return
		}
	}
	text, at := err.Error(), ""
	if m := source.Position.FindString(text); m != "" {
		at = m
		if before, after, ok := strings.Cut(text, at+": "); ok && (before == "" || strings.HasPrefix(before, "load ")) {
			text = strings.TrimSuffix(after, "\nmain chunk ("+at+")") // the place is said already
		}
	}
	if strings.Contains(text, "has no member") || strings.Contains(text, "attempt to call") {
		file, line := source.SplitAt(at)
		for _, p := range r.Problems() {
			if f, l := source.SplitAt(p.At); f == file && l == line {
				return
			}
		}
	}
	r.Add(at, text)
}

// Unresolved returns the function that reports registrations of unknown functions; nil
// if r is. Replays report nothing new.
func (r *Report) Unresolved(replay bool) func(at, text string) {
	switch {
	case r == nil:
		return nil
	case replay:
		return func(string, string) {}
	}
	return r.Add
}

// Registered reports names that a runtime's modules registered twice, and match
// handlers that lack functions. file returns a module's file, for registrations
// without a position.
func (r *Report) Registered(lang vm.Lang, regs []script.Registration, file func(module string) string) {
	if r == nil {
		return
	}
	for i := range regs {
		reg := &regs[i]
		at := reg.At
		if at == "" && file != nil {
			at = file(reg.Module)
		}
		what := reg.Describe()
		if reg.Kind == registry.Match {
			if missing := reg.Missing(lang); len(missing) > 0 {
				r.Add(at, fmt.Sprintf("%s lacks %s", what, strings.Join(missing, ", ")))
			}
		}
		if !unique[reg.Kind] {
			continue
		}
		key := lang.String() + " " + what
		r.mu.Lock()
		first, twice := r.at[key]
		if r.at == nil {
			r.at = map[string]string{}
		}
		r.at[key] = at
		r.mu.Unlock()
		if twice {
			r.Add(at, fmt.Sprintf("%s is registered twice: it shadows the one at %s", what, first))
		}
	}
}

// unique are the kinds with one registration per name.
var unique = map[registry.Kind]bool{
	registry.RPC: true, registry.Before: true, registry.After: true, registry.RealtimeBefore: true, registry.RealtimeAfter: true,
	registry.Match: true, registry.IndexFilter: true,
	registry.MatchmakerMatched: true, registry.MatchmakerOverride: true, registry.MatchmakerProcessor: true,
	registry.TournamentEnd: true, registry.TournamentReset: true, registry.LeaderboardReset: true, registry.Shutdown: true, registry.FleetCreated: true,
	registry.PurchaseApple: true, registry.PurchaseGoogle: true, registry.SubscriptionApple: true, registry.SubscriptionGoogle: true,
}

// Shadowed reports a registration that another one shadows.
func (r *Report) Shadowed(what string, by, was hooks.Origin) {
	if by.Runtime == was.Runtime && by.Runtime != "go" {
		return // reported with its position by Registered
	}
	r.mu.Lock()
	at := r.at[was.Runtime+" "+what]
	over := r.at[by.Runtime+" "+what]
	r.mu.Unlock()
	if over != "" {
		over = " at " + over
	}
	r.Add(at, registry.ShadowedText(what, by, was)+over)
}
