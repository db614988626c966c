package benchmodule

import (
	"context"
	"database/sql"
	"encoding/json"
	"slices"

	"github.com/heroiclabs/nakama-common/runtime"
)

// match is the handler bench_go: ten ticks per second, one input per player
// and tick, one state of about 190 bytes to all players per tick.
type match struct{}

type player struct {
	X int `json:"x"`
	Y int `json:"y"`
}

type state struct {
	maxTicks int64
	order    []string
	players  map[string]*player
}

type view struct {
	Tick    int64     `json:"tick"`
	Room    string    `json:"room"`
	Players []*player `json:"players"`
}

func newMatch(context.Context, runtime.Logger, *sql.DB, runtime.NakamaModule) (runtime.Match, error) {
	return match{}, nil
}

func (match) MatchInit(_ context.Context, _ runtime.Logger, _ *sql.DB, _ runtime.NakamaModule, params map[string]any) (any, int, string) {
	maxTicks, _ := params["maxTicks"].(int64)
	label, _ := params["label"].(string)
	return &state{maxTicks: maxTicks, players: map[string]*player{}}, 10, label
}

func (match) MatchJoinAttempt(_ context.Context, _ runtime.Logger, _ *sql.DB, _ runtime.NakamaModule, _ runtime.MatchDispatcher, _ int64, s any, _ runtime.Presence, _ map[string]string) (any, bool, string) {
	return s, true, ""
}

func (match) MatchJoin(_ context.Context, _ runtime.Logger, _ *sql.DB, _ runtime.NakamaModule, _ runtime.MatchDispatcher, _ int64, s any, presences []runtime.Presence) any {
	st := s.(*state)
	for _, p := range presences {
		st.players[p.GetSessionId()] = &player{X: 500, Y: 500}
		st.order = append(st.order, p.GetSessionId())
	}
	return st
}

// MatchLeave ends the match when its last player leaves, so that runs leave
// nothing behind.
func (match) MatchLeave(_ context.Context, _ runtime.Logger, _ *sql.DB, _ runtime.NakamaModule, _ runtime.MatchDispatcher, _ int64, s any, presences []runtime.Presence) any {
	st := s.(*state)
	for _, p := range presences {
		delete(st.players, p.GetSessionId())
		st.order = slices.DeleteFunc(st.order, func(id string) bool { return id == p.GetSessionId() })
	}
	if len(st.order) == 0 {
		return nil
	}
	return st
}

func (match) MatchLoop(_ context.Context, logger runtime.Logger, _ *sql.DB, _ runtime.NakamaModule, dispatcher runtime.MatchDispatcher, tick int64, s any, messages []runtime.MatchData) any {
	st := s.(*state)
	if st.maxTicks > 0 && tick >= st.maxTicks {
		return nil
	}
	if len(st.order) == 0 {
		return st
	}
	for _, m := range messages {
		var input player
		p := st.players[m.GetSessionId()]
		if p == nil || json.Unmarshal(m.GetData(), &input) != nil {
			continue
		}
		p.X, p.Y = keepInside(p.X+input.X), keepInside(p.Y+input.Y)
	}
	v := view{Tick: tick, Room: "bench arena", Players: make([]*player, 0, len(st.order))}
	for _, id := range st.order {
		v.Players = append(v.Players, st.players[id])
	}
	data, err := json.Marshal(v)
	if err == nil {
		err = dispatcher.BroadcastMessage(1, data, nil, nil, true)
	}
	if err != nil {
		logger.Error("send state: %v", err)
	}
	return st
}

func (match) MatchTerminate(_ context.Context, _ runtime.Logger, _ *sql.DB, _ runtime.NakamaModule, _ runtime.MatchDispatcher, _ int64, s any, _ int) any {
	return s
}

func (match) MatchSignal(_ context.Context, _ runtime.Logger, _ *sql.DB, _ runtime.NakamaModule, _ runtime.MatchDispatcher, _ int64, s any, data string) (any, string) {
	return s, data
}

// keepInside keeps coordinates three digits long, so that every state has the
// same size.
func keepInside(v int) int {
	switch {
	case v < 100:
		return 999
	case v > 999:
		return 100
	}
	return v
}
