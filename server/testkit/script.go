package testkit

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/rs/zerolog"

	"kumi/modules/bundle"
	"kumi/modules/source"
	"kumi/vm"
	"kumi/vm/js"
	"kumi/vm/lua"
)

// load makes the VM of the test file, which declares the tests.
func (s *suite) load(ctx context.Context, job Job, guard *vm.Guard) error {
	if strings.HasSuffix(job.File, ".lua") {
		return s.loadLua(ctx, job, guard)
	}
	return s.loadJavaScript(ctx, job, guard)
}

func (s *suite) loadJavaScript(ctx context.Context, job Job, guard *vm.Guard) error {
	project := &bundle.Project{Root: job.Folder, Entry: job.File}
	program, err := project.Compile(zerolog.New(s.log))
	if err != nil {
		return err
	}
	// The VM calls functions of the suite while New runs the program, which needs it.
	pending := &lateInstance{}
	s.inst = pending
	v, err := js.New(ctx, program, js.Options{
		Globals: vm.Bind(vm.JS, s, suiteTable), Guard: guard, Poll: idleLook, Env: map[string]string{"NODE_ENV": "test"},
		Made:   func(v *js.VM) { pending.Instance = v },
		Linger: linger, Rejected: func(err *vm.ScriptError) { s.lost = append(s.lost, err) },
		Console: func(_ context.Context, level, message string) { s.log.print(level, message) },
	})
	if err := s.orLost(err); err != nil {
		return err
	}
	s.inst = v
	return nil
}

// lateInstance is an instance that is set before it is used.
type lateInstance struct{ vm.Instance }

func (s *suite) loadLua(ctx context.Context, job Job, guard *vm.Guard) error {
	var files []*lua.Module
	add := func(file, path string) error {
		content, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		if strings.HasPrefix(string(content), "---@meta") {
			return nil
		}
		m, err := lua.Compile(moduleName(path), path, string(content))
		if err == nil {
			files = append(files, m)
		}
		return err
	}
	if err := source.Walk(job.Folder, add, ".lua"); err != nil {
		return err
	}
	if err := add(filepath.Join(job.Folder, filepath.FromSlash(job.File)), job.File); err != nil {
		return err
	}
	program, err := lua.NewProgram(files...)
	if err != nil {
		return err
	}
	pending := &lateInstance{}
	s.inst = pending
	v, err := lua.New(lua.Options{
		Program: program, Handlers: noHandlers{}, Globals: vm.Bind(vm.Lua, s, suiteTable), Guard: guard, Root: job.Folder,
		Made:  func(v *lua.VM) { pending.Instance = v },
		Print: func(_ context.Context, line string) { s.log.print("info", line) },
	})
	if err != nil {
		return err
	}
	s.inst = v
	_, err = v.Require(ctx, moduleName(job.File))
	return err
}

func moduleName(path string) string {
	return strings.ReplaceAll(strings.TrimSuffix(path, ".lua"), "/", ".")
}

// noHandlers are those of a VM that registers nothing.
type noHandlers struct{}

// Handler implements lua.Options.Handlers.
func (noHandlers) Handler(string) vm.Ref { return nil }

// failureOf describes an error of a script, with its place in the test files or modules.
func failureOf(root string, err error) *Failure {
	f := &Failure{Message: err.Error(), Stack: err.Error()}
	var wrong *unexpected
	var script *vm.ScriptError
	if errors.As(err, &script) {
		f.Message, f.Stack = script.Fault.Message, script.Stack
		if f.Message == "" {
			f.Message = script.Error()
		}
		f.Message = trimPosition(f.Message)
	}
	if errors.As(err, &wrong) {
		f.Message = wrong.text
	}
	var lost *unhandled
	if errors.As(err, &lost) {
		f.Message += lost.hint()
	}
	if p, ok := source.PlaceOf(root, f.Stack+"\n"+err.Error()); ok {
		f.File, f.Line, f.Column = p.File, p.Line, p.Column
		f.Frame = frame(p)
	}
	return f
}

// trimPosition removes the position at the beginning of a message of Lua.
func trimPosition(message string) string {
	if at := source.Position.FindStringIndex(message); at != nil && at[0] == 0 {
		return strings.TrimLeft(message[at[1]:], ": ")
	}
	return message
}

// frame shows the lines around a place.
func frame(p source.Place) string {
	var b strings.Builder
	for i, text := range p.Text {
		n := p.First + i
		if n < p.Line-1 || n > p.Line+1 {
			continue
		}
		mark := "  "
		if n == p.Line {
			mark = "> "
		}
		fmt.Fprintf(&b, "%s%4d | %s\n", mark, n, text)
		if n == p.Line && p.Column > 0 {
			fmt.Fprintf(&b, "       | %s^\n", indent(text, p.Column-1))
		}
	}
	return strings.TrimRight(b.String(), "\n")
}

// indent returns as much space as the first n bytes of a text take.
func indent(text string, n int) string {
	return strings.Map(func(r rune) rune {
		if r == '\t' {
			return r
		}
		return ' '
	}, text[:min(n, len(text))])
}
