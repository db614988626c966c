package lua

import (
	"slices"
	"strconv"
	"strings"

	lua "github.com/yuin/gopher-lua"
)

const (
	notFunction = "attempt to call a non-function object"
	notFound    = "in the modules folder, " // the end of require's error
)

// clearer returns the text of an error that the engine raised, "file:line: text", with what
// it knows and does not say: the name of what was called. It is for errors that no script
// catches.
func (p *Program) clearer(text string) string {
	switch {
	case strings.HasSuffix(text, notFound):
		return strings.TrimSuffix(text, ", ")
	case !strings.HasSuffix(text, notFunction):
		return text
	}
	at := strings.SplitN(text, ":", 3)
	if len(at) != 3 {
		return text
	}
	line, _ := strconv.Atoi(at[1])
	for _, m := range p.modules {
		if m.Path != at[0] {
			continue
		}
		if names := calledAt(m.proto, line, nil); len(names) == 1 && names[0] != "?" {
			return text + " (" + names[0] + ")"
		}
	}
	return text
}

// calledAt adds to names those of the calls in a line of a function, and in the functions in
// it. Calls of something that has no name are "?".
func calledAt(fn *lua.FunctionProto, line int, names []string) []string {
	for _, c := range fn.DbgCalls {
		if c.Pc >= 0 && c.Pc < len(fn.DbgSourcePositions) && fn.DbgSourcePositions[c.Pc] == line && !slices.Contains(names, c.Name) {
			names = append(names, c.Name)
		}
	}
	for _, inner := range fn.FunctionPrototypes {
		names = calledAt(inner, line, names)
	}
	return names
}
