// Package script puts the server's operations into scripts and what scripts
// register into the server, for JavaScript and Lua alike.
//
// One table of registrations says what a script can register. Adapters turn a
// registered function into the Go function that the registries of rpc, hooks and
// match hold: they lease a VM, make the arguments, call and read the result. What
// scripts can call is the table of package nk. Nothing here names an engine; the
// languages differ only where their published functions do.
//
// Libraries, Programs and installed functions may be used from any goroutine. A
// Local belongs to one VM, and so to whoever owns that VM.
package script
