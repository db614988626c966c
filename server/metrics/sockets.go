package metrics

import (
	"github.com/prometheus/client_golang/prometheus"

	"kumi/presence"
)

// Sockets counts sockets as they come and go.
type Sockets struct {
	opened, closed prometheus.Counter
	reasons        *prometheus.CounterVec
}

// Sockets makes the metrics of sockets, once, and shows what there is of them.
func (m *Metrics) Sockets(sessions *presence.Sessions, tracker *presence.Tracker) *Sockets {
	m.gaugeFunc("sessions", "Open sockets.", func() float64 { return float64(sessions.Count()) })
	m.gaugeFunc("presences", "Presences on all streams.", func() float64 { return float64(tracker.Total()) })
	return &Sockets{
		opened:  m.counter("socket_ws_opened", "Sockets accepted."),
		closed:  m.counter("socket_ws_closed", "Sockets ended."),
		reasons: m.counters("socket_ws_closed_reason", "Sockets ended, by reason.", "reason"),
	}
}

// Opened counts a socket that was accepted.
func (s *Sockets) Opened() { s.opened.Inc() }

// Closed counts a socket that ended for a reason.
func (s *Sockets) Closed(reason presence.CloseReason) {
	s.closed.Inc()
	s.reasons.WithLabelValues(reason.String()).Inc()
}
