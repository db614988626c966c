package script

import (
	"fmt"
	"strings"

	"github.com/heroiclabs/nakama-common/runtime"
	"github.com/rs/zerolog"

	"kumi/core"
	"kumi/store/fault"
	"kumi/vm"
)

// LoggerTable is the logger argument of JavaScript functions. It is bound once per
// logger; the host is the logger with its fields.
var LoggerTable []vm.Func[*core.Logger]

func init() { // breaks the initialization cycle: loggers make loggers
	LoggerTable = []vm.Func[*core.Logger]{
		{Name: vm.N("debug"), Live: true, Body: logWith(zerolog.DebugLevel)},
		{Name: vm.N("info"), Live: true, Body: logWith(zerolog.InfoLevel)},
		{Name: vm.N("warn"), Live: true, Body: logWith(zerolog.WarnLevel)},
		{Name: vm.N("error"), Live: true, Body: logWith(zerolog.ErrorLevel)},
		{Name: vm.N("with_field"), Live: true, Body: func(l *core.Logger, c *vm.Call) error {
			key := c.Str("key")
			value := plain(c.E, c.Any("value"))
			if err := c.Err(); err != nil {
				return err
			}
			return derived(c, l.WithField(key, value))
		}},
		{Name: vm.N("with_fields"), Live: true, Body: func(l *core.Logger, c *vm.Call) error {
			fields := c.Map("fields")
			if err := c.Err(); err != nil {
				return err
			}
			return derived(c, l.WithFields(fields))
		}},
		{Name: vm.N("get_fields"), Live: true, Body: func(l *core.Logger, c *vm.Call) error {
			fields := l.Fields()
			if id := core.TraceID(c.Ctx); id != "" {
				fields["trace_id"] = id
			}
			return c.ReturnAny("fields", fields, nil)
		}},
	}
}

// matchLoggerTable is LoggerTable for matches. All matches of a program share it; each
// call logs to the logger of its own match.
func matchLoggerTable() []vm.Func[struct{}] {
	table := make([]vm.Func[struct{}], len(LoggerTable))
	for i := range LoggerTable {
		f := &LoggerTable[i]
		table[i] = vm.Func[struct{}]{Name: f.Name, Live: f.Live, Body: func(_ struct{}, c *vm.Call) error {
			l := localOf(c)
			if l == nil {
				return fault.New(fault.FailedPrecondition, "this logger can only be used in match handlers")
			}
			return f.Body(l.logger(), c)
		}}
	}
	return table
}

// derived returns a logger with additional fields.
func derived(c *vm.Call, l runtime.Logger) error {
	inst, ok := c.E.(vm.Instance)
	logger, isOurs := l.(*core.Logger)
	if !ok || !isOurs {
		return fmt.Errorf("this engine cannot make loggers")
	}
	return c.ReturnRef("logger", inst.Functions(vm.Bind(vm.JS, logger, LoggerTable)), nil)
}

func logWith(level zerolog.Level) func(*core.Logger, *vm.Call) error {
	return func(l *core.Logger, c *vm.Call) error {
		format := text(c.E, c.Any("message"))
		args := rest(c)
		if err := c.Err(); err != nil {
			return err
		}
		if loc := localOf(c); loc.Muted() {
			return nil
		}
		if len(args) > 0 && !strings.Contains(format, "%") {
			format, args = message(format, args), nil
		}
		if e := l.Event(level); e.Enabled() { // do not format what is not logged
			localOf(c).note(e, c.Ctx).Msg(message(format, args))
		}
		return nil
	}
}

// luaLog implements logger_debug and the like. They take a string, or a format and its
// arguments, or a string and a table of fields, and return the formatted string.
func luaLog(level zerolog.Level) func(*core.Module, *vm.Call) error {
	return func(_ *core.Module, c *vm.Call) error {
		format := c.StrNonEmpty("message")
		var fields map[string]any
		var args []any
		if c.NArgs() == 2 {
			if v := c.Any("fields"); c.E.IsObject(v) && !c.E.IsStr(v) {
				x, err := c.E.Export(v)
				if fields, _ = x.(map[string]any); err != nil {
					c.Invalid("fields", err.Error())
				}
			} else {
				args = []any{printed(plain(c.E, v))}
			}
		} else {
			args = rest(c)
		}
		if err := c.Err(); err != nil {
			return err
		}
		out := format
		if len(args) > 0 {
			out = message(format, args)
		}
		if l := localOf(c); l != nil && !l.Muted() {
			logger := l.logger()
			if len(fields) > 0 {
				logger, _ = logger.WithFields(fields).(*core.Logger)
			}
			if e := logger.Event(level); e.Enabled() {
				l.note(e, c.Ctx).Msg(out)
			}
		}
		return c.ReturnStr("message", out, nil)
	}
}

// message formats like printf in Nakama's scripts: arguments without a verb are
// appended.
func message(format string, args []any) string {
	if len(args) == 0 {
		return format
	}
	if strings.Contains(format, "%") {
		return fmt.Sprintf(format, args...)
	}
	var b strings.Builder
	b.WriteString(format)
	for _, a := range args {
		fmt.Fprintf(&b, " %v", a)
	}
	return b.String()
}

// rest converts all remaining arguments for printing.
func rest(c *vm.Call) []any {
	var args []any
	for n := c.Left(); n > 0; n-- {
		args = append(args, printed(plain(c.E, c.Any("argument"))))
	}
	return args
}

// scalar is a number or boolean that can also be formatted with %s, and an integer
// that can be formatted with %f.
type scalar struct{ v any }

// Format implements fmt.Formatter.
func (x scalar) Format(f fmt.State, verb rune) {
	v := x.v
	switch n, whole := v.(int64); {
	case verb == 's':
		verb = 'v'
	case whole && strings.ContainsRune("feEgG", verb):
		v = float64(n)
	}
	fmt.Fprintf(f, fmt.FormatString(f, verb), v)
}

func printed(v any) any {
	switch v.(type) {
	case bool, int64, float64:
		return scalar{v}
	}
	return v
}

// text formats a value for a log line.
func text(e vm.Engine, v vm.Ref) string {
	if e.IsStr(v) {
		return e.Str(v)
	}
	return fmt.Sprint(plain(e, v))
}

// plain converts a value to what prints best: scalars as they are, errors as their
// message, anything else as JSON.
func plain(e vm.Engine, v vm.Ref) any {
	switch {
	case e.IsNil(v):
		return nil
	case e.IsStr(v):
		return e.Str(v)
	case e.IsBool(v):
		return e.Bool(v)
	case e.IsNum(v):
		if n, ok := e.Int(v); ok {
			return n
		}
		return e.Float(v)
	}
	if s, ok := e.(interface{ Show(v vm.Ref) string }); ok {
		return s.Show(v)
	}
	return vm.Preview(e, v, maxShown)
}

// maxShown is the maximum size of one value in a log line, in bytes.
const maxShown = 16 << 10
