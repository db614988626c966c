package script

import (
	"cmp"
	"strings"

	"kumi/core"
	"kumi/hooks"
	"kumi/internal/suggest"
	"kumi/modules/registry"
	"kumi/store/fault"
	"kumi/vm"
)

// Registering functions exist in both languages under names that follow from
// one another. JavaScript calls them on the initializer and passes the name
// first; Lua calls them on nk and passes the function first.

// registering is the host of the registration functions.
type registering = *core.Module

// Initializer returns the initializer argument of JavaScript's InitModule.
func Initializer(lang vm.Lang, nk *core.Module) *vm.Library {
	table := append([]vm.Func[registering]{
		{Name: vm.N("register_rpc"), Body: registerRPC},
		{Name: vm.N("register_rt_before"), Body: registerNamed(registry.RealtimeBefore)},
		{Name: vm.N("register_rt_after"), Body: registerNamed(registry.RealtimeAfter)},
		{Name: vm.N("register_match"), Body: registerMatch},
		{Name: vm.N("get_config"), Body: getConfig},
	}, append(registerChains(vm.JS), registerShared...)...)
	for i := range hooks.Methods {
		name := hooks.Methods[i].Name
		table = append(table,
			vm.Func[registering]{Name: vm.NameAs("register_before_"+name, "registerBefore"+name), Body: registerHook(registry.Before, name)},
			vm.Func[registering]{Name: vm.NameAs("register_after_"+name, "registerAfter"+name), Body: registerHook(registry.After, name)})
	}
	for i := range table {
		table[i].Live = true
	}
	return vm.Bind(lang, nk, table)
}

// registerShared are the functions with the same name in both languages.
var registerShared = func() []vm.Func[registering] {
	table := []vm.Func[registering]{
		{Name: vm.N("register_http"), Body: registerHTTP},
		{Name: vm.N("register_console_http"), Body: registerConsoleHTTP},
		{Name: vm.N("register_job"), Body: registerJob},
		{Name: vm.N("register_storage_index"), Body: registerStorageIndex},
		{Name: vm.N("register_storage_index_filter"), Body: registerIndexFilter},
		{Name: vm.N("register_event"), Body: registerEvent(registry.Custom)},
		{Name: vm.N("register_event_session_start"), Body: registerEvent(registry.SessionStart)},
		{Name: vm.N("register_event_session_end"), Body: registerEvent(registry.SessionEnd)},
	}
	for _, kind := range registry.Singles {
		table = append(table, vm.Func[registering]{Name: vm.N("register_" + string(kind)), Body: registerSingle(kind)})
	}
	return table
}()

// registerLua are the registration functions of nk in Lua.
var registerLua = func() []vm.Func[registering] {
	table := append([]vm.Func[registering]{
		{Name: vm.N("register_rpc"), Body: registerRPC},
		{Name: vm.N("register_req_before"), Body: registerNamed(registry.Before)},
		{Name: vm.N("register_req_after"), Body: registerNamed(registry.After)},
		{Name: vm.N("register_rt_before"), Body: registerNamed(registry.RealtimeBefore)},
		{Name: vm.N("register_rt_after"), Body: registerNamed(registry.RealtimeAfter)},
	}, append(registerChains(vm.Lua), registerShared...)...)
	for i := range table {
		table[i].Only, table[i].Live = vm.Lua, true
	}
	return table
}()

// registrar returns the Registrar of the calling VM.
func registrar(c *vm.Call) (*Registrar, error) {
	if l := localOf(c); l != nil && l.Registrar != nil {
		return l.Registrar, nil
	}
	return nil, fault.New(fault.FailedPrecondition, "functions can only be registered while modules load")
}

// handlerArg reads an argument that is a function, or the name of a global one.
func handlerArg(c *vm.Call, name string) target {
	return handlerOf(c, c.Any(name), func() { c.Invalid(name, "expected a function, or the name of a global function") })
}

func handlerOf(c *vm.Call, v vm.Ref, bad func()) target {
	switch {
	case v == nil || c.E.IsNil(v):
	case c.E.IsFunc(v):
		return target{ref: v, global: functionName(c.E, v)}
	case c.E.IsStr(v) && c.E.Str(v) != "":
		return target{global: c.E.Str(v)}
	}
	bad()
	return target{}
}

// functionName returns the name that a function was declared with.
func functionName(e vm.Engine, fn vm.Ref) string {
	if e.Lang() != vm.JS {
		return ""
	}
	if n := e.FieldNamed(fn, "name"); n != nil && e.IsStr(n) {
		return e.Str(n)
	}
	return ""
}

// nameAndHandler reads a name and a function, in the order of the language.
func nameAndHandler(c *vm.Call, name string) (string, target) {
	if c.E.Lang() == vm.Lua {
		fn := handlerArg(c, "fn")
		return c.StrNonEmpty(name), fn
	}
	id := c.StrNonEmpty(name)
	return id, handlerArg(c, "fn")
}

func registerRPC(_ registering, c *vm.Call) error {
	id, fn := nameAndHandler(c, "id")
	r, err := registrar(c)
	if err := cmp.Or(c.Err(), err); err != nil {
		return err
	}
	id = strings.ToLower(id)
	fn.key = string(registry.RPC) + ":" + id
	return r.add(c, Registration{Kind: registry.RPC, Name: id}, fn)
}

// registerNamed registers a hook whose name is an argument.
func registerNamed(kind registry.Kind) func(registering, *vm.Call) error {
	return func(_ registering, c *vm.Call) error {
		name, fn := nameAndHandler(c, "name")
		r, err := registrar(c)
		if err := cmp.Or(c.Err(), err); err != nil {
			return err
		}
		table := hooks.API
		if kind == registry.RealtimeBefore || kind == registry.RealtimeAfter {
			table = hooks.Realtime
		}
		exact, ok := hooks.Canonical(table, name)
		if !ok {
			return unknownHook(table, name)
		}
		fn.key = string(kind) + ":" + exact
		return r.add(c, Registration{Kind: kind, Name: exact}, fn)
	}
}

// registerHook registers the hook of one API method.
func registerHook(kind registry.Kind, name string) func(registering, *vm.Call) error {
	return func(_ registering, c *vm.Call) error {
		fn := handlerArg(c, "fn")
		r, err := registrar(c)
		if err := cmp.Or(c.Err(), err); err != nil {
			return err
		}
		fn.key = string(kind) + ":" + name
		return r.add(c, Registration{Kind: kind, Name: name}, fn)
	}
}

func registerSingle(kind registry.Kind) func(registering, *vm.Call) error {
	return func(_ registering, c *vm.Call) error {
		fn := handlerArg(c, "fn")
		r, err := registrar(c)
		if err := cmp.Or(c.Err(), err); err != nil {
			return err
		}
		fn.key = string(kind)
		return r.add(c, Registration{Kind: kind}, fn)
	}
}

func registerEvent(kind registry.Kind) func(registering, *vm.Call) error {
	return func(_ registering, c *vm.Call) error {
		fn := handlerArg(c, "fn")
		r, err := registrar(c)
		if err := cmp.Or(c.Err(), err); err != nil {
			return err
		}
		return r.accumulate(c, Registration{Kind: kind}, fn)
	}
}

func registerMatch(_ registering, c *vm.Call) error {
	name := c.Str("name")
	handlers := c.Obj("handlers")
	var targets []target
	if handlers.Present() {
		missing := missingFunctions(c, handlers)
		for i := range MatchFunctions {
			fn := &MatchFunctions[i]
			if OptionalMatchFunction(i) && c.E.IsNil(handlers.Any(fn)) {
				continue
			}
			t := handlerOf(c, handlers.Any(fn), func() {
				handlers.Invalid(fn, "expected a function, or the name of a global function; a match handler has all seven, and this one lacks "+missing)
			})
			t.key = matchKey(name, i)
			targets = append(targets, t)
		}
	}
	r, err := registrar(c)
	if err := cmp.Or(c.Err(), err); err != nil {
		return err
	}
	return r.add(c, Registration{Kind: registry.Match, Name: name}, targets...)
}

// missingFunctions lists the functions that a match handler lacks.
func missingFunctions(c *vm.Call, handlers vm.Obj) string {
	var names []string
	for i := range MatchFunctions {
		fn := &MatchFunctions[i]
		if v := handlers.Any(fn); !OptionalMatchFunction(i) && (v == nil || !c.E.IsFunc(v) && !c.E.IsStr(v)) {
			names = append(names, fn.In(c.E.Lang()))
		}
	}
	return strings.Join(names, ", ")
}

func registerStorageIndex(_ registering, c *vm.Call) error {
	x := &core.StorageIndex{
		Name:       c.StrNonEmpty("name"),
		Collection: c.StrNonEmpty("collection"),
		Key:        c.OptStr("key", ""),
		Fields:     c.Strs("fields"),
		Sortable:   c.OptStrs("sortable_fields"),
	}
	max := c.Int("max_entries")
	if c.Err() == nil && max < 1 {
		c.Invalid("max_entries", "expected a number of 1 or more")
	}
	x.MaxEntries = int(max)
	x.IndexOnly = c.OptBool("index_only", false)
	r, err := registrar(c)
	if err := cmp.Or(c.Err(), err); err != nil {
		return err
	}
	if err := x.Check(); err != nil {
		return err
	}
	for i := range r.list {
		if r.list[i].Kind == registry.Index && r.list[i].Name == x.Name {
			return fault.Newf(fault.AlreadyExists, "a storage index named %q is already registered", x.Name)
		}
	}
	return r.add(c, Registration{Kind: registry.Index, Name: x.Name, Index: x})
}

// registerIndexFilter takes the index name first in both languages.
func registerIndexFilter(_ registering, c *vm.Call) error {
	name := c.StrNonEmpty("index_name")
	fn := handlerArg(c, "fn")
	r, err := registrar(c)
	if err := cmp.Or(c.Err(), err); err != nil {
		return err
	}
	fn.key = string(registry.IndexFilter) + ":" + name
	return r.add(c, Registration{Kind: registry.IndexFilter, Name: name}, fn)
}

// unknownHook returns the error for an unknown name, with the name that was probably
// meant.
func unknownHook(table hooks.Kind, name string) error {
	what, names := "realtime message", hooks.RealtimeNames
	if table == hooks.API {
		what, names = "API call", nil
		for i := range hooks.Methods {
			names = append(names, hooks.Methods[i].Name)
		}
	}
	if near := suggest.Nearest(name, names); near != "" {
		return fault.Newf(fault.InvalidArgument, "there is no %s named %q to hook; did you mean %q?", what, name, near)
	}
	return fault.Newf(fault.InvalidArgument, "there is no %s named %q to hook", what, name)
}
