package main

import (
	"context"
	"fmt"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"kumi/bench/bare"
)

// listMatches creates many matches with labels, and lists some of them with a
// query. The cost excludes the matches' ticks.
func listMatches(ctx context.Context, o *options, t *target) ([]*Result, error) {
	sessions, err := t.sessions(o.connections)
	if err != nil {
		return nil, err
	}
	if err := t.createLabelled(o); err != nil {
		return nil, err
	}
	quiet, err := observeQuiet(ctx, o, t) // the settle time lets the listing index the labels
	if err != nil {
		return nil, err
	}
	l := load{unit: "call"}
	query := url.Values{"limit": {"10"}, "authoritative": {"true"}, "query": {"+label.mode:arena +label.level:>=40 +label.level:<=60"}}
	for _, s := range sessions {
		get := request("GET", "/v2/match?"+query.Encode(), t.address, s.bearer(), "")
		l.workers = append(l.workers, t.repeat(func() []byte { return get }))
	}
	r, err := measure(ctx, o, t, l)
	if err != nil {
		return nil, err
	}
	r.cpu = max(0, r.cpu-quiet.cpu)
	return []*Result{r}, nil
}

// createLabelled makes matches that end by themselves after the run. One in
// three has the mode asked for.
func (t *target) createLabelled(o *options) error {
	life := 2*o.duration + o.warmup + o.settle + time.Minute + time.Duration(o.count)*5*time.Millisecond
	var next atomic.Int64
	var wg sync.WaitGroup
	errs := make(chan error, setupWorkers)
	for range setupWorkers {
		wg.Go(func() {
			c := newHTTPConn(t.address)
			defer c.close()
			for i := next.Add(1); i <= int64(o.count); i = next.Add(1) {
				label := fmt.Sprintf(`{"mode":%q,"level":%d}`, []string{"arena", "race", "siege"}[i%3], i%100)
				payload := fmt.Sprintf(`{"maxTicks":%d,"label":%q}`, life/bare.TickPeriod, label)
				if _, err := t.createMatch(c, t.rpcRequest(o.rpc, payload, session{})); err != nil {
					errs <- err
					return
				}
			}
		})
	}
	wg.Wait()
	close(errs)
	return <-errs
}
