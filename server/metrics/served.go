package metrics

import (
	"time"

	dto "github.com/prometheus/client_model/go"
)

// Served returns how many calls of the API and of RPCs there were since the start, how
// long they took together, and the bytes of calls and of messages of sockets.
func (m *Metrics) Served() (calls uint64, took time.Duration, received, sent uint64) {
	var h dto.Metric
	if err := m.calls.took.Write(&h); err == nil {
		took = time.Duration(h.GetHistogram().GetSampleSum() * float64(time.Second))
	}
	c, messages := &m.calls.requests, &m.Messages
	return c.Count.Load(), took, c.Received.Load() + messages.Received.Load(), c.Sent.Load() + messages.Sent.Load()
}
