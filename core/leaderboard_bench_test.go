//go:build unix

package core

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/gofrs/uuid/v5"

	"kumi/core/rank"
	"kumi/store"
)

// benchRecords is how many records the board of the benchmarks has; KUMI_BOARD is
// another number: 10000000 takes some minutes and 3 GB of disk.
func benchRecords() int {
	if n, err := strconv.Atoi(os.Getenv("KUMI_BOARD")); err == nil && n > 0 {
		return n
	}
	return 20_000
}

// benchOwner is the owner of record i.
func benchOwner(i int) uuid.UUID {
	return uuid.FromStringOrNil(fmt.Sprintf("%08x-0000-4000-8000-%012x", uint32(i)*2654435761, i))
}

// BenchmarkLeaderboard measures calls on an embedded database with one large
// board: the processor time of the whole process per call, with the writer's
// goroutine, and the slowest of a hundred calls.
func BenchmarkLeaderboard(b *testing.B) {
	ctx := b.Context()
	db, err := store.Open(ctx, store.Options{DataDir: b.TempDir()})
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	if err := store.Migrate(ctx, db); err != nil {
		b.Fatal(err)
	}
	c := newTestCore(b, db)
	m, n := c.Module(), benchRecords()
	if err := m.LeaderboardCreate(ctx, "large", false, "desc", "set", "", nil, true); err != nil {
		b.Fatal(err)
	}
	fillBoard(b, ctx, c, n)
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
				if err := call(benchOwner(r.IntN(n))); err != nil {
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
		_, err := m.LeaderboardRecordWrite(ctx, "large", owner.String(), "", r.Int64N(1_000_000), 0, nil, nil)
		return err
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
		k := rank.Key{Score: r.Int64N(1_000_000), Owner: owner}
		_, err := c.rankOf(ctx, db.Reader(), board, c.expiryOf(board, 0), k)
		return err
	})
}

// fillBoard inserts records as Nakama would have left them, and counts them.
func fillBoard(b *testing.B, ctx context.Context, c *testCore, n int) {
	r := rand.New(rand.NewPCG(2, 2))
	for from := 0; from < n; from += 10_000 {
		if err := c.db.Tx(ctx, func(ctx context.Context, q store.Querier) error {
			for i := from; i < min(from+10_000, n); i++ {
				if _, err := q.ExecContext(ctx, "INSERT INTO leaderboard_record (leaderboard_id, owner_id, score) VALUES ('large', $1, $2)", benchOwner(i), r.Int64N(1_000_000)); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			b.Fatal(err)
		}
	}
	began := time.Now()
	if err := c.rankIndex.Build(ctx, c.db, rank.Period{Board: "large", Expiry: store.Epoch}); err != nil {
		b.Fatal(err)
	}
	b.Logf("%d records counted in %s", n, time.Since(began).Round(time.Millisecond))
}

func processorTime() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
