package cluster

import (
	"fmt"

	"github.com/gofrs/uuid/v5"
	"github.com/heroiclabs/nakama-common/runtime"
	"google.golang.org/protobuf/proto"

	"kumi/cluster/wire"
	"kumi/store/fault"
)

// The parameters of a new match as a wire.Value: every type that match.Registry.Create
// accepts arrives as the same type, presences and entries of the matchmaker as the same
// interface.

// EncodeParams writes down the parameters of a match, and DecodeParams reads them. The errors
// have the code InvalidArgument.
func EncodeParams(params map[string]any) ([]byte, error) {
	v, err := writeValue(params)
	if err != nil {
		return nil, err
	}
	return proto.MarshalOptions{Deterministic: true}.Marshal(v)
}

// DecodeParams reads what EncodeParams has written.
func DecodeParams(encoded []byte) (map[string]any, error) {
	in := &wire.Value{}
	if err := proto.Unmarshal(encoded, in); err != nil {
		return nil, fault.Wrap(fault.InvalidArgument, "the parameters of the match are damaged", err)
	}
	v, err := readValue(in)
	params, ok := v.(map[string]any)
	if err == nil && !ok {
		err = fault.New(fault.InvalidArgument, "the parameters of the match are damaged")
	}
	return params, err
}

func writeValue(v any) (*wire.Value, error) {
	switch v := v.(type) {
	case nil:
		return &wire.Value{}, nil
	case bool:
		if v {
			return writeInt(wire.Value_BOOL, 1)
		}
		return writeInt(wire.Value_BOOL, 0)
	case string:
		return &wire.Value{Type: wire.Value_STRING, Data: []byte(v)}, nil
	case []byte:
		return &wire.Value{Type: wire.Value_BYTES, Data: v}, nil
	case int:
		return writeInt(wire.Value_INT, v)
	case int8:
		return writeInt(wire.Value_INT8, v)
	case int16:
		return writeInt(wire.Value_INT16, v)
	case int32:
		return writeInt(wire.Value_INT32, v)
	case int64:
		return writeInt(wire.Value_INT64, v)
	case uint:
		return writeInt(wire.Value_UINT, v)
	case uint8:
		return writeInt(wire.Value_UINT8, v)
	case uint16:
		return writeInt(wire.Value_UINT16, v)
	case uint32:
		return writeInt(wire.Value_UINT32, v)
	case uint64:
		return writeInt(wire.Value_UINT64, v)
	case float32:
		return &wire.Value{Type: wire.Value_FLOAT32, Number: float64(v)}, nil
	case float64:
		return &wire.Value{Type: wire.Value_FLOAT64, Number: v}, nil
	case []any:
		return writeItems(wire.Value_LIST, v)
	case []string:
		return writeItems(wire.Value_STRINGS, v)
	case []int:
		return writeItems(wire.Value_INTS, v)
	case []int64:
		return writeItems(wire.Value_INT64S, v)
	case []float64:
		return writeItems(wire.Value_FLOAT64S, v)
	case []bool:
		return writeItems(wire.Value_BOOLS, v)
	case []map[string]any:
		return writeItems(wire.Value_MAPS, v)
	case []runtime.Presence:
		return writeItems(wire.Value_PRESENCES, v)
	case []runtime.MatchmakerEntry:
		return writeItems(wire.Value_ENTRIES, v)
	case map[string]any:
		return writeFields(wire.Value_MAP, v)
	case map[string]string:
		return writeFields(wire.Value_STRING_MAP, v)
	case runtime.Presence:
		m, err := writePlayer(v)
		return &wire.Value{Type: wire.Value_PRESENCE, Member: m}, err
	case runtime.MatchmakerEntry:
		return writeEntry(v)
	case proto.Message:
		data, err := proto.Marshal(v)
		name := []byte(v.ProtoReflect().Descriptor().FullName())
		return &wire.Value{Type: wire.Value_MESSAGE, Keys: [][]byte{name}, Data: data}, err
	}
	return nil, fault.Newf(fault.InvalidArgument, "a match of another node cannot have a %T among its parameters", v)
}

type integer interface {
	~int | ~int8 | ~int16 | ~int32 | ~int64 | ~uint | ~uint8 | ~uint16 | ~uint32 | ~uint64
}

func writeInt[T integer](t wire.Value_Type, v T) (*wire.Value, error) {
	return &wire.Value{Type: t, Int: int64(v)}, nil // of an uint64 the bits
}

func writeItems[T any](t wire.Value_Type, list []T) (*wire.Value, error) {
	out := &wire.Value{Type: t, Items: make([]*wire.Value, len(list))}
	for i, v := range list {
		item, err := writeValue(v)
		if err != nil {
			return nil, err
		}
		out.Items[i] = item
	}
	return out, nil
}

func writeFields[T any](t wire.Value_Type, fields map[string]T) (*wire.Value, error) {
	out := &wire.Value{Type: t}
	for k, v := range fields {
		item, err := writeValue(v)
		if err != nil {
			return nil, err
		}
		out.Keys, out.Items = append(out.Keys, []byte(k)), append(out.Items, item)
	}
	return out, nil
}

func writePlayer(p runtime.Presence) (*wire.Member, error) {
	session, err := uuid.FromString(p.GetSessionId())
	if err != nil {
		return nil, fault.Wrap(fault.InvalidArgument, fmt.Sprintf("a match of another node cannot have the session id %q among its parameters", p.GetSessionId()), err)
	}
	user, err := uuid.FromString(p.GetUserId())
	if err != nil {
		return nil, fault.Wrap(fault.InvalidArgument, fmt.Sprintf("a match of another node cannot have the user id %q among its parameters", p.GetUserId()), err)
	}
	return &wire.Member{
		Node: p.GetNodeId(), Session: session[:], User: user[:], Username: []byte(p.GetUsername()), Status: []byte(p.GetStatus()),
		Hidden: p.GetHidden(), Persistence: p.GetPersistence(), Reason: uint32(p.GetReason()),
	}, nil
}

func writeEntry(e runtime.MatchmakerEntry) (*wire.Value, error) {
	p, err := writePlayer(e.GetPresence())
	if err != nil {
		return nil, err
	}
	properties, err := writeValue(e.GetProperties())
	return &wire.Value{Type: wire.Value_ENTRY, Entry: &wire.Value_Entry{
		Presence: p, Ticket: []byte(e.GetTicket()), Party: []byte(e.GetPartyId()), Created: e.GetCreateTime(), Properties: properties,
	}}, err
}
