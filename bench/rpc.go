package main

import (
	"context"
	"time"

	"kumi/bench/wire"
)

// rpcWS calls a function over WebSocket with a number of calls in flight per
// connection. The bare server echoes the request, which has the same cid.
func rpcWS(ctx context.Context, o *options, t *target) ([]*Result, error) {
	l, done, err := rpcLoad(ctx, o, t)
	if err != nil {
		return nil, err
	}
	defer done()
	return one(measure(ctx, o, t, l))
}

// rpcLoad connects; the second result closes the connections.
func rpcLoad(ctx context.Context, o *options, t *target) (load, func(), error) {
	sessions, err := t.sessions(o.connections)
	if err != nil {
		return load{}, nil, err
	}
	sockets, err := t.connectAll(ctx, o.codec, sessions, onPath("/ws"))
	if err != nil {
		return load{}, nil, err
	}
	calls := make([][]byte, o.inflight)
	for slot := range calls {
		calls[slot] = o.codec.RPC(slot, o.rpc, o.payload)
	}
	l := load{unit: "call"}
	for _, s := range sockets {
		l.workers = append(l.workers, func(w *worker) error { return callOverSocket(w, s, o.codec, calls) })
	}
	return l, func() { closeAll(sockets) }, nil
}

// callOverSocket keeps all calls in flight. The cid of a call is its slot, so
// nothing is encoded while load runs.
func callOverSocket(w *worker, s *socket, codec wire.Codec, calls [][]byte) error {
	sent := make([]time.Time, len(calls))
	for slot, call := range calls {
		sent[slot] = time.Now()
		if err := s.write(call); err != nil {
			return err
		}
	}
	for pending := len(calls); pending > 0; {
		reply, err := s.read()
		if err != nil {
			return err
		}
		env := codec.Scan(reply)
		if env.CID < 0 || env.CID >= len(calls) {
			continue // pushed by the server
		}
		now := time.Now()
		if env.Kind == wire.Error {
			w.fail(replyError(reply))
		} else {
			w.record(now.Sub(sent[env.CID]))
		}
		if w.stopped() {
			pending--
			continue
		}
		sent[env.CID] = now
		if err := s.write(calls[env.CID]); err != nil {
			return err
		}
	}
	return nil
}

// rpcREST calls a function over REST with a session.
func rpcREST(ctx context.Context, o *options, t *target) ([]*Result, error) {
	sessions, err := t.sessions(o.connections)
	if err != nil {
		return nil, err
	}
	l := load{unit: "call"}
	for _, s := range sessions {
		call := t.rpcRequest(o.rpc, o.payload, s)
		l.workers = append(l.workers, t.repeat(func() []byte { return call }))
	}
	return one(measure(ctx, o, t, l))
}

// repeat returns a worker that sends the requests of next over one HTTP
// connection, one after the other.
func (t *target) repeat(next func() []byte) func(*worker) error {
	return func(w *worker) error {
		c := newHTTPConn(t.address)
		defer c.close()
		for !w.stopped() {
			message := next()
			begin := time.Now()
			status, body, err := c.do(message)
			switch {
			case err != nil:
				return err
			case status != 200:
				w.fail(responseError(status, body))
			default:
				w.record(time.Since(begin))
			}
		}
		return nil
	}
}

func one(r *Result, err error) ([]*Result, error) {
	if err != nil {
		return nil, err
	}
	return []*Result{r}, nil
}
