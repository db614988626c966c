// Package lobby contains Ink, a game for two players in browser tabs: a lobby
// with chat and presence, matchmaking, and an authoritative match. index.ts is
// its server code, page its client; the package's tests play it.
package lobby
