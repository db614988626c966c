package main

import (
	"context"
	"errors"
	"time"
)

// idle opens connections that do nothing and reports the memory of each. The
// operation is opening one.
func idle(ctx context.Context, o *options, t *target) ([]*Result, error) {
	users := o.connections
	if o.users > 0 {
		users = min(o.users, users)
	}
	sessions, err := t.sessions(users)
	if err != nil {
		return nil, err
	}
	all := make([]session, o.connections)
	for i := range all {
		all[i] = sessions[i%users]
	}
	// One connection first: it loads what all share.
	first, err := t.connectAll(ctx, o.codec, all[:1], onPath("/ws"))
	if err != nil {
		return nil, err
	}
	defer closeAll(first)
	if err := wait(ctx, o.settle, nil); err != nil {
		return nil, err
	}
	memoryBefore, err := t.process.rss()
	if err != nil {
		return nil, err
	}
	before, err := t.used()
	if err != nil {
		return nil, err
	}
	begin := time.Now()
	sockets, err := t.connectAll(ctx, o.codec, all, onPath("/ws"))
	if err != nil {
		return nil, err
	}
	defer closeAll(sockets)
	elapsed := time.Since(begin)
	after, err := t.used()
	if err != nil {
		return nil, err
	}
	// Read, to answer the server's pings.
	lost := make(chan error, len(sockets))
	for _, s := range sockets {
		go func() {
			for {
				if _, err := s.read(); err != nil {
					lost <- err
					return
				}
			}
		}()
	}
	if err := wait(ctx, o.settle, lost); err != nil {
		return nil, errors.Join(errors.New("a connection was closed while idle"), err)
	}
	r := &Result{
		Unit: "connection", perOp: 1, hist: &histogram{total: uint64(len(sockets))},
		elapsed: elapsed, cpu: after.server - before.server, dbCPU: after.database - before.database,
		hasCPU: t.process != nil, hasDB: t.database != nil,
	}
	if r.RSS, err = t.process.rss(); err != nil {
		return nil, err
	}
	r.RSSEach = max(0, r.RSS-memoryBefore) / int64(len(sockets))
	return []*Result{r}, nil
}
