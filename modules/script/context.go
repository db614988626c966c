package script

import (
	"context"

	"kumi/core"
	"kumi/vm"
)

// Context makes the ctx argument of a call from the scope that ctx carries. Each call
// gets its own object, which the script may modify.
func Context(e vm.Engine, ctx context.Context) vm.Ref {
	s, mode := core.ScopeOf(ctx)
	if s == nil {
		s = &noScope
	}
	return e.Record(contextLayout, &contextSource{Scope: s, ctx: ctx, mode: mode, lua: e.Lang() == vm.Lua, modules: modulesVersion(e)})
}

var noScope core.Scope

// modulesVersion returns the version of the program that the VM runs.
func modulesVersion(e vm.Engine) string {
	if inst, ok := e.(vm.Instance); ok {
		if l, ok := inst.Local().(*Local); ok && l.program != nil {
			return l.program.scope.ModuleVersion
		}
	}
	return ""
}

// contextSource provides the properties of a ctx object from a scope.
type contextSource struct {
	*core.Scope
	ctx     context.Context // nil in matches
	mode    string
	lua     bool
	modules string // version of the program
}

func (s *contextSource) traceID() string {
	if s.ctx == nil {
		return ""
	}
	return core.TraceID(s.ctx)
}

type contextField struct {
	name vm.Name
	has  func(s *contextSource) bool
	get  func(e vm.Engine, s *contextSource) (vm.Ref, error)
}

func ctxStr(name string, get func(*contextSource) string) contextField {
	return contextField{vm.N(name),
		func(s *contextSource) bool { return get(s) != "" },
		func(e vm.Engine, s *contextSource) (vm.Ref, error) { return e.FromStr(get(s)), nil }}
}

// when sets the condition under which a property exists.
func (f contextField) when(has func(s *contextSource) bool) contextField {
	f.has = has
	return f
}

// ctxMulti is a map of lists, such as HTTP headers. In Lua it always exists, so that
// code can index it without a check.
func ctxMulti(name string, get func(*contextSource) map[string][]string) contextField {
	return contextField{vm.N(name),
		func(s *contextSource) bool { return get(s) != nil || (s.lua && s.MatchID == "") },
		func(e vm.Engine, s *contextSource) (vm.Ref, error) {
			m := make(map[string]any, len(get(s)))
			for k, vs := range get(s) {
				list := make([]any, len(vs))
				for i, v := range vs {
					list[i] = v
				}
				m[k] = list
			}
			return e.FromAny(m)
		}}
}

func always(*contextSource) bool      { return true }
func withMatch(s *contextSource) bool { return s.HasMatchState }

// userOr is the condition of user properties: in Lua they exist if there is a user id,
// in JavaScript if has is true.
func userOr(has func(*contextSource) bool) func(*contextSource) bool {
	return func(s *contextSource) bool { return s.UserID != "" && (s.lua || has(s)) }
}

func stringMap(e vm.Engine, m map[string]string) (vm.Ref, error) {
	if m == nil {
		m = map[string]string{}
	}
	return e.FromAny(m)
}

// environment returns ctx.env. All calls of a Lua VM share one table, as in Nakama;
// JavaScript reads it on demand.
func environment(e vm.Engine, s *contextSource) (vm.Ref, error) {
	inst, ok := e.(vm.Instance)
	if !s.lua || !ok {
		return stringMap(e, s.Env)
	}
	l, ok := inst.Local().(*Local)
	if !ok {
		return stringMap(e, s.Env)
	}
	if l.env == nil {
		var err error
		if l.env, err = stringMap(e, s.Env); err != nil {
			return nil, err
		}
	}
	return l.env, nil
}

var contextFields = []contextField{
	{vm.N("env"), always, environment},
	ctxStr("execution_mode", func(s *contextSource) string { return s.mode }),
	ctxStr("node", func(s *contextSource) string { return s.Node }).when(always),
	ctxStr("version", func(s *contextSource) string { return s.Version }).when(always),
	ctxStr("module_version", func(s *contextSource) string { return s.modules }),
	ctxMulti("headers", func(s *contextSource) map[string][]string { return s.Headers }),
	ctxMulti("query_params", func(s *contextSource) map[string][]string { return s.QueryParams }),
	ctxStr("user_id", func(s *contextSource) string { return s.UserID }),
	ctxStr("username", func(s *contextSource) string { return s.Username }).when(userOr(func(s *contextSource) bool { return s.Username != "" })),
	{vm.N("vars"), userOr(func(*contextSource) bool { return true }),
		func(e vm.Engine, s *contextSource) (vm.Ref, error) { return stringMap(e, s.Vars) }},
	{vm.N("user_session_exp"), userOr(func(s *contextSource) bool { return s.SessionExpiry != 0 }),
		func(e vm.Engine, s *contextSource) (vm.Ref, error) { return e.FromInt(s.SessionExpiry), nil }},
	ctxStr("session_id", func(s *contextSource) string { return s.SessionID }),
	ctxStr("lang", func(s *contextSource) string { return s.Lang }),
	ctxStr("client_ip", func(s *contextSource) string { return s.ClientIP }),
	ctxStr("client_port", func(s *contextSource) string { return s.ClientPort }),
	ctxStr("match_id", func(s *contextSource) string { return s.MatchID }),
	ctxStr("match_node", func(s *contextSource) string { return s.MatchNode }).when(func(s *contextSource) bool { return s.MatchID != "" }),
	ctxStr("match_label", func(s *contextSource) string { return s.MatchLabel }).when(withMatch),
	{vm.N("match_tick_rate"), withMatch, func(e vm.Engine, s *contextSource) (vm.Ref, error) { return e.FromInt(int64(s.MatchTickRate)), nil }},
	ctxStr("operator", func(s *contextSource) string { return s.Operator }),
	ctxStr("trace_id", (*contextSource).traceID),
}

// ContextNames returns the properties that a ctx can have.
func ContextNames() []vm.Name {
	names := make([]vm.Name, len(contextFields))
	for i := range contextFields {
		names[i] = contextFields[i].name
	}
	return names
}

var contextLayout = vm.NewLayout(ContextNames()...)

// Has implements vm.Source.
func (s *contextSource) Has(i int) bool { return contextFields[i].has(s) }

// Get implements vm.Source.
func (s *contextSource) Get(e vm.Engine, i int) (vm.Ref, error) { return contextFields[i].get(e, s) }
