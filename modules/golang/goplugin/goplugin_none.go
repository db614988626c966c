//go:build !cgo || !(linux || darwin || freebsd)

// Package goplugin does nothing in this build: plugins need cgo, on Linux, macOS
// or FreeBSD.
package goplugin
