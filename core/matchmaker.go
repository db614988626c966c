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

// MatchmakerStats returns the number of waiting tickets, the time of the
// oldest, and how long the last matched players had waited.
func (c *Core) MatchmakerStats(ctx context.Context, _ uuid.UUID, _ *emptypb.Empty) (*api.MatchmakerStats, error) {
	s := c.matchmaker.Stats(ctx)
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

// ExplainTicket explains why a ticket has not matched yet. It checks every
// other ticket, so it is for diagnosis, not for every pass. Code 5 for a
// ticket that is not in the pool.
func (m *Module) ExplainTicket(ctx context.Context, ticket string) (*matchmaker.Explanation, error) {
	return m.core.matchmaker.Explain(ctx, ticket)
}

// Tickets lists waiting tickets, oldest first: at most limit, which is 1 to
// 1000, of all users or, if user is not empty, of that user and its parties.
// Codes: 3 for the limit and the id.
func (m *Module) Tickets(ctx context.Context, limit int, user string) ([]*matchmaker.Ticket, error) {
	if limit < 1 || limit > 1000 {
		return nil, invalid("limit must be 1-1000")
	}
	if user == "" {
		return m.core.matchmaker.Tickets(ctx, limit, uuid.Nil)
	}
	id, err := userID(user)
	if err != nil {
		return nil, err
	}
	if id == uuid.Nil { // the system has none; to the matchmaker it would mean everybody
		return nil, nil
	}
	return m.core.matchmaker.Tickets(ctx, limit, id)
}

// MatchmakerRemove removes a ticket, regardless of its owner. Code 5 for a
// ticket that is not in the pool.
func (m *Module) MatchmakerRemove(ctx context.Context, ticket string) error {
	return m.core.matchmaker.Remove(ctx, ticket)
}

// MatchmakerTickets is Tickets for Go modules, as JSON values with Lua's keys.
func (m *Module) MatchmakerTickets(ctx context.Context, limit int, user string) ([]map[string]any, error) {
	list, err := m.Tickets(ctx, limit, user)
	if err != nil {
		return nil, err
	}
	out := make([]map[string]any, len(list))
	for i, t := range list {
		presences := make([]map[string]any, len(t.Presences))
		for k, p := range t.Presences {
			presences[k] = map[string]any{
				"user_id": p.GetUserId(), "session_id": p.GetSessionId(), "username": p.GetUsername(), "node": p.GetNodeId(),
			}
		}
		out[i] = map[string]any{
			"ticket": t.ID, "party_id": t.PartyID, "presences": presences, "query": t.Query,
			"min_count": t.MinCount, "max_count": t.MaxCount, "count_multiple": max(1, t.CountMultiple),
			"string_properties": t.StringProperties, "numeric_properties": t.NumericProperties,
			"create_time": t.CreatedAt / int64(time.Second),
		}
	}
	return out, nil
}

// MatchmakerExplain is ExplainTicket for Go modules, which cannot name our
// types: it returns JSON values with Lua's keys.
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
		"finds": classes(x.Finds), "found_by": classes(x.FoundBy), "cut_short": x.OverBudget, "summary": x.Summary,
	}, nil
}
