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
