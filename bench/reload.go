package main

import (
	"context"
	"net/url"
	"time"
)

// reload calls a function over WebSocket, first undisturbed, then while the
// server reloads its modules --count times, evenly over the same time.
func reload(ctx context.Context, o *options, t *target) ([]*Result, error) {
	quiet, err := rpcWS(ctx, o, t)
	if err != nil {
		return nil, err
	}
	quiet[0].Work = "quiet"

	l, done, err := rpcLoad(ctx, o, t)
	if err != nil {
		return nil, err
	}
	defer done()
	loads := &histogram{}
	l.workers = append(l.workers, func(w *worker) error { return t.reloadModules(w, o, loads) })
	busy, err := measure(ctx, o, t, l)
	if err != nil {
		return nil, err
	}
	busy.Work = "reloading"
	reloads := &Result{Work: "reload", Unit: "reload", perOp: 1, hist: loads, elapsed: busy.elapsed, RSS: busy.RSS}
	return append(quiet, busy, reloads), nil
}

// reloadModules requests the reloads after the measured time has begun. Its
// errors count among those of the calls.
func (t *target) reloadModules(w *worker, o *options, loads *histogram) error {
	for w.phase.Load() == warming {
		time.Sleep(time.Millisecond)
	}
	c := newHTTPConn(t.address)
	defer c.close()
	ask := request("POST", "/v2/kumi/reload?http_key="+url.QueryEscape(t.httpKey), t.address, "", "")
	start := time.Now()
	for i := range o.count {
		time.Sleep(time.Until(start.Add(time.Duration(i) * o.duration / time.Duration(o.count))))
		if w.stopped() {
			return nil
		}
		begin := time.Now()
		status, body, err := c.do(ask)
		if err != nil {
			return err
		}
		if status != 200 {
			w.fail(responseError(status, body))
			continue
		}
		loads.add(time.Since(begin))
	}
	return nil
}

func reloadDip(r *Report) {
	quiet, busy := r.find("quiet", "server"), r.find("reloading", "server")
	if quiet.PerSecond > 0 {
		r.Figures = append(r.Figures, Figure{"dip of the rate", 100 * (1 - busy.PerSecond/quiet.PerSecond), "%"})
	}
}
