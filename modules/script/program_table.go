package script

import (
	"slices"

	"github.com/rs/zerolog"

	"kumi/core"
	"kumi/internal/journal"
	"kumi/store/fault"
	"kumi/vm"
)

// ProgramTable are the functions of nk that concern the Lua program itself: they
// register, log and read the configuration. In JavaScript these belong to the
// initializer, the logger and ctx.
var ProgramTable = slices.Concat(registerLua, logTable, onceTable, []vm.Func[*core.Module]{
	{Name: vm.N("get_config"), Only: vm.Lua, Live: true, Body: getConfig},
})

var logTable = []vm.Func[*core.Module]{
	{Name: vm.N("logger_debug"), Only: vm.Lua, Live: true, Body: luaLog(zerolog.DebugLevel)},
	{Name: vm.N("logger_info"), Only: vm.Lua, Live: true, Body: luaLog(zerolog.InfoLevel)},
	{Name: vm.N("logger_warn"), Only: vm.Lua, Live: true, Body: luaLog(zerolog.WarnLevel)},
	{Name: vm.N("logger_error"), Only: vm.Lua, Live: true, Body: luaLog(zerolog.ErrorLevel)},
}

var onceTable = []vm.Func[*core.Module]{
	{Name: vm.N(runOnceName), Only: vm.Lua, Live: true, Body: runOnce},
	{Name: vm.N("get_context"), Only: vm.Lua, Live: true, Body: getContext},
}

// runOnce calls a function once per load. While modules load every VM calls it, but nk
// has effects only in the first one; later, only the first call from that line of the
// module runs. Whether a call in a match runs is recorded, and played in a replay.
func runOnce(_ *core.Module, c *vm.Call) error {
	fn := c.Func("fn")
	if err := c.Err(); err != nil {
		return err
	}
	l := localOf(c)
	if l == nil {
		return fault.New(fault.FailedPrecondition, "run_once can only be called in a module")
	}
	if !l.Registrar.Open() {
		key := ""
		if e, ok := c.E.(interface{ Caller() string }); ok {
			key = e.Caller()
		}
		if first, err := l.firstCall(key); !first || err != nil {
			return err
		}
	}
	_, err := c.E.Call(fn, Context(c.E, core.WithMode(c.Ctx, l.program.scope, runOnceName)))
	return err
}

// firstCall tells whether run_once is called with a key for the first time since the program was
// loaded. In a replay it answers as in the match that was recorded, and does not take the key.
func (l *Local) firstCall(key string) (bool, error) {
	if l.match == nil || !l.match.journal.On() {
		_, done := l.program.once.LoadOrStore(key, struct{}{})
		return !done, nil
	}
	j, first := l.match.journal, []byte{0}
	if j.Playing() {
		e, _, ok := j.Take(func(e *journal.Entry) bool {
			return e.Kind == journal.Call && e.Name == runOnceName && len(e.Data) == 1
		})
		if !ok {
			return false, fault.New(fault.NotFound, "run_once was not called here when the match was recorded")
		}
		first = e.Data
	} else if _, done := l.program.once.LoadOrStore(key, struct{}{}); !done {
		first[0] = 1
	}
	j.Add(journal.Entry{Kind: journal.Call, Name: runOnceName, Data: first})
	return first[0] == 1, nil
}

const runOnceName = "run_once"

func getContext(_ *core.Module, c *vm.Call) error {
	s := &noScope
	if l := localOf(c); l != nil {
		s = l.program.scope
	}
	return c.ReturnRef("context", Context(c.E, core.WithMode(c.Ctx, s, runOnceName)), nil)
}
