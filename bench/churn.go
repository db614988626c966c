package main

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"kumi/bench/wire"
)

// churn has all connections join a chat room and a relayed match and leave
// both, over and over; an operation is one of these, or with --reconnect one
// connect. What the server holds is read before, at the peak and after, and
// with --rounds again after each: what keeps growing is a leak.
func churn(ctx context.Context, o *options, t *target) ([]*Result, error) {
	users := o.connections
	if o.users > 0 {
		users = min(o.users, users)
	}
	sessions, err := t.sessions(users)
	if err != nil {
		return nil, err
	}
	before, err := t.state(o, "before")
	if err != nil {
		return nil, err
	}
	all := make([]session, o.connections)
	for i := range all {
		all[i] = sessions[i%users]
	}
	sockets, err := t.connectAll(ctx, o.codec, all, onPath(""))
	if err != nil {
		return nil, err
	}
	defer closeAll(sockets)
	loaded, err := t.state(o, "connected")
	if err != nil {
		return nil, err
	}
	running, cancel := context.WithCancel(ctx)
	defer cancel()
	var churners []*churner
	l := load{unit: "operation", stop: func() {
		cancel()
		for i, c := range churners {
			sockets[i] = c.socket.Load()
		}
		closeAll(sockets)
	}}
	run, connects := time.Now().UnixNano(), make(chan struct{}, connectsAtOnce)
	for i, s := range sockets {
		c := &churner{t: t, codec: o.codec, session: all[i], reconnect: o.reconnect, connects: connects,
			room: fmt.Sprintf("bench-churn-%d-%d", run, i/o.players)}
		c.socket.Store(s)
		churners = append(churners, c)
		l.workers = append(l.workers, func(w *worker) error { return c.run(running, w) })
	}
	r, err := measure(ctx, o, t, l)
	if err != nil {
		return nil, err
	}
	after, err := t.afterwards(ctx, o, before, "after")
	r.States = append(r.States, before, loaded, after)
	return []*Result{r}, err
}

type churner struct {
	t         *target
	codec     wire.Codec
	session   session
	socket    atomic.Pointer[socket]
	room      string
	reconnect bool
	connects  chan struct{} // one slot for each concurrent connect
}

// connectsAtOnce is how many connections are opened concurrently. With
// thousands some would wait longer than a server waits for their request.
const connectsAtOnce = 64

func (c *churner) run(ctx context.Context, w *worker) error {
	for !w.stopped() {
		begin := time.Now()
		step := func(err error) error {
			w.record(time.Since(begin))
			begin = time.Now()
			return err
		}
		s := c.socket.Load()
		channel, err := s.request(c.codec, roomJoin(c.room, false))
		if err := step(err); err != nil {
			return fmt.Errorf("join room: %w", err)
		}
		match, err := s.request(c.codec, matchCreate(c.room))
		if err := step(err); err != nil {
			return fmt.Errorf("join match: %w", err)
		}
		if c.reconnect {
			// Leave the clean-up to the server.
			_ = s.conn.CloseNow()
			c.connects <- struct{}{}
			begin = time.Now()
			s, err := c.t.connect(ctx, c.codec, c.session, "")
			<-c.connects
			if err := step(err); err != nil {
				return err
			}
			if c.socket.Store(s); w.stopped() {
				_ = s.conn.CloseNow() // the connection may have been closed already
			}
			continue
		}
		_, err = s.request(c.codec, channelLeave(channel.GetChannel().GetId()))
		if err := step(err); err != nil {
			return fmt.Errorf("leave room: %w", err)
		}
		_, err = s.request(c.codec, matchLeave(match.GetMatch().GetMatchId()))
		if err := step(err); err != nil {
			return fmt.Errorf("leave match: %w", err)
		}
	}
	return nil
}
