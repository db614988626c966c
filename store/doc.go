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
// transactions as it can into one commit, each in its own savepoint. Reads run on
// their own connections at the same time and see the last commit. The write-ahead
// log is used with synchronous=NORMAL: a commit is handed to the operating system
// before it is acknowledged, so it survives a crash of the process (also SIGKILL).
// A power failure may lose the last commits, but does not damage the file.
// [Options.FullSync] makes each commit wait for the disk as well; group commit
// spreads that cost over all waiting writers.
//
// The package does not depend on the game server: it only imports internal/json,
// store/fault and store/translate.
package store
