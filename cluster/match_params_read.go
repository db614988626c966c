package cluster

import (
	"github.com/heroiclabs/nakama-common/runtime"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"kumi/cluster/wire"
	"kumi/presence"
)

// playerEntry is an entry of the matchmaker that came from another node.
type playerEntry struct {
	presence      *presence.Presence
	ticket, party string
	created       int64
	properties    map[string]any
}

func (e *playerEntry) GetPresence() runtime.Presence { return e.presence }
func (e *playerEntry) GetTicket() string             { return e.ticket }
func (e *playerEntry) GetPartyId() string            { return e.party }
func (e *playerEntry) GetCreateTime() int64          { return e.created }
func (e *playerEntry) GetProperties() map[string]any { return e.properties }

// readValue reads what writeValue wrote. What is something else is an error.
func readValue(in *wire.Value) (any, error) {
	switch in.GetType() {
	case wire.Value_NIL:
		return nil, nil
	case wire.Value_BOOL:
		return in.Int != 0, nil
	case wire.Value_STRING:
		return string(in.Data), nil
	case wire.Value_BYTES:
		return append([]byte{}, in.Data...), nil
	case wire.Value_INT:
		return int(in.Int), nil
	case wire.Value_INT8:
		return int8(in.Int), nil
	case wire.Value_INT16:
		return int16(in.Int), nil
	case wire.Value_INT32:
		return int32(in.Int), nil
	case wire.Value_INT64:
		return in.Int, nil
	case wire.Value_UINT:
		return uint(in.Int), nil
	case wire.Value_UINT8:
		return uint8(in.Int), nil
	case wire.Value_UINT16:
		return uint16(in.Int), nil
	case wire.Value_UINT32:
		return uint32(in.Int), nil
	case wire.Value_UINT64:
		return uint64(in.Int), nil
	case wire.Value_FLOAT32:
		return float32(in.Number), nil
	case wire.Value_FLOAT64:
		return in.Number, nil
	case wire.Value_LIST:
		return readItems[any](in)
	case wire.Value_STRINGS:
		return readItems[string](in)
	case wire.Value_INTS:
		return readItems[int](in)
	case wire.Value_INT64S:
		return readItems[int64](in)
	case wire.Value_FLOAT64S:
		return readItems[float64](in)
	case wire.Value_BOOLS:
		return readItems[bool](in)
	case wire.Value_MAPS:
		return readItems[map[string]any](in)
	case wire.Value_PRESENCES:
		return readItems[runtime.Presence](in)
	case wire.Value_ENTRIES:
		return readItems[runtime.MatchmakerEntry](in)
	case wire.Value_MAP:
		return readFields[any](in)
	case wire.Value_STRING_MAP:
		return readFields[string](in)
	case wire.Value_PRESENCE:
		return readMember(in.Member, presence.Stream{})
	case wire.Value_ENTRY:
		return readEntry(in.Entry)
	case wire.Value_MESSAGE:
		return readProto(in)
	}
	return nil, errMalformed
}

// readItem reads a value of a type.
func readItem[T any](in *wire.Value) (T, error) {
	v, err := readValue(in)
	item, ok := v.(T)
	if err == nil && !ok && in.GetType() != wire.Value_NIL {
		err = errMalformed
	}
	return item, err
}

func readItems[T any](in *wire.Value) ([]T, error) {
	list := make([]T, len(in.Items))
	for i, item := range in.Items {
		var err error
		if list[i], err = readItem[T](item); err != nil {
			return nil, err
		}
	}
	return list, nil
}

func readFields[T any](in *wire.Value) (map[string]T, error) {
	if len(in.Keys) != len(in.Items) {
		return nil, errMalformed
	}
	fields := make(map[string]T, len(in.Keys))
	for i, key := range in.Keys {
		v, err := readItem[T](in.Items[i])
		if err != nil {
			return nil, err
		}
		fields[string(key)] = v
	}
	return fields, nil
}

func readEntry(in *wire.Value_Entry) (*playerEntry, error) {
	p, err := readMember(in.GetPresence(), presence.Stream{})
	if err != nil {
		return nil, err
	}
	properties, err := readItem[map[string]any](in.Properties)
	if err != nil {
		return nil, err
	}
	return &playerEntry{presence: p, ticket: string(in.Ticket), party: string(in.Party), created: in.Created, properties: properties}, nil
}

func readProto(in *wire.Value) (proto.Message, error) {
	if len(in.Keys) != 1 {
		return nil, errMalformed
	}
	t, err := protoregistry.GlobalTypes.FindMessageByName(protoreflect.FullName(in.Keys[0]))
	if err != nil {
		return nil, errMalformed
	}
	m := t.New().Interface()
	return m, proto.Unmarshal(in.Data, m)
}
