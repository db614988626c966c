//go:build cgo && (linux || darwin || freebsd)

// Package goplugin lets a program load Go modules that were built as plugins. A
// main package imports it for that effect:
//
//	import _ "kumi/modules/golang/goplugin"
//
// It is a package of its own because the standard library's plugin package makes
// every program that links it larger (by a third for this server) and slow to
// link, test binaries among them. Without cgo, and on systems without plugins,
// it does nothing.
package goplugin

import (
	"plugin"

	"kumi/modules/golang"
)

func init() {
	golang.SupportPlugins(func(file string) (func(string) (any, error), error) {
		p, err := plugin.Open(file)
		if err != nil {
			return nil, err
		}
		return func(symbol string) (any, error) { return p.Lookup(symbol) }, nil
	})
}
