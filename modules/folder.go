package modules

import (
	"errors"
	"io/fs"
	"path/filepath"
	"strings"
)

// Source says whether a file of a modules folder, by its name, is one that
// loading looks at.
func Source(name string) bool {
	switch strings.ToLower(filepath.Ext(name)) {
	case ".js", ".ts", ".mjs", ".cjs", ".mts", ".cts", ".tsx", ".jsx", ".json", ".lua", ".so":
		return true
	}
	return false
}

// Skipped says whether a folder below a modules folder, by its name, is left
// alone: hidden ones and installed packages.
func Skipped(name string) bool { return name == "node_modules" || strings.HasPrefix(name, ".") }

// walk calls fn with every source file of a modules folder that has one of the
// extensions, or any when none is named, in lexical order. path is relative to
// the folder and has slashes. A folder that does not exist has no files.
func walk(folder string, fn func(file, path string) error, extensions ...string) error {
	if folder == "" {
		return nil
	}
	return filepath.WalkDir(folder, func(file string, d fs.DirEntry, err error) error {
		switch {
		case err != nil && file == folder && errors.Is(err, fs.ErrNotExist):
			return nil
		case err != nil:
			return err
		case d.IsDir() && file != folder && Skipped(d.Name()):
			return filepath.SkipDir
		case d.IsDir() || !Source(file):
			return nil
		}
		wanted := len(extensions) == 0
		for _, ext := range extensions {
			wanted = wanted || strings.EqualFold(filepath.Ext(file), ext)
		}
		if !wanted {
			return nil
		}
		path, err := filepath.Rel(folder, file)
		if err != nil {
			return err
		}
		return fn(file, filepath.ToSlash(path))
	})
}
