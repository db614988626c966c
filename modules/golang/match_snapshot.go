package golang

import (
	"context"
	"database/sql"

	"github.com/heroiclabs/nakama-common/runtime"

	"kumi/match"
	"kumi/presence"
	"kumi/store/fault"
)

// MatchSnapshotter is an optional interface of a runtime.Match: such matches go on when the
// server has been restarted, if the setting match.snapshot says so. It is implemented by
// its methods alone, so modules need not import this package.
type MatchSnapshotter interface {
	// MatchSnapshot returns the state as bytes, at most 16 MiB, which are not used after
	// the call. It is called between two ticks. An error costs only this snapshot.
	MatchSnapshot(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, tick int64, state any) ([]byte, error)
	// MatchRestore returns the state of a match that goes on, instead of MatchInit. data is
	// what MatchSnapshot returned, maybe in an earlier version of the code. presences were
	// in the match, and may come back. A nil state ends the match; an error keeps the
	// snapshot for the next start of the server.
	MatchRestore(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, dispatcher runtime.MatchDispatcher, tick int64, data []byte, presences []runtime.Presence) (state any, err error)
}

// durableGoMatch is a match whose game implements MatchSnapshotter.
type durableGoMatch struct {
	*goMatch
	durable MatchSnapshotter
}

var _ match.Snapshotter = durableGoMatch{}

// Snapshot implements match.Snapshotter.
func (g durableGoMatch) Snapshot(ctx context.Context, tick int64) (data []byte, err error) {
	ctx, end := g.in(ctx)
	defer end()
	defer g.recovered(&err)
	data, err = g.durable.MatchSnapshot(ctx, g.logger, g.db, g.nk, tick, g.state)
	return append([]byte{}, data...), err // not nil, which databases have no state for
}

// Restore implements match.Snapshotter.
func (g durableGoMatch) Restore(ctx context.Context, tick int64, data []byte, members []*presence.Presence) (alive bool, err error) {
	ctx, end := g.in(ctx)
	defer end()
	defer g.recovered(&err)
	state, err := g.durable.MatchRestore(ctx, g.logger, g.db, g.nk, g.match, tick, data, presences(members))
	if err != nil {
		return false, fault.Wrap(fault.CodeOf(err), g.what+": MatchRestore: "+err.Error(), err)
	}
	return g.keep(state), nil
}
