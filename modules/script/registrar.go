package script

import (
	"slices"
	"strconv"

	"kumi/core"
	"kumi/modules/httproute"
	"kumi/modules/registry"
	"kumi/store/fault"
	"kumi/vm"
)

// Registration is one thing that a script registered.
type Registration struct {
	Kind   registry.Kind
	Name   string // RPC id, exact hook name, match or index name; else empty
	Module string
	// Keys are the keys of the registered functions in a VM; see vm.Instance.Handler.
	Keys []string
	// Globals are the global names of the functions by key, for those that have one.
	Globals map[string]string
	// Index is set for Kind Index, Route for Kind HTTP.
	Index *core.StorageIndex
	// At is the position of the registration, file:line; only set in the first VM.
	At    string
	Route *httproute.Route

	schedule *core.Schedule // JobKind
	binary   bool           // HTTP: the body is always binary data
}

// Registrar collects what one VM registers. It may only be used by the goroutine that
// owns the VM.
type Registrar struct {
	lang   vm.Lang
	list   []Registration
	refs   map[string]vm.Ref
	sealed bool
	events map[registry.Kind]int // number of registrations of the kinds that accumulate
}

// target is a function to register, or the name of a global one.
type target struct {
	key    string
	ref    vm.Ref // nil if it is only known by its global name
	global string
}

// Open reports whether functions can still be registered.
func (r *Registrar) Open() bool { return !r.sealed }

// Registrations returns what was registered, in order. The caller must not modify it.
func (r *Registrar) Registrations() []Registration { return r.list }

// Handler returns the function registered under a key, or nil.
func (r *Registrar) Handler(key string) vm.Ref { return r.refs[key] }

// release drops all registered functions, in a VM that no one will ask for them.
func (r *Registrar) release() { r.list, r.refs, r.events = nil, nil, nil }

// Seal ends registering. Functions that were registered by name are looked up with
// global. A missing one is an error that names the position of the registration; if
// bad is not nil it gets the error instead, and the registration is dropped.
func (r *Registrar) Seal(e vm.Engine, global func(name string) vm.Ref, bad func(at, text string)) error {
	r.sealed = true
	seen := map[string]bool{} // keys that a later registration replaced
	kept := r.list[:0]
	var first error
	for i := len(r.list) - 1; i >= 0; i-- {
		reg := &r.list[i]
		err := r.resolve(e, reg, global, seen)
		if err == nil {
			continue
		}
		if bad != nil {
			bad(reg.At, err.Message)
			reg.Kind = "" // dropped below
			continue
		}
		if reg.At != "" {
			err.Message = reg.At + ": " + err.Message
		}
		first = err // the loop runs backwards: this is the first error
	}
	for _, reg := range r.list {
		if reg.Kind != "" {
			kept = append(kept, reg)
		}
	}
	r.list = kept
	return first
}

// resolve looks up the functions that were registered by name only.
func (r *Registrar) resolve(e vm.Engine, reg *Registration, global func(name string) vm.Ref, seen map[string]bool) *fault.Error {
	for _, key := range reg.Keys {
		if seen[key] {
			continue
		}
		seen[key] = true
		if r.refs[key] != nil {
			continue
		}
		name := reg.Globals[key]
		ref := global(name)
		if ref == nil || !e.IsFunc(ref) {
			return fault.Newf(fault.InvalidArgument, "%s was registered with the function name %q, but there is no global function of that name", reg.Describe(), name)
		}
		r.refs[key] = ref
	}
	return nil
}

// Complete compares a replayed VM with the registrations of the first one. A function
// that the replay did not register is looked up by its global name. Complete returns
// the keys of those that were not found.
func (r *Registrar) Complete(e vm.Engine, first []Registration, global func(name string) vm.Ref) (missing []string) {
	for i := range first {
		for _, key := range first[i].Keys {
			if r.refs[key] != nil {
				continue
			}
			if name := first[i].Globals[key]; name != "" {
				if ref := global(name); ref != nil && e.IsFunc(ref) {
					r.set(key, ref)
					continue
				}
			}
			missing = append(missing, key)
		}
	}
	return missing
}

func (r *Registrar) set(key string, ref vm.Ref) {
	if r.refs == nil {
		r.refs = map[string]vm.Ref{}
	}
	r.refs[key] = ref
}

// add records a registration. It replaces an earlier one of the same kind and name,
// which stays in the list so that the loader can report it.
func (r *Registrar) add(c *vm.Call, reg Registration, targets ...target) error {
	if r.sealed {
		return fault.Newf(fault.FailedPrecondition, "%s: functions can only be registered while modules load", reg.Describe())
	}
	if l := localOf(c); l != nil {
		reg.Module = l.Module
		if e, ok := c.E.(interface{ Caller() string }); ok && !l.Replay {
			reg.At = e.Caller()
		}
	}
	for _, t := range targets {
		reg.Keys = append(reg.Keys, t.key)
		if t.global != "" {
			if reg.Globals == nil {
				reg.Globals = map[string]string{}
			}
			reg.Globals[t.key] = t.global
		}
		r.set(t.key, t.ref)
	}
	r.list = append(r.list, reg)
	return nil
}

// accumulate records a registration of a kind of which all handlers run.
func (r *Registrar) accumulate(c *vm.Call, reg Registration, t target) error {
	if r.events == nil {
		r.events = map[registry.Kind]int{}
	}
	t.key = string(reg.Kind) + ":" + strconv.Itoa(r.events[reg.Kind])
	if err := r.add(c, reg, t); err != nil {
		return err
	}
	r.events[reg.Kind]++
	return nil
}

// AddMatch registers the table that a Lua module returned as a match handler, if it
// has match functions, and reports whether it does. Missing functions are reported
// when a match is created.
func (r *Registrar) AddMatch(e vm.Engine, module string, table vm.Ref) bool {
	reg := Registration{Kind: registry.Match, Name: module, Module: module}
	for i := range MatchFunctions {
		fn := e.Field(table, &MatchFunctions[i])
		if e.IsNil(fn) || !e.IsFunc(fn) {
			continue
		}
		key := matchKey(module, i)
		reg.Keys = append(reg.Keys, key)
		if d, ok := e.(interface{ Defined(fn vm.Ref) string }); ok && reg.At == "" {
			reg.At = d.Defined(fn)
		}
		r.set(key, fn)
	}
	if len(reg.Keys) == 0 || slices.ContainsFunc(r.list, func(x Registration) bool { return x.Kind == registry.Match && x.Name == module }) {
		return len(reg.Keys) > 0
	}
	r.list = append(r.list, reg)
	return true
}

// Describe names a registration in messages: RPC function "echo".
func (reg *Registration) Describe() string { return registry.What(reg.Kind, reg.Name) }

// IsMatch reports whether a registration is a match handler that can begin: one with
// match_init.
func (reg *Registration) IsMatch() bool {
	return reg.Kind == registry.Match && slices.Contains(reg.Keys, matchKey(reg.Name, matchInit))
}

// Missing returns the required functions that a match handler lacks, as its language
// spells them.
func (reg *Registration) Missing(lang vm.Lang) (names []string) {
	for i := range MatchFunctions {
		if !OptionalMatchFunction(i) && !slices.Contains(reg.Keys, matchKey(reg.Name, i)) {
			names = append(names, MatchFunctions[i].In(lang))
		}
	}
	return names
}
