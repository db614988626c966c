package golang

import (
	"fmt"
	"path/filepath"
	"runtime"
	"strings"

	"kumi/modules/source"
	"kumi/store/fault"
)

// PluginOpener opens a plugin and returns a function that looks up its
// symbols.
type PluginOpener func(file string) (lookup func(symbol string) (any, error), err error)

// pluginOpener is nil in a program without support for plugins.
var pluginOpener PluginOpener

// SupportPlugins sets the opener of plugins. Package goplugin, which explains why it
// is separate, calls it at program start.
func SupportPlugins(open PluginOpener) { pluginOpener = open }

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

// insteadOfPlugin names the alternative to a plugin.
const insteadOfPlugin = "kumi build makes a server with the module compiled in"

// openPlugin opens a plugin and returns its InitModule. Errors have the code
// FailedPrecondition and list the differences between the builds of the plugin and of
// this program.
func openPlugin(file string) (Init, error) {
	if pluginOpener == nil {
		return nil, fault.Newf(fault.FailedPrecondition,
			"this program (%s/%s) was built without support for plugins, which needs cgo on Linux, macOS or FreeBSD and, in a main package of your own, import _ \"kumi/modules/golang/goplugin\"; %s",
			runtime.GOOS, runtime.GOARCH, insteadOfPlugin)
	}
	lookup, err := pluginOpener(file)
	if err != nil {
		return nil, explainPlugin(file, err)
	}
	symbol, err := lookup("InitModule")
	if err != nil {
		return nil, fault.Wrap(fault.FailedPrecondition, "it does not export a function InitModule", err)
	}
	init, ok := symbol.(Init)
	if !ok {
		return nil, fault.Newf(fault.FailedPrecondition, "its InitModule has the type %T; expected %T", symbol, Init(nil))
	}
	return init, nil
}
