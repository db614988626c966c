// Package bare is the baseline of the load generator: an echo and fan-out
// server on plain coder/websocket and net/http, without sessions, without a
// database, and with one write per message. The cost of an operation in a game
// server is quoted as a multiple of its cost here.
//
// Serve may be called from any goroutine. Each connection has one reader;
// fan-out writes directly from the goroutine that sends.
package bare
