// Package script binds scripts to the server: it registers their functions and
// calls them, for JavaScript and Lua alike.
//
// One table lists what a script can register. A registered function becomes the Go
// function that the registries of rpc, hooks and match hold: it leases a VM,
// converts the arguments, calls the script and reads the result. The functions that
// scripts call are in package nk. The code is independent of the engines; the
// languages differ only where Nakama's functions differ.
//
// Libraries, Programs and installed functions may be used from any goroutine. A
// Local belongs to one VM and may only be used by the goroutine that owns the VM.
package script
