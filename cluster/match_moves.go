package cluster

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/gofrs/uuid/v5"

	"kumi/cluster/wire"
	"kumi/match"
	"kumi/presence"
)

// How nodes come to know which matches have moved that others run: who joins asks, and who
// was lost is told.

// movesAtOnce keeps lists of moves below the size of a message.
const movesAtOnce = 1000

// askMoves asks a node which moved matches it runs.
func (m *Matches) askMoves(ctx context.Context, of presence.NodeID) error {
	in := &wire.MatchMoves{}
	for {
		out := &wire.MatchMoves{}
		if err := Call(ctx, m.n, of, wire.Method_METHOD_MATCH_MOVES, in, out); err != nil {
			return err
		}
		m.registry.Moved(false, readMoves(out)...)
		if !out.More || len(out.Moves) == 0 {
			return nil
		}
		in.After = out.Moves[len(out.Moves)-1].Match
	}
}

// askAllMoves asks all nodes which moved matches they run.
func (m *Matches) askAllMoves(ctx context.Context) error {
	var wait sync.WaitGroup
	peers := m.n.Peers()
	errs := make([]error, len(peers))
	for i, p := range peers {
		if p.State.Alive() {
			wait.Go(func() {
				if err := m.askMoves(ctx, p.ID); err != nil {
					errs[i] = fmt.Errorf("ask node %s for moved matches: %w", p.Name, err)
				}
			})
		}
	}
	wait.Wait()
	return errors.Join(errs...)
}

// answerMoves answers askMoves.
func (m *Matches) answerMoves(after []byte) *wire.MatchMoves {
	here := slices.DeleteFunc(m.registry.MovedHere(), func(one match.Move) bool { return bytes.Compare(one.Match[:], after) <= 0 })
	slices.SortFunc(here, func(a, b match.Move) int { return bytes.Compare(a.Match[:], b.Match[:]) })
	out := writeMoves(here[:min(len(here), movesAtOnce)])
	out.More = len(here) > movesAtOnce
	return out
}

// tellMoves tells a node that is new here of all moved matches that this one runs. What the
// node knows beyond that has ended meanwhile.
func (m *Matches) tellMoves(to presence.NodeID) {
	send := func(in *wire.MatchMoves) { m.n.Send(to, wire.Kind_KIND_MATCH_MOVES, in, true) }
	send(&wire.MatchMoves{Begins: true}) // first, so that no match is doubted of which it is told from now on
	for part := range slices.Chunk(m.registry.MovedHere(), movesAtOnce) {
		send(writeMoves(part))
	}
	send(&wire.MatchMoves{Ends: true})
}

func writeMove(m match.Move) *wire.MatchMove {
	return &wire.MatchMove{Match: m.Match[:], Home: m.Home, Node: m.Node, Epoch: m.Epoch, Ended: m.Ended}
}

func writeMoves(all []match.Move) *wire.MatchMoves {
	out := &wire.MatchMoves{}
	for _, m := range all {
		out.Moves = append(out.Moves, writeMove(m))
	}
	return out
}

func readMove(in *wire.MatchMove) (m match.Move, ok bool) {
	id, err := uuid.FromBytes(in.GetMatch())
	return match.Move{Match: id, Home: in.GetHome(), Node: in.GetNode(), Epoch: in.GetEpoch(), Ended: in.GetEnded()}, err == nil
}

func readMoves(in *wire.MatchMoves) (all []match.Move) {
	for _, one := range in.Moves {
		if m, ok := readMove(one); ok {
			all = append(all, m)
		}
	}
	return all
}
