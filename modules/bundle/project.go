// Package bundle makes one JavaScript program of the files of a folder: it finds the
// entry file, compiles TypeScript and includes what is imported. It does not run the
// program.
package bundle

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"

	"github.com/rs/zerolog"

	"kumi/vm/js"
)

// Project is the files of a JavaScript or TypeScript program. Paths are relative to
// Root and have slashes.
type Project struct {
	Root string
	// Entry is the file that the program starts with, or that declares its InitModule.
	Entry string
	// Scripts are the files of a program that share their globals, in order; empty if
	// the program is Entry and what it imports.
	Scripts []string
}

// Find returns the program of a folder, or nil if there is none. configured is the
// entry file, relative to the folder; if it is empty, index.ts or index.js, or else
// what tsconfig.json lists.
func Find(root, configured string, log zerolog.Logger) (*Project, error) {
	if root == "" {
		return nil, nil
	}
	p := &Project{Root: root}
	files := os.DirFS(root)
	if configured != "" {
		p.Entry = filepath.ToSlash(filepath.Clean(configured))
		if info, err := os.Stat(filepath.Join(root, configured)); err != nil || !info.Mode().IsRegular() {
			if err := p.compiled(files); err != nil {
				return nil, err
			}
			if len(p.Scripts) == 0 {
				return nil, fmt.Errorf("runtime.js_entrypoint: %s is not a file in %s", configured, root)
			}
			return p, nil
		}
		return p, p.share(files, log)
	}
	var found []string
	for _, name := range []string{"index.ts", "index.js"} {
		switch info, err := os.Stat(filepath.Join(root, name)); {
		case err == nil && info.Mode().IsRegular():
			found = append(found, name)
		case err != nil && !errors.Is(err, fs.ErrNotExist):
			return nil, fmt.Errorf("look for %s: %w", name, err)
		}
	}
	if len(found) == 0 {
		return p.listed(files, log)
	}
	if len(found) > 1 {
		log.Warn().Str("loaded", found[0]).Str("ignored", found[1]).
			Msgf("found both %s and %s: loading the first, set runtime.js_entrypoint to choose", found[0], found[1])
	}
	p.Entry = found[0]
	return p, p.share(files, log)
}

// compiled handles an entry file that does not exist but that the TypeScript compiler
// would make of several files, which are then loaded instead.
func (p *Project) compiled(files fs.FS) error {
	c, err := nearestTSConfig(files, path.Dir(p.Entry))
	if err != nil || c == nil || c.outFile != p.Entry {
		return err
	}
	return p.take(files, c)
}

// listed handles a folder without an entry file: its tsconfig.json may list the files
// of the program.
func (p *Project) listed(files fs.FS, log zerolog.Logger) (*Project, error) {
	c, err := readTSConfig(files, "tsconfig.json")
	if err != nil || !c.program() {
		return nil, err
	}
	if err := p.take(files, c); err != nil {
		return nil, err
	}
	if len(p.Scripts) > 0 {
		return p, nil
	}
	list, err := c.list(files)
	if err != nil {
		return nil, err
	}
	for _, file := range list {
		if len(list) == 1 || declaresInit(files, file) {
			p.Entry = file
			return p, nil
		}
	}
	if len(list) > 0 {
		log.Warn().Msgf("%s lists %d files, and none declares InitModule: runtime.js_entrypoint says which to start from", c.path, len(list))
	}
	return nil, nil
}

// share finds the scripts that share their globals with the entry file, if it is a
// script that a tsconfig.json lists.
func (p *Project) share(files fs.FS, log zerolog.Logger) error {
	c, err := nearestTSConfig(files, path.Dir(p.Entry))
	if err != nil || !c.program() || !c.source(p.Entry) {
		return err
	}
	one := Project{Root: p.Root}
	if err := one.take(files, c); err != nil {
		return err
	}
	if len(one.Scripts) > 1 && slices.Contains(one.Scripts, p.Entry) {
		p.Scripts = one.Scripts
	}
	return nil
}

// take makes the scripts that a tsconfig.json lists the files of p, if one of them
// declares InitModule. Files that import or export something are not included.
func (p *Project) take(files fs.FS, c *tsconfig) error {
	list, err := c.list(files)
	if err != nil {
		return err
	}
	modules, err := p.modules(list)
	if err != nil {
		return err
	}
	scripts := slices.DeleteFunc(slices.Clone(list), func(file string) bool { return modules[file] })
	for _, file := range scripts {
		if declaresInit(files, file) {
			p.Entry, p.Scripts = file, scripts
			return nil
		}
	}
	return nil
}

// nearestTSConfig returns the tsconfig.json of a folder or of the nearest folder above
// it.
func nearestTSConfig(files fs.FS, folder string) (*tsconfig, error) {
	for {
		c, err := readTSConfig(files, path.Join(folder, "tsconfig.json"))
		if err != nil || c != nil || folder == "." || folder == "/" {
			return c, err
		}
		folder = path.Dir(folder)
	}
}

var initDeclaration = regexp.MustCompile(`(?m)\bfunction\s+InitModule\b|\b(?:const|let|var)\s+InitModule\b`)

func declaresInit(files fs.FS, file string) bool {
	content, err := fs.ReadFile(files, file)
	return err == nil && initDeclaration.Match(content)
}

// Compile compiles the program. A file without imports and exports is run as it is, as
// are several that share their globals; anything else is bundled with what it imports.
// Errors name file, line and column.
func (p *Project) Compile(log zerolog.Logger) (*js.Program, error) {
	if len(p.Scripts) > 0 {
		text, err := p.join()
		if err != nil {
			return nil, err
		}
		return js.Compile(Name, text)
	}
	source, err := p.source()
	if err != nil {
		return nil, err
	}
	if program := compileScript(p.Root, p.Entry, source); program != nil {
		return program, nil
	}
	text, err := p.build(source, log)
	if err != nil {
		return nil, err
	}
	return js.Compile(Name, text)
}

// Text returns the program as one script, with a source map at its end.
func (p *Project) Text(log zerolog.Logger) (string, error) {
	if len(p.Scripts) > 0 {
		return p.join()
	}
	source, err := p.source()
	if err != nil {
		return "", err
	}
	return p.build(source, log)
}
