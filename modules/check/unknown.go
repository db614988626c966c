package check

import (
	"fmt"
	"path"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"kumi/modules/script/describe"
	"kumi/modules/source"
	"kumi/vm"
)

// Unknown returns a function that makes a replacement for an unknown function that a
// module calls during a check. The replacement reports the call and does nothing, so
// that the check can continue. Unknown returns nil if r is nil.
func (r *Report) Unknown(lang vm.Lang) func(object, name string) *vm.Native {
	if r == nil {
		return nil
	}
	return func(object, name string) *vm.Native {
		if slices.Contains(probed, name) {
			return nil
		}
		return &vm.Native{Name: &vm.Name{Snake: name, Camel: name}, Live: true, Call: func(c *vm.Call) error {
			at := ""
			if e, ok := c.E.(interface{ Caller() string }); ok {
				at = e.Caller()
			}
			r.noFunction(lang, object, name, at)
			return nil
		}}
	}
}

// probed are properties that the engine or a library looks up on any object.
var probed = []string{"toJSON", "then", "toString", "valueOf", "constructor", "hasOwnProperty", "prototype", "__proto__", "inspect"}

// noFunction reports a call of an unknown function, unless the scan of the sources
// reported it before.
func (r *Report) noFunction(lang vm.Lang, object, name, at string) {
	file, line := source.SplitAt(at)
	for _, p := range r.Problems() {
		if f, l := source.SplitAt(p.At); f == file && l == line && strings.Contains(p.Text, "has no function "+strconv.Quote(name)) {
			return
		}
	}
	text := map[string]string{"Nakama": "nk", "Initializer": "initializer", "Logger": "logger"}[object] + " has no function " + strconv.Quote(name)
	if near, _ := describe.Known(lang, object, name); near != "" {
		text += "; did you mean " + strconv.Quote(near) + "?"
	}
	r.Add(at, text)
}

// GoRegistered records where a Go module registers something. If the registration
// replaced one of another place, it reports that and returns true.
func (r *Report) GoRegistered(what string, replaced bool) (twice bool) {
	if r == nil {
		return false
	}
	at := ""
	var callers [16]uintptr
	frames := runtime.CallersFrames(callers[:runtime.Callers(2, callers[:])])
	for more := true; more; {
		var f runtime.Frame
		if f, more = frames.Next(); !strings.HasPrefix(f.Function, "kumi/modules/golang.(*") && !strings.HasPrefix(f.Function, "kumi/modules/check.(*") {
			at = fmt.Sprintf("%s:%d", path.Join(path.Base(path.Dir(f.File)), path.Base(f.File)), f.Line)
			break
		}
	}
	key := "go " + what
	r.mu.Lock()
	first, known := r.at[key]
	twice = known && replaced
	if r.at == nil {
		r.at = map[string]string{}
	}
	r.at[key] = at
	r.mu.Unlock()
	if twice { // the source need not be below the modules folder
		r.Add("", fmt.Sprintf("%s: %s is registered twice: it shadows the one at %s", at, what, first))
	}
	return twice
}
