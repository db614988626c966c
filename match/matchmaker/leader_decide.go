package matchmaker

import (
	"context"
	"sync"
	"time"

	"kumi/presence"
)

// decideReady has the database decide all matches that are ready, in one statement, and
// again those that became ready meanwhile.
func (l *leader) decideReady() {
	for {
		l.mu.Lock()
		list := l.ready
		l.ready = nil
		if len(list) == 0 {
			l.deciding = false
			l.mu.Unlock()
			return
		}
		l.mu.Unlock()
		l.settle(list, l.decide(list))
	}
}

// decide returns what the database has decided: place by match. From the first attempt on
// only what it says counts, also after an error, as that may have had its effect. What it
// does not say in the end, the homes ask themselves.
func (l *leader) decide(list []*forming) map[string]string {
	places := make(map[string]string, len(list))
	for _, f := range list {
		places[f.proposed.ID] = f.place
	}
	settled := map[string]string{}
	for decided := false; len(places) > 0; {
		var got map[string]string
		var err error
		ctx, cancel := context.WithTimeout(context.WithoutCancel(l.ctx), callWait)
		if !decided && l.leaseLeft() > 0 {
			got, err = l.d.db.Decide(ctx, l.term, places)
			decided = err == nil
		} else { // what Decide leaves open is not to be
			open := make([]string, 0, len(places))
			for id := range places {
				open = append(open, id)
			}
			got, err = l.d.db.Resolve(ctx, open)
		}
		cancel()
		for id, place := range got {
			settled[id] = place
			delete(places, id)
		}
		if err == nil {
			continue
		}
		select {
		case <-l.ctx.Done():
			return settled
		case <-time.After(retryWait / 4):
		}
	}
	return settled
}

// settle tells the homes what was decided.
func (l *leader) settle(list []*forming, settled map[string]string) {
	var matched []*Match
	var known []*forming
	for _, f := range list {
		place, ok := settled[f.proposed.ID]
		if !ok {
			continue
		}
		f.place = place
		known = append(known, f)
		if place != "" {
			l.pool.removeMatched(f.match)
			matched = append(matched, f.match)
		} else {
			l.pool.putBack(f.match)
		}
	}
	if len(matched) > 0 {
		l.pool.count(matched)
	}
	l.tellHomes(known)
}

// abort gives up matches that the database was not asked to decide, so that they cannot
// come about.
func (l *leader) abort(list []*forming) {
	for _, f := range list {
		f.place = ""
		l.pool.putBack(f.match)
	}
	l.tellHomes(list)
}

// tellHomes sends what was settled to the homes, and to the nodes that made the places.
func (l *leader) tellHomes(list []*forming) {
	byNode := map[presence.NodeID][]Settlement{}
	for _, f := range list {
		s := Settlement{Match: f.proposed.ID, Place: f.place}
		placed := f.at == (presence.NodeID{}) // by no other node
		for _, home := range f.homes {
			byNode[home] = append(byNode[home], s)
			placed = placed || home == f.at
		}
		if !placed {
			byNode[f.at] = append(byNode[f.at], s)
		}
	}
	var told sync.WaitGroup
	for node, list := range byNode {
		told.Go(func() { l.tellHome(node, list) })
	}
	told.Wait()
}

// maxSettlements bounds one Settle.
const maxSettlements = 1024

// tellHome tries a few times. A home that does not hear it asks the database.
func (l *leader) tellHome(node presence.NodeID, list []Settlement) {
	if node == l.d.self {
		l.d.HandleSettle(context.Background(), list)
		return
	}
	for len(list) > 0 {
		n := min(len(list), maxSettlements)
		for range 3 {
			ctx, cancel := context.WithTimeout(context.WithoutCancel(l.ctx), callWait/2)
			err := l.d.net.Settle(ctx, node, list[:n])
			cancel()
			if err == nil {
				break
			}
		}
		list = list[n:]
	}
}
