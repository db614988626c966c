package modules

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/rs/zerolog"

	"kumi/vm/lua"
)

// findLua compiles every *.lua file under a folder, in order of their paths. A
// module is named by its path without the extension, with dots for slashes.
// Folders whose names begin with a dot are left out, and node_modules. Files that do not compile go to the report of a check.
func findLua(folder string, log zerolog.Logger, report *Report) ([]*lua.Module, error) {
	if folder == "" {
		return nil, nil
	}
	var found []*lua.Module
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
		case !strings.EqualFold(filepath.Ext(file), ".lua"):
			return nil
		}
		rel, err := filepath.Rel(folder, file)
		if err != nil {
			return err
		}
		path := filepath.ToSlash(rel)
		name := strings.ReplaceAll(path[:len(path)-len(".lua")], "/", ".")
		source, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		if strings.HasPrefix(string(source), "---@meta") {
			return nil // annotations for editors; nothing to run
		}
		if name == "nakama" {
			log.Warn().Str("file", path).Msg(`left out: the module "nakama" is the server's own`)
			return nil
		}
		m, err := lua.Compile(name, path, string(source))
		if err != nil && report != nil {
			report.failed(err)
			return nil
		}
		if err != nil {
			return err
		}
		found = append(found, m)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("load Lua modules: %w", err)
	}
	return found, nil
}
