package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"kumi/bench/bare"
	"kumi/bench/wire"
)

// input is what a player sends on each tick.
const input = `{"x":3,"y":-2}`

// matches fills authoritative matches with players who send one input and
// receive one state per tick. The latency columns hold the time between
// states.
func matches(ctx context.Context, o *options, t *target) ([]*Result, error) {
	players := o.rooms * o.players
	sessions, err := t.sessions(players)
	if err != nil {
		return nil, err
	}
	ids, err := t.createMatches(o)
	if err != nil {
		return nil, err
	}
	run := time.Now().UnixNano()
	sockets, err := t.connectAll(ctx, o.codec, sessions, func(i int) string {
		return fmt.Sprintf("/tick?format=%s&id=%d-%d", o.codec.Name(), run, i/o.players)
	})
	if err != nil {
		return nil, err
	}
	defer closeAll(sockets)
	done := make(chan struct{})
	l := load{unit: "tick", perOp: o.players, stop: func() { close(done); closeAll(sockets) }}
	for i, s := range sockets {
		id := ids[i/o.players]
		if !t.bare {
			if _, err := s.request(o.codec, matchJoin(id)); err != nil {
				return nil, fmt.Errorf("join match: %w", err)
			}
		}
		message, _ := o.codec.MatchDataSend(id, 1, []byte(input))
		l.workers = append(l.workers,
			func(w *worker) error { return countStates(w, s, o.codec) },
			func(*worker) error { return sendInputs(s, message, done) })
	}
	return one(measure(ctx, o, t, l))
}

func (t *target) createMatches(o *options) ([]string, error) {
	ids := make([]string, o.rooms)
	if t.bare {
		return ids, nil
	}
	c := newHTTPConn(t.address)
	defer c.close()
	create := t.rpcRequest(o.rpc, o.payload, session{})
	for i := range ids {
		var err error
		if ids[i], err = t.createMatch(c, create); err != nil {
			return nil, err
		}
	}
	return ids, nil
}

func countStates(w *worker, s *socket, codec wire.Codec) error {
	last := time.Now()
	for {
		message, err := s.read()
		if err != nil {
			return err
		}
		switch codec.Scan(message).Kind {
		case wire.Error:
			return replyError(message)
		case wire.MatchData:
			now := time.Now()
			w.record(now.Sub(last))
			last = now
		}
	}
}

func sendInputs(s *socket, message []byte, done <-chan struct{}) error {
	// Spread the players over the tick.
	timer := time.NewTimer(rand.N(bare.TickPeriod))
	defer timer.Stop()
	next := time.Now()
	for {
		select {
		case <-done:
			return nil
		case <-timer.C:
		}
		if err := s.write(message); err != nil {
			return err
		}
		next = next.Add(bare.TickPeriod)
		timer.Reset(time.Until(next))
	}
}
