// Package testkit runs the test files of a modules folder, for kumi test: *.test.ts,
// *.test.js and *_test.lua.
//
// Each file runs in a process of its own, against a whole server without ports, with an
// empty database and virtual time. Run is that process; the parent gets Events from it.
//
// Time is virtual because everything runs in a bubble of testing/synctest: the clock stands
// still while anything works, and jumps to the next timer when all goroutines wait. So match
// ticks, timers, expiry, schedules and what scripts read as the time follow the bubble, and
// the code of the server knows nothing of it. A bubble needs a *testing.T, which outside of
// go test only testing.Main provides; it exits the process, so Run is the last thing that
// the process does. What runs outside of the bubble, such as the watchdog for tests that
// hang, must not touch timers and channels that were made inside.
//
// The functions that tests call are tables of vm.Func, once for both languages:
//
//   - suite.go, globals.go: test, describe and so on
//   - server_table.go, clock.go, http.go: server, clock and http
//   - player*.go: a player, with what the clients' SDKs can do
//   - expect*.go: expect and its matchers
package testkit
