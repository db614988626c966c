package lua

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	lua "github.com/yuin/gopher-lua"
	"github.com/yuin/gopher-lua/parse"

	"kumi/store/fault"
	"kumi/vm"
)

// Module is one compiled source file. It never changes and is shared by VMs.
type Module struct {
	Name string // as given to require: "game.rooms"
	Path string // as shown in errors: "game/rooms.lua"

	proto *lua.FunctionProto
}

// Compile compiles a source file. Errors have code InvalidArgument, and a message that
// begins with path:line.
func Compile(name, path, source string) (*Module, error) {
	proto, err := compile(path, source)
	if err != nil {
		return nil, err
	}
	return &Module{Name: name, Path: path, proto: proto}, nil
}

func compile(path, source string) (proto *lua.FunctionProto, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fault.Newf(fault.InvalidArgument, "%s: cannot be compiled: %v", path, r)
		}
	}()
	source = strings.TrimPrefix(source, "\ufeff")
	if strings.HasPrefix(source, "#") {
		source = "--" + source // a shell's line
	}
	chunk, err := parse.Parse(strings.NewReader(source), path)
	if err != nil {
		return nil, syntaxError(path, source, err)
	}
	chunk = checkDoubling(chunk)
	if c := vm.CoverageOn(); c != nil {
		chunk = countStatements(c, path, chunk)
	}
	if proto, err = lua.Compile(chunk, path); err != nil {
		return nil, syntaxError(path, source, err)
	}
	return proto, nil
}

func syntaxError(path, source string, err error) error {
	var pe *parse.Error
	var ce *lua.CompileError
	switch {
	case errors.As(err, &pe) && pe.Pos.Line == parse.EOF:
		line := 1 + strings.Count(strings.TrimRight(source, "\n"), "\n")
		return fault.Newf(fault.InvalidArgument, "%s:%d: %s at the end of the file", path, line, pe.Message)
	case errors.As(err, &pe):
		return fault.Newf(fault.InvalidArgument, "%s:%d:%d: %s near '%s'", path, pe.Pos.Line, pe.Pos.Column, pe.Message, pe.Token)
	case errors.As(err, &ce):
		return fault.Newf(fault.InvalidArgument, "%s:%d: %s", path, ce.Line, ce.Message)
	}
	return fault.Newf(fault.InvalidArgument, "%s: %s", path, strings.TrimSpace(err.Error()))
}

// Program is a set of modules that require each other. It never changes and is
// shared by all VMs.
type Program struct {
	modules map[string]*Module
	names   []string // sorted
	paths   map[string]bool
	// mentions has all string constants of all modules; nil if the program may use
	// globals whose names it does not contain. VMs omit functions of the standard
	// library that the program cannot name.
	mentions map[string]bool
}

// NewProgram makes a program of modules. Their names must differ.
func NewProgram(modules ...*Module) (*Program, error) {
	p := &Program{modules: make(map[string]*Module, len(modules)), paths: map[string]bool{}, mentions: map[string]bool{}}
	for _, m := range modules {
		if other := p.modules[m.Name]; other != nil {
			return nil, fault.Newf(fault.InvalidArgument, "%s and %s are both the module %q", other.Path, m.Path, m.Name)
		}
		p.modules[m.Name] = m
		p.paths[m.Path] = true
		p.names = append(p.names, m.Name)
		mention(p.mentions, m.proto)
	}
	slices.Sort(p.names)
	for _, way := range []string{"_G", "getfenv", "setfenv", "load", "loadstring", "loadfile", "dofile", "module", "package", "newproxy"} {
		if p.mentions[way] {
			p.mentions = nil
			break
		}
	}
	return p, nil
}

// Names lists the modules in the order in which they are evaluated.
func (p *Program) Names() []string { return p.names }

// Has tells whether there is a module of a name.
func (p *Program) Has(name string) bool { return p.modules[name] != nil }

// needs tells whether a VM must have a global.
func (p *Program) needs(global string) bool { return p.mentions == nil || p.mentions[global] }

func mention(into map[string]bool, proto *lua.FunctionProto) {
	for _, k := range proto.Constants {
		if s, ok := k.(lua.LString); ok {
			into[string(s)] = true
		}
	}
	for _, inner := range proto.FunctionPrototypes {
		mention(into, inner)
	}
}

// String returns a short description for logs.
func (p *Program) String() string { return fmt.Sprintf("%d Lua modules", len(p.names)) }
