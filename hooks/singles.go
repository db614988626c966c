package hooks

import (
	"context"

	"github.com/heroiclabs/nakama-common/api"
	"github.com/heroiclabs/nakama-common/runtime"
)

// Singles are the handlers that a server has only one of each; nil if none is
// registered.
type Singles struct {
	MatchmakerMatched              *Slot[func(ctx context.Context, entries []runtime.MatchmakerEntry) (string, error)]
	MatchmakerOverride             *Slot[func(ctx context.Context, candidates [][]runtime.MatchmakerEntry) [][]runtime.MatchmakerEntry]
	MatchmakerProcessor            *Slot[func(ctx context.Context, entries []runtime.MatchmakerEntry) [][]runtime.MatchmakerEntry]
	TournamentEnd, TournamentReset *Slot[func(ctx context.Context, t *api.Tournament, end, reset int64) error]
	LeaderboardReset               *Slot[func(ctx context.Context, l *api.Leaderboard, reset int64) error]
	Shutdown                       *Slot[func(ctx context.Context)]
	FleetCreated                   *Slot[func(ctx context.Context, status runtime.FmCreateStatus, instance *runtime.InstanceInfo, sessions []*runtime.SessionInfo, metadata map[string]any, failure error) error]

	PurchaseApple      *Slot[func(ctx context.Context, kind runtime.NotificationType, p *api.ValidatedPurchase, payload *runtime.AppleNotificationData) error]
	PurchaseGoogle     *Slot[func(ctx context.Context, kind runtime.NotificationType, p *api.ValidatedPurchase, payload *runtime.PurchaseV2GoogleResponse) error]
	SubscriptionApple  *Slot[func(ctx context.Context, kind runtime.NotificationType, s *api.ValidatedSubscription, payload *runtime.AppleNotificationData) error]
	SubscriptionGoogle *Slot[func(ctx context.Context, kind runtime.NotificationType, s *api.ValidatedSubscription, payload *runtime.SubscriptionV2GoogleResponse) error]
}

// IndexFilter decides whether a written object belongs in a storage index.
type IndexFilter func(ctx context.Context, write *runtime.StorageWrite) (bool, error)

// Event handles a custom event, or the start or end of a session.
type Event func(ctx context.Context, e *api.Event)

// Events are the event handlers. All of them run, unlike handlers of a slot.
type Events struct {
	Custom, SessionStart, SessionEnd []Slot[Event]
}
