package main

import (
	"strings"
	"testing"
)

func TestPersistentChatCountsSends(t *testing.T) {
	t.Parallel()
	fake, address := startFake(t)
	r := report(t, "chat", "--players=3", "--persist", "--address", address)
	if r.Results[0].Unit != "send" || fake.count("persistent", 0) != 3 {
		t.Errorf("%+v with %d persistent joins", r.Results[0], fake.count("persistent", 0))
	}
}

func TestChurnReadsStates(t *testing.T) {
	t.Parallel()
	fake, address := startFake(t)
	r := report(t, "churn", "--connections=3", "--reconnect", "--sources=2", "--rounds=2", "--address", address, "--metrics", address)
	var when []string
	for _, s := range r.Results[0].States {
		when = append(when, s.When)
		if s.Sessions != 7 || s.Presences != 8 || s.Goroutines != 9 {
			t.Errorf("read %v", s)
		}
	}
	if got := strings.Join(when, " "); got != "before connected after before connected after" {
		t.Errorf("states are %s", got)
	}
	if n := fake.count("GET /ws", 0); n <= 6 {
		t.Errorf("%d connects, want some again", n)
	}
}

func TestConclusions(t *testing.T) {
	t.Parallel()
	r := &Report{Results: []*Result{{Target: "server", CPU: 30, hasCPU: true}, {Target: "plain", CPU: 20, hasCPU: true}}}
	if hookAdded(r); r.Figures[0].Value != 10 {
		t.Errorf("hook figures %v", r.Figures)
	}
	r = &Report{Results: []*Result{{Work: "quiet", Target: "server", PerSecond: 100}, {Work: "reloading", Target: "server", PerSecond: 90}}}
	reloadDip(r)
	var b strings.Builder
	if err := r.writeTable(&b); err != nil || !strings.Contains(b.String(), "dip of the rate: 10.0 %") {
		t.Errorf("table is %s (%v)", b.String(), err)
	}
}
