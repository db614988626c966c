package main

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/heroiclabs/nakama-common/rtapi"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"kumi/bench/wire"
)

// status has the first user change a status that all others follow, again as
// soon as all have received it.
func status(ctx context.Context, o *options, t *target) ([]*Result, error) {
	if o.connections < 2 {
		return nil, fmt.Errorf("--connections must be 2 or more: one user and the followers")
	}
	sessions, err := t.sessions(o.connections)
	if err != nil {
		return nil, err
	}
	sockets, err := t.connectAll(ctx, o.codec, sessions, onPath(fmt.Sprintf("/room?id=%d", time.Now().UnixNano())))
	if err != nil {
		return nil, err
	}
	defer closeAll(sockets)
	text := padded(o.size)
	message := o.codec.Build(-1, statusEvent(text))
	if !t.bare {
		for _, s := range sockets[1:] {
			if _, err := s.request(o.codec, statusFollow(sessions[0].userID)); err != nil {
				return nil, fmt.Errorf("follow: %w", err)
			}
		}
		message = o.codec.Build(1, statusUpdate(text))
	}
	r := &statusRun{codec: o.codec, message: message, followers: int64(o.connections - 1), known: make(chan struct{}, 1), done: make(chan struct{})}
	r.known <- struct{}{}
	l := load{unit: "delivery", stop: func() { close(r.done); closeAll(sockets) }}
	l.workers = append(l.workers, func(*worker) error { return r.update(sockets[0]) })
	// A user may receive its own status too, which is not a delivery to a follower.
	l.workers = append(l.workers, func(*worker) error { return discard(sockets[0], o.codec) })
	for _, s := range sockets[1:] {
		l.workers = append(l.workers, func(w *worker) error { return r.follow(w, s) })
	}
	return one(measure(ctx, o, t, l))
}

type statusRun struct {
	codec     wire.Codec
	message   []byte
	followers int64
	delivered atomic.Int64
	known     chan struct{} // signals that all received the status
	done      chan struct{}
}

func (r *statusRun) update(s *socket) error {
	for {
		select {
		case <-r.done:
			return nil
		case <-r.known:
		}
		wire.SetMark(r.message, time.Now().UnixNano())
		if err := s.write(r.message); err != nil {
			return err
		}
	}
}

func (r *statusRun) follow(w *worker, s *socket) error {
	for {
		message, err := s.read()
		if err != nil {
			return err
		}
		switch r.codec.Scan(message).Kind {
		case wire.Error:
			return replyError(message)
		case wire.StatusPresenceEvent:
			// The new status comes before the old one.
			sent := wire.MarkIn(message)
			if sent == 0 {
				continue
			}
			w.record(time.Duration(time.Now().UnixNano() - sent))
			if r.delivered.Add(1)%r.followers == 0 {
				select {
				case r.known <- struct{}{}:
				case <-r.done: // messages from here on are about users leaving
				}
			}
		}
	}
}

// discard reads messages to answer pings, and reports errors.
func discard(s *socket, codec wire.Codec) error {
	for {
		message, err := s.read()
		if err != nil {
			return err
		}
		if codec.Scan(message).Kind == wire.Error {
			return replyError(message)
		}
	}
}

// statusEvent is what a game server sends to the followers.
func statusEvent(text string) *rtapi.Envelope {
	const id = "01234567-89ab-cdef-0123-456789abcdef"
	p := []*rtapi.UserPresence{{UserId: id, SessionId: id, Username: "abcdefghij", Status: wrapperspb.String(text)}}
	return &rtapi.Envelope{Message: &rtapi.Envelope_StatusPresenceEvent{StatusPresenceEvent: &rtapi.StatusPresenceEvent{Joins: p, Leaves: p}}}
}
