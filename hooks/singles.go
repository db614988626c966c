package hooks

import (
	"context"

	"github.com/heroiclabs/nakama-common/api"
	"github.com/heroiclabs/nakama-common/runtime"
)

// Singles are the handlers of which a server has one each; nil where no module
// registered one.
type Singles struct {
	MatchmakerMatched              *Slot[func(ctx context.Context, entries []runtime.MatchmakerEntry) (string, error)]
	MatchmakerOverride             *Slot[func(ctx context.Context, candidates [][]runtime.MatchmakerEntry) [][]runtime.MatchmakerEntry]
	MatchmakerProcessor            *Slot[func(ctx context.Context, entries []runtime.MatchmakerEntry) [][]runtime.MatchmakerEntry]
	TournamentEnd, TournamentReset *Slot[func(ctx context.Context, t *api.Tournament, end, reset int64) error]
	LeaderboardReset               *Slot[func(ctx context.Context, l *api.Leaderboard, reset int64) error]
	Shutdown                       *Slot[func(ctx context.Context)]
}

// Event handles a custom event, or the start or end of a session.
type Event func(ctx context.Context, e *api.Event)

// Events are the event handlers; unlike other slots all of them run.
type Events struct {
	Custom, SessionStart, SessionEnd []Slot[Event]
}
