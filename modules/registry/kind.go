package registry

import "fmt"

// Kind is a kind of registration.
type Kind string

// The kinds. They are also the keys of handlers, followed by a colon and the
// name if there is one.
const (
	RPC            Kind = "rpc"
	Before         Kind = "before"
	After          Kind = "after"
	RealtimeBefore Kind = "rt_before"
	RealtimeAfter  Kind = "rt_after"
	Match          Kind = "match"
	Custom         Kind = "event"
	SessionStart   Kind = "session_start"
	SessionEnd     Kind = "session_end"
	Index          Kind = "storage_index"
	IndexFilter    Kind = "storage_index_filter"
	JobKind        Kind = "job"
	HTTP           Kind = "http"         // keys end with a number
	ConsoleHTTP    Kind = "console_http" // keys end with a number

	MatchmakerMatched   Kind = "matchmaker_matched"
	MatchmakerOverride  Kind = "matchmaker_override"
	MatchmakerProcessor Kind = "matchmaker_processor"
	TournamentEnd       Kind = "tournament_end"
	TournamentReset     Kind = "tournament_reset"
	LeaderboardReset    Kind = "leaderboard_reset"
	Shutdown            Kind = "shutdown"
	FleetCreated        Kind = "fleet_created"

	PurchaseApple      Kind = "purchase_notification_apple"
	PurchaseGoogle     Kind = "purchase_notification_google"
	SubscriptionApple  Kind = "subscription_notification_apple"
	SubscriptionGoogle Kind = "subscription_notification_google"
)

// Singles are the kinds of which a server has one handler each.
var Singles = []Kind{
	MatchmakerMatched, MatchmakerOverride, MatchmakerProcessor,
	TournamentEnd, TournamentReset, LeaderboardReset, Shutdown, FleetCreated,
	PurchaseApple, PurchaseGoogle, SubscriptionApple, SubscriptionGoogle,
}

// The kinds of chained hooks. Their keys end with a number.
const (
	BeforeChain         Kind = "before_chain"
	AfterChain          Kind = "after_chain"
	RealtimeBeforeChain Kind = "rt_before_chain"
	RealtimeAfterChain  Kind = "rt_after_chain"
)

// What names a registration in messages: RPC function "echo".
func What(kind Kind, name string) string {
	what := string(kind)
	switch kind {
	case RPC:
		what = "RPC function"
	case Before, After:
		what = string(kind) + " hook"
	case RealtimeBefore:
		what = "realtime before hook"
	case RealtimeAfter:
		what = "realtime after hook"
	case BeforeChain, AfterChain, RealtimeBeforeChain, RealtimeAfterChain:
		what = "chained " + map[Kind]string{BeforeChain: "before", AfterChain: "after", RealtimeBeforeChain: "realtime before", RealtimeAfterChain: "realtime after"}[kind] + " hook"
	case Match:
		what = "match handler"
	case HTTP:
		what = "HTTP route"
	case ConsoleHTTP:
		what = "console route"
	case Index:
		what = "storage index"
	case IndexFilter:
		what = "filter of the storage index"
	case JobKind:
		what = "job"
	}
	if name == "" {
		return what
	}
	return fmt.Sprintf("%s %q", what, name)
}
