// Package translate turns SQL written for PostgreSQL into SQL for SQLite, so
// that the custom SQL of a Nakama module runs on the embedded database with
// the same results.
//
// A lexer handles strings, quoted names, comments and dollar quotes, an
// operator-precedence parser handles expressions, and SQLite's text is generated
// from the result. So the database executes only what was parsed: a statement
// cannot hide behind a byte order mark or a comment. Constructs that SQLite has too
// pass through, including its own (INSERT OR REPLACE, json_extract, …). Others
// become different SQL or calls of the pg_… functions that package store registers.
// What cannot be translated is an [Error] that says what to write instead.
//
// No PostgreSQL parser is used: the one in pure Go adds 20 MB to the binary, seconds
// to the first statement and 250 MB of memory, and would not generate SQLite's text.
//
// The functions have no state and may be called from any goroutine.
package translate
