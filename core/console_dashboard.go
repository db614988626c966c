package core

import (
	"context"
	"strings"
	"time"

	"kumi/core/consolepb"
	"kumi/store"
)

// slowMatches is how many matches a dashboard shows.
const slowMatches = 20

// SlowMatches returns the matches whose ticks take too long, the slowest first.
func (k *Console) SlowMatches() (out []*consolepb.Dashboard_SlowMatch) {
	for _, m := range k.matches.Slow(slowMatches) {
		out = append(out, &consolepb.Dashboard_SlowMatch{
			MatchId: m.ID, Handler: strings.ToValidUTF8(m.Handler, "\ufffd"), TickRate: int32(m.TickRate), Size: int32(m.Size),
			TickMs: milliseconds(m.Took), BudgetMs: milliseconds(m.Budget), OverBudget: float64(m.Late),
		})
	}
	return out
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// DatabaseState returns the state of the database, without its size.
func (k *Console) DatabaseState() *consolepb.Dashboard_Database {
	kind := "sqlite"
	if k.db.Dialect() == store.Postgres {
		kind = "postgres"
	}
	s, load := k.db.Stats(), k.db.Load()
	return &consolepb.Dashboard_Database{
		Kind: kind, MaxOpen: int32(s.MaxOpen), Open: int32(s.Open), InUse: int32(s.InUse), Idle: int32(s.Idle),
		Waits: float64(s.WaitCount), WaitMs: milliseconds(s.WaitTime), WriteQueue: int32(s.WriteQueue),
		Statements: float64(load.Statements), StatementMs: milliseconds(load.Took),
	}
}

// DatabaseSize returns the size of the database in bytes.
func (k *Console) DatabaseSize(ctx context.Context) (int64, error) { return k.db.Size(ctx) }
