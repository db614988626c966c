package presence

import (
	"unicode/utf8"

	"github.com/heroiclabs/nakama-common/rtapi"
	"google.golang.org/protobuf/encoding/protowire"
)

// hotProto writes the kinds of envelope that are sent most, as proto.Marshal
// would. Messages with unknown fields and text that is not UTF-8 are left to
// the library.
func hotProto(env *rtapi.Envelope) ([]byte, bool) {
	switch m := env.Message.(type) {
	case *rtapi.Envelope_Rpc:
		r := m.Rpc
		if r == nil || len(r.ProtoReflect().GetUnknown()) > 0 || len(env.ProtoReflect().GetUnknown()) > 0 {
			return nil, false
		}
		return rpcProto(env.Cid, r.Id, r.Payload, r.HttpKey)
	case *rtapi.Envelope_MatchData:
		d := m.MatchData
		if d == nil || len(env.ProtoReflect().GetUnknown()) > 0 || len(d.ProtoReflect().GetUnknown()) > 0 {
			return nil, false
		}
		md := matchData{matchID: d.MatchId, opCode: d.OpCode, data: d.Data, reliable: d.Reliable}
		if p := d.Presence; p != nil {
			if p.Persistence || p.Status != nil || len(p.ProtoReflect().GetUnknown()) > 0 {
				return nil, false
			}
			md.hasSender = true
			md.user, md.session, md.username = p.UserId, p.SessionId, p.Username
		}
		if !md.plain() || !plain(env.Cid) {
			return nil, false
		}
		return md.appendProto(nil, env.Cid), true
	}
	return nil, false
}

func plain(all ...string) bool {
	for _, s := range all {
		if !utf8.ValidString(s) {
			return false
		}
	}
	return true
}

func protoStringSize(num protowire.Number, s string) int {
	if s == "" {
		return 0
	}
	return protowire.SizeTag(num) + protowire.SizeBytes(len(s))
}

func appendProtoString(b []byte, num protowire.Number, s string) []byte {
	if s == "" {
		return b
	}
	b = protowire.AppendTag(b, num, protowire.BytesType)
	return protowire.AppendString(b, s)
}
