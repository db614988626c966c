package store_test

import (
	"context"
	"fmt"
	"testing"

	"kumi/store"
	"kumi/store/storetest"
)

const upsert = `INSERT INTO storage (collection, key, user_id, value, version) VALUES ('bench', $1, $2, $3, '')
	ON CONFLICT (collection, key, user_id) DO UPDATE SET value = excluded.value, update_time = now()`

// Grouped against single writes on SQLite: the same upsert from one caller,
// who is alone in each commit, and from many, who share them.
func BenchmarkWrite(b *testing.B) {
	for _, callers := range []int{1, 32} {
		b.Run(fmt.Sprintf("callers=%d", callers), func(b *testing.B) {
			db := storetest.SQLite(b)
			user := addUser(b, db, "bench")
			b.ReportAllocs()
			b.SetParallelism(callers) // times GOMAXPROCS
			write := func(i int) {
				if _, err := db.Exec(b.Context(), upsert, fmt.Sprint("k", i%100), user, `{"a": 1}`); err != nil {
					b.Error(err)
				}
			}
			if callers == 1 {
				for i := 0; b.Loop(); i++ {
					write(i)
				}
				return
			}
			b.RunParallel(func(pb *testing.PB) {
				for i := 0; pb.Next(); i++ {
					write(i)
				}
			})
		})
	}
}

func BenchmarkRead(b *testing.B) {
	db := storetest.SQLite(b)
	user := addUser(b, db, "bench")
	if _, err := db.Exec(b.Context(), upsert, "k", user, `{"a": 1}`); err != nil {
		b.Fatal(err)
	}
	cancellable, cancel := context.WithCancel(context.Background())
	defer cancel()
	for name, ctx := range map[string]context.Context{"background": context.Background(), "cancellable": cancellable} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				var value string
				err := db.Reader().QueryRowContext(ctx, "SELECT value FROM storage WHERE collection = 'bench' AND key = $1 AND user_id = $2", "k", user).Scan(&value)
				if err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkNormalizeJSON(b *testing.B) {
	const in = `{"name":"mia","level":12,"inventory":[{"id":"sword","count":1},{"id":"potion","count":25}],"pos":{"x":1.5,"y":-2.25}}`
	b.ReportAllocs()
	b.SetBytes(int64(len(in)))
	for b.Loop() {
		if _, err := store.NormalizeJSON(in); err != nil {
			b.Fatal(err)
		}
	}
}

// The time to open a fresh data folder and create the schema in it.
func BenchmarkOpenFresh(b *testing.B) {
	for b.Loop() {
		storetest.SQLite(b)
	}
}

// What a script's SQL costs.
func BenchmarkCustomSQL(b *testing.B) {
	db := storetest.SQLite(b)
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	if _, err := db.CustomExec(ctx, "CREATE TABLE bench (id INTEGER PRIMARY KEY, n INT, at TIMESTAMPTZ DEFAULT now())"); err != nil {
		b.Fatal(err)
	}
	b.Run("insert", func(b *testing.B) {
		for i := range b.N {
			if _, err := db.CustomExec(ctx, "INSERT INTO bench (n) VALUES ($1)", i); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("select", func(b *testing.B) {
		for range b.N {
			if _, err := db.CustomQuery(ctx, "SELECT n, at FROM bench WHERE id = $1", 1); err != nil {
				b.Fatal(err)
			}
		}
	})
}
