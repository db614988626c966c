// Package lobby holds Ink, a game for two in browser tabs: a lobby with chat and
// presence, matchmaking, and a match that the server decides. index.ts is its
// server, page its client; the package's tests play it.
package lobby
