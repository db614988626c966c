package metrics

import (
	"github.com/prometheus/client_golang/prometheus"

	"kumi/presence"
)

// Sockets counts opened and closed sockets.
type Sockets struct {
	opened, closed prometheus.Counter
	reasons        *prometheus.CounterVec
}

// Sockets makes the metrics of sockets. It may be called once.
func (m *Metrics) Sockets(sessions *presence.Sessions, tracker *presence.Tracker) *Sockets {
	m.gaugeFunc("sessions", "Open sockets.", func() float64 { return float64(sessions.Count()) })
	m.gaugeFunc("presences", "Presences on all streams.", func() float64 { return float64(tracker.Own()) })
	return &Sockets{
		opened:  m.counter("socket_ws_opened", "Sockets accepted."),
		closed:  m.counter("socket_ws_closed", "Sockets closed."),
		reasons: m.counters("socket_ws_closed_reason", "Sockets closed, by reason.", "reason"),
	}
}

// Opened counts a socket that was accepted.
func (s *Sockets) Opened() { s.opened.Inc() }

// Closed counts a socket that ended for a reason.
func (s *Sockets) Closed(reason presence.CloseReason) {
	s.closed.Inc()
	s.reasons.WithLabelValues(reason.String()).Inc()
}
