package modules

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
)

// pluginFile is a *.so file of the modules folder.
type pluginFile struct {
	name string // without folder and extension
	path string // relative to the folder
	full string
}

// findPlugins lists the plugins under a folder in lexical order. Folders whose
// names begin with a dot are left out, and node_modules, whose *.so files are
// not for us.
func findPlugins(folder string) ([]pluginFile, error) {
	if folder == "" {
		return nil, nil
	}
	var found []pluginFile
	err := filepath.WalkDir(folder, func(file string, d fs.DirEntry, err error) error {
		switch {
		case err != nil && file == folder && errors.Is(err, fs.ErrNotExist):
			return nil
		case err != nil:
			return err
		case d.IsDir():
			if file != folder && (strings.HasPrefix(d.Name(), ".") || d.Name() == "node_modules") {
				return filepath.SkipDir
			}
			return nil
		case !strings.EqualFold(filepath.Ext(file), ".so"):
			return nil
		}
		rel, err := filepath.Rel(folder, file)
		if err != nil {
			return err
		}
		full, err := filepath.Abs(file)
		if err != nil {
			return err
		}
		name := strings.TrimSuffix(filepath.Base(file), filepath.Ext(file))
		found = append(found, pluginFile{name: name, path: filepath.ToSlash(rel), full: full})
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("look for Go plugins: %w", err)
	}
	return found, nil
}

// insteadOfPlugin tells how to do without a plugin.
const insteadOfPlugin = "kumi build makes a server with the module compiled in"
