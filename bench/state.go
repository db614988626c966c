package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// State is what a server held at one point. Unknown values are 0.
type State struct {
	When       string  `json:"when"`
	Sessions   float64 `json:"sessions"`
	Presences  float64 `json:"presences"`
	Goroutines float64 `json:"goroutines"`
	RSS        int64   `json:"rss_bytes"`
}

func (s State) String() string {
	return fmt.Sprintf("%s: %.0f sessions, %.0f presences, %.0f goroutines, %.1f MB", s.When, s.Sessions, s.Presences, s.Goroutines, float64(s.RSS)/(1<<20))
}

// state reads the memory and, if --metrics is given, the metrics.
func (t *target) state(o *options, when string) (State, error) {
	s := State{When: when}
	var err error
	if s.RSS, err = t.process.rss(); err != nil || o.metrics == "" {
		return s, err
	}
	c := newHTTPConn(o.metrics)
	defer c.close()
	status, body, err := c.do(request("GET", "/metrics", o.metrics, "", ""))
	if err == nil && status != 200 {
		err = responseError(status, body)
	}
	if err != nil {
		return s, fmt.Errorf("read metrics: %w", err)
	}
	for line := range strings.Lines(string(body)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		name, _, _ = strings.Cut(name, "{")
		// The first part of a name is configurable.
		_, after, _ := strings.Cut(name, "_")
		n, err := strconv.ParseFloat(value, 64)
		if err != nil {
			continue
		}
		switch {
		case after == "sessions":
			s.Sessions = n
		case after == "presences":
			s.Presences = n
		case name == "go_goroutines":
			s.Goroutines = n
		}
	}
	return s, nil
}

// afterwards waits until the server holds no more than before, at most
// drainTime, and then for the settle time.
func (t *target) afterwards(ctx context.Context, o *options, before State, when string) (State, error) {
	deadline := time.Now().Add(drainTime)
	for {
		s, err := t.state(o, when)
		if err != nil {
			return s, err
		}
		if (s.Sessions <= before.Sessions && s.Presences <= before.Presences) || time.Now().After(deadline) {
			break
		}
		if err := wait(ctx, 100*time.Millisecond, nil); err != nil {
			return s, err
		}
	}
	if err := wait(ctx, o.settle, nil); err != nil {
		return State{}, err
	}
	return t.state(o, when)
}
