package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/heroiclabs/nakama-common/rtapi"

	"kumi/bench/wire"
)

// matchmaking keeps a number of tickets per connection in the matchmaker, each
// looking for one opponent with the same region and a similar rank. A matched
// ticket is replaced at once. An operation is a ticket that was added and
// matched; the latency is mostly the server's interval. Waiting tickets are
// held by separate sessions.
func matchmaking(ctx context.Context, o *options, t *target) ([]*Result, error) {
	idlers := (o.waiting + o.inflight - 1) / o.inflight
	sessions, err := t.sessions(o.connections + idlers)
	if err != nil {
		return nil, err
	}
	sockets, err := t.connectAll(ctx, o.codec, sessions, onPath(""))
	if err != nil {
		return nil, err
	}
	defer closeAll(sockets)
	if err := addWaiting(o, sockets[o.connections:]); err != nil {
		return nil, err
	}
	l := load{unit: "ticket", stop: func() { closeAll(sockets) }}
	for i, s := range sockets[:o.connections] {
		l.workers = append(l.workers, func(w *worker) error { return search(w, s, o.codec, o.inflight, i) })
	}
	for _, s := range sockets[o.connections:] {
		l.workers = append(l.workers, func(*worker) error { return discard(s, o.codec) })
	}
	return one(measure(ctx, o, t, l))
}

// addWaiting adds the tickets that cannot match: their region has opponents,
// but none of that rank, and nobody looks for theirs.
func addWaiting(o *options, sockets []*socket) error {
	var wg sync.WaitGroup
	errs := make(chan error, setupWorkers)
	for w := range setupWorkers {
		wg.Go(func() {
			for n := w; n < len(sockets); n += setupWorkers {
				for i := n * o.inflight; i < min((n+1)*o.inflight, o.waiting); i++ {
					m := matchmakerAdd(
						fmt.Sprintf("+properties.region:r%d +properties.rank:>=%d", i%regions, 1_000_000+i),
						map[string]string{"region": "nowhere"}, map[string]float64{"rank": float64(i)})
					if _, err := sockets[n].request(o.codec, m); err != nil {
						errs <- fmt.Errorf("add waiting ticket: %w", err)
						return
					}
				}
			}
		})
	}
	wg.Wait()
	close(errs)
	return <-errs
}

// regions is the number of groups of tickets.
const regions = 8

// search adds tickets and replaces matched ones.
func search(w *worker, s *socket, codec wire.Codec, tickets, seed int) error {
	added := map[string]time.Time{}
	var sent time.Time // when the current ticket was added
	next := func() error {
		seed++
		rank := 100 + seed*7%50
		sent = time.Now()
		return s.write(codec.Build(1, matchmakerAdd(
			fmt.Sprintf("+properties.region:r%d +properties.rank:>=%d +properties.rank:<=%d", seed%regions, rank-50, rank+50),
			map[string]string{"region": fmt.Sprintf("r%d", seed%regions)}, map[string]float64{"rank": float64(rank)})))
	}
	missing := tickets
	if err := next(); err != nil {
		return err
	}
	for {
		got, err := s.read()
		if err != nil {
			return err
		}
		kind := codec.Scan(got).Kind
		if kind == wire.Error {
			return replyError(got)
		}
		if kind != wire.MatchmakerTicket && kind != wire.MatchmakerMatched {
			continue
		}
		m, err := codec.Read(got)
		if err != nil {
			return err
		}
		switch m := m.Message.(type) {
		case *rtapi.Envelope_MatchmakerTicket:
			added[m.MatchmakerTicket.Ticket] = sent
			missing--
			if missing > 0 {
				err = next()
			}
		case *rtapi.Envelope_MatchmakerMatched:
			if at, ok := added[m.MatchmakerMatched.Ticket]; ok {
				w.record(time.Since(at))
				delete(added, m.MatchmakerMatched.Ticket)
			}
			missing++
			if missing == 1 {
				err = next()
			}
		}
		if err != nil {
			return err
		}
	}
}
