package bundle

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/tidwall/jsonc"

	"kumi/modules/source"
)

// tsconfig is what a tsconfig.json says about the files of a program. Paths are
// relative to the modules folder and have slashes.
type tsconfig struct {
	path            string // of the file itself
	files           []string
	include         []string // nil: there is none
	exclude         []string
	outFile, outDir string
	allowJS         bool
}

// readTSConfig reads a tsconfig.json and those it extends. It returns nil if the file
// does not exist.
func readTSConfig(root fs.FS, file string) (*tsconfig, error) {
	c := &tsconfig{path: file}
	if err := c.read(root, file, 0); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil, nil
		}
		return nil, err
	}
	return c, nil
}

// read adds the settings of a file to c, after those of the files that it extends. An
// extended file that does not exist, such as one in a package that is not installed,
// is ignored.
func (c *tsconfig) read(root fs.FS, file string, depth int) error {
	content, err := fs.ReadFile(root, file)
	if err != nil {
		return err
	}
	var t struct {
		Extends                 extends
		Files, Include, Exclude *[]string
		CompilerOptions         struct {
			OutFile, OutDir *string
			AllowJS         *bool
		}
	}
	if err := json.Unmarshal(jsonc.ToJSON(content), &t); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	const maxDepth = 8
	for _, base := range t.Extends {
		if !strings.HasPrefix(base, ".") || depth == maxDepth {
			continue
		}
		base = path.Join(path.Dir(file), base)
		if path.Ext(base) != ".json" {
			base += ".json"
		}
		if err := c.read(root, base, depth+1); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	set := func(to *[]string, from *[]string) {
		if from == nil {
			return
		}
		*to = []string{}
		for _, p := range *from {
			*to = append(*to, path.Join(path.Dir(file), p))
		}
	}
	set(&c.files, t.Files)
	set(&c.include, t.Include)
	set(&c.exclude, t.Exclude)
	if o := t.CompilerOptions.OutFile; o != nil {
		c.outFile = path.Join(path.Dir(file), *o)
	}
	if o := t.CompilerOptions.OutDir; o != nil {
		c.outDir = path.Join(path.Dir(file), *o)
	}
	if o := t.CompilerOptions.AllowJS; o != nil {
		c.allowJS = *o
	}
	return nil
}

// extends is one path or a list of paths.
type extends []string

// UnmarshalJSON implements json.Unmarshaler.
func (e *extends) UnmarshalJSON(text []byte) error {
	var one string
	if json.Unmarshal(text, &one) == nil {
		*e = extends{one}
		return nil
	}
	return json.Unmarshal(text, (*[]string)(e))
}

// program reports whether c lists the files of one program: it has files, include or
// outFile.
func (c *tsconfig) program() bool {
	return c != nil && (len(c.files) > 0 || c.include != nil || c.outFile != "")
}

// list returns the source files in the compiler's order: those of files, then those
// that the patterns of include match, folder by folder. Each comes after the files
// that its reference comments name. Declaration files are left out.
func (c *tsconfig) list(root fs.FS) ([]string, error) {
	var found []string
	seen := map[string]bool{}
	var add func(file string)
	add = func(file string) {
		if seen[file] || !c.source(file) {
			return
		}
		seen[file] = true
		content, err := fs.ReadFile(root, file)
		if err != nil {
			return
		}
		for _, m := range reference.FindAllStringSubmatch(string(content), -1) {
			add(path.Join(path.Dir(file), m[1]))
		}
		found = append(found, file)
	}
	for _, file := range c.files {
		if _, err := fs.Stat(root, file); err != nil {
			return nil, fmt.Errorf("%s lists the file %s, which does not exist", c.path, file)
		}
		add(file)
	}
	include := c.include
	if include == nil && c.files == nil {
		include = []string{path.Dir(c.path)}
	}
	skip := patterns(c.exclude)
	if c.exclude == nil && c.outDir != "" {
		skip = patterns([]string{c.outDir})
	}
	matched := make([][]string, len(include))
	wanted := patterns(include)
	err := walkFiles(root, ".", func(file string) {
		if file == c.outFile || source.Test(file) || slices.ContainsFunc(skip, func(p *regexp.Regexp) bool { return p.MatchString(file) }) {
			return
		}
		if i := slices.IndexFunc(wanted, func(p *regexp.Regexp) bool { return p.MatchString(file) }); i >= 0 {
			matched[i] = append(matched[i], file)
		}
	})
	for _, files := range matched {
		for _, file := range files {
			add(file)
		}
	}
	return found, err
}

// reference is a comment that names a file to load before this one.
var reference = regexp.MustCompile(`(?m)^///\s*<reference\s+path\s*=\s*["']([^"']+)["']`)

// source reports whether the compiler makes code from a file.
func (c *tsconfig) source(file string) bool {
	switch path.Ext(file) {
	case ".ts", ".tsx":
		return !strings.HasSuffix(file, ".d.ts")
	case ".js", ".jsx":
		return c.allowJS
	}
	return false
}

// walkFiles calls fn with the files of a folder in order of their names, then with
// those of its subfolders. Installed packages and hidden folders are left out.
func walkFiles(root fs.FS, folder string, fn func(file string)) error {
	entries, err := fs.ReadDir(root, folder)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if !e.IsDir() {
			fn(path.Join(folder, e.Name()))
		}
	}
	for _, e := range entries {
		if name := e.Name(); e.IsDir() && name != "node_modules" && !strings.HasPrefix(name, ".") {
			if err := walkFiles(root, path.Join(folder, name), fn); err != nil && !errors.Is(err, os.ErrPermission) {
				return err
			}
		}
	}
	return nil
}

// patterns converts the compiler's patterns to regular expressions: * and ? match
// parts of a name, **/ any folders, and a folder all files in it.
func patterns(list []string) []*regexp.Regexp {
	var all []*regexp.Regexp
	for _, p := range list {
		var b strings.Builder
		b.WriteString("^")
		if p == "." {
			b.WriteString(".*$")
			all = append(all, regexp.MustCompile(b.String()))
			continue
		}
		for i := 0; i < len(p); i++ {
			switch {
			case strings.HasPrefix(p[i:], "**/"):
				b.WriteString("(?:[^/]+/)*")
				i += len("**/") - 1
			case strings.HasPrefix(p[i:], "**"):
				b.WriteString(".*")
				i++
			case p[i] == '*':
				b.WriteString("[^/]*")
			case p[i] == '?':
				b.WriteString("[^/]")
			default:
				b.WriteString(regexp.QuoteMeta(p[i : i+1]))
			}
		}
		if last := path.Base(p); !strings.ContainsAny(last, "*?.") {
			b.WriteString("(?:/.*)?")
		}
		b.WriteString("$")
		all = append(all, regexp.MustCompile(b.String()))
	}
	return all
}
