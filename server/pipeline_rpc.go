package server

import (
	"strings"
	"time"

	"github.com/heroiclabs/nakama-common/api"
	"github.com/heroiclabs/nakama-common/rtapi"

	"kumi/core"
	"kumi/store/fault"
)

var (
	errRPCID      = &refusal{rtapi.Error_BAD_INPUT, "RPC ID must be set"}
	errRPCUnknown = &refusal{rtapi.Error_RUNTIME_FUNCTION_NOT_FOUND, "RPC function not found"}
)

// handleRPC calls a registered function.
func handleRPC(s *session, in *rtapi.Envelope) (*rtapi.Envelope, error) {
	request := in.GetRpc()
	if request.GetId() == "" {
		return nil, errRPCID
	}
	f := s.set().RPC.Lookup(request.Id)
	if f == nil {
		return nil, errRPCUnknown
	}
	began := time.Now()
	payload, err := f.Call(core.WithMode(s.ctx, s.scope, "rpc"), request.Payload)
	s.metrics.rpc(f.ID).socket.record(fault.CodeOf(err), time.Since(began), len(request.Payload), len(payload))
	if err != nil {
		if fault.CodeOf(err) == fault.Internal {
			s.note(s.log.Warn()).Err(err).Str("rpc", f.ID).Str("module", f.Module).Msg("RPC failed")
		}
		return nil, &refusal{rtapi.Error_RUNTIME_FUNCTION_EXCEPTION, strings.ToValidUTF8(fault.MessageOf(err, err.Error()), "\ufffd")}
	}
	return &rtapi.Envelope{Message: &rtapi.Envelope_Rpc{Rpc: &api.Rpc{Id: request.Id, Payload: payload}}}, nil
}
