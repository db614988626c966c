package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"

	"github.com/heroiclabs/nakama-common/runtime"
)

// The messages are those of the TypeScript sample, data/modules/src/tictactoe.ts.
const (
	opState   = 1
	opMove    = 2
	opRefused = 3

	tickRate    = 5
	idleSeconds = 60
)

var lines = [8][3]int{
	{0, 1, 2}, {3, 4, 5}, {6, 7, 8},
	{0, 3, 6}, {1, 4, 7}, {2, 5, 8},
	{0, 4, 8}, {2, 4, 6},
}

// game is the state of one match.
type game struct {
	Board  [9]string         `json:"board"`
	Marks  map[string]string `json:"marks"` // user id to mark
	Turn   string            `json:"turn"`
	Winner string            `json:"winner"`

	present   map[string]bool // session ids
	idleTicks int
}

// play makes a move, or returns why it is not allowed.
func (g *game) play(userID string, cell int) (refused string) {
	switch {
	case g.Winner != "":
		return "the game is over"
	case len(g.Marks) < 2:
		return "wait for the other player"
	case g.Marks[userID] != g.Turn:
		return "it is not your turn"
	case cell < 0 || cell >= len(g.Board) || g.Board[cell] != "":
		return "that cell is not free"
	}
	g.Board[cell] = g.Turn
	g.Winner = g.outcome()
	if g.Turn == "X" {
		g.Turn = "O"
	} else {
		g.Turn = "X"
	}
	return ""
}

func (g *game) outcome() string {
	for _, l := range lines {
		if m := g.Board[l[0]]; m != "" && m == g.Board[l[1]] && m == g.Board[l[2]] {
			return m
		}
	}
	for _, m := range g.Board {
		if m == "" {
			return ""
		}
	}
	return "draw"
}

func (g *game) view() []byte {
	out, _ := json.Marshal(g) // plain strings: cannot fail
	return out
}

func (g *game) label() string {
	open := 0
	if len(g.Marks) < 2 {
		open = 1
	}
	return fmt.Sprintf(`{"game":"tictactoe","open":%d}`, open)
}

// ticTacToe is the match handler.
type ticTacToe struct{}

func newTicTacToe(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule) (runtime.Match, error) {
	return &ticTacToe{}, nil
}

func (*ticTacToe) MatchInit(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, params map[string]any) (any, int, string) {
	g := &game{Marks: map[string]string{}, Turn: "X", present: map[string]bool{}}
	return g, tickRate, g.label()
}

// MatchJoinAttempt accepts two players; one who lost the connection may
// return.
func (*ticTacToe) MatchJoinAttempt(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, d runtime.MatchDispatcher, tick int64, state any, p runtime.Presence, metadata map[string]string) (any, bool, string) {
	g := state.(*game)
	if g.Marks[p.GetUserId()] == "" {
		switch len(g.Marks) {
		case 0:
			g.Marks[p.GetUserId()] = "X"
		case 1:
			g.Marks[p.GetUserId()] = "O"
		default:
			return g, false, "the game is full"
		}
	}
	return g, true, ""
}

func (*ticTacToe) MatchJoin(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, d runtime.MatchDispatcher, tick int64, state any, joins []runtime.Presence) any {
	g := state.(*game)
	for _, p := range joins {
		g.present[p.GetSessionId()] = true
	}
	if err := d.MatchLabelUpdate(g.label()); err != nil {
		logger.Warn("update label: %v", err)
	}
	broadcast(logger, d, opState, g.view(), nil)
	return g
}

func (*ticTacToe) MatchLeave(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, d runtime.MatchDispatcher, tick int64, state any, leaves []runtime.Presence) any {
	g := state.(*game)
	for _, p := range leaves {
		delete(g.present, p.GetSessionId())
	}
	return g
}

func (*ticTacToe) MatchLoop(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, d runtime.MatchDispatcher, tick int64, state any, messages []runtime.MatchData) any {
	g := state.(*game)
	changed := false
	for _, m := range messages {
		if m.GetOpCode() != opMove {
			continue
		}
		move := struct{ Cell int }{-1}
		refused := `a move is {"cell": 0…8}`
		if err := json.Unmarshal(m.GetData(), &move); err == nil {
			refused = g.play(m.GetUserId(), move.Cell)
		}
		if refused != "" {
			out, _ := json.Marshal(map[string]string{"reason": refused})
			broadcast(logger, d, opRefused, out, []runtime.Presence{m})
			continue
		}
		changed = true
	}
	if changed {
		broadcast(logger, d, opState, g.view(), nil)
	}

	if len(g.present) > 0 {
		g.idleTicks = 0
		return g
	}
	if g.idleTicks++; g.Winner != "" || g.idleTicks > idleSeconds*tickRate {
		return nil
	}
	return g
}

func (*ticTacToe) MatchTerminate(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, d runtime.MatchDispatcher, tick int64, state any, graceSeconds int) any {
	return state
}

// MatchSignal returns the state of the game.
func (*ticTacToe) MatchSignal(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, d runtime.MatchDispatcher, tick int64, state any, data string) (any, string) {
	return state, string(state.(*game).view())
}

func broadcast(logger runtime.Logger, d runtime.MatchDispatcher, op int64, data []byte, to []runtime.Presence) {
	if err := d.BroadcastMessage(op, data, to, nil, true); err != nil {
		logger.Warn("broadcast: %v", err)
	}
}
