package core

import (
	"testing"
	"time"

	"kumi/store/fault"
)

func TestCron(t *testing.T) {
	t.Parallel()
	m := &Module{core: &Core{}}
	at := func(text string) int64 {
		parsed, err := time.Parse(time.DateTime, text)
		if err != nil {
			t.Fatal(err)
		}
		return parsed.Unix()
	}
	for _, tc := range []struct{ expression, from, next, prev string }{
		{"* * * * *", "2024-02-28 23:59:30", "2024-02-29 00:00:00", "2024-02-28 23:59:00"},
		{"* * * * *", "2024-02-28 23:59:00", "2024-02-29 00:00:00", "2024-02-28 23:58:00"},
		{"0 0 * * *", "2024-03-01 00:00:00", "2024-03-02 00:00:00", "2024-02-29 00:00:00"},
		{"@daily", "2024-03-01 12:00:00", "2024-03-02 00:00:00", "2024-03-01 00:00:00"},
		{"@monthly", "2024-03-01 00:00:01", "2024-04-01 00:00:00", "2024-03-01 00:00:00"},
		{"30 4 1,15 * 5", "2024-05-01 04:30:00", "2024-05-03 04:30:00", "2024-04-26 04:30:00"},
		{"0 12 L * *", "2024-02-10 00:00:00", "2024-02-29 12:00:00", "2024-01-31 12:00:00"},
		{"0 0 * * 5L", "2024-02-10 00:00:00", "2024-02-23 00:00:00", "2024-01-26 00:00:00"},
		{"0 0 * * 1#2", "2024-02-12 00:00:00", "2024-03-11 00:00:00", "2024-01-08 00:00:00"},
		{"0 0 15W * *", "2024-06-01 00:00:00", "2024-06-14 00:00:00", "2024-05-15 00:00:00"},
		{"0 0 29 2 *", "2023-01-01 00:00:00", "2024-02-29 00:00:00", "2020-02-29 00:00:00"},
		{"0 0 1 1 * 2030", "2035-01-01 00:00:00", "", "2030-01-01 00:00:00"},
		{"0 0 1 1 * 2030", "2025-01-01 00:00:00", "2030-01-01 00:00:00", ""},
		{"15 30 6 * * * *", "2024-01-01 06:30:15", "2024-01-02 06:30:15", "2023-12-31 06:30:15"},
		{"*/20 * * * * * *", "2024-01-01 00:00:01", "2024-01-01 00:00:20", "2024-01-01 00:00:00"},
		{"0 0 30 2 *", "2024-01-01 00:00:00", "", ""},
	} {
		for name, way := range map[string]struct {
			call func(string, int64) (int64, error)
			want string
		}{"next": {m.CronNext, tc.next}, "prev": {m.CronPrev, tc.prev}} {
			got, err := way.call(tc.expression, at(tc.from))
			if way.want == "" {
				wantCode(t, name+" of "+tc.expression, err, fault.NotFound)
				continue
			}
			if err != nil || got != at(way.want) {
				t.Errorf("%s of %q from %s: got %s, %v; want %s", name, tc.expression, tc.from,
					time.Unix(got, 0).UTC().Format(time.DateTime), err, way.want)
			}
		}
	}
	for _, expression := range []string{"", "* * *", "nonsense", "61 * * * *", "* * 32 * *"} {
		_, err := m.CronNext(expression, 1)
		wantCode(t, "next of "+expression, err, fault.InvalidArgument)
		_, err = m.CronPrev(expression, 1)
		wantCode(t, "prev of "+expression, err, fault.InvalidArgument)
	}
	_, err := m.CronNext("* * * * *", 0)
	wantCode(t, "time 0", err, fault.InvalidArgument)
}

// The last time before t is the one from which the next is not before t.
func TestCronPrevAgreesWithNext(t *testing.T) {
	t.Parallel()
	for _, expression := range []string{"* * * * *", "*/7 3,17 * * *", "0 0 1 */3 *", "0 0 L 2 *", "5 4 3 2 1", "@weekly", "7 */5 * * * 1-5 *"} {
		schedule, err := parseCron(expression)
		if err != nil {
			t.Fatal(err)
		}
		from := time.Unix(1_700_000_000, 0).UTC()
		for range 40 {
			from = from.Add(37*time.Hour + 1234*time.Second)
			prev := cronBefore(schedule, from)
			if !prev.Before(from) {
				t.Fatalf("%q: %v is not before %v", expression, prev, from)
			}
			if next := schedule.Next(prev); next.Before(from) {
				t.Fatalf("%q before %v: got %v, but %v is later", expression, from, prev, next)
			}
			if again := schedule.Next(prev.Add(-time.Second)); !again.Equal(prev) {
				t.Fatalf("%q: %v is not a time of it", expression, prev)
			}
		}
	}
}

func FuzzCron(f *testing.F) {
	for _, s := range []string{"* * * * *", "@daily", "0 0 L * *", "0 0 15W * 1#2 2030", "*/5 1-2/3 * * * * *"} {
		f.Add(s, int64(1_700_000_000))
	}
	m := &Module{core: &Core{}}
	f.Fuzz(func(t *testing.T, expression string, from int64) {
		if next, err := m.CronNext(expression, from); err == nil && next <= from {
			t.Errorf("next of %q from %d is %d", expression, from, next)
		}
		if prev, err := m.CronPrev(expression, from); err == nil && prev >= from {
			t.Errorf("prev of %q from %d is %d", expression, from, prev)
		}
	})
}
