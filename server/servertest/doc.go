// Package servertest starts complete servers for tests in Go: on free ports, with a database
// and a modules folder of their own, in some tens of milliseconds. Tests talk to them as
// clients do, over HTTP and sockets, and may run in parallel.
//
//	s := servertest.Start(t, servertest.Modules("data/modules"))
//	ann := s.User(t, "ann")
//	answer, _ := ann.RPC(t, "hello", "")
//
// A game's own tests can use it, too: the example is a whole one. Their module needs this
// server's, which has no address to download it from yet, so a folder with its source takes
// that place:
//
//	go mod edit -require=kumi@v0.0.0 -replace=kumi=/path/to/kumi
//	go mod tidy
//
// Modules in Go are part of the test program: golang.Register adds one, for all servers that
// the program starts from then on. Modules in scripts are given by Module and Modules.
//
// Time is real here, unlike in tests of kumi test. What a server does later is awaited by
// Socket.Expect or Eventually, which fail the test after a minute. Nothing needs to be
// installed: the database is an SQLite file. Tests with the option Postgres, and Cluster,
// need PostgreSQL, and skip without it.
//
// All functions that take a testing.TB end the test if they fail, so they are called on the
// test's goroutine. A Server may be used from any goroutine, a Socket by one at a time.
package servertest
