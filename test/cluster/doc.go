// Package cluster tests several servers as one: real processes on one PostgreSQL
// database, with real sockets, and proxies between the nodes that cut, delay and
// throttle.
//
// The tests that end within a minute run with all others. "make faults" runs the long
// ones, too, and checks how fast things happen; KUMI_TEST_FAULTS=1 asks for that.
package cluster
