package modules

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
	"kumi/modules/script"
	"kumi/vm"
	"kumi/vm/js"
)

// Problem is one thing that a check found wrong.
type Problem struct {
	At   string // file:line or file:line:column below the folder of the modules; empty where there is none
	Text string
}

// Report collects what a check finds. It may be used from any goroutine.
type Report struct {
	mu       sync.Mutex
	problems []Problem
	notes    []Problem
	at       map[string]string // where something was registered, by runtime and description
}

type reportKey struct{}

// Checking makes a Load under the returned context a check: calls of nk have no
// effect and answer with made-up values, wrong arguments and the like are told
// to r instead of ending the load, and Load itself succeeds.
func Checking(ctx context.Context, r *Report) context.Context {
	return context.WithValue(ctx, reportKey{}, r)
}

func reportOf(ctx context.Context) *Report {
	r, _ := ctx.Value(reportKey{}).(*Report)
	return r
}

// Problems lists what was found, by place.
func (r *Report) Problems() []Problem {
	r.mu.Lock()
	defer r.mu.Unlock()
	list := slices.Clone(r.problems)
	slices.SortStableFunc(list, func(a, b Problem) int {
		fileA, lineA := splitAt(a.At)
		fileB, lineB := splitAt(b.At)
		return cmp.Or(cmp.Compare(fileA, fileB), cmp.Compare(lineA, lineB))
	})
	return list
}

// splitAt takes a place apart: file, and line.
func splitAt(at string) (file string, line int) {
	if m := position.FindStringSubmatch(at); m != nil {
		_, _ = fmt.Sscan(m[2], &line)
		return m[1], line
	}
	return at, 0
}

// Of says how many problems were found in the files of a module: in its own
// file, or for JavaScript, which is one program, in all of that language.
func (r *Report) Of(m Loaded) (n int) {
	for _, p := range r.Problems() {
		file, _ := splitAt(p.At)
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

// add files a problem, once for a place and text.
func (r *Report) add(at, text string) {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if p := (Problem{at, text}); !slices.Contains(r.problems, p) {
		r.problems = append(r.problems, p)
	}
}

// failed files an error that ended the loading of something, at the first place
// that it names. A call of a function that does not exist may be there already.
func (r *Report) failed(err error) {
	var several interface{ Unwrap() []error }
	if errors.As(err, &several) { // all that a compiler found
		all := several.Unwrap()
		if !slices.ContainsFunc(all, func(err error) bool { _, ok := err.(*js.SyntaxError); return !ok }) {
			for _, err := range all {
				r.failed(err)
			}
			return
		}
	}
	text, at := err.Error(), ""
	if m := position.FindString(text); m != "" {
		at = m
		text = strings.TrimPrefix(text, at+": ")
	}
	if strings.Contains(text, "has no member") || strings.Contains(text, "attempt to call") {
		file, line := splitAt(at)
		for _, p := range r.Problems() {
			if f, l := splitAt(p.At); f == file && l == line {
				return
			}
		}
	}
	r.add(at, text)
}

// unresolved is who hears of registrations by the name of a function that does
// not exist; nil outside of checks. A replay says nothing new.
func (r *Report) unresolved(replay bool) func(at, text string) {
	switch {
	case r == nil:
		return nil
	case replay:
		return func(string, string) {}
	}
	return r.add
}

// registered looks through what a runtime's modules registered: for ids that
// were registered twice and matches that lack functions. file finds a module's
// file where a registration does not say where it was made.
func (r *Report) registered(lang vm.Lang, regs []script.Registration, file func(module string) string) {
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
		if reg.Kind == script.Match {
			if missing := reg.Missing(lang); len(missing) > 0 {
				r.add(at, fmt.Sprintf("%s lacks %s", what, strings.Join(missing, ", ")))
			}
		}
		if !slotted[reg.Kind] {
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
			r.add(at, fmt.Sprintf("%s is registered twice: this hides the one at %s", what, first))
		}
	}
}

// slotted are the kinds of which there is one registration for each name.
var slotted = map[script.Kind]bool{
	script.RPC: true, script.Before: true, script.After: true, script.RealtimeBefore: true, script.RealtimeAfter: true,
	script.Match: true, script.IndexFilter: true,
	script.MatchmakerMatched: true, script.MatchmakerOverride: true, script.MatchmakerProcessor: true,
	script.TournamentEnd: true, script.TournamentReset: true, script.LeaderboardReset: true, script.Shutdown: true,
	script.PurchaseApple: true, script.PurchaseGoogle: true, script.SubscriptionApple: true, script.SubscriptionGoogle: true,
}

// hidden is who hears that a registration took the place of another one: the
// report of a check, or else the log.
func (l *loading) hidden() func(what string, by, was hooks.Origin) {
	if l.report == nil {
		return hidden(l.Logger)
	}
	return func(what string, by, was hooks.Origin) {
		if by.Runtime == was.Runtime && by.Runtime != "go" {
			return // told with its place by registered
		}
		l.report.mu.Lock()
		at := l.report.at[was.Runtime+" "+what]
		over := l.report.at[by.Runtime+" "+what]
		l.report.mu.Unlock()
		if over != "" {
			over = " at " + over
		}
		l.report.add(at, fmt.Sprintf("%s of the %s module %s is hidden by that of the %s module %s%s", what, was.Runtime, quote(was.Module), by.Runtime, quote(by.Module), over))
	}
}
