// Package bare is the yardstick of the load generator: an echo and fan-out
// server on plain coder/websocket and net/http, with no sessions, no database
// and one write per message. What a game server spends on an operation is
// quoted as a multiple of what this one spends.
//
// Serve may be called from any goroutine; each connection has one reader, and
// fan-out writes straight from the goroutine that has something to send.
package bare
