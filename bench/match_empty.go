package main

import (
	"context"
	"fmt"
	"time"

	"kumi/bench/bare"
)

// emptyMatches creates matches that nobody joins, and measures the cost of
// creating one, its memory, and the CPU time of a tick with nothing to do.
// Matches of the sample modules end by themselves after the run.
func emptyMatches(ctx context.Context, o *options, t *target) ([]*Result, error) {
	payload := o.payload
	if payload == "" {
		life := o.duration + o.settle + time.Minute
		payload = fmt.Sprintf(`{"maxTicks":%d}`, life/bare.TickPeriod)
	}
	c := newHTTPConn(t.address)
	defer c.close()
	create := t.rpcRequest(o.rpc, payload, session{})
	// The first match loads what all others share.
	if _, err := t.createMatch(c, create); err != nil {
		return nil, err
	}
	quiet, err := observeQuiet(ctx, o, t)
	if err != nil {
		return nil, err
	}
	memoryBefore, err := t.process.rss()
	if err != nil {
		return nil, err
	}
	created, err := createMany(o, t, c, create)
	if err != nil {
		return nil, err
	}
	busy, err := observeQuiet(ctx, o, t)
	if err != nil {
		return nil, err
	}
	if created.RSS, err = t.process.rss(); err != nil {
		return nil, err
	}
	created.RSSEach = max(0, created.RSS-memoryBefore) / int64(o.count)
	ticks := &Result{
		Work: "tick", Unit: "tick", perOp: 1, RSS: created.RSS,
		hist: &histogram{total: uint64(o.count) * uint64(busy.elapsed/bare.TickPeriod)},
		// Subtract what the server uses when idle.
		cpu:     max(0, busy.cpu-quiet.cpu),
		elapsed: busy.elapsed, hasCPU: t.process != nil,
	}
	return []*Result{created, ticks}, nil
}

// observeQuiet waits for the settle time, then measures what the idle server
// uses.
func observeQuiet(ctx context.Context, o *options, t *target) (*Result, error) {
	if err := wait(ctx, o.settle, nil); err != nil {
		return nil, err
	}
	before, err := t.used()
	if err != nil {
		return nil, err
	}
	begin := time.Now()
	if err := wait(ctx, o.duration, nil); err != nil {
		return nil, err
	}
	after, err := t.used()
	return &Result{cpu: after.server - before.server, elapsed: time.Since(begin)}, err
}

func createMany(o *options, t *target, c *httpConn, create []byte) (*Result, error) {
	r := &Result{Work: "create", Unit: "match", perOp: 1, hist: &histogram{}}
	before, err := t.used()
	if err != nil {
		return nil, err
	}
	begin := time.Now()
	for range o.count {
		at := time.Now()
		if _, err := t.createMatch(c, create); err != nil {
			return nil, err
		}
		r.hist.add(time.Since(at))
	}
	after, err := t.used()
	r.elapsed = time.Since(begin)
	r.cpu, r.dbCPU = after.server-before.server, after.database-before.database
	r.hasCPU, r.hasDB = t.process != nil, t.database != nil
	return r, err
}
