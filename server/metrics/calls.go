package metrics

import (
	"sync/atomic"
	"time"

	"kumi/store/fault"
)

// CallStats count the calls of one method or RPC over one transport, apart for
// each code they ended with. Everything the protocol shows of calls, per
// Method and overall, is added up from them when somebody looks.
type CallStats struct {
	transport, id string
	byCode        [len(codeNames)]atomic.Pointer[codeStats]
}

// codeStats are four additions per call.
type codeStats struct {
	received, sent atomic.Uint64
	took           timer
}

// Record counts one finished call; received and sent are in bytes.
func (s *CallStats) Record(code fault.Code, took time.Duration, received, sent int) {
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

// MethodStats are the counts of one API method and of its hooks.
type MethodStats struct {
	CallStats
	Before, After HookStats
}

// HookStats count the runs of one hook.
type HookStats struct {
	errors atomic.Uint64
	took   timer
}

func (h *HookStats) Record(took time.Duration, failed bool) {
	h.took.record(took)
	if failed {
		h.errors.Add(1)
	}
}

// RPCStats are the counts of one RPC. Doors keep or look them up per call and
// Record into the transport it came over.
type RPCStats struct {
	HTTP, Socket CallStats
}

// Method returns the counts of an API method.
func (m *Metrics) Method(name string) *MethodStats {
	return m.methods.get(name, func() *MethodStats {
		return &MethodStats{CallStats: CallStats{transport: "api", id: name}}
	})
}

// RPC returns the counts of an RPC, by its lower-case id. Only ids of registered
// functions may be given, as each one is remembered.
func (m *Metrics) RPC(id string) *RPCStats {
	return m.rpcs.get(id, func() *RPCStats {
		return &RPCStats{CallStats{transport: "api_rpc", id: id}, CallStats{transport: "ws_rpc", id: id}}
	})
}

// MessageStats count what goes over sockets. The sessions record into it.
type MessageStats struct {
	Count, Received, Sent, Errors atomic.Uint64
}

// socketSums are the counts of sockets so far. Messages have no durations.
func (m *Metrics) socketSums() (s sums) {
	s.count, s.errors = m.Messages.Count.Load(), m.Messages.Errors.Load()
	s.received, s.sent = m.Messages.Received.Load(), m.Messages.Sent.Load()
	return s
}
