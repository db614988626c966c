package metrics

import (
	"github.com/prometheus/client_golang/prometheus"

	"kumi/presence"
)

// Sockets counts opened and closed sockets, and sessions that outlive theirs.
type Sockets struct {
	opened, closed prometheus.Counter
	reasons        *prometheus.CounterVec
	parked         prometheus.Gauge
	resumed        prometheus.Counter
}

// Sockets makes the metrics of sockets. It may be called once.
func (m *Metrics) Sockets(sessions *presence.Sessions, tracker *presence.Tracker) *Sockets {
	m.gaugeFunc("sessions", "Open sockets, and sessions that wait for their client.", func() float64 { return float64(sessions.Count()) })
	m.gaugeFunc("presences", "Presences on all streams.", func() float64 { return float64(tracker.Own()) })
	return &Sockets{
		opened:  m.counter("socket_ws_opened", "Sockets accepted."),
		closed:  m.counter("socket_ws_closed", "Sockets closed."),
		reasons: m.counters("socket_ws_closed_reason", "Sockets closed, by reason.", "reason"),
		parked:  m.gauge("sessions_parked", "Sessions that wait for their client to connect again."),
		resumed: m.counter("sessions_resumed", "Sessions whose client connected again in time."),
	}
}

// Opened counts a socket that was accepted.
func (s *Sockets) Opened() { s.opened.Inc() }

// Closed counts a socket that ended for a reason.
func (s *Sockets) Closed(reason presence.CloseReason) {
	s.closed.Inc()
	s.reasons.WithLabelValues(reason.String()).Inc()
}

// Parked counts a session that has lost its socket, until Unparked.
func (s *Sockets) Parked() { s.parked.Inc() }

// Unparked counts a parked session that has a socket again, or ended.
func (s *Sockets) Unparked() { s.parked.Dec() }

// Resumed counts a parked session whose client connected again.
func (s *Sockets) Resumed() { s.resumed.Inc() }
