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
		if r == nil || !plain(env.Cid, r.Id, r.Payload, r.HttpKey) || len(r.ProtoReflect().GetUnknown()) > 0 {
			return nil, false
		}
		n := protoStringSize(1, r.Id) + protoStringSize(2, r.Payload) + protoStringSize(3, r.HttpKey)
		b := make([]byte, 0, protoStringSize(1, env.Cid)+3+protowire.SizeBytes(n))
		b = appendProtoString(b, 1, env.Cid)
		b = protowire.AppendTag(b, 24, protowire.BytesType)
		b = protowire.AppendVarint(b, uint64(n))
		b = appendProtoString(b, 1, r.Id)
		b = appendProtoString(b, 2, r.Payload)
		b = appendProtoString(b, 3, r.HttpKey)
		return b, len(env.ProtoReflect().GetUnknown()) == 0
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
