package socket

import (
	"strings"
	"time"

	"github.com/heroiclabs/nakama-common/api"
	"github.com/heroiclabs/nakama-common/rtapi"

	"kumi/core"
	"kumi/presence"
	"kumi/server/transport"
	"kumi/store/fault"
)

var (
	errRPCID      = &refusal{rtapi.Error_BAD_INPUT, "RPC ID must be set"}
	errRPCUnknown = &refusal{rtapi.Error_RUNTIME_FUNCTION_NOT_FOUND, "RPC function not found"}
)

// handleRPC handles the calls that presence.ReadRPC leaves to Decode, as they are
// written in an unusual way.
func handleRPC(s *session, in *rtapi.Envelope) (*rtapi.Envelope, error) {
	id := in.GetRpc().GetId()
	payload, err := s.call(id, in.GetRpc().GetPayload())
	if err != nil {
		return nil, err
	}
	return &rtapi.Envelope{Message: &rtapi.Envelope_Rpc{Rpc: &api.Rpc{Id: id, Payload: payload}}}, nil
}

// answerCall calls a function and queues its result.
func (s *session) answerCall(call presence.RPC) {
	payload, err := s.call(call.ID, call.Payload)
	if err != nil {
		s.refuseWith(call.CID, &kind{}, err)
		return
	}
	call.Payload = payload
	m, err := presence.NewRPC(call, s.format)
	if err != nil {
		s.unwritten(call.CID, err)
		return
	}
	s.reply(m)
}

// call calls a registered function. id need not stay valid after the call.
func (s *session) call(id, payload string) (string, error) {
	if id == "" {
		return "", errRPCID
	}
	f := s.Set().RPC.Lookup(id)
	if f == nil {
		return "", errRPCUnknown
	}
	began := time.Now()
	result, err := f.Call(core.WithTrace(s.ctx, s.scope(), "rpc"), payload)
	s.Metrics.RPC(f.ID).Socket.Record(fault.CodeOf(err), time.Since(began), len(payload), len(result))
	if err != nil {
		if fault.CodeOf(err) == fault.Internal {
			s.note(s.Log.Warn()).Err(err).Str("rpc", f.ID).Str("module", f.Module).Msg("RPC failed")
		}
		return "", &refusal{rtapi.Error_RUNTIME_FUNCTION_EXCEPTION, strings.ToValidUTF8(transport.ModuleMessage(err, f.Runtime), "\ufffd")}
	}
	return result, nil
}
