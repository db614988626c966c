// Package store is the SQL layer: SQLite (embedded, the default) and
// PostgreSQL behind one set of functions. It owns the connections, the
// transactions, the schema migrations and the few helpers that hide where the
// two databases differ. Tables, columns and constraint names are Nakama's, so
// a Nakama database opens unchanged and SQL written for it keeps working.
//
// SQL is written once with $1 placeholders. Reads go through [DB.Reader],
// writes through [DB.Tx] or [DB.Exec]; both return only after the write is
// committed. Every method of [DB] may be called from any goroutine.
//
// On SQLite all writes run on one goroutine, which puts as many waiting
// transactions as it can into one commit (each in its own savepoint), and
// reads run beside it on their own connections and see the last commit. The
// write-ahead log is used with synchronous=NORMAL: a commit is handed to the
// operating system before it is acknowledged, so it survives the death of the
// process (SIGKILL included), while the loss of power or of the whole machine
// may take the last commits, never the consistency of the file.
// [Options.FullSync] makes each commit wait for the disk as well; group
// commit spreads that cost over all writers that wait.
//
// This package imports none of the project's packages but store/fault, and
// knows nothing of games.
package store
