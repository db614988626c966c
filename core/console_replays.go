package core

import (
	"context"
	"slices"
	"sync"
	"time"

	"kumi/store/fault"
)

const (
	// replaySlice is how long a request replays. One that needs longer goes on with the next
	// request.
	replaySlice = 2 * time.Second
	// replayWait is how long a request waits for its turn.
	replayWait = 10 * time.Second
	// maxReplays is how many replays are kept for further requests, replayIdle for how long.
	maxReplays = 4
	replayIdle = time.Minute
	// replayStop is how long close waits for the replay that is running. Code in Go cannot be
	// stopped from outside.
	replayStop = 2 * replaySlice
)

// replays are the replays that operators look at. One of them runs at a time, so that they
// take no more than one CPU from the matches that are played.
type replays struct {
	slice, idle, stop time.Duration // the constants, but in tests

	closing chan struct{} // is closed by close
	once    sync.Once
	turn    chan struct{} // holds a token while one runs; guards the list and what is in it
	list    []*replayView // the one used last is the last
}

func newReplays() *replays {
	return &replays{slice: replaySlice, idle: replayIdle, stop: replayStop, closing: make(chan struct{}), turn: make(chan struct{}, 1)}
}

// take waits for the turn. release ends it.
func (r *replays) take(ctx context.Context) error {
	wait := time.NewTimer(replayWait)
	defer wait.Stop()
	select {
	case r.turn <- struct{}{}:
		if r.closed() {
			r.release()
			return errStopping
		}
		return nil
	case <-r.closing:
		return errStopping
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-wait.C:
		return fault.New(fault.Unavailable, "Other operators' replays are running. Try again in a moment.")
	}
}

var errStopping = fault.New(fault.Unavailable, "The server stops.")

// release ends the turn. After close it drops all replays first.
func (r *replays) release() {
	if r.closed() {
		for len(r.list) > 0 {
			r.drop(r.list[0])
		}
	}
	<-r.turn
}

func (r *replays) closed() bool {
	select {
	case <-r.closing:
		return true
	default:
		return false
	}
}

// close ends all replays, and refuses further ones. It waits for the one that is running, but
// only for some seconds: after that the request that runs it drops them, if it ever ends.
func (r *replays) close() {
	r.once.Do(func() { close(r.closing) })
	wait := time.NewTimer(r.stop)
	defer wait.Stop()
	select {
	case r.turn <- struct{}{}:
		r.release()
	case <-wait.C:
	}
}

// drop ends a replay; the turn must be held.
func (r *replays) drop(v *replayView) {
	r.list = slices.DeleteFunc(r.list, func(other *replayView) bool { return other == v })
	v.idle.Stop()
	v.replay.Close()
	_ = v.file.Close()
}

// keep keeps a replay for further requests, for replayIdle from now on; the turn must be held.
func (r *replays) keep(v *replayView) {
	v.used = time.Now()
	v.idle.Reset(r.idle)
}

// dropIdle drops a replay if no request has used it for replayIdle.
func (r *replays) dropIdle(v *replayView) {
	r.turn <- struct{}{}
	defer r.release()
	if slices.Contains(r.list, v) && time.Since(v.used) >= r.idle {
		r.drop(v)
	}
}

// view returns the replay of a viewer, made anew if the one that there is cannot go on to tick.
// The turn must be held. keep must be called when the request has used it.
func (r *replays) view(k *Console, key replayKey, handlers MatchHandlers, tick int64) (*replayView, error) {
	i := slices.IndexFunc(r.list, func(v *replayView) bool { return v.key == key })
	if i >= 0 && (r.list[i].broken || r.list[i].tick > tick || r.list[i].tick == tick && r.list[i].wanted != tick) {
		r.drop(r.list[i])
		i = -1
	}
	if i >= 0 {
		v := r.list[i]
		if start, err := v.start(tick); err == nil {
			if starts, err := v.file.Starts(start); err != nil || starts <= v.tick || start <= v.segment {
				r.list = append(slices.Delete(r.list, i, i+1), v)
				return v, nil
			}
		}
		r.drop(v)
	}
	recorder, err := k.recorder()
	if err != nil {
		return nil, err
	}
	v, err := openReplay(k, recorder, key, handlers, tick)
	if err != nil {
		return nil, err
	}
	v.used = time.Now()
	v.idle = time.AfterFunc(r.idle, func() { r.dropIdle(v) })
	if r.list = append(r.list, v); len(r.list) > maxReplays {
		r.drop(r.list[0])
	}
	return v, nil
}
