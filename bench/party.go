package main

import (
	"context"
	"fmt"
	"time"

	"github.com/heroiclabs/nakama-common/rtapi"

	"kumi/bench/wire"
)

// party runs several parties concurrently, each driven by one worker: create,
// all join, the leader sends a message to all, looks for opponents and
// cancels, all leave. An operation is one request; delivery to the others is
// part of its cost.
func party(ctx context.Context, o *options, t *target) ([]*Result, error) {
	sessions, err := t.sessions(o.rooms * o.players)
	if err != nil {
		return nil, err
	}
	sockets, err := t.connectAll(ctx, o.codec, sessions, onPath(""))
	if err != nil {
		return nil, err
	}
	defer closeAll(sockets)
	l := load{unit: "request"}
	for i := range o.rooms {
		p := &partyRun{codec: o.codec, members: sockets[i*o.players : (i+1)*o.players], data: make([]byte, o.size)}
		l.workers = append(l.workers, p.live)
	}
	return one(measure(ctx, o, t, l))
}

type partyRun struct {
	codec   wire.Codec
	members []*socket // leader first
	data    []byte
}

func (p *partyRun) live(w *worker) error {
	leader := p.members[0]
	for !w.stopped() {
		created, err := p.do(w, leader, partyCreate(len(p.members)))
		if err != nil {
			return fmt.Errorf("create party: %w", err)
		}
		id := created.GetParty().GetPartyId()
		for _, m := range p.members[1:] {
			if _, err := p.do(w, m, partyJoin(id)); err != nil {
				return fmt.Errorf("join party: %w", err)
			}
		}
		if err := p.talk(w, leader, id); err != nil {
			return fmt.Errorf("party data: %w", err)
		}
		// Nobody has that property.
		found, err := p.do(w, leader, partyMatchmakerAdd(id, "+properties.nobody:here", 2*len(p.members)))
		if err != nil {
			return fmt.Errorf("add to matchmaker: %w", err)
		}
		if _, err := p.do(w, leader, partyMatchmakerRemove(id, found.GetPartyMatchmakerTicket().GetTicket())); err != nil {
			return fmt.Errorf("remove from matchmaker: %w", err)
		}
		for i := range p.members {
			// The leader leaves last.
			if _, err := p.do(w, p.members[len(p.members)-1-i], partyLeave(id)); err != nil {
				return fmt.Errorf("leave party: %w", err)
			}
		}
	}
	return nil
}

func (p *partyRun) do(w *worker, s *socket, m *rtapi.Envelope) (*rtapi.Envelope, error) {
	begin := time.Now()
	reply, err := s.request(p.codec, m)
	w.record(time.Since(begin))
	return reply, err
}

// talk sends data from one member to the others, and waits until they have it.
func (p *partyRun) talk(w *worker, from *socket, id string) error {
	begin := time.Now()
	if err := from.write(p.codec.Build(-1, partySend(id, p.data))); err != nil {
		return err
	}
	for _, m := range p.members {
		if m == from {
			continue
		}
		if err := m.await(p.codec, wire.PartyData); err != nil {
			return err
		}
	}
	w.record(time.Since(begin))
	return nil
}
