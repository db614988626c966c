package api

import (
	"github.com/heroiclabs/nakama-common/api"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/emptypb"

	"kumi/internal/json"
)

// toJSON encodes responses: names as in the .proto files, enums as numbers, without
// zero values.
var toJSON = protojson.MarshalOptions{UseProtoNames: true, UseEnumNumbers: true}

// appendJSON encodes a message in compact form. Messages of frequent calls have their
// own code below, with the same output.
func appendJSON(b []byte, m proto.Message) ([]byte, error) {
	start := len(b)
	w := json.Writer{B: b}
	if writeHot(&w, m) && !w.Bad {
		return w.B, nil
	}
	b, err := toJSON.MarshalAppend(b, m)
	if err != nil {
		return b[:start], err
	}
	return json.Compact(b, start), nil
}

// writeHot encodes the messages of frequent calls; it returns false for all others.
func writeHot(w *json.Writer, m proto.Message) bool {
	w.Begin()
	switch m := m.(type) {
	case *emptypb.Empty:
	case *api.Session:
		w.Bool("created", m.Created)
		w.String("token", m.Token)
		w.String("refresh_token", m.RefreshToken)
	case *api.StorageObjectAcks:
		for i, a := range m.Acks {
			w.Item("acks", i)
			writeAck(w, a)
		}
		w.EndList(len(m.Acks))
	case *api.StorageObjects:
		for i, o := range m.Objects {
			w.Item("objects", i)
			writeObject(w, o)
		}
		w.EndList(len(m.Objects))
	default:
		return false
	}
	w.End()
	return true
}

func writeAck(w *json.Writer, a *api.StorageObjectAck) {
	w.Begin()
	w.String("collection", a.Collection)
	w.String("key", a.Key)
	w.String("version", a.Version)
	w.String("user_id", a.UserId)
	w.Time("create_time", a.CreateTime)
	w.Time("update_time", a.UpdateTime)
	w.End()
}

func writeObject(w *json.Writer, o *api.StorageObject) {
	w.Begin()
	w.String("collection", o.Collection)
	w.String("key", o.Key)
	w.String("user_id", o.UserId)
	w.String("value", o.Value)
	w.String("version", o.Version)
	w.Int32("permission_read", o.PermissionRead)
	w.Int32("permission_write", o.PermissionWrite)
	w.Time("create_time", o.CreateTime)
	w.Time("update_time", o.UpdateTime)
	w.End()
}
