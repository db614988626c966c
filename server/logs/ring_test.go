package logs_test

import (
	"strings"
	"testing"

	"github.com/rs/zerolog"

	"kumi/server/logs"
)

func entries(r *logs.Ring, f logs.Filter) (texts []string) {
	lines, _ := r.Last(1 << 20)
	for _, line := range lines {
		if e, ok := f.Takes(line); ok {
			texts = append(texts, e.Message)
		}
	}
	return texts
}

func TestFilters(t *testing.T) {
	t.Parallel()
	r := logs.NewRing()
	log := zerolog.New(r)
	log.Debug().Str("module", "index.ts").Str("runtime", "javascript").Str("user_id", "ann").Msg("one")
	log.Warn().Str("user", "ann").Str("match", "duel").Str("trace_id", "t1").Msg("two")
	log.Error().Str("match_id", "duel").Str("error", "No Luck").Str("stack", "at index.ts:3").Int("left", 7).Msg("three")
	for _, c := range []struct {
		filter logs.Filter
		want   string
	}{
		{logs.All, "one two three"},
		{logs.Filter{Level: zerolog.WarnLevel}, "two three"},
		{logs.Filter{UserID: "ann"}, "one two"},
		{logs.Filter{MatchID: "duel"}, "two three"},
		{logs.Filter{Trace: "t1"}, "two"},
		{logs.Filter{Module: "index.ts", Runtime: "javascript"}, "one"},
		{logs.Filter{Module: "main.lua"}, ""},
		{logs.Filter{Text: "no luck"}, "three"},
		{logs.Filter{Text: "TS:3"}, "three"},
		{logs.Filter{Text: `"left":7`}, "three"},
	} {
		if got := strings.Join(entries(r, c.filter), " "); got != c.want {
			t.Errorf("%+v: got %q, want %q", c.filter, got, c.want)
		}
	}
}

func TestSecretLines(t *testing.T) {
	t.Parallel()
	r := logs.NewRing()
	log := zerolog.New(r)
	log.Warn().Bool("secret", true).Str("key", "hunter2").Msg("the code is hunter2")
	lines, _ := r.Last(1)
	if e := lines[0].Read(); strings.Contains(e.Message+e.Fields, "hunter2") || e.Level != zerolog.WarnLevel {
		t.Errorf("shown as %+v", e)
	}
	if _, ok := (&logs.Filter{Text: "hunter2"}).Takes(lines[0]); ok {
		t.Error("a secret is found by its text")
	}
}

// Long lines and many of them are cut, and stay JSON.
func TestTheRingIsBounded(t *testing.T) {
	t.Parallel()
	r := logs.NewRing()
	log := zerolog.New(r)
	huge := strings.Repeat("é<\"\n", 1<<18)
	log.Info().Str("error", huge).Strs("list", []string{huge}).Str("user_id", "ann").Msg("start " + huge)
	lines, _ := r.Last(1)
	e := lines[0].Read()
	if len(lines[0].Text) > 40<<10 || !strings.HasPrefix(e.Message, "start é<\"\n") || e.UserID != "ann" || e.Error == "" || strings.Contains(e.Fields, "list") {
		t.Errorf("a line of %d bytes: %.100q", len(lines[0].Text), e.Message)
	}
	for range 5000 {
		log.Info().Str("text", strings.Repeat("x", 8<<10)).Msg("")
	}
	lines, _ = r.Last(1 << 20)
	size := 0
	for _, line := range lines {
		size += len(line.Text)
	}
	if len(lines) > 2000 || size > 2<<20 || len(lines) < 200 {
		t.Errorf("%d lines of %d bytes", len(lines), size)
	}
}

func BenchmarkRing(b *testing.B) {
	log := zerolog.New(logs.NewRing())
	for b.Loop() {
		log.Info().Str("module", "index.ts").Str("function", "RPC function \"echo\"").Str("user_id", "11111111-1111-4111-8111-111111111111").Msg("a usual line")
	}
}

func BenchmarkWithoutRing(b *testing.B) {
	log := zerolog.New(discard{})
	for b.Loop() {
		log.Info().Str("module", "index.ts").Str("function", "RPC function \"echo\"").Str("user_id", "11111111-1111-4111-8111-111111111111").Msg("a usual line")
	}
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }
