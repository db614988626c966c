package core

import (
	"context"
	"errors"
	"time"

	"github.com/rs/zerolog"

	"kumi/match"
)

const (
	// maxReplayLog is how many lines of a tick's log are returned, and maxReplayDifferences how
	// many differences.
	maxReplayLog         = 100
	maxReplayDifferences = 50
)

// replayKey identifies a replay that is kept. An operator may have several, each for a viewer,
// such as a page. That on other modules is another one.
type replayKey struct{ operator, viewer, file, modules string }

// replayView is a replay that an operator looks at, with what is known of its last tick.
type replayView struct {
	key     replayKey
	file    *match.RecordingFile
	replay  *match.Replay
	log     *match.ReplayLog
	segment int         // with which it began
	from    int64       // the tick of that
	tick    int64       // of the last call; below from: none yet
	idle    *time.Timer // drops it
	used    time.Time   // when the last request ended

	wanted      int64 // the tick that the states are of
	now, before *match.State
	differences []match.Difference
	lines       []match.LogLine
	first       int64 // tick of the first difference; -1: there is none
	ended       bool  // the match ended in the replay before it did in the recording
	broken      bool  // an error ended the replay
}

func openReplay(k *Console, recorder *match.Recorder, key replayKey, handlers MatchHandlers, tick int64) (*replayView, error) {
	file, err := recorder.Read(key.file)
	if err != nil {
		return nil, err
	}
	v := &replayView{key: key, file: file, log: &match.ReplayLog{}, first: -1, wanted: -1}
	err = k.replayProblem(file, handlers)
	if err == nil {
		v.segment, err = v.start(tick)
	}
	if err == nil && v.segment == 0 {
		v.from, err = file.FirstTick()
	} else if err == nil {
		v.from, err = file.Starts(v.segment)
	}
	if err == nil {
		v.tick = v.from - 1
		v.replay, err = recorder.Replay(file, v.segment, match.ReplayOptions{Find: handlers.Find, Logger: zerolog.New(v.log)})
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return v, nil
}

// start returns the segment with which a replay up to a tick begins: the last one that has the
// whole state and the tick before.
func (v *replayView) start(tick int64) (int, error) {
	i, err := v.file.Find(max(tick-1, 0))
	if err != nil {
		return 0, err
	}
	for ; i >= 0; i-- {
		if whole, err := v.file.Whole(i); whole || err != nil {
			return i, err
		}
	}
	return 0, errNoWholeState
}

// run replays up to the end of a tick, and returns false if the time is over before. It makes
// at least one call.
func (v *replayView) run(ctx context.Context, tick int64, slice time.Duration) (done bool, err error) {
	if v.wanted != tick {
		v.wanted, v.now, v.before = tick, nil, nil
	}
	began := time.Now()
	for calls := 0; ; calls++ {
		next, more := v.replay.Tick()
		if !more || next > tick || v.ended {
			break
		}
		if calls > 0 && time.Since(began) >= slice {
			return false, nil
		}
		if err := ctx.Err(); err != nil {
			return false, err
		}
		if next > v.tick {
			if next == tick {
				v.before = v.state()
			}
			v.differences, v.lines = nil, nil
		}
		v.tick = next
		want, got, err := v.replay.Next(ctx)
		lines := v.log.Take()
		v.lines = append(v.lines, lines[:min(len(lines), maxReplayLog-len(v.lines))]...)
		if err != nil || want == nil {
			v.broken = true
			return false, err
		}
		v.tick = want.Tick
		if tick == want.Tick && want.Init() {
			v.before = v.state()
		}
		if got == nil {
			v.ended = true
		}
		v.compare(want, got)
	}
	if v.now == nil {
		v.now = v.state()
	}
	return true, nil
}

// state describes the state now; nil before the first call.
func (v *replayView) state() *match.State {
	if v.tick < v.from {
		return nil
	}
	text, err := v.replay.State()
	return &match.State{Tick: v.tick, Text: text, Err: err}
}

// compare notes how a call differs from the recorded one, and, if the whole state was recorded,
// in which parts of it.
func (v *replayView) compare(want, got *match.Step) {
	all := match.Compare(want, got)
	if len(all) > 0 && got != nil && want.State != nil {
		was, err := v.replay.Describe(want.State)
		if now := v.state(); err == nil && now != nil && now.Err == nil {
			all = append(all, match.CompareStates(was, now.Text, maxReplayDifferences)...)
		}
	}
	if len(all) > 0 && v.first < 0 {
		v.first = want.Tick
	}
	if room := maxReplayDifferences - len(v.differences); len(all) > room {
		all = all[:room]
	}
	v.differences = append(v.differences, all...)
}
