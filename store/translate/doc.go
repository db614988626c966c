// Package translate turns SQL written for PostgreSQL into SQL for SQLite, so
// that the custom SQL of a Nakama module runs on the embedded database with
// the same results.
//
// It reads statements with a lexer that knows strings, quoted names, comments
// and dollar quotes, and an operator-precedence parser for expressions, and
// writes SQLite's text anew from what it read. What the database executes is
// therefore always what was understood here: a statement cannot hide behind a
// byte order mark or a comment. Constructs that SQLite shares pass through,
// SQLite's own (INSERT OR REPLACE, json_extract, …) included. Those it lacks
// become other SQL or calls of the pg_… functions that package store registers.
// What cannot be translated is an [Error] that says what to write instead.
//
// No PostgreSQL parser is used: the one in pure Go adds 20 MB to the binary,
// seconds to the first statement and 250 MB of memory, and would still leave
// the writing of SQLite's text to do.
//
// Everything here is a pure function and may be called from any goroutine.
package translate
