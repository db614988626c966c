package metrics

import (
	"sync/atomic"

	"kumi/presence"
)

// Sockets count sockets as they come and go.
type Sockets struct {
	opened *counter
	closed [presence.Shutdown + 1]atomic.Uint64 // by reason
}

// Watch shows what there is of sockets from now on.
func (x *Sockets) Watch(m *Metrics, sessions *presence.Sessions, tracker *presence.Tracker) {
	x.opened = m.counter("socket_ws_opened", "Sockets accepted.")
	m.gaugeFunc("sessions", "Open sockets.", func() float64 { return float64(sessions.Count()) })
	m.gaugeFunc("presences", "Presences on all streams.", func() float64 { return float64(tracker.Total()) })
	m.show(value{name: "socket_ws_closed", help: "Sockets ended.", read: func(e *emitter, v *value) {
		var all uint64
		for r := range x.closed {
			n := x.closed[r].Load()
			all += n
			if n > 0 {
				e.counter(&value{name: "socket_ws_closed_reason", help: "Sockets ended, by reason.",
					labels: []string{"reason", presence.CloseReason(r).String()}}, float64(n))
			}
		}
		e.counter(v, float64(all))
	}})
}

// Opened counts a socket that was accepted.
func (x *Sockets) Opened() { x.opened.add(1) }

// Closed counts a socket that ended for a reason.
func (x *Sockets) Closed(reason presence.CloseReason) { x.closed[reason].Add(1) }
