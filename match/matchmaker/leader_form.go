package matchmaker

import (
	"context"
	"slices"
	"sync"

	"github.com/gofrs/uuid/v5"

	"kumi/presence"
)

// forming is a match on its way from a pass to its players.
type forming struct {
	match    *Match
	proposed Proposed
	homes    []presence.NodeID
	refused  bool            // by a home; guarded by leader.mu
	at       presence.NodeID // which made its place
	place    string
}

// maxProposal bounds roughly the bytes of one Proposal.
const maxProposal = 256 << 10

// form takes the matches of a pass. It does not block: their homes are asked, and
// everything else follows, on other goroutines.
func (l *leader) form(matches []*Match) {
	if len(matches) == 0 {
		return
	}
	list := make([]*forming, 0, len(matches))
	for _, match := range matches {
		id, err := uuid.NewV4()
		if err != nil {
			l.d.log.Error().Err(err).Msg("could not make an id for a match, its tickets go on waiting")
			l.pool.putBack(match)
			continue
		}
		list = append(list, newForming(match, id.String(), l.term))
	}
	l.work.Go(func() {
		n := len(list)
		if l.d.o.Hooked() {
			n = l.pool.o.Workers // so that a home need not keep tickets locked while others' hooks run
		}
		for part := range slices.Chunk(list, max(1, n)) {
			l.propose(part)
		}
	})
}

func newForming(match *Match, id string, term int64) *forming {
	f := &forming{match: match, proposed: Proposed{ID: id, Term: term, Players: make([]ProposedPlayer, len(match.Entries))}}
	at := make(map[*Ticket]int, 2)
	for i, e := range match.Entries {
		t := e.Ticket
		n, there := at[t]
		if !there {
			n = len(f.proposed.Tickets)
			at[t] = n
			f.proposed.Tickets = append(f.proposed.Tickets, ProposedTicket{Offer: t.Offer(), Home: t.home})
			if !slices.Contains(f.homes, t.home) {
				f.homes = append(f.homes, t.home)
			}
		}
		f.proposed.Players[i] = ProposedPlayer{Ticket: n, Presence: slices.IndexFunc(t.entries, func(other Entry) bool { return other.Presence == e.Presence })}
	}
	return f
}

// match returns the match as its homes tell it.
func (p *Proposed) match() *Match {
	tickets := make([]*Ticket, len(p.Tickets))
	for i := range p.Tickets {
		o := &p.Tickets[i]
		tickets[i] = o.Ticket()
		tickets[i].home = o.Home
	}
	m := &Match{Entries: make([]*Entry, 0, len(p.Players))}
	for _, player := range p.Players {
		m.Entries = append(m.Entries, &tickets[player.Ticket].entries[player.Presence])
	}
	return m
}

// propose asks all homes of the matches, and goes on with those that all of them accept.
func (l *leader) propose(list []*forming) {
	byHome := map[presence.NodeID][]*forming{}
	for _, f := range list {
		for _, home := range f.homes {
			byHome[home] = append(byHome[home], f)
		}
	}
	var asked sync.WaitGroup
	for home, asks := range byHome {
		asked.Go(func() {
			for len(asks) > 0 {
				n, bytes := 0, 0
				for n < len(asks) && bytes < maxProposal {
					for i := range asks[n].proposed.Tickets {
						bytes += asks[n].proposed.Tickets[i].size()
					}
					n++
				}
				l.ask(home, asks[:n])
				asks = asks[n:]
			}
		})
	}
	asked.Wait()
	var refused, accepted []*forming
	l.mu.Lock()
	for _, f := range list {
		if f.refused {
			refused = append(refused, f)
		} else {
			accepted = append(accepted, f)
		}
	}
	l.mu.Unlock()
	l.abort(refused)
	l.placeAll(accepted)
}

// ask proposes matches to one home.
func (l *leader) ask(home presence.NodeID, list []*forming) {
	p := &Proposal{Term: l.term, Matches: make([]Proposed, len(list))}
	for i, f := range list {
		p.Matches[i] = f.proposed
	}
	ctx, cancel := context.WithTimeout(l.ctx, callWait)
	defer cancel()
	answer, err := l.d.callPropose(ctx, home, p)
	if err != nil {
		answer = &Accepted{}
	}
	accepted := make(map[string]struct{}, len(answer.Matches))
	for _, id := range answer.Matches {
		accepted[id] = struct{}{}
	}
	l.mu.Lock()
	for _, f := range list {
		if _, ok := accepted[f.proposed.ID]; !ok {
			f.refused = true
		}
	}
	l.mu.Unlock()
	l.pool.removeGone(answer.Gone)
}

func (d *Desk) callPropose(ctx context.Context, to presence.NodeID, p *Proposal) (*Accepted, error) {
	if to == d.self {
		return d.HandlePropose(ctx, to, p)
	}
	return d.net.Propose(ctx, to, p)
}

// placeAll makes the places of matches, several at a time. Each is decided when it has one.
func (l *leader) placeAll(list []*forming) {
	next := make(chan *forming)
	var placed sync.WaitGroup
	for range min(len(list), l.pool.o.Workers) {
		placed.Go(func() {
			for f := range next {
				l.place(f)
			}
		})
	}
	for _, f := range list {
		next <- f
	}
	close(next)
	placed.Wait()
}

func (l *leader) place(f *forming) {
	f.at = l.d.self
	if l.d.o.Hooked() {
		f.at = l.nearest(f.match)
	}
	var err error
	f.place, err = l.callPlace(f.at, &f.proposed)
	if err != nil && f.at != l.d.self {
		// That node undoes its place, if it made one, since another is decided.
		l.d.log.Warn().Err(err).Str("match", f.proposed.ID).Stringer("node", f.at).Msg("another node could not make the place of a match, making it here")
		f.at = l.d.self
		f.place, err = l.callPlace(f.at, &f.proposed)
	}
	if err != nil {
		l.d.log.Warn().Err(err).Str("match", f.proposed.ID).Msg("could not make the place of a match, its tickets go on waiting")
		l.abort([]*forming{f})
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ready = append(l.ready, f)
	if !l.deciding {
		l.deciding = true
		l.work.Go(l.decideReady)
	}
}

func (l *leader) callPlace(at presence.NodeID, p *Proposed) (string, error) {
	if at == l.d.self {
		return l.d.HandlePlace(l.ctx, p)
	}
	ctx, cancel := context.WithTimeout(l.ctx, l.d.o.HookDeadline+callWait)
	defer cancel()
	return l.d.net.Place(ctx, at, p)
}

// nearest returns the node of most of the match's players that can make its place.
func (l *leader) nearest(match *Match) presence.NodeID {
	players := map[presence.NodeID]int{}
	best := l.d.self
	for _, e := range match.Entries {
		node := presence.NodeOf(e.Presence.Session)
		players[node]++
	}
	for _, e := range match.Entries {
		node := presence.NodeOf(e.Presence.Session)
		if players[node] > players[best] && (node == l.d.self || l.d.net.Places(node)) {
			best = node
		}
	}
	return best
}
