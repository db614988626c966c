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

// ExplainTicket tells module code why a ticket has not matched yet. It looks at
// every other ticket, so it is for people who ask, not for every pass. Code 5 for
// a ticket that is not in the pool.
func (m *Module) ExplainTicket(_ context.Context, ticket string) (*matchmaker.Explanation, error) {
	return m.core.matchmaker.Explain(ticket)
}

// MatchmakerExplain is ExplainTicket for Go modules, which have no type of ours
// to name: what JSON is made of, with the keys that Lua has.
func (m *Module) MatchmakerExplain(ctx context.Context, ticket string) (map[string]any, error) {
	x, err := m.ExplainTicket(ctx, ticket)
	if err != nil {
		return nil, err
	}
	classes := func(list []matchmaker.Class) []map[string]any {
		out := make([]map[string]any, len(list))
		for i, class := range list {
			out[i] = map[string]any{
				"reason": string(class.Reason), "clauses": class.Clauses, "tickets": class.Tickets,
				"players": class.Players, "example": class.Example,
			}
			if class.Counts != "" {
				out[i]["counts"] = class.Counts
			}
		}
		return out
	}
	return map[string]any{
		"ticket": x.Ticket.ID, "waited_ms": x.Waited.Milliseconds(), "searches": x.Searches, "active": x.Active, "others": x.Others,
		"finds": classes(x.Finds), "found_by": classes(x.FoundBy), "cut_short": x.Cut, "summary": x.Summary,
	}, nil
}
