package presence

import (
	"bytes"
	"unicode/utf8"

	"github.com/heroiclabs/nakama-common/rtapi"
	"google.golang.org/protobuf/encoding/protowire"
)

// readProto reads match_data_send and ping envelopes. Repeated fields,
// which the format allows and merges, and unknown ones it leaves to the
// library.
func readProto(frame []byte) *rtapi.Envelope {
	var env *rtapi.Envelope
	var cid string
	hasCID := false
	for b := frame; len(b) > 0; {
		num, kind, n := protowire.ConsumeTag(b)
		if n < 0 || kind != protowire.BytesType {
			return nil
		}
		value, m := protowire.ConsumeBytes(b[n:])
		if m < 0 {
			return nil
		}
		b = b[n+m:]
		if num == 1 && !hasCID {
			if !utf8.Valid(value) {
				return nil
			}
			hasCID, cid = true, string(value)
			continue
		}
		if env != nil {
			return nil
		}
		switch num {
		case 15:
			env = protoData(value)
		case 32:
			if len(value) == 0 {
				env = &newPing().env
			}
		}
		if env == nil {
			return nil
		}
	}
	if env != nil {
		env.Cid = cid
	}
	return env
}

func protoData(b []byte) *rtapi.Envelope {
	e := newData()
	for len(b) > 0 {
		num, kind, n := protowire.ConsumeTag(b)
		if n < 0 {
			return nil
		}
		b = b[n:]
		switch {
		case num == 1 && kind == protowire.BytesType:
			value, m := protowire.ConsumeBytes(b)
			if m < 0 || !utf8.Valid(value) {
				return nil
			}
			e.data.MatchId = string(value)
			b = b[m:]
		case num == 2 && kind == protowire.VarintType:
			value, m := protowire.ConsumeVarint(b)
			if m < 0 {
				return nil
			}
			e.data.OpCode = int64(value)
			b = b[m:]
		case num == 3 && kind == protowire.BytesType:
			value, m := protowire.ConsumeBytes(b)
			if m < 0 {
				return nil
			}
			e.data.Data = bytes.Clone(value)
			b = b[m:]
		case num == 5 && kind == protowire.VarintType:
			value, m := protowire.ConsumeVarint(b)
			if m < 0 {
				return nil
			}
			e.data.Reliable = protowire.DecodeBool(value)
			b = b[m:]
		default:
			return nil
		}
	}
	return &e.env
}
