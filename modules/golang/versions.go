package golang

import (
	"debug/buildinfo"
	"fmt"
	"runtime/debug"
	"slices"
	"strings"

	"kumi/store/fault"
)

// explainPlugin returns an error that says why a plugin could not be opened. The
// plugin package itself only reports that some package differs.
func explainPlugin(file string, cause error) error {
	plugin, err := buildinfo.ReadFile(file)
	if err != nil {
		return fault.Wrap(fault.FailedPrecondition, fmt.Sprintf("the file is not a Go plugin, or has no build information (%v)", err), cause)
	}
	server, ok := debug.ReadBuildInfo()
	if !ok {
		return fault.Wrap(fault.FailedPrecondition, "the server has no build information to compare it with: "+cause.Error(), cause)
	}
	differ := compareBuilds(plugin, server)
	if len(differ) == 0 {
		return fault.Wrap(fault.FailedPrecondition, fmt.Sprintf("%v (Go version, modules and flags of both builds agree, so their sources differ; build both from the same ones)", cause), cause)
	}
	return fault.Wrap(fault.FailedPrecondition, "it was not built like this server:\n  "+strings.Join(differ, "\n  ")+"\nBuild it with this server's own command, kumi build --plugin, which uses what the server was built with; or without plugins: "+insteadOfPlugin, cause)
}

// buildSettings are the settings that a plugin and its program must have in common.
var buildSettings = []string{"-trimpath", "-race", "-msan", "-asan", "-cover", "-tags", "-gcflags", "-asmflags", "CGO_ENABLED", "GOOS", "GOARCH", "GOAMD64", "GOARM64", "GOARM", "GOEXPERIMENT", "GOFIPS140"}

// compareBuilds lists why a program cannot load a plugin: another Go version, other
// versions of shared modules, other build settings.
func compareBuilds(plugin, server *debug.BuildInfo) (differ []string) {
	if plugin.GoVersion != server.GoVersion {
		differ = append(differ, fmt.Sprintf("Go: the plugin has %s, the server %s", plugin.GoVersion, server.GoVersion))
	}
	theirs, ours := versions(plugin), versions(server)
	paths := make([]string, 0, len(theirs))
	for path := range theirs {
		if ours[path] != "" && theirs[path] != ours[path] {
			paths = append(paths, path)
		}
	}
	slices.Sort(paths)
	for _, path := range paths {
		differ = append(differ, fmt.Sprintf("%s: the plugin has %s, the server %s", path, theirs[path], ours[path]))
	}
	a, b := settings(plugin), settings(server)
	for _, key := range buildSettings {
		if a[key] != b[key] {
			differ = append(differ, fmt.Sprintf("%s: the plugin has %s, the server %s", key, orNone(a[key]), orNone(b[key])))
		}
	}
	return differ
}

// versions returns the modules of a build and their versions, with replacements
// applied.
func versions(b *debug.BuildInfo) map[string]string {
	all := map[string]string{}
	for _, m := range b.Deps {
		path := m.Path
		v := m.Version
		if r := m.Replace; r != nil {
			v = strings.TrimSpace(r.Path + " " + r.Version)
		}
		all[path] = v
	}
	return all
}

func settings(b *debug.BuildInfo) map[string]string {
	all := map[string]string{}
	for _, s := range b.Settings {
		all[s.Key] = s.Value
	}
	return all
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

// PluginDiffers lists why this program cannot load the plugin in a file: another Go
// version, other versions of shared modules, other build settings. A plugin without
// differences can be loaded, unless it was built from other sources of the same
// versions.
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
