package testkit

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing/synctest"
	"time"

	"kumi/vm"
)

// clockTable is the global variable clock.
var clockTable = []vm.Func[*host]{
	{Name: vm.N("advance"), Async: true, Body: func(h *host, c *vm.Call) error {
		d := duration(c, "duration")
		if err := c.Err(); err != nil {
			return err
		}
		return h.sleep(c, d)
	}},
	{Name: vm.N("to"), Async: true, Body: func(h *host, c *vm.Call) error {
		at := moment(c, "time")
		if err := c.Err(); err != nil {
			return err
		}
		d := time.Until(at)
		if d < 0 {
			return fmt.Errorf("clock.to: %s is in the past, it is %s", at.UTC().Format(time.RFC3339), time.Now().UTC().Format(time.RFC3339))
		}
		return h.sleep(c, d)
	}},
	{Name: vm.N("now"), Body: func(_ *host, c *vm.Call) error { return c.ReturnInt("ms", time.Now().UnixMilli(), nil) }},
}

// sleep lets virtual time pass.
func (h *host) sleep(c *vm.Call, d time.Duration) error {
	return c.Later(func(ctx context.Context) func(c *vm.Call) error {
		over := time.NewTimer(d)
		defer over.Stop()
		select {
		case <-over.C:
			h.settle()
		case <-ctx.Done(): // the watchdog has stopped the test
		}
		return func(*vm.Call) error { return ctx.Err() }
	})
}

// later runs work of a function outside of the VM, and waits until the server has done
// what follows from it. finish returns the result and may be nil.
func (h *host) later(c *vm.Call, work func() error, finish func(c *vm.Call) error) error {
	return c.Later(func(context.Context) func(c *vm.Call) error {
		err := work()
		h.settle()
		return func(c *vm.Call) error {
			if err != nil || finish == nil {
				return err
			}
			return finish(c)
		}
	})
}

// settle returns when everything else waits for time to pass, or for a test. Only one
// goroutine of a bubble may wait for that at a time; the others queue at a channel, since
// waiting for a mutex would count as work.
func (h *host) settle() {
	<-h.settled
	synctest.Wait()
	h.settled <- struct{}{}
}

var days = regexp.MustCompile(`^(?:(\d+)w)?(?:(\d+)d)?(.*)$`)

// maxDays is how many days, and weeks, may pass at once.
const maxDays = 10_000

// duration reads a duration: milliseconds, or a text such as "90d", "1h30m" or "250ms".
func duration(c *vm.Call, name string) time.Duration {
	v := c.Any(name)
	switch {
	case c.E.IsNum(v):
		return time.Duration(c.E.Float(v) * float64(time.Millisecond))
	case c.E.IsStr(v):
		if d, ok := parseDuration(c.E.Str(v)); ok {
			return d
		}
	}
	c.Invalid(name, `expected milliseconds, or a duration such as "90d", "1h30m" or "250ms"`)
	return 0
}

func parseDuration(text string) (d time.Duration, ok bool) {
	m := days.FindStringSubmatch(strings.ReplaceAll(text, " ", ""))
	if m == nil || m[0] == "" {
		return 0, false
	}
	for i, unit := range []time.Duration{7 * 24 * time.Hour, 24 * time.Hour} {
		n, _ := strconv.Atoi(m[i+1])
		if n > maxDays {
			return 0, false
		}
		d += time.Duration(n) * unit
	}
	if m[3] != "" {
		rest, err := time.ParseDuration(m[3])
		if err != nil || rest < 0 {
			return 0, false
		}
		d += rest
	}
	return d, true
}

// moment reads a point in time: Unix milliseconds, a Date, or a text such as "2026-03-01"
// or "2026-03-01T12:00:00Z", in UTC.
func moment(c *vm.Call, name string) time.Time {
	v := c.Any(name)
	if c.E.IsNum(v) {
		return time.UnixMilli(int64(c.E.Float(v)))
	}
	if c.E.IsStr(v) {
		for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02 15:04:05", "2006-01-02 15:04", time.DateOnly} {
			if t, err := time.Parse(layout, c.E.Str(v)); err == nil {
				return t
			}
		}
	} else if x, err := vm.Export(c.E, v); err == nil {
		if t, ok := x.(time.Time); ok {
			return t
		}
	}
	c.Invalid(name, `expected Unix milliseconds, or a time such as "2026-03-01" or "2026-03-01T12:00:00Z"`)
	return time.Time{}
}
