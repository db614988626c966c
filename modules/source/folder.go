// Package source reads the modules folder: which files count as sources,
// whether they changed, and the source line of an error.
package source

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Is reports whether a file of a modules folder, by its name, affects what is loaded.
func Is(name string) bool {
	switch strings.ToLower(filepath.Ext(name)) {
	case ".js", ".ts", ".mjs", ".cjs", ".mts", ".cts", ".tsx", ".jsx", ".json", ".lua", ".so":
		return true
	}
	return false
}

// Test reports whether a file, by its name or path, is a test for kumi test. Such files are
// no modules.
func Test(name string) bool {
	name = strings.ToLower(name)
	for _, end := range []string{".test.ts", ".test.js", "_test.lua"} {
		if strings.HasSuffix(name, end) {
			return true
		}
	}
	return false
}

// Tests lists the tests of a modules folder, by their paths with slashes.
func Tests(folder string) (paths []string, err error) {
	err = each(folder, nil, func(_, path string) error {
		if Test(path) {
			paths = append(paths, path)
		}
		return nil
	})
	return paths, err
}

// Skipped reports whether a folder below the modules folder, by its name, is ignored:
// hidden folders and installed packages.
func Skipped(name string) bool { return name == "node_modules" || strings.HasPrefix(name, ".") }

// Walk calls fn for every source file of a modules folder with one of the extensions,
// or with any if none is given, in lexical order. Tests are left out. path is relative to the folder, with
// slashes. Links are followed, as imports follow them. A folder that does not exist
// has no files.
func Walk(folder string, fn func(file, path string) error, extensions ...string) error {
	return each(folder, nil, func(file, path string) error {
		wanted := len(extensions) == 0
		for _, ext := range extensions {
			wanted = wanted || strings.EqualFold(filepath.Ext(file), ext)
		}
		if !wanted || Test(path) {
			return nil
		}
		return fn(file, path)
	})
}

// Folders returns the folders in which a change may affect the modules of a folder:
// the folder itself, its subfolders and the targets of links. Those that cannot be
// read are left out.
func Folders(folder string) (found []string) {
	add := func(dir string) {
		if !slices.Contains(found, dir) {
			found = append(found, dir)
		}
	}
	_ = each(folder, add, func(file, _ string) error {
		if real, err := filepath.EvalSymlinks(file); err == nil && real != file {
			add(filepath.Dir(real))
		}
		return nil
	})
	return found
}

// each calls file for every source file, and dir, unless it is nil, with the resolved
// path of every folder.
func each(root string, dir func(real string), file func(file, path string) error) error {
	if root == "" {
		return nil
	}
	var in func(folder, path string, above []string) error
	in = func(folder, path string, above []string) error {
		real, err := filepath.EvalSymlinks(folder)
		if errors.Is(err, fs.ErrNotExist) {
			return nil // removed in the meantime, or it never existed
		}
		if err != nil {
			return err
		}
		if slices.Contains(above, real) {
			return nil // a link to a parent folder
		}
		above = append(above, real)
		if dir != nil {
			dir(real)
		}
		entries, err := os.ReadDir(real)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		for _, e := range entries {
			at, below := filepath.Join(folder, e.Name()), e.Name()
			if path != "" {
				below = path + "/" + below
			}
			isDir := e.IsDir()
			if e.Type()&fs.ModeSymlink != 0 {
				info, err := os.Stat(at)
				isDir = err == nil && info.IsDir()
			}
			switch {
			case isDir && !Skipped(e.Name()):
				err = in(at, below, above)
			case !isDir && Is(e.Name()):
				err = file(at, below)
			}
			if err != nil {
				return err
			}
		}
		return nil
	}
	return in(root, "", nil)
}
