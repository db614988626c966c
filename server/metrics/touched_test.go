package metrics

import (
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"kumi/config"
	"kumi/presence"
	"kumi/store/fault"
)

// declared keeps what is registered, under names without the prefix.
type declared struct {
	prometheus.Registerer
	collectors []prometheus.Collector
}

func (d *declared) MustRegister(cs ...prometheus.Collector) {
	d.collectors = append(d.collectors, cs...)
}

// A metric that nothing counts is none: each that is declared has a method that
// counts it.
func TestEveryMetricIsCounted(t *testing.T) {
	t.Parallel()
	d := &declared{Registerer: prometheus.NewRegistry()}
	m := &Metrics{factory: promauto.With(d)}
	m.declare(config.Default())
	sessions := presence.NewSessions()
	tracker := presence.NewTracker(presence.TrackerOptions{Node: "n", Sessions: sessions})
	t.Cleanup(tracker.Close)
	sockets := m.Sockets(sessions, tracker)

	for _, code := range []fault.Code{fault.OK, fault.Internal} {
		m.Method("GetUsers").Record(code, time.Second, 1, 1)
		m.RPC("echo").Socket.Record(code, time.Second, 1, 1)
	}
	m.Method("GetUsers").Before.Record(time.Second, true)
	m.Method("GetUsers").After.Record(time.Second, true)
	m.BeforeMessage("MatchCreate", time.Second, true)
	m.AfterMessage("MatchCreate", time.Second, true)
	m.Messages.Count.Add(1)
	m.Messages.Received.Add(1)
	m.Messages.Sent.Add(1)
	m.Messages.Errors.Add(1)
	sockets.Opened()
	sockets.Closed(presence.QueueFull)
	sockets.Parked()
	sockets.Resumed()
	m.StorageReject("c", "version", true)
	m.StorageIndex("i", 1, true)
	m.StorageIndexBehind(time.Second)
	m.JobRun("job", true)
	m.ConsoleCall("GetStatus", fault.OK, time.Second)
	m.ProviderRequest("appleid.apple.com", true, time.Second)
	m.SatoriRequest("GET /v1/flag", "200", time.Second)
	m.EventDropped()
	m.PresenceEvents(1)
	m.Reloaded(true)
	m.Matches(1)
	m.MatchTick("h", time.Second)
	m.MatchTickSkipped("h", 1)
	m.MatchFailed("h")
	m.MatchDropped("h", "input")
	m.Parties(1)
	m.MatchmakerPass(1, 1, time.Second)
	m.MatchmakerFormed(1, 1)
	m.MatchmakerTimedOut(1)
	m.MatchmakerLeads(true)

	if len(d.collectors) < 50 {
		t.Errorf("only %d metrics are declared", len(d.collectors))
	}
	for _, c := range d.collectors {
		names := make(chan *prometheus.Desc, 1)
		c.Describe(names)
		name := (<-names).String()
		if !counted(c) && !strings.Contains(name, `"sessions"`) && !strings.Contains(name, `"presences"`) {
			t.Errorf("nothing counts %s", name)
		}
	}
}

// counted reports whether a collector has a sample that is not zero.
func counted(c prometheus.Collector) bool {
	r := prometheus.NewRegistry()
	r.MustRegister(c)
	families, _ := r.Gather()
	for _, f := range families {
		for _, x := range f.Metric {
			if x.GetCounter().GetValue() > 0 || x.GetGauge().GetValue() > 0 || x.GetHistogram().GetSampleCount() > 0 {
				return true
			}
		}
	}
	return false
}
