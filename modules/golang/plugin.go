package golang

import (
	"fmt"
	"path/filepath"
	"strings"

	"kumi/modules/source"
)

// pluginFile is a *.so file of the modules folder.
type pluginFile struct {
	name string // without folder and extension
	path string // relative to the folder
	full string
}

// findPlugins lists the plugins under a folder in lexical order.
func findPlugins(folder string) ([]pluginFile, error) {
	var found []pluginFile
	err := source.Walk(folder, func(file, path string) error {
		full, err := filepath.Abs(file)
		if err != nil {
			return err
		}
		name := strings.TrimSuffix(filepath.Base(file), filepath.Ext(file))
		found = append(found, pluginFile{name: name, path: path, full: full})
		return nil
	}, ".so")
	if err != nil {
		return nil, fmt.Errorf("look for Go plugins: %w", err)
	}
	return found, nil
}

// insteadOfPlugin tells how to do without a plugin.
const insteadOfPlugin = "kumi build makes a server with the module compiled in"
