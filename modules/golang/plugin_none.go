//go:build !cgo || !(linux || darwin || freebsd)

package golang

import (
	"runtime"

	"kumi/store/fault"
)

// openPlugin says why there are no plugins here.
func openPlugin(string) (Init, error) {
	return nil, fault.Newf(fault.FailedPrecondition,
		"this server was built for %s/%s without support for plugins, which takes cgo on Linux, macOS or FreeBSD; %s",
		runtime.GOOS, runtime.GOARCH, insteadOfPlugin)
}
