//go:build unix

package core

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/gofrs/uuid/v5"

	"kumi/bench/fill"
	"kumi/core/rank"
	"kumi/store"
)

// benchRecords is how many records the board of the benchmarks has; KUMI_BOARD is
// another number: 10000000 takes some minutes and 5 GB of disk.
func benchRecords() int {
	if n, err := strconv.Atoi(os.Getenv("KUMI_BOARD")); err == nil && n > 0 {
		return n
	}
	return 20_000
}

// BenchmarkLeaderboard measures calls on an embedded database with one large
// board: the processor time of the whole process per call, with the writer's
// goroutine, and the slowest of a hundred calls.
func BenchmarkLeaderboard(b *testing.B) {
	ctx := b.Context()
	dir, n := b.TempDir(), benchRecords()
	if err := fill.Board(ctx, dir, "large", n); err != nil {
		b.Fatal(err)
	}
	db, err := store.Open(ctx, store.Options{DataDir: dir})
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	c := newTestCore(b, db)
	m := c.Module()
	if err := c.boardTables(ctx); err != nil {
		b.Fatal(err)
	}
	if err := c.rankIndex.Build(ctx, c.db, rank.Period{Board: "large", Expiry: store.Epoch}); err != nil {
		b.Fatal(err)
	}
	r := rand.New(rand.NewPCG(1, 1))
	board, err := c.leaderboard(ctx, "large")
	if err != nil {
		b.Fatal(err)
	}
	measure := func(name string, call func(owner uuid.UUID) error) {
		b.Run(name, func(b *testing.B) {
			var times []time.Duration
			before := processorTime()
			for b.Loop() {
				began := time.Now()
				if err := call(fill.Owner(r.IntN(n))); err != nil {
					b.Fatal(err)
				}
				times = append(times, time.Since(began))
			}
			b.ReportMetric(float64(processorTime()-before)/float64(b.N)/1000, "cpu-µs/op")
			slices.Sort(times)
			b.ReportMetric(float64(times[len(times)*99/100])/1000, "p99-µs")
		})
	}
	measure("write", func(owner uuid.UUID) error {
		_, err := m.LeaderboardRecordWrite(ctx, "large", owner.String(), "", r.Int64N(fill.MaxScore), 0, nil, nil)
		return err
	})
	b.Run("write-beside-others", func(b *testing.B) { // one commit is for many
		b.SetParallelism(16)
		before := processorTime()
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				if _, err := m.LeaderboardRecordWrite(ctx, "large", fill.Owner(rand.IntN(n)).String(), "", rand.Int64N(fill.MaxScore), 0, nil, nil); err != nil {
					b.Error(err)
				}
			}
		})
		b.ReportMetric(float64(processorTime()-before)/float64(b.N)/1000, "cpu-µs/op")
	})
	measure("around", func(owner uuid.UUID) error {
		list, err := m.LeaderboardRecordsHaystack(ctx, "large", owner.String(), 20, "", 0)
		if err == nil && len(list.Records) != 20 {
			err = fmt.Errorf("%d records around %s", len(list.Records), owner)
		}
		return err
	})
	measure("list", func(uuid.UUID) error {
		_, _, _, _, err := m.LeaderboardRecordsList(ctx, "large", nil, 20, "", 0)
		return err
	})
	measure("rank", func(owner uuid.UUID) error {
		k := rank.Key{Score: r.Int64N(fill.MaxScore), Owner: owner}
		_, err := c.rankOf(ctx, db.Reader(), board, c.expiryOf(board, 0), k)
		return err
	})
}

func processorTime() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
