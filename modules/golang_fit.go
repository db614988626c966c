package modules

import (
	"debug/buildinfo"
	"fmt"
	"runtime/debug"
)

// PluginDiffers lists what keeps the plugin in a file from being loaded by this
// very program: another Go version, other versions of shared modules, other build
// settings. A plugin without differences fits unless the sources of equal
// versions differ.
func PluginDiffers(file string) ([]string, error) {
	plugin, err := buildinfo.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read build information: %w", err)
	}
	server, ok := debug.ReadBuildInfo()
	if !ok {
		return nil, fmt.Errorf("this server has no build information to compare with")
	}
	return compareBuilds(plugin, server), nil
}
