package source

import (
	"bufio"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"kumi/vm/js"
)

// Position matches a position in a source file in an error: file.ts:3 or
// file.ts:3:14.
var Position = regexp.MustCompile(`([\w./\\@+-]+\.(?:js|ts|mjs|cjs|mts|cts|tsx|jsx|lua)):(\d+)(?::(\d+))?`)

// framed is a load error with the source line that it is about.
type framed struct {
	err  error
	text string
}

// Error returns the error with the source line.
func (e *framed) Error() string { return e.text }

// Unwrap returns the error without the source line.
func (e *framed) Unwrap() error { return e.err }

// WithLine adds to an error the first source line that it names, with a mark under the
// column. Errors that already show a line are returned unchanged.
func WithLine(root string, err error) error {
	text := err.Error()
	if shown.MatchString(text) {
		return err
	}
	for _, at := range Position.FindAllStringSubmatch(text, -1) {
		line, _ := strconv.Atoi(at[2])
		column, _ := strconv.Atoi(at[3])
		source, ok := sourceLine(root, at[1], line)
		if !ok {
			continue
		}
		if column == 0 {
			column = 1 + len(source) - len(strings.TrimLeft(source, " \t"))
		}
		if frame := js.Frame(line, column, source); frame != "" {
			return &framed{err, text + "\n" + frame}
		}
	}
	return err
}

var shown = regexp.MustCompile(`(?m)^ *\d+ \| `)

// Place is where an error is in the sources, with the lines around it.
type Place struct {
	File         string // path in the modules folder
	Line, Column int    // from 1; Column is 0 if it is not known
	// Text are the lines from First on.
	First int
	Text  []string
}

// around is how many lines before and after that of an error a Place has.
const around = 3

// PlaceOf returns the first place that the text of an error names, if its file is there.
func PlaceOf(root, text string) (p Place, ok bool) {
	for _, at := range Position.FindAllStringSubmatch(text, -1) {
		p = Place{File: at[1]}
		p.Line, _ = strconv.Atoi(at[2])
		p.Column, _ = strconv.Atoi(at[3])
		p.First = max(p.Line-around, 1)
		if p.Text = sourceLines(root, p.File, p.First, p.Line+around); len(p.Text) > p.Line-p.First {
			return p, true
		}
	}
	return Place{}, false
}

// sourceLine returns a line of a file of the modules folder.
func sourceLine(root, name string, line int) (string, bool) {
	lines := sourceLines(root, name, line, line)
	if len(lines) == 0 {
		return "", false
	}
	return lines[0], true
}

// sourceLines returns the lines from first to last of a file of the modules folder, as
// far as there are.
func sourceLines(root, name string, first, last int) (lines []string) {
	name = filepath.FromSlash(name)
	if !filepath.IsLocal(name) {
		return nil
	}
	folder, err := os.OpenRoot(root)
	if err != nil {
		return nil
	}
	defer folder.Close()
	f, err := folder.Open(name)
	if err != nil {
		return nil
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || info.Mode()&fs.ModeType != 0 {
		return nil
	}
	in := bufio.NewScanner(f)
	in.Buffer(nil, 1<<20)
	for n := 1; in.Scan(); n++ {
		if n > last {
			break
		}
		if n >= first {
			lines = append(lines, in.Text())
		}
	}
	return lines
}

// SplitAt splits a position, file:line or file:line:column. The line is 0 if there is
// none.
func SplitAt(at string) (file string, line int) {
	if m := Position.FindStringSubmatch(at); m != nil {
		line, _ = strconv.Atoi(m[2])
		return m[1], line
	}
	return at, 0
}
