package metrics

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	promtest "github.com/prometheus/client_golang/prometheus/testutil"

	"kumi/config"
	"kumi/fleet"
	"kumi/internal/testutil"
)

func TestCustomMetrics(t *testing.T) {
	t.Parallel()
	cfg := config.Default()
	cfg.Metrics.CustomScopeLimit = 2
	m := New(cfg, nil)
	tags := func(v string) map[string]string { return map[string]string{"map": v, "node_name": "mine", "a-b": "c"} }
	m.CustomCounter("shots", nil, 2)
	m.CustomCounter("shots", nil, 3)
	m.CustomCounter("shots", tags("one"), 1)
	m.CustomCounter("shots", tags("two"), 1)
	m.CustomCounter("shots", tags("three"), 1) // one tag set too many
	m.CustomCounter("shots", tags("two"), 1)   // a known one
	m.CustomCounter("shots", nil, -1)
	m.CustomGauge("level", nil, 1.5)
	m.CustomGauge("level", nil, -2.5)
	m.CustomGauge("shots", nil, 1) // of another kind already
	m.CustomTimer("took.ms", nil, 2*time.Second)
	out := testutil.Scrape(t, m.Handler())
	testutil.WantLines(t, out,
		`nakama_custom_shots{node_name="nakama"} 5`,
		`nakama_custom_shots{a_b="c",map="one",node_name="nakama",tag_node_name="mine"} 1`,
		`nakama_custom_shots{a_b="c",map="two",node_name="nakama",tag_node_name="mine"} 2`,
		`nakama_custom_level{node_name="nakama"} -2.5`,
		`nakama_custom_took_ms_sum{node_name="nakama"} 2`,
		`nakama_custom_took_ms_count{node_name="nakama"} 1`,
		`nakama_metrics_collection_errors_count{err="negative_increment",name="shots",node_name="nakama"} 1`,
		`nakama_metrics_collection_errors_count{err="other_kind",name="shots",node_name="nakama"} 1`,
	)
	if strings.Contains(out, "three") {
		t.Error("the limit of tag sets does not hold")
	}
}

// A module's metric under a name of the server's does not take the others away.
func TestMetricNameClash(t *testing.T) {
	t.Parallel()
	cfg := config.Default()
	cfg.Metrics.CustomPrefix = ""
	m := New(cfg, nil)
	m.CustomGauge("overall_count", nil, 7)
	m.CustomGauge("fine", nil, 7)
	testutil.WantLines(t, testutil.Scrape(t, m.Handler()), `nakama_fine{node_name="nakama"} 7`, `nakama_dropped_events{node_name="nakama"} 0`)
}

func TestMetricsOfGames(t *testing.T) {
	t.Parallel()
	cfg := config.Default()
	cfg.Metrics.Prefix = ""
	m := New(cfg, nil)
	m.Matches(3)
	m.MatchTick("arena", time.Millisecond)
	m.MatchTickSkipped("arena", 2)
	m.MatchDropped("arena", "input")
	m.MatchFailed("arena")
	m.PresenceEvents(4)
	m.Parties(6)
	m.MatchmakerPass(7, 5, time.Second)
	m.MatchmakerFormed(2, 8)
	m.MatchmakerTimedOut(9)
	m.MatchmakerLeads(true)
	m.StorageReject("saves", "version", true)
	m.EventDropped()
	m.SatoriRequest("GET /v1/flag", "timeout", time.Second)
	m.Fleet(func() fleet.Stats { return fleet.Stats{Running: 2, Players: 5, TimedOut: 3} })
	m.Messages.Count.Add(5)
	m.RPC("echo").Socket.Record(7, time.Second, 1, 2)
	testutil.WantLines(t, testutil.Scrape(t, m.Handler()),
		`authoritative_matches{node_name="nakama"} 3`,
		`parties{node_name="nakama"} 6`,
		`matchmaker_tickets{node_name="nakama"} 7`,
		`matchmaker_active_tickets{node_name="nakama"} 5`,
		`matchmaker_process_time_count{node_name="nakama"} 1`,
		`matchmaker_matches{node_name="nakama"} 2`,
		`matchmaker_matched_players{node_name="nakama"} 8`,
		`matchmaker_timed_out{node_name="nakama"} 9`,
		`matchmaker_leads{node_name="nakama"} 1`,
		`match_tick_latency_count{handler="arena",node_name="nakama"} 1`,
		`match_ticks_skipped{handler="arena",node_name="nakama"} 2`,
		`match_dropped{handler="arena",node_name="nakama",queue="input"} 1`,
		`match_failures{handler="arena",node_name="nakama"} 1`,
		`presence_event_count{node_name="nakama"} 4`,
		`storage_write_reject_count{collection="saves",node_name="nakama",reason="version"} 1`,
		`dropped_events{node_name="nakama"} 1`,
		`satori_latency_count{call="GET /v1/flag",node_name="nakama",result="timeout"} 1`,
		`fleet_instances{node_name="nakama",status="running"} 2`,
		`fleet_instances{node_name="nakama",status="starting"} 0`,
		`fleet_created{node_name="nakama",result="timeout"} 3`,
		`fleet_players{node_name="nakama"} 5`,
		`overall_message_count{node_name="nakama"} 5`,
		`overall_count{node_name="nakama"} 6`,
		`count{node_name="nakama",rpc_code="PermissionDenied",rpc_id="echo",transport="ws_rpc"} 1`,
		`Rpc_errors{node_name="nakama",rpc_id="echo"} 1`,
	)
}

func TestStorageRejectsAreBounded(t *testing.T) {
	t.Parallel()
	m := New(config.Default(), nil)
	m.StorageReject("saves", "version", true)
	for i := range 600 {
		m.StorageReject(fmt.Sprint("a client's", i), "permission", true)
	}
	m.StorageReject("scores", "version", false) // not crowded out by the clients'
	for i := range 600 {
		m.StorageReject(fmt.Sprint("a module's", i), "version", false)
	}
	m.StorageReject("saves", "version", true)
	if n := promtest.CollectAndCount(m.storageRejects); n > maxRejects+2 {
		t.Errorf("%d label sets", n)
	}
	testutil.WantLines(t, testutil.Scrape(t, m.Handler()),
		`nakama_storage_write_reject_count{collection="saves",node_name="nakama",reason="version"} 2`,
		`nakama_storage_write_reject_count{collection="scores",node_name="nakama",reason="version"} 1`,
		`nakama_storage_write_reject_count{collection="_other",node_name="nakama",reason="permission"} 101`,
		`nakama_storage_write_reject_count{collection="_other",node_name="nakama",reason="version"} 101`,
	)
}

// What clients and scripts choose is bounded in number and in length.
func TestLabelsAreBounded(t *testing.T) { // alone: it measures the heap
	m := New(config.Default(), nil)
	long := strings.Repeat("é", 1<<20)
	m.custom.maxValues = 1000
	before := heap()
	for i := range 200 {
		name := fmt.Sprint(i, long)
		m.StorageReject(name, "version", true)
		m.JobRun(name, true)
		m.CustomCounter(name, map[string]string{"tag": name, name: "x"}, 1)
		m.CustomCounter(name, nil, -1)
		m.CustomGauge("gauge", map[string]string{"tag": name}, 1)
	}
	if grown := heap() - before; grown > 4<<20 {
		t.Errorf("%d KB are kept of labels", grown>>10)
	}
	many := map[string]string{}
	for i := range 1000 {
		many[fmt.Sprint("tag", i)] = "x"
	}
	m.CustomCounter("many", many, 1)
	for i := range 2 * m.custom.maxValues {
		m.CustomCounter(fmt.Sprint("name", i), nil, 1)
		m.CustomCounter(fmt.Sprint("name", i), nil, -1)
	}
	out := testutil.Scrape(t, m.Handler())
	if n := strings.Count(out, "tag"); n > 100_000 {
		t.Errorf("%d tags", n)
	}
	if m.custom.values > m.custom.maxValues || len(m.custom.errors) > maxCustomErrors+1 {
		t.Errorf("%d values, %d errors", m.custom.values, len(m.custom.errors))
	}
	for line := range strings.Lines(out) {
		if len(line) > maxCustomTags*2*maxLabel {
			t.Fatalf("a line of %d bytes", len(line))
		}
	}
}

// heap is what is in use after a collection.
func heap() int64 {
	runtime.GC()
	var s runtime.MemStats
	runtime.ReadMemStats(&s)
	return int64(s.HeapAlloc)
}

func TestMetricsConcurrently(t *testing.T) {
	t.Parallel()
	m := New(config.Default(), nil)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for i := range 500 {
				m.RPC(fmt.Sprint("rpc", i%10)).HTTP.Record(0, time.Millisecond, 1, 1)
				m.CustomCounter("c", map[string]string{"i": fmt.Sprint(i % 10)}, 1)
			}
		})
	}
	wg.Go(func() { testutil.Scrape(t, m.Handler()) })
	wg.Wait()
	testutil.WantLines(t, testutil.Scrape(t, m.Handler()), `nakama_overall_count{node_name="nakama"} 2000`, `nakama_custom_c{i="3",node_name="nakama"} 200`)
}

func TestMetricsPort(t *testing.T) {
	t.Parallel()
	h := New(config.Default(), nil).Handler()
	for method, want := range map[string]int{"GET": 200, "HEAD": 200, "OPTIONS": 200, "POST": 405} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(method, "/", http.NoBody))
		if w.Code != want || w.Header().Get("Access-Control-Allow-Origin") != "*" {
			t.Error(method, w.Code, w.Header())
		}
	}
}

func BenchmarkRecordCall(b *testing.B) {
	m := New(config.Default(), nil)
	for b.Loop() {
		m.RPC("echo").HTTP.Record(0, 3*time.Microsecond, 100, 200)
	}
}
