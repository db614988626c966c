package store

import (
	"strings"
	"testing"
)

func TestPostgresURL(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"root@localhost:26257":                          "postgres://root@localhost:26257/nakama?sslmode=prefer",
		"localhost":                                     "postgres://root@localhost/nakama?sslmode=prefer",
		"user:p%40ss@db:5432/game":                      "postgres://user:p%40ss@db:5432/game?sslmode=prefer",
		"postgres://u@db/":                              "postgres://u@db/nakama?sslmode=prefer",
		"postgresql://u@db/g?sslmode=disable":           "postgresql://u@db/g?sslmode=disable",
		"u@db/g?application_name=x&pool_max_conns=3":    "postgres://u@db/g?application_name=x&pool_max_conns=3&sslmode=prefer",
		"postgres://db:1/g?sslmode=verify-full&timeout": "postgres://root@db:1/g?sslmode=verify-full&timeout",
	} {
		u, err := postgresURL(in)
		if err != nil || u.String() != want {
			t.Errorf("%s: got %v, %v; want %s", in, u, err, want)
		}
	}
	if _, err := postgresURL("user:secret@host:port/db"); err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("a bad address: %v", err)
	}
}

func TestStatementKinds(t *testing.T) {
	t.Parallel()
	for query, control := range map[string]bool{
		"SELECT 1": false,
		" -- BEGIN\n/* COMMIT */ select ';commit'": false,
		"begin":                                true,
		"INSERT INTO t VALUES (';'); ROLLBACK": true,
		"SELECT 1; ;\n -- x\n End":             true,
		"(((SAVEPOINT a":                       true,
		`SELECT "a;commit", [b;commit]`:        false,
		"CREATE TRIGGER x AFTER INSERT ON t BEGIN UPDATE t SET a = 1; END":         false,
		"CREATE TRIGGER x AFTER INSERT ON t BEGIN UPDATE t SET a = 1; END; COMMIT": true,
		"SELECT 'unfinished": false,
		"":                   false,
		";;":                 false,
		"+;commit":           true,
		"ATTACH 'x' AS y":    true,
	} {
		if got := controlsTx(query); got != control {
			t.Errorf("%q controls the transaction: %v", query, got)
		}
	}
	for query, reads := range map[string]bool{
		"SELECT 1": true, "(select 1)": true, "with a as (select 1) select * from a": true, "VALUES (1)": true, "select 1;": true,
		"with a as (select 1) insert into t select * from a": false, "SELECT 1; DELETE FROM t": false,
		"INSERT INTO t DEFAULT VALUES": false, "": false, "CREATE TABLE t (a)": false, "PRAGMA user_version = 3": false,
	} {
		if got := readsOnly(query); got != reads {
			t.Errorf("%q only reads: %v", query, got)
		}
	}
}
