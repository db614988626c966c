package core

import (
	"fmt"
	"time"

	"github.com/hashicorp/cronexpr"

	"kumi/store/fault"
)

// CronNext implements runtime.NakamaModule: it returns the first time of the
// expression after timestamp, in Unix seconds UTC. An expression has 5 to 7
// fields: with seven the first is seconds and the last the year, with six the
// last is the year.
//
// Errors: InvalidArgument for a bad expression or timestamp, NotFound if there
// is no such time.
func (m *Module) CronNext(expression string, timestamp int64) (int64, error) {
	schedule, err := parseCron(expression)
	if err != nil {
		return 0, err
	}
	from, err := cronTime(timestamp)
	if err != nil {
		return 0, err
	}
	next := schedule.Next(from)
	if next.IsZero() {
		return 0, fault.Newf(fault.NotFound, "cron expression %q has no time after %d", expression, timestamp)
	}
	return next.Unix(), nil
}

// CronPrev implements runtime.NakamaModule: it returns the last time strictly
// before timestamp. Errors are those of CronNext.
func (m *Module) CronPrev(expression string, timestamp int64) (int64, error) {
	schedule, err := parseCron(expression)
	if err != nil {
		return 0, err
	}
	from, err := cronTime(timestamp)
	if err != nil {
		return 0, err
	}
	prev := cronBefore(schedule, from)
	if prev.IsZero() {
		return 0, fault.Newf(fault.NotFound, "cron expression %q has no time before %d", expression, timestamp)
	}
	return prev.Unix(), nil
}

// parseCron recovers from expressions that make the library panic.
func parseCron(expression string) (schedule *cronexpr.Expression, err error) {
	defer func() {
		if r := recover(); r != nil {
			schedule, err = nil, invalid("expects a valid cron expression, not %q: %v", expression, r)
		}
	}()
	schedule, err = cronexpr.Parse(expression)
	if err != nil {
		return nil, fault.Wrap(fault.InvalidArgument, fmt.Sprintf("expects a valid cron expression, not %q: %v", expression, err), err)
	}
	return schedule, nil
}

// Years in cron expressions end at 2099; these bounds keep the search finite.
const firstCron, lastCron = 1, 4102444800

func cronTime(timestamp int64) (time.Time, error) {
	if timestamp < firstCron || timestamp > lastCron {
		return time.Time{}, invalid("expects a valid timestamp in seconds, not %d", timestamp)
	}
	return time.Unix(timestamp, 0).UTC(), nil
}

// cronBefore returns the last time strictly before t, or the zero time. The
// library only searches forward, so this steps back, each step four times as
// long, until the next time from there is before t, and then searches for the
// last second for which it is.
func cronBefore(schedule *cronexpr.Expression, t time.Time) time.Time {
	ahead := func(from int64) (time.Time, bool) {
		next := schedule.Next(time.Unix(from, 0).UTC())
		return next, !next.IsZero() && next.Before(t)
	}
	high := t.Unix() - 1 // from here the next time is t or later
	low := high
	var found time.Time
	for step := int64(60); ; step *= 4 {
		low = max(low-step, -1)
		var ok bool
		if found, ok = ahead(low); ok {
			break
		}
		if low == -1 {
			return time.Time{}
		}
		high = low
	}
	low = found.Unix() - 1
	for high-low > 1 {
		middle := low + (high-low)/2
		if next, ok := ahead(middle); ok {
			found, low = next, next.Unix()-1
		} else {
			high = middle
		}
	}
	return found
}
