package socket

import (
	"context"
	"errors"
	"reflect"
	"runtime/debug"
	"time"

	"github.com/heroiclabs/nakama-common/rtapi"
	"google.golang.org/protobuf/proto"

	"kumi/core"
	"kumi/hooks"
	"kumi/presence"
	"kumi/server/transport"
	"kumi/store/fault"
)

// kind is one row of the pipeline table: a message that clients may send.
type kind struct {
	// name is the name of the message's hooks, empty if there are none.
	name string
	// handle handles a message and returns the reply, which gets the message's cid,
	// or nil for no reply. The messages of a session are handled one after the other.
	// A *refusal is sent to the client as it is; see refuseWith for other errors.
	handle func(s *session, in *rtapi.Envelope) (*rtapi.Envelope, error)
}

// refusal is an error in the protocol's own codes.
type refusal struct {
	code    rtapi.Error_Code
	message string
}

// Error implements error.
func (r *refusal) Error() string { return r.message }

// pipeline has a row for every kind of message that clients may send; the others
// are only sent by the server.
var pipeline = map[reflect.Type]*kind{}

// on adds a row. W is the wrapper type of the message in the envelope's oneof.
func on[W any](name string, handle func(*session, *rtapi.Envelope) (*rtapi.Envelope, error)) {
	pipeline[reflect.TypeFor[W]()] = &kind{name: name, handle: handle}
}

func init() {
	on[*rtapi.Envelope_Ping]("Ping", handlePing)
	on[*rtapi.Envelope_Pong]("Pong", handlePong)
	on[*rtapi.Envelope_Rpc]("", handleRPC)
	on[*rtapi.Envelope_MatchCreate]("MatchCreate", handleMatchCreate)
	on[*rtapi.Envelope_MatchJoin]("MatchJoin", handleMatchJoin)
	on[*rtapi.Envelope_MatchLeave]("MatchLeave", handleMatchLeave)
	on[*rtapi.Envelope_MatchDataSend]("MatchDataSend", handleMatchData)

	on[*rtapi.Envelope_ChannelJoin]("ChannelJoin", handleChannelJoin)
	on[*rtapi.Envelope_ChannelLeave]("ChannelLeave", handleChannelLeave)
	on[*rtapi.Envelope_ChannelMessageSend]("ChannelMessageSend", handleChannelMessage)
	on[*rtapi.Envelope_ChannelMessageUpdate]("ChannelMessageUpdate", handleChannelUpdate)
	on[*rtapi.Envelope_ChannelMessageRemove]("ChannelMessageRemove", handleChannelRemove)
	on[*rtapi.Envelope_MatchmakerAdd]("MatchmakerAdd", handleMatchmakerAdd)
	on[*rtapi.Envelope_MatchmakerRemove]("MatchmakerRemove", handleMatchmakerRemove)
	on[*rtapi.Envelope_PartyCreate]("PartyCreate", handlePartyCreate)
	on[*rtapi.Envelope_PartyJoin]("PartyJoin", handlePartyJoin)
	on[*rtapi.Envelope_PartyLeave]("PartyLeave", handlePartyLeave)
	on[*rtapi.Envelope_PartyPromote]("PartyPromote", handlePartyPromote)
	on[*rtapi.Envelope_PartyAccept]("PartyAccept", handlePartyAccept)
	on[*rtapi.Envelope_PartyRemove]("PartyRemove", handlePartyRemove)
	on[*rtapi.Envelope_PartyClose]("PartyClose", handlePartyClose)
	on[*rtapi.Envelope_PartyJoinRequestList]("PartyJoinRequestList", handlePartyJoinRequestList)
	on[*rtapi.Envelope_PartyMatchmakerAdd]("PartyMatchmakerAdd", handlePartyMatchmakerAdd)
	on[*rtapi.Envelope_PartyMatchmakerRemove]("PartyMatchmakerRemove", handlePartyMatchmakerRemove)
	on[*rtapi.Envelope_PartyDataSend]("PartyDataSend", handlePartyData)
	on[*rtapi.Envelope_PartyUpdate]("PartyUpdate", handlePartyUpdate)
	on[*rtapi.Envelope_StatusFollow]("StatusFollow", handleStatusFollow)
	on[*rtapi.Envelope_StatusUnfollow]("StatusUnfollow", handleStatusUnfollow)
	on[*rtapi.Envelope_StatusUpdate]("StatusUpdate", handleStatusUpdate)
}

// handle decodes a message and calls its before hook, its handler and its after
// hook.
func (s *session) handle(frame []byte) {
	var in *rtapi.Envelope
	var call presence.RPC
	defer func() {
		if p := recover(); p != nil {
			s.note(s.Log.Error()).Interface("panic", p).Bytes("stack", debug.Stack()).Type("kind", in.GetMessage()).Msg("message handler panicked")
			s.refuse(in.GetCid()+call.CID, rtapi.Error_RUNTIME_EXCEPTION, "Could not process the message.")
		}
	}()
	var ok bool
	if call, ok = presence.ReadRPC(frame, s.format); ok {
		s.answerCall(call)
		return
	}
	in, err := presence.Decode(frame, s.format)
	if err != nil {
		s.note(s.Log.Debug()).Err(err).Msg("received malformed payload")
		s.Close(presence.MalformedPayload)
		return
	}
	if in.Message == nil {
		s.refuse(in.Cid, rtapi.Error_MISSING_PAYLOAD, "Missing message.")
		s.Close(presence.ProcessingError)
		return
	}
	k := pipeline[reflect.TypeOf(in.Message)]
	if k == nil {
		s.refuse(in.Cid, rtapi.Error_UNRECOGNIZED_PAYLOAD, "Unrecognized message.")
		s.Close(presence.ProcessingError)
		return
	}
	var pair *hooks.Pair
	if k.name != "" {
		pair = s.Set().Hooks.Realtime(k.name)
	}
	if pair != nil && pair.Before != nil {
		if in = s.before(k, pair.Before, in); in == nil {
			return
		}
	}
	out, err := k.handle(s, in)
	if err != nil {
		s.refuseWith(in.Cid, k, err)
		return
	}
	if out != nil {
		out.Cid = in.Cid
		s.answer(out)
	}
	if pair != nil && pair.After != nil {
		s.in.from.writeQueued() // the reply does not wait for the hook
		s.after(k, pair.After, out, in)
	}
}

// before calls a before hook and returns the message to handle. It is nil if the
// hook rejected the message; the client has been answered then.
func (s *session) before(k *kind, hook *hooks.Slot[hooks.Before], in *rtapi.Envelope) *rtapi.Envelope {
	cid, of := in.Cid, reflect.TypeOf(in.Message)
	began := time.Now()
	out, err := hook.Call(core.WithTrace(s.ctx, s.scope(), "before"), in)
	s.Metrics.BeforeMessage(k.name, time.Since(began), err != nil)
	if err != nil {
		if fault.CodeOf(err) == fault.Internal {
			s.note(s.Log.Warn()).Err(err).Str("hook", k.name).Str("module", hook.Module).Msg("before hook failed")
		}
		s.refuse(cid, rtapi.Error_RUNTIME_FUNCTION_EXCEPTION, transport.ModuleMessage(err, hook.Runtime))
		return nil
	}
	changed, ok := out.(*rtapi.Envelope)
	if !ok || changed == nil {
		s.note(s.Log.Warn()).Str("hook", k.name).Str("module", hook.Module).Msg("before hook rejected a message, closing the session")
		s.refuse(cid, rtapi.Error_UNRECOGNIZED_PAYLOAD, "Requested resource was not found.")
		s.Close(presence.ProcessingError)
		return nil
	}
	if reflect.TypeOf(changed.Message) != of {
		s.note(s.Log.Warn()).Str("hook", k.name).Str("module", hook.Module).Msg("before hook returned another kind of message")
		s.refuse(cid, rtapi.Error_RUNTIME_FUNCTION_EXCEPTION, "Before hook returned another kind of message.")
		return nil
	}
	if changed.Cid == "" {
		changed.Cid = cid // the client waits for it
	}
	return changed
}

// after calls an after hook. Its error is logged only.
func (s *session) after(k *kind, hook *hooks.Slot[hooks.After], out, in *rtapi.Envelope) {
	var reply proto.Message
	if out != nil {
		reply = out
	}
	// The message was handled, so the hook runs even if the session ends.
	ctx := core.WithTrace(context.WithoutCancel(s.ctx), s.scope(), "after")
	began := time.Now()
	err := hook.Call(ctx, reply, in)
	s.Metrics.AfterMessage(k.name, time.Since(began), err != nil)
	if err != nil {
		s.note(s.Log.Warn()).Err(err).Str("hook", k.name).Str("module", hook.Module).Msg("after hook failed")
	}
}

// answer queues a reply. If it cannot be encoded, for example because a module
// returned text that is not UTF-8, the client gets an error instead.
func (s *session) answer(out *rtapi.Envelope) {
	m := presence.NewMessage(out)
	if _, err := m.Bytes(s.format); err != nil {
		s.unwritten(out.Cid, err)
		return
	}
	s.reply(m)
}

// unwritten answers a message whose reply could not be encoded.
func (s *session) unwritten(cid string, err error) {
	s.note(s.Log.Error()).Err(err).Msg("reply could not be written")
	s.refuse(cid, rtapi.Error_RUNTIME_EXCEPTION, "Could not write the reply.")
}

func (s *session) refuse(cid string, code rtapi.Error_Code, message string) {
	s.reply(presence.NewMessage(refusalOf(cid, code, message)))
}

// refuseWith answers a message whose handler failed.
func (s *session) refuseWith(cid string, k *kind, err error) {
	var r *refusal
	if errors.As(err, &r) {
		s.note(s.Log.Debug()).Err(err).Str("kind", k.name).Msg("message refused")
		s.refuse(cid, r.code, r.message)
		return
	}
	if errors.Is(err, presence.ErrSessionEnded) || errors.Is(err, presence.ErrNoSession) {
		return // there is nobody to answer
	}
	code := rtapi.Error_BAD_INPUT
	if c := fault.CodeOf(err); c == fault.Internal {
		code = rtapi.Error_RUNTIME_EXCEPTION
		if !s.Core.DatabaseUnreachable(err) {
			s.note(s.Log.Error()).Err(err).Str("kind", k.name).Msg("message failed")
		}
	} else {
		s.note(s.Log.Debug()).Err(err).Str("kind", k.name).Msg("message refused")
	}
	s.refuse(cid, code, fault.MessageOf(err, "Could not process the message."))
}

func refusalOf(cid string, code rtapi.Error_Code, message string) *rtapi.Envelope {
	return &rtapi.Envelope{Cid: cid, Message: &rtapi.Envelope_Error{Error: &rtapi.Error{Code: int32(code), Message: message}}}
}

func handlePing(*session, *rtapi.Envelope) (*rtapi.Envelope, error) {
	return &rtapi.Envelope{Message: &rtapi.Envelope_Pong{Pong: &rtapi.Pong{}}}, nil
}

func handlePong(*session, *rtapi.Envelope) (*rtapi.Envelope, error) { return nil, nil }

// Hooked lists the names of the messages that have hooks.
func Hooked() (names []string) {
	for _, k := range pipeline {
		if k.name != "" {
			names = append(names, k.name)
		}
	}
	return names
}
