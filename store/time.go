package store

import (
	"fmt"
	"time"
)

// Epoch is the time that stands for "never" and "none" in time columns.
var Epoch = time.Unix(0, 0).UTC()

// timeLayout is how SQLite columns store times: in UTC, with microseconds and a fixed
// width, so that comparing the text compares the times. SQLite's date functions
// understand it.
const timeLayout = "2006-01-02 15:04:05.000000-07:00"

// formatTime truncates t to microseconds, like PostgreSQL's driver.
func formatTime(t time.Time) (string, error) {
	t = t.UTC()
	if y := t.Year(); y < 0 || y > 9999 {
		return "", fmt.Errorf("time %v is out of range: year must be between 0 and 9999", t)
	}
	return t.Format(timeLayout), nil
}

// parseTime parses the fixed form quickly and without allocating, and otherwise the
// forms that SQLite's date functions return.
func parseTime(s string) (time.Time, bool) {
	if t, ok := parseFixedTime(s); ok {
		return t, true
	}
	for _, layout := range []string{
		"2006-01-02 15:04:05.999999999-07:00", "2006-01-02 15:04:05.999999999", time.RFC3339Nano, "2006-01-02",
	} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC(), true
		}
	}
	return time.Time{}, false
}

func parseFixedTime(s string) (time.Time, bool) {
	if len(s) != len(timeLayout) || s[4] != '-' || s[7] != '-' || s[10] != ' ' || s[13] != ':' ||
		s[16] != ':' || s[19] != '.' || s[26:] != "+00:00" {
		return time.Time{}, false
	}
	num := func(from, to int) int {
		n := 0
		for _, c := range []byte(s[from:to]) {
			if c < '0' || c > '9' {
				return -1 << 30
			}
			n = n*10 + int(c-'0')
		}
		return n
	}
	year, month, day := num(0, 4), num(5, 7), num(8, 10)
	hour, minute, sec, micro := num(11, 13), num(14, 16), num(17, 19), num(20, 26)
	if year < 0 || month < 1 || month > 12 || day < 1 || day > 31 || hour < 0 || hour > 23 ||
		minute < 0 || minute > 59 || sec < 0 || sec > 59 || micro < 0 {
		return time.Time{}, false
	}
	t := time.Date(year, time.Month(month), day, hour, minute, sec, micro*1000, time.UTC)
	return t, t.Day() == day
}
