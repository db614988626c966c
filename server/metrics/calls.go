package metrics

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"kumi/store/fault"
)

// Traffic counts calls or messages. The zero value is ready to use.
type Traffic struct {
	Count, Received, Sent, Errors atomic.Uint64 // Received and Sent in bytes
	// Out counts messages to clients; calls have none.
	Out atomic.Uint64
}

// callMetrics count calls of API methods and RPCs, and runs of their hooks. The
// metrics of a method exist once it was called, as in Nakama.
type callMetrics struct {
	requests Traffic // API and RPC calls
	took     prometheus.Histogram
	byRPC    callVectors // labels: rpc_id
	byCode   callVectors // labels: transport, rpc_id, rpc_code, which makes a counter of errors redundant

	before, after hookCounts // all methods together
	// Hooks of messages of sockets, by message.
	beforeMessage, afterMessage messageHooks

	methods, rpcs sync.Map // *MethodStats and *RPCStats by name
}

// callVectors are the metrics of calls for one set of labels.
type callVectors struct {
	count, received, sent, errors *prometheus.CounterVec // errors may be nil
	took                          *prometheus.HistogramVec
}

// callCounts are the metrics of one set of label values.
type callCounts struct {
	count, received, sent, errors prometheus.Counter
	took                          prometheus.Observer
}

func (v *callVectors) of(values ...string) *callCounts {
	c := &callCounts{
		count: v.count.WithLabelValues(values...), received: v.received.WithLabelValues(values...),
		sent: v.sent.WithLabelValues(values...), took: v.took.WithLabelValues(values...),
	}
	if v.errors != nil {
		c.errors = v.errors.WithLabelValues(values...)
	}
	return c
}

func (c *callCounts) record(failed bool, took time.Duration, received, sent int) {
	c.count.Inc()
	c.received.Add(float64(received))
	c.sent.Add(float64(sent))
	c.took.Observe(took.Seconds())
	if failed && c.errors != nil {
		c.errors.Inc()
	}
}

func (c *callMetrics) init(m *Metrics) {
	c.byCode = callVectors{
		count:    m.counters("count", "Calls by method and code.", "transport", "rpc_id", "rpc_code"),
		received: m.counters("recv_bytes", "Bytes received by method and code.", "transport", "rpc_id", "rpc_code"),
		sent:     m.counters("sent_bytes", "Bytes sent by method and code.", "transport", "rpc_id", "rpc_code"),
		took:     m.timers("latency", "Duration of calls by method and code.", "transport", "rpc_id", "rpc_code"),
	}
	c.byRPC = callVectors{
		count:    m.counters("Rpc_count", "Calls of registered functions.", "rpc_id"),
		received: m.counters("Rpc_recv_bytes", "Bytes received by registered functions.", "rpc_id"),
		sent:     m.counters("Rpc_sent_bytes", "Bytes sent by registered functions.", "rpc_id"),
		errors:   m.counters("Rpc_errors", "Failed calls of registered functions.", "rpc_id"),
		took:     m.timers("Rpc_latency_ms", "Duration of calls of registered functions.", "rpc_id"),
	}
	c.took = m.timer("overall_latency_ms", "Duration of API and RPC calls.")
	for _, x := range []struct {
		name, help         string
		requests, messages *atomic.Uint64
	}{
		{"count", "Calls", &c.requests.Count, &m.Messages.Count},
		{"recv_bytes", "Bytes received", &c.requests.Received, &m.Messages.Received},
		{"sent_bytes", "Bytes sent", &c.requests.Sent, &m.Messages.Sent},
		{"errors", "Failed calls", &c.requests.Errors, &m.Messages.Errors},
	} {
		m.counterFunc("overall_"+x.name, x.help+" of the API, of RPCs and of sockets.", func() float64 { return float64(x.requests.Load() + x.messages.Load()) })
		m.counterFunc("overall_request_"+x.name, x.help+" of the API and of RPCs.", func() float64 { return float64(x.requests.Load()) })
		m.counterFunc("overall_message_"+x.name, x.help+" of sockets; a socket that ends abnormally is an error.", func() float64 { return float64(x.messages.Load()) })
	}
	c.before, c.after = m.hook("overall_before"), m.hook("overall_after")
	c.beforeMessage, c.afterMessage = m.messageHooks("before"), m.messageHooks("after")
}

// MethodStats are the metrics of one API method and of its hooks.
type MethodStats struct {
	CallStats
	Before, After HookStats
}

// RPCStats are the metrics of one RPC, by transport.
type RPCStats struct{ HTTP, Socket CallStats }

// Method returns the metrics of an API method.
func (m *Metrics) Method(name string) *MethodStats {
	if known, ok := m.calls.methods.Load(name); ok {
		return known.(*MethodStats)
	}
	s := &MethodStats{
		CallStats: CallStats{metrics: m, transport: "api", id: name, own: sync.OnceValue(func() *callCounts { return m.method(name) })},
		Before:    HookStats{overall: &m.calls.before, own: sync.OnceValue(func() hookCounts { return m.hook("before_" + name) })},
		After:     HookStats{overall: &m.calls.after, own: sync.OnceValue(func() hookCounts { return m.hook("after_" + name) })},
	}
	known, _ := m.calls.methods.LoadOrStore(name, s)
	return known.(*MethodStats)
}

// method makes the metrics that are named after an API method.
func (m *Metrics) method(name string) *callCounts {
	return &callCounts{
		count:    m.counter(name+"_count", "Calls of the API method."),
		received: m.counter(name+"_recv_bytes", "Bytes received by the API method."),
		sent:     m.counter(name+"_sent_bytes", "Bytes sent by the API method."),
		errors:   m.counter(name+"_errors", "Failed calls of the API method."),
		took:     m.timer(name+"_latency_ms", "Duration of calls of the API method."),
	}
}

// RPC returns the metrics of an RPC, by its lower-case id. Only the ids of registered
// functions may be passed, because each one stays in memory.
func (m *Metrics) RPC(id string) *RPCStats {
	if known, ok := m.calls.rpcs.Load(id); ok {
		return known.(*RPCStats)
	}
	id = label(id)
	own := sync.OnceValue(func() *callCounts { return m.calls.byRPC.of(id) })
	known, _ := m.calls.rpcs.LoadOrStore(id, &RPCStats{
		HTTP:   CallStats{metrics: m, transport: "api_rpc", id: id, own: own},
		Socket: CallStats{metrics: m, transport: "ws_rpc", id: id, own: own},
	})
	return known.(*RPCStats)
}

// CallStats count the calls of one method or RPC over one transport.
type CallStats struct {
	metrics       *Metrics
	transport, id string
	own           func() *callCounts // made by the first call
	byCode        [len(codeNames)]atomic.Pointer[callCounts]
}

// Record counts one finished call; received and sent are in bytes.
func (s *CallStats) Record(code fault.Code, took time.Duration, received, sent int) {
	if int(code) >= len(s.byCode) {
		code = fault.Unknown
	}
	failed := code != fault.OK
	c := s.byCode[code].Load()
	if c == nil {
		c = s.metrics.calls.byCode.of(s.transport, s.id, codeNames[code])
		s.byCode[code].Store(c)
	}
	c.record(failed, took, received, sent)
	s.own().record(failed, took, received, sent)

	all := &s.metrics.calls
	all.requests.Count.Add(1)
	all.requests.Received.Add(uint64(received))
	all.requests.Sent.Add(uint64(sent))
	all.took.Observe(took.Seconds())
	if failed {
		all.requests.Errors.Add(1)
	}
}

// codeNames are the gRPC names of codes, for labels.
var codeNames = [...]string{
	fault.OK: "OK", fault.Canceled: "Canceled", fault.Unknown: "Unknown", fault.InvalidArgument: "InvalidArgument",
	fault.DeadlineExceeded: "DeadlineExceeded", fault.NotFound: "NotFound", fault.AlreadyExists: "AlreadyExists",
	fault.PermissionDenied: "PermissionDenied", fault.ResourceExhausted: "ResourceExhausted",
	fault.FailedPrecondition: "FailedPrecondition", fault.Aborted: "Aborted", fault.OutOfRange: "OutOfRange",
	fault.Unimplemented: "Unimplemented", fault.Internal: "Internal", fault.Unavailable: "Unavailable",
	fault.DataLoss: "DataLoss", fault.Unauthenticated: "Unauthenticated",
}

// messageHooks count runs of hooks of messages.
type messageHooks struct {
	errors *prometheus.CounterVec
	took   *prometheus.HistogramVec
}

func (m *Metrics) messageHooks(kind string) messageHooks {
	return messageHooks{
		errors: m.counters("message_"+kind+"_errors", "Failed runs of the hooks "+kind+" messages of sockets.", "message"),
		took:   m.timers("message_"+kind+"_latency", "Duration of runs of the hooks "+kind+" messages of sockets.", "message"),
	}
}

// BeforeMessage and AfterMessage count a run of a hook of a kind of message.
func (m *Metrics) BeforeMessage(kind string, took time.Duration, failed bool) {
	m.calls.beforeMessage.record(kind, took, failed)
}

// AfterMessage: see BeforeMessage.
func (m *Metrics) AfterMessage(kind string, took time.Duration, failed bool) {
	m.calls.afterMessage.record(kind, took, failed)
}

func (h *messageHooks) record(kind string, took time.Duration, failed bool) {
	h.took.WithLabelValues(kind).Observe(took.Seconds())
	if failed {
		h.errors.WithLabelValues(kind).Inc()
	}
}

// HookStats are the metrics of one hook.
type HookStats struct {
	own     func() hookCounts // made by the first run
	overall *hookCounts
	ran     atomic.Bool // own was made
}

// hookCounts are the metrics of a hook. The duration has two names, as in Nakama.
type hookCounts struct {
	count, errors prometheus.Counter
	took, tookMs  prometheus.Histogram
}

func (m *Metrics) hook(name string) hookCounts {
	return hookCounts{
		count:  m.counter(name+"_count", "Runs of the hook."),
		errors: m.counter(name+"_errors", "Failed runs of the hook."),
		took:   m.timer(name+"_latency", "Duration of runs of the hook."),
		tookMs: m.timer(name+"_latency_ms", "Duration of runs of the hook."),
	}
}

// Record counts one run.
func (h *HookStats) Record(took time.Duration, failed bool) {
	own := h.own()
	if !h.ran.Load() {
		h.ran.Store(true)
	}
	for _, c := range []*hookCounts{&own, h.overall} {
		c.count.Inc()
		c.took.Observe(took.Seconds())
		c.tookMs.Observe(took.Seconds())
		if failed {
			c.errors.Inc()
		}
	}
}
