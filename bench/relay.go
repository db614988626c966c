package main

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"kumi/bench/wire"
)

// relay has all players of one relayed match send as fast as their messages
// arrive at the others. The window bounds messages in flight, so that no
// server closes a socket as slow.
func relay(ctx context.Context, o *options, t *target) ([]*Result, error) {
	sessions, err := t.sessions(o.players)
	if err != nil {
		return nil, err
	}
	// A separate room for each run: the bare server keeps rooms.
	path := fmt.Sprintf("/room?id=%d", time.Now().UnixNano())
	sockets, err := t.connectAll(ctx, o.codec, sessions, onPath(path))
	if err != nil {
		return nil, err
	}
	defer closeAll(sockets)
	matchID := "00000000-0000-0000-0000-000000000000."
	if !t.bare {
		if matchID, err = joinRelayed(o.codec, sockets); err != nil {
			return nil, err
		}
	}
	r := &relayRun{codec: o.codec, receivers: int64(o.players - 1), done: make(chan struct{})}
	r.tokens = make(chan struct{}, o.players*o.window)
	for range cap(r.tokens) {
		r.tokens <- struct{}{}
	}
	l := load{unit: "delivery", stop: func() { close(r.done); closeAll(sockets) }}
	for _, s := range sockets {
		l.workers = append(l.workers,
			func(w *worker) error { return r.receive(w, s) },
			func(*worker) error { return r.send(s, r.message(t, matchID, o.size)) })
	}
	return one(measure(ctx, o, t, l))
}

// joinRelayed makes the first player create a match and the others join it.
func joinRelayed(codec wire.Codec, sockets []*socket) (string, error) {
	reply, err := sockets[0].request(codec, matchCreate(""))
	if err != nil {
		return "", fmt.Errorf("create match: %w", err)
	}
	matchID := reply.GetMatch().GetMatchId()
	for _, s := range sockets[1:] {
		if _, err := s.request(codec, matchJoin(matchID)); err != nil {
			return "", fmt.Errorf("join match: %w", err)
		}
	}
	return matchID, nil
}

type relayRun struct {
	codec     wire.Codec
	receivers int64
	delivered atomic.Int64
	tokens    chan struct{} // one for each message that may be sent
	done      chan struct{}
}

// stamped is a message whose data begins at offset.
type stamped struct {
	bytes  []byte
	offset int
}

// message returns what a player sends. For the bare server, which forwards
// messages unchanged, it is what a game server would make of it, so that both
// send the same bytes.
func (r *relayRun) message(t *target, matchID string, size int) stamped {
	data := make([]byte, size)
	if t.bare {
		const id = "01234567-89ab-cdef-0123-456789abcdef"
		b, offset := r.codec.MatchData(matchID, &wire.Presence{UserID: id, SessionID: id, Username: "abcdefghij"}, 1, data)
		return stamped{b, offset}
	}
	b, offset := r.codec.MatchDataSend(matchID, 1, data)
	return stamped{b, offset}
}

func (r *relayRun) send(s *socket, m stamped) error {
	for {
		select {
		case <-r.done:
			return nil
		case <-r.tokens:
		}
		r.codec.Stamp(m.bytes, m.offset, time.Now().UnixNano())
		if err := s.write(m.bytes); err != nil {
			return err
		}
	}
}

func (r *relayRun) receive(w *worker, s *socket) error {
	for {
		message, err := s.read()
		if err != nil {
			return err
		}
		env := r.codec.Scan(message)
		switch env.Kind {
		case wire.Error:
			return replyError(message)
		case wire.MatchData:
			w.record(time.Duration(time.Now().UnixNano() - r.codec.Stamped(env.Data)))
			// A message is done when all others have it.
			if r.delivered.Add(1)%r.receivers == 0 {
				r.tokens <- struct{}{}
			}
		}
	}
}
