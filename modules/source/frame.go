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

// sourceLine returns a line of a file of the modules folder.
func sourceLine(root, name string, line int) (string, bool) {
	name = filepath.FromSlash(name)
	if !filepath.IsLocal(name) {
		return "", false
	}
	folder, err := os.OpenRoot(root)
	if err != nil {
		return "", false
	}
	defer folder.Close()
	f, err := folder.Open(name)
	if err != nil {
		return "", false
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || info.Mode()&fs.ModeType != 0 {
		return "", false
	}
	in := bufio.NewScanner(f)
	in.Buffer(nil, 1<<20)
	for n := 1; in.Scan(); n++ {
		if n == line {
			return in.Text(), true
		}
	}
	return "", false
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
