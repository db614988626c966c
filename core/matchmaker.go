package core

import (
	"context"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/heroiclabs/nakama-common/api"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"kumi/match/matchmaker"
)

// MatchmakerStats tells how many tickets wait, since when, and how long the last
// players that were matched had waited.
func (c *Core) MatchmakerStats(context.Context, uuid.UUID, *emptypb.Empty) (*api.MatchmakerStats, error) {
	s := c.matchmaker.Stats()
	out := &api.MatchmakerStats{TicketCount: int32(s.Tickets)}
	if s.Tickets > 0 {
		out.OldestTicketCreateTime = timestamppb.New(time.Unix(0, s.OldestAt))
	}
	for _, done := range s.Completions {
		out.Completions = append(out.Completions, &api.MatchmakerCompletionStats{
			CreateTime: timestamppb.New(time.Unix(0, done.CreatedAt)), CompleteTime: timestamppb.New(time.Unix(0, done.CompletedAt)),
		})
	}
	return out, nil
}

// MatchmakerExplain tells module code why a ticket has not matched yet. It looks
// at every other ticket, so it is for people who ask, not for every pass. Code 5
// for a ticket that is not in the pool.
func (m *Module) MatchmakerExplain(_ context.Context, ticket string) (*matchmaker.Explanation, error) {
	return m.core.matchmaker.Explain(ticket)
}
