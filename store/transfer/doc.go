// Package transfer copies a whole database into the other kind: PostgreSQL into the
// embedded SQLite file, or the file into PostgreSQL. It copies Nakama's tables, Kumi's
// own and those that modules have made, and compares both databases afterwards.
//
// Both databases are read and written through the interface side, whose rows are in
// one canonical form (see row), whichever database they come from. Everything else is
// written once: the plan (which tables, in which order), the copying, the checksums,
// and the comparison row by row.
//
// A copy can be interrupted at any place. The target records in the table kumi_copy, in
// the transaction of each batch, how far it is; [Copy] on the same two databases goes on
// from there. The table is dropped when the copy is complete and verified; a server does
// not start on a database that has it.
package transfer
