package server

import (
	"sync/atomic"
	"time"

	"kumi/store/fault"
)

// callStats count the calls of one method or RPC over one transport, apart for
// each code they ended with. Everything the protocol shows of calls, per
// method and overall, is added up from them when somebody looks.
type callStats struct {
	transport, id string
	byCode        [len(codeNames)]atomic.Pointer[codeStats]
}

// codeStats are four additions per call.
type codeStats struct {
	received, sent atomic.Uint64
	took           timer
}

// record counts one finished call; received and sent are in bytes.
func (s *callStats) record(code fault.Code, took time.Duration, received, sent int) {
	if int(code) >= len(s.byCode) {
		code = fault.Unknown
	}
	c := s.byCode[code].Load()
	if c == nil {
		s.byCode[code].CompareAndSwap(nil, new(codeStats))
		c = s.byCode[code].Load()
	}
	c.received.Add(uint64(received))
	c.sent.Add(uint64(sent))
	c.took.record(took)
}

// codeNames are the gRPC names of codes, which label metrics.
var codeNames = [...]string{
	fault.OK: "OK", fault.Canceled: "Canceled", fault.Unknown: "Unknown", fault.InvalidArgument: "InvalidArgument",
	fault.DeadlineExceeded: "DeadlineExceeded", fault.NotFound: "NotFound", fault.AlreadyExists: "AlreadyExists",
	fault.PermissionDenied: "PermissionDenied", fault.ResourceExhausted: "ResourceExhausted",
	fault.FailedPrecondition: "FailedPrecondition", fault.Aborted: "Aborted", fault.OutOfRange: "OutOfRange",
	fault.Unimplemented: "Unimplemented", fault.Internal: "Internal", fault.Unavailable: "Unavailable",
	fault.DataLoss: "DataLoss", fault.Unauthenticated: "Unauthenticated",
}

// methodStats are the counts of one API method and of its hooks.
type methodStats struct {
	callStats
	before, after hookStats
}

// hookStats count the runs of one hook.
type hookStats struct {
	errors atomic.Uint64
	took   timer
}

func (h *hookStats) record(took time.Duration, failed bool) {
	h.took.record(took)
	if failed {
		h.errors.Add(1)
	}
}

// rpcStats are the counts of one RPC. Doors keep or look them up per call and
// record into the transport it came over.
type rpcStats struct {
	http, socket callStats
}

// method returns the counts of an API method.
func (m *Metrics) method(name string) *methodStats {
	return m.methods.get(name, func() *methodStats {
		return &methodStats{callStats: callStats{transport: "api", id: name}}
	})
}

// rpc returns the counts of an RPC, by its lower-case id. Only ids of registered
// functions may be given, as each one is remembered.
func (m *Metrics) rpc(id string) *rpcStats {
	return m.rpcs.get(id, func() *rpcStats {
		return &rpcStats{callStats{transport: "api_rpc", id: id}, callStats{transport: "ws_rpc", id: id}}
	})
}

// messageStats count what goes over sockets. The sessions record into it.
type messageStats struct {
	count, received, sent, errors atomic.Uint64
}

// socketSums are the counts of sockets so far. Messages have no durations.
func (m *Metrics) socketSums() (s sums) {
	s.count, s.errors = m.messages.count.Load(), m.messages.errors.Load()
	s.received, s.sent = m.messages.received.Load(), m.messages.sent.Load()
	return s
}
