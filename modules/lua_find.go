package modules

import (
	"fmt"
	"os"
	"strings"

	"github.com/rs/zerolog"

	"kumi/modules/check"
	"kumi/modules/source"
	"kumi/vm/lua"
)

// findLua compiles every *.lua file of a folder and its subfolders, in order of their
// paths. The name of a module is its path without the extension, with dots for
// slashes. In a check, files that do not compile are reported and skipped.
func findLua(folder string, log zerolog.Logger, report *check.Report) ([]*lua.Module, error) {
	var found []*lua.Module
	err := source.Walk(folder, func(file, path string) error {
		name := strings.ReplaceAll(path[:len(path)-len(".lua")], "/", ".")
		content, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		if strings.HasPrefix(string(content), "---@meta") {
			return nil // annotations for editors; nothing to run
		}
		if name == "nakama" {
			log.Warn().Str("file", path).Msg(`skipped: the module name "nakama" is reserved`)
			return nil
		}
		m, err := lua.Compile(name, path, string(content))
		if err != nil && report != nil {
			report.Failed(err)
			return nil
		}
		if err != nil {
			return err
		}
		found = append(found, m)
		return nil
	}, ".lua")
	if err != nil {
		return nil, fmt.Errorf("load Lua modules: %w", err)
	}
	return found, nil
}
