// Package js runs JavaScript in goja.
//
// A Program is compiled once and shared. A VM is a runtime with one program, and
// implements vm.Instance. Objects made by Go are lazy: function tables make a
// function when it is first read, records convert a property when it is first read.
// JSON becomes objects that are cheaper to make than ordinary ones (lists are always
// real arrays). A Program may be used from any goroutine, a VM only by its owner.
package js

import (
	"errors"
	"fmt"
	"strings"

	"github.com/dop251/goja"
	"github.com/dop251/goja/file"
	"github.com/dop251/goja/parser"

	"kumi/vm"
)

// Program is compiled source.
type Program struct {
	name   string
	code   *goja.Program
	bounds []*bound // for the built-in functions that it names
}

// Compile compiles a script in strict mode. Its top-level declarations become
// globals. If the text ends with an inline source map, positions in errors are those
// of the original source. The error is a *SyntaxError.
func Compile(name, source string) (*Program, error) {
	return CompileMapped(name, source, func(string) ([]byte, error) { return nil, nil })
}

// CompileMapped is Compile for a text whose source map may be a separate file. maps
// reads it by its path, which is relative to the same folder as name. A map that
// cannot be read is ignored.
func CompileMapped(name, source string, maps func(path string) ([]byte, error)) (*Program, error) {
	source = moveInline(source)
	tree, err := parser.ParseFile(nil, name, source, 0, parser.WithSourceMapLoader(func(path string) ([]byte, error) {
		text, err := maps(path)
		return moveColumns(text), err
	}))
	if err == nil {
		text := newSource(source)
		if bigIntegers(text) {
			callOperators(tree)
		}
		if classesByProperty(text) {
			expandLiterals(tree)
		}
		bounds := text.bounds()
		if checkDoubling(tree) {
			bounds = append(bounds, doubling)
		}
		if checkAsync(tree) {
			bounds = append(bounds, asyncNesting)
		}
		if c := vm.CoverageOn(); c != nil {
			countStatements(c, tree)
			bounds = append(bounds, counting)
		}
		var code *goja.Program
		if code, err = goja.CompileAST(tree, true); err == nil {
			return &Program{name: name, code: code, bounds: bounds}, nil
		}
	}
	return nil, syntaxError(name, source, err)
}

// Name returns the name under which the program was compiled.
func (p *Program) Name() string { return p.name }

// SyntaxError is the error for source that cannot be compiled.
type SyntaxError struct {
	File         string
	Line, Column int    // from 1
	Message      string // "Unexpected token )"
	Text         string // the line itself, may be empty
}

// Error returns a line with the position, then the line of source with a mark under
// the column.
func (e *SyntaxError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s:%d:%d: %s", e.File, e.Line, e.Column, e.Message)
	if frame := Frame(e.Line, e.Column, e.Text); frame != "" {
		b.WriteByte('\n')
		b.WriteString(frame)
	}
	return b.String()
}

// Frame formats a line of source with its number and a mark under the column, from
// 1, for error messages. For an empty line it returns "".
func Frame(line, column int, text string) string {
	if strings.TrimSpace(text) == "" {
		return ""
	}
	const maxWidth = 160
	text = strings.TrimRight(text, "\r\n")
	if len(text) > maxWidth {
		from := max(0, min(column-maxWidth/2, len(text)-maxWidth))
		text, column = strings.ToValidUTF8(text[from:from+maxWidth], ""), column-from
	}
	pad := []byte(text[:min(max(column-1, 0), len(text))])
	for i, c := range pad {
		if c != '\t' {
			pad[i] = ' '
		}
	}
	gutter := fmt.Sprintf("%6d | ", line)
	return gutter + text + "\n" + strings.Repeat(" ", len(gutter)-2) + "| " + string(pad) + "^"
}

func syntaxError(name, source string, err error) error {
	e := &SyntaxError{File: name, Line: 1, Column: 1, Message: err.Error()}
	var pos file.Position
	var list parser.ErrorList
	var syntax *goja.CompilerSyntaxError
	var reference *goja.CompilerReferenceError
	switch {
	case errors.As(err, &list) && len(list) > 0:
		pos, e.Message = list[0].Position, list[0].Message
	case errors.As(err, &syntax):
		e.Message = syntax.Message
		if syntax.File != nil {
			pos = syntax.File.Position(syntax.Offset)
		}
	case errors.As(err, &reference):
		e.Message = reference.Message
		if reference.File != nil {
			pos = reference.File.Position(reference.Offset)
		}
	}
	if pos.Line > 0 {
		e.Line, e.Column = pos.Line, max(pos.Column, 1)
	}
	if pos.Filename != "" {
		e.File = pos.Filename
	}
	if e.File == name {
		if lines := strings.Split(source, "\n"); e.Line <= len(lines) {
			e.Text = lines[e.Line-1]
		}
	}
	return e
}
