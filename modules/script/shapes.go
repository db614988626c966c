package script

import (
	"time"

	"github.com/heroiclabs/nakama-common/api"
	"github.com/heroiclabs/nakama-common/runtime"

	"kumi/match"
	"kumi/presence"
	"kumi/vm"
)

// The shapes of what registered functions get.

// presenceFields are the properties of a presence in matches and matchmaker entries.
func presenceFields[P runtime.Presence]() []vm.Property[P] {
	return []vm.Property[P]{
		vm.Made("user_id", vm.TypeString, func(e vm.Engine, v P) (vm.Ref, error) {
			if p, ok := any(v).(*presence.Presence); ok {
				return idText(e, p.UserID), nil
			}
			return e.FromStr(v.GetUserId()), nil
		}),
		vm.Made("session_id", vm.TypeString, func(e vm.Engine, v P) (vm.Ref, error) {
			if p, ok := any(v).(*presence.Presence); ok {
				return idText(e, p.Session), nil
			}
			return e.FromStr(v.GetSessionId()), nil
		}),
		vm.Str("username", P.GetUsername),
		vm.Str("node", P.GetNodeId),
	}
}

// PlayerShape is a presence in a match or a matchmaker entry; moveShape is one
// that joined or left, with the reason.
var (
	PlayerShape = vm.NewShape(presenceFields[runtime.Presence]()...)
	moveShape   = vm.NewShape(append(presenceFields[runtime.Presence](), vm.Int("reason", runtime.Presence.GetReason))...)
)

// messageShape is a message that a client sent to a match.
var messageShape = vm.NewShape(
	vm.Made("sender", vm.Type{Shape: PlayerShape}, sender),
	vm.Int("op_code", (*match.Data).GetOpCode),
	vm.Made("data", vm.TypeBytes, func(e vm.Engine, d *match.Data) (vm.Ref, error) {
		if len(d.Data) == 0 {
			return e.Nil(), nil
		}
		return e.TakeBytes(d.Data), nil // the handler owns the message
	}),
	vm.Bool("reliable", (*match.Data).GetReliable),
	vm.Int("receive_time_ms", (*match.Data).GetReceiveTime),
)

// matchmakerEntry is one player of a formed match.
var matchmakerEntry = vm.NewShape(
	vm.Sub("presence", PlayerShape, func(m runtime.MatchmakerEntry) runtime.Presence { return m.GetPresence() }),
	vm.Value("properties", func(m runtime.MatchmakerEntry) any { return m.GetProperties() }),
	vm.StrOpt("party_id", func(m runtime.MatchmakerEntry) string { return m.GetPartyId() }),
	vm.Str("ticket", func(m runtime.MatchmakerEntry) string { return m.GetTicket() }),
	// Go modules get nanoseconds, which the numbers of scripts cannot hold.
	vm.Int("create_time", func(m runtime.MatchmakerEntry) int64 { return m.GetCreateTime() / int64(time.Second) }),
)

// eventShape is a custom event.
var eventShape = vm.NewShape(
	vm.Str("name", (*api.Event).GetName),
	vm.Value("properties", func(e *api.Event) any {
		if p := e.GetProperties(); p != nil {
			return p
		}
		return map[string]string{}
	}),
	vm.Time("timestamp", (*api.Event).GetTimestamp),
	vm.Bool("external", (*api.Event).GetExternal),
)

// operatorWords are the names of operators in scripts.
var operatorWords = map[api.Operator]string{
	api.Operator_NO_OVERRIDE: "best", api.Operator_BEST: "best", api.Operator_SET: "set",
	api.Operator_INCREMENT: "increment", api.Operator_DECREMENT: "decrement",
}

// sortOrder is a number in JavaScript and its digits as a string in Lua, as in Nakama.
func sortOrder(lang vm.Lang, n uint32) any {
	if lang == vm.Lua {
		if n == 0 {
			return "0"
		}
		return "1"
	}
	return int64(n)
}

func seconds(name string, get func(*api.Tournament) uint32) vm.Property[*api.Tournament] {
	return vm.Int(name, get).When(func(t *api.Tournament) bool { return get(t) != 0 })
}

// PerLang holds one shape for each language.
type PerLang[T any] struct{ JS, Lua *vm.Shape[T] }

// In returns the shape for the language of e.
func (p PerLang[T]) In(e vm.Engine) *vm.Shape[T] {
	if e.Lang() == vm.Lua {
		return p.Lua
	}
	return p.JS
}

// NewPerLang makes the shape of each language.
func NewPerLang[T any](make func(lang vm.Lang) *vm.Shape[T]) PerLang[T] {
	return PerLang[T]{JS: make(vm.JS), Lua: make(vm.Lua)}
}

// Tournaments are the shapes of a tournament.
var Tournaments = NewPerLang(func(lang vm.Lang) *vm.Shape[*api.Tournament] {
	return vm.NewShape(
		vm.Str("id", (*api.Tournament).GetId),
		vm.Str("title", (*api.Tournament).GetTitle),
		vm.Str("description", (*api.Tournament).GetDescription),
		vm.Int("category", (*api.Tournament).GetCategory),
		vm.Value("sort_order", func(t *api.Tournament) any { return sortOrder(lang, t.GetSortOrder()) }),
		vm.Int("size", (*api.Tournament).GetSize),
		vm.Int("max_size", (*api.Tournament).GetMaxSize),
		vm.Int("max_num_score", (*api.Tournament).GetMaxNumScore),
		vm.Int("duration", (*api.Tournament).GetDuration),
		vm.Int("start_active", (*api.Tournament).GetStartActive),
		vm.Int("end_active", (*api.Tournament).GetEndActive),
		vm.Bool("can_enter", (*api.Tournament).GetCanEnter),
		seconds("next_reset", (*api.Tournament).GetNextReset),
		seconds("prev_reset", (*api.Tournament).GetPrevReset),
		vm.JSON("metadata", (*api.Tournament).GetMetadata),
		vm.Time("create_time", (*api.Tournament).GetCreateTime),
		vm.Time("start_time", (*api.Tournament).GetStartTime),
		endTime(),
		vm.Str("operator", func(t *api.Tournament) string { return operatorWords[t.GetOperator()] }),
	)
})

// endTime is absent for tournaments that never end.
func endTime() vm.Property[*api.Tournament] {
	return vm.Time("end_time", (*api.Tournament).GetEndTime).When(func(t *api.Tournament) bool {
		return t.GetEndTime() != nil && t.GetEndTime().GetSeconds() != 0
	})
}

// Leaderboards are the shapes of a leaderboard.
var Leaderboards = NewPerLang(func(lang vm.Lang) *vm.Shape[*api.Leaderboard] {
	reset := func(name string, get func(*api.Leaderboard) uint32) vm.Property[*api.Leaderboard] {
		return vm.Int(name, get).When(func(l *api.Leaderboard) bool { return get(l) != 0 })
	}
	return vm.NewShape(
		vm.Str("id", (*api.Leaderboard).GetId),
		vm.Bool("authoritative", (*api.Leaderboard).GetAuthoritative),
		vm.Str("operator", func(l *api.Leaderboard) string { return operatorWords[l.GetOperator()] }),
		vm.Value("sort_order", func(l *api.Leaderboard) any { return sortOrder(lang, l.GetSortOrder()) }),
		vm.JSON("metadata", (*api.Leaderboard).GetMetadata),
		vm.Time("create_time", (*api.Leaderboard).GetCreateTime),
		reset("next_reset", (*api.Leaderboard).GetNextReset),
		reset("prev_reset", (*api.Leaderboard).GetPrevReset),
	)
})
