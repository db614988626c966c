package core

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/heroiclabs/nakama-common/runtime"

	"kumi/store/storetest"
)

// BenchmarkStorageIndex lists 10 of 100,000 objects by a query, and writes objects, on
// the embedded database.
func BenchmarkStorageIndex(b *testing.B) {
	c := newTestCore(b, storetest.SQLite(b))
	ctx, m := b.Context(), c.Module()
	for _, only := range []bool{false, true} {
		name := fmt.Sprintf("only=%t", only)
		c.SetStorageIndexes([]StorageIndex{{Name: "i", Collection: name, Fields: []string{"level", "rating", "region"}, Sortable: []string{"rating"}, MaxEntries: 100_000, IndexOnly: only}})
		write := func(from, n int) {
			writes := make([]*runtime.StorageWrite, n)
			for i := range writes {
				writes[i] = &runtime.StorageWrite{Collection: name, Key: fmt.Sprint("p", from+i), PermissionRead: 2,
					Value: fmt.Sprintf(`{"level":%d,"rating":%d,"region":%q,"name":"player"}`, rand.IntN(100), rand.IntN(100_000), []string{"eu", "us", "asia", "africa"}[i%4])}
			}
			if _, err := m.StorageWrite(ctx, writes); err != nil {
				b.Fatal(err)
			}
		}
		for i := 0; i < 100_000; i += 1000 {
			write(i, 1000)
		}
		b.Run("list/"+name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				list, _, err := m.StorageIndexList(ctx, "", "i", "+value.region:eu +value.level:>=40 +value.level:<50", 10, []string{"-value.rating"}, "")
				if err != nil || len(list.Objects) != 10 {
					b.Fatal(list, err)
				}
			}
		})
		b.Run("write/"+name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				write(rand.IntN(100_000), 1)
			}
		})
		c.SetStorageIndexes(nil)
		b.Run("write without an index", func(b *testing.B) {
			for b.Loop() {
				write(rand.IntN(100_000), 1)
			}
		})
	}
}
