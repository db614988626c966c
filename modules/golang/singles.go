package golang

import (
	"context"
	"database/sql"
	"time"

	"github.com/heroiclabs/nakama-common/api"
	"github.com/heroiclabs/nakama-common/runtime"

	"kumi/hooks"
	"kumi/modules/registry"
)

// single registers a handler of which a server has only one.
func single[F any](i *initializer, what, mode string, missing bool, slot **hooks.Slot[F], make func(*call) F) error {
	return i.register(what, missing, func() *hooks.Origin {
		was := registry.OriginOf(*slot)
		*slot = &hooks.Slot[F]{Origin: i.origin(), Call: make(i.call(what, mode, nil))}
		i.loaded.Hooks = append(i.loaded.Hooks, mode)
		return was
	})
}

type goEntries = func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, entries []runtime.MatchmakerEntry) (string, error)

// RegisterMatchmakerMatched implements runtime.Initializer.
func (i *initializer) RegisterMatchmakerMatched(fn goEntries) error {
	return single(i, "matchmaker matched handler", "matchmaker_matched", fn == nil, &i.Into.Hooks.Single.MatchmakerMatched,
		func(c *call) func(context.Context, []runtime.MatchmakerEntry) (string, error) {
			c.mode = "matchmaker" // the execution mode that Nakama reports
			return func(ctx context.Context, entries []runtime.MatchmakerEntry) (_ string, err error) {
				start := time.Now()
				ctx, end := c.begin(ctx)
				defer end()
				defer c.recovered(&err)
				id, err := fn(ctx, c.logger, c.db, c.nk, entries)
				return id, c.noted(err, start)
			}
		})
}

// RegisterMatchmakerOverride implements runtime.Initializer. If the function panics,
// the candidates are used unchanged.
func (i *initializer) RegisterMatchmakerOverride(fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, candidateMatches [][]runtime.MatchmakerEntry) (matches [][]runtime.MatchmakerEntry)) error {
	return single(i, "matchmaker override", "matchmaker_override", fn == nil, &i.Into.Hooks.Single.MatchmakerOverride,
		func(c *call) func(context.Context, [][]runtime.MatchmakerEntry) [][]runtime.MatchmakerEntry {
			return func(ctx context.Context, candidates [][]runtime.MatchmakerEntry) (out [][]runtime.MatchmakerEntry) {
				ctx, end := c.begin(ctx)
				defer end()
				out = candidates
				defer c.recovered(nil)
				return fn(ctx, c.logger, c.db, c.nk, candidates)
			}
		})
}

// RegisterMatchmakerProcessor implements runtime.Initializer. If the function panics,
// no matches are formed.
func (i *initializer) RegisterMatchmakerProcessor(fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, entries []runtime.MatchmakerEntry) (matches [][]runtime.MatchmakerEntry)) error {
	return single(i, "matchmaker processor", "matchmaker_processor", fn == nil, &i.Into.Hooks.Single.MatchmakerProcessor,
		func(c *call) func(context.Context, []runtime.MatchmakerEntry) [][]runtime.MatchmakerEntry {
			return func(ctx context.Context, entries []runtime.MatchmakerEntry) (out [][]runtime.MatchmakerEntry) {
				ctx, end := c.begin(ctx)
				defer end()
				defer c.recovered(nil)
				return fn(ctx, c.logger, c.db, c.nk, entries)
			}
		})
}

type goTournament = func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, tournament *api.Tournament, end, reset int64) error

func tournament(fn goTournament) func(*call) func(context.Context, *api.Tournament, int64, int64) error {
	return func(c *call) func(context.Context, *api.Tournament, int64, int64) error {
		return func(ctx context.Context, t *api.Tournament, ends, reset int64) (err error) {
			start := time.Now()
			ctx, end := c.begin(ctx)
			defer end()
			defer c.recovered(&err)
			return c.noted(fn(ctx, c.logger, c.db, c.nk, t, ends, reset), start)
		}
	}
}

// RegisterTournamentEnd implements runtime.Initializer.
func (i *initializer) RegisterTournamentEnd(fn goTournament) error {
	return single(i, "tournament end handler", "tournament_end", fn == nil, &i.Into.Hooks.Single.TournamentEnd, tournament(fn))
}

// RegisterTournamentReset implements runtime.Initializer.
func (i *initializer) RegisterTournamentReset(fn goTournament) error {
	return single(i, "tournament reset handler", "tournament_reset", fn == nil, &i.Into.Hooks.Single.TournamentReset, tournament(fn))
}

// RegisterLeaderboardReset implements runtime.Initializer.
func (i *initializer) RegisterLeaderboardReset(fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, leaderboard *api.Leaderboard, reset int64) error) error {
	return single(i, "leaderboard reset handler", "leaderboard_reset", fn == nil, &i.Into.Hooks.Single.LeaderboardReset,
		func(c *call) func(context.Context, *api.Leaderboard, int64) error {
			return func(ctx context.Context, l *api.Leaderboard, reset int64) (err error) {
				start := time.Now()
				ctx, end := c.begin(ctx)
				defer end()
				defer c.recovered(&err)
				return c.noted(fn(ctx, c.logger, c.db, c.nk, l, reset), start)
			}
		})
}

// RegisterShutdown implements runtime.Initializer. The function is limited by the
// grace period, which is the deadline of its context, and not by the limit of calls.
func (i *initializer) RegisterShutdown(fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule)) error {
	return single(i, "shutdown handler", "shutdown", fn == nil, &i.Into.Hooks.Single.Shutdown,
		func(c *call) func(context.Context) {
			module := *c.goModule
			module.timeout = 0
			c.goModule = &module
			return func(ctx context.Context) {
				ctx, end := c.begin(ctx)
				defer end()
				defer c.recovered(nil)
				fn(ctx, c.logger, c.db, c.nk)
			}
		})
}
