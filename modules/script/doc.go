// Package script puts the server's operations into scripts and what scripts
// register into the server, for JavaScript and Lua alike.
//
// One function table lists everything a script can call; one table of
// registrations says what it can register. Adapters turn a registered function
// into the Go function that the registries of rpc, hooks and match hold: they
// lease a VM, make the arguments, call and read the result. Nothing here names
// an engine; the languages differ only where their published functions do.
//
// Libraries, Programs and installed functions may be used from any goroutine. A
// Local belongs to one VM, and so to whoever owns that VM.
package script
