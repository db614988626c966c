package matchmaker

import (
	"context"
	"time"

	"kumi/presence"
	"kumi/store/fault"
)

// held is a match that this node has a part in, as the home of tickets that are locked for
// it or as the maker of its place, and that is not settled yet.
type held struct {
	id    string
	term  int64
	match *Match
	mine  []*Ticket // locked for it
	// placed is the place that this node made, "" if it made none, and undo what to do if
	// the match is not there.
	placed string
	undo   func()
	due    time.Time     // from then on this node settles the match itself
	done   chan struct{} // closed when it is settled
	wake   chan<- struct{}
}

// holds are the held matches. Its maps and the fields of held are guarded by the lock of
// the home's Matchmaker, as they are parts of the tickets' state.
type holds struct {
	byMatch map[string]*held
	wake    chan struct{} // resolveLoop has to look again
}

// hurry makes the node settle the match now. The caller holds the matchmaker's mu.
func (h *held) hurry() {
	h.due = time.Time{}
	wake(h.wake)
}

// settleBefore hurries the matches of terms before term.
func (h *holds) settleBefore(m *Matchmaker, term int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, one := range h.byMatch {
		if one.term < term {
			one.hurry()
		}
	}
}

// holdLocked returns the held match of an id, which is a new one unless it is held
// already. The caller holds mu.
func (d *Desk) holdLocked(p *Proposed) *held {
	h := d.held.byMatch[p.ID]
	if h == nil {
		h = &held{
			id: p.ID, term: p.Term, match: p.match(), done: make(chan struct{}), wake: d.held.wake,
			due: time.Now().Add(d.o.HookDeadline + decisionWait),
		}
		d.held.byMatch[p.ID] = h
		wake(d.held.wake)
	}
	return h
}

// HandlePropose locks the tickets of this home for matches. A match is refused if a ticket
// is not waiting. Errors: fault.Unavailable for a leader whose term is over.
func (d *Desk) HandlePropose(_ context.Context, from presence.NodeID, p *Proposal) (*Accepted, error) {
	d.heard(from, p.Term)
	if _, term, _ := d.leaderNow(); p.Term < term {
		return nil, errTermOver
	}
	out := &Accepted{}
	m := d.home
	m.mu.Lock()
	defer m.mu.Unlock()
	for i := range p.Matches {
		match := &p.Matches[i]
		if d.held.byMatch[match.ID] != nil {
			out.Matches = append(out.Matches, match.ID)
			continue
		}
		mine, gone := d.waitingLocked(match)
		out.Gone = append(out.Gone, gone...)
		if mine == nil {
			continue
		}
		h := d.holdLocked(match)
		h.mine = mine
		for _, t := range mine {
			t.held = h
		}
		out.Matches = append(out.Matches, match.ID)
	}
	return out, nil
}

var errTermOver = fault.New(fault.Unavailable, "another node leads the matchmaker")

// waitingLocked returns the match's tickets of which this node is the home, nil if one of
// them is not waiting, and the ids of those that are not in the pool. The caller holds mu.
func (d *Desk) waitingLocked(p *Proposed) (mine []*Ticket, gone []string) {
	free := true
	for i := range p.Tickets {
		if p.Tickets[i].Home != d.self {
			continue
		}
		t := d.home.tickets[p.Tickets[i].ID]
		switch {
		case t == nil:
			gone = append(gone, p.Tickets[i].ID)
		case t.held != nil:
			free = false
		default:
			mine = append(mine, t)
		}
	}
	if !free || len(gone) > 0 {
		return nil, gone
	}
	return mine, nil
}

// HandlePlace makes the place of a match here, where most of its players are. This node
// then undoes it if the match is settled as not to be.
func (d *Desk) HandlePlace(_ context.Context, p *Proposed) (string, error) {
	m := d.home
	m.mu.Lock()
	h := d.holdLocked(p)
	m.mu.Unlock()
	return d.placeHere(h)
}

func (d *Desk) placeHere(h *held) (string, error) {
	place, undo, err := d.o.Place(h.match)
	if err != nil {
		return "", err
	}
	m := d.home
	m.mu.Lock()
	settled := d.held.byMatch[h.id] != h
	if !settled {
		h.placed, h.undo = place, undo
	}
	m.mu.Unlock()
	if settled { // while the hook ran, so with another place or as not to be
		if undo != nil {
			undo()
		}
		return "", errSettled
	}
	return place, nil
}

var errSettled = fault.New(fault.Unavailable, "the match was settled while its place was made")

// HandleSettle settles matches as the leader says.
func (d *Desk) HandleSettle(_ context.Context, list []Settlement) {
	for _, s := range list {
		d.settle(s.Match, s.Place)
	}
}

// settle ends a held match. Its tickets leave the pool and their players are told, or they
// wait again.
func (d *Desk) settle(match, place string) {
	m := d.home
	m.mu.Lock()
	h := d.held.byMatch[match]
	if h == nil {
		m.mu.Unlock()
		return
	}
	delete(d.held.byMatch, match)
	for _, t := range h.mine {
		t.held = nil
		switch {
		case t.removed.Load():
		case place != "":
			m.removeLocked(t)
		default:
			m.added = append(m.added, t) // offered again, unless the leader has it still
		}
	}
	m.mu.Unlock()
	close(h.done)
	if h.undo != nil && h.placed != place {
		h.undo()
	}
	if place != "" && len(h.mine) > 0 {
		d.tell(h, place)
	}
}

// tell calls Tell; a panic affects only that match.
func (d *Desk) tell(h *held, place string) {
	defer func() {
		if cause := recover(); cause != nil {
			d.log.Error().Interface("cause", cause).Str("match", h.id).Msg("could not tell players of their match")
		}
	}()
	d.o.Tell(h.match, place, func(t *Ticket) bool { return t.home == d.self })
}

// resolveLoop settles the matches of which this node has heard nothing for too long.
func (d *Desk) resolveLoop(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		due, next := d.dueHolds()
		if len(due) > 0 {
			if err := d.resolve(ctx, due); err != nil && ctx.Err() == nil {
				d.log.Warn().Err(err).Int("matches", len(due)).Msg("could not read whether matches came about, their tickets stay locked")
			}
			continue
		}
		timer.Reset(next)
		select {
		case <-ctx.Done():
			return
		case <-d.held.wake:
		case <-timer.C:
		}
	}
}

// dueHolds returns the matches that are due, which are due again after retryWait, and the
// time until the next is.
func (d *Desk) dueHolds() (due []string, next time.Duration) {
	now := time.Now()
	first := now.Add(time.Hour)
	m := d.home
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, h := range d.held.byMatch {
		if !h.due.After(now) {
			due = append(due, h.id)
			h.due = now.Add(retryWait)
		}
		if h.due.Before(first) {
			first = h.due
		}
	}
	return due, first.Sub(now)
}

func (d *Desk) resolve(ctx context.Context, matches []string) error {
	ctx, cancel := context.WithTimeout(ctx, callWait)
	defer cancel()
	settled, err := d.db.Resolve(ctx, matches)
	if err != nil {
		return err
	}
	for match, place := range settled {
		d.settle(match, place)
	}
	return nil
}
