package matchmaker

import (
	"context"
	"time"

	"kumi/presence"
)

// campaignLoop takes the lease when it is free, renews it, and learns who holds it.
func (d *Desk) campaignLoop(ctx context.Context) {
	tick := time.NewTicker(leasePoll)
	defer tick.Stop()
	failing := false
	for {
		err := d.lookAtLease(ctx)
		if (err != nil) != failing && ctx.Err() == nil {
			failing = err != nil
			if failing {
				d.log.Warn().Err(err).Msg("the matchmaker's lease cannot be read, no matches are formed without it")
			} else {
				d.log.Info().Msg("the matchmaker's lease can be read again")
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-d.campaign:
		case <-tick.C:
		}
	}
}

func (d *Desk) lookAtLease(ctx context.Context) error {
	d.leasing <- struct{}{}
	defer func() { <-d.leasing }()
	asked := time.Now() // the lease holds for LeaseTime from now at least
	ctx, cancel := context.WithTimeout(ctx, callWait)
	defer cancel()
	lease, err := d.db.Lease(ctx, d.net.Eligible() || d.leading() != nil)
	if err != nil {
		return err // a leader goes on until its lease ends
	}
	l := d.leading()
	if l != nil && lease.Mine && lease.Term == l.term && l.renew(asked) {
		return nil
	}
	if l != nil {
		d.depose(l)
	}
	switch {
	case !lease.Mine:
	case d.net.Eligible():
		d.elect(lease.Term, asked)
	default: // no longer
		d.release(ctx, lease.Term)
	}
	d.heard(lease.Holder, lease.Term)
	return nil
}

// elect makes this node the leader of a term.
func (d *Desk) elect(term int64, asked time.Time) {
	l := newLeader(d, term, asked.Add(LeaseTime-leaseMargin))
	d.mu.Lock()
	d.lead = l
	d.mu.Unlock()
	l.start()
	d.log.Info().Int64("term", term).Msg("this node leads the matchmaker")
	d.net.Announce(term, true)
}

// depose ends a lead. What its matches need is still done, but no new ones are formed.
func (d *Desk) depose(l *leader) {
	d.mu.Lock()
	if d.lead == l {
		d.lead = nil
	}
	d.mu.Unlock()
	if l.stop() {
		d.log.Info().Int64("term", l.term).Msg("this node no longer leads the matchmaker")
	}
}

// release gives the lease back.
func (d *Desk) release(ctx context.Context, term int64) {
	ctx, cancel := context.WithTimeout(ctx, callWait)
	defer cancel()
	if err := d.db.Release(ctx, term); err != nil {
		d.log.Warn().Err(err).Msg("could not release the matchmaker's lease, the next leader waits until it ends")
		return
	}
	d.net.Announce(term, false)
}

// HandleAnnounce takes in another node's Announce.
func (d *Desk) HandleAnnounce(from presence.NodeID, term int64, leads bool) {
	if leads {
		d.heard(from, term)
	} else {
		wake(d.campaign)
	}
}
