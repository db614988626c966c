package cluster

import (
	"errors"

	"github.com/gofrs/uuid/v5"
	"github.com/heroiclabs/nakama-common/runtime"
	"google.golang.org/protobuf/encoding/protowire"

	"kumi/presence"
)

// Operations are written and read by hand, as wire.Op: there are tens of thousands a
// second, and the library would make a message of each.

var errOps = errors.New("operations of the presence log cannot be read")

const (
	opHidden = 1 << iota
	opPersistence
	opQuiet
)

// nodeSize is how many bytes at the end of a session's id are its node's.
const nodeSize = len(presence.NodeID{})

// appendOp appends an operation as an element of a repeated field.
func appendOp(b []byte, field protowire.Number, op *presence.Op) []byte {
	b = protowire.AppendTag(b, field, protowire.BytesType)
	// Most operations are shorter than 128 bytes, so their length takes one byte.
	start := len(b)
	b = append(b, 0)
	b = appendOpFields(b, op)
	size := len(b) - start - 1
	if size < 0x80 {
		b[start] = byte(size)
		return b
	}
	more := protowire.SizeVarint(uint64(size)) - 1
	for range more {
		b = append(b, 0)
	}
	copy(b[start+1+more:], b[start+1:start+1+size])
	protowire.AppendVarint(b[start:start:start+1+more], uint64(size))
	return b
}

func appendOpFields(b []byte, op *presence.Op) []byte {
	b = appendVarint(b, 1, uint64(op.Kind))
	if op.Session != uuid.Nil {
		b = appendBytes(b, 2, op.Session[:len(op.Session)-nodeSize])
	}
	b = appendID(b, 3, &op.User)
	b = appendVarint(b, 4, uint64(op.Stream.Mode))
	b = appendID(b, 5, &op.Stream.Subject)
	b = appendID(b, 6, &op.Stream.Subcontext)
	b = appendText(b, 7, op.Stream.Label)
	b = appendText(b, 8, op.Username)
	b = appendText(b, 9, op.Status)
	var flags uint64
	if op.Hidden {
		flags |= opHidden
	}
	if op.Persistence {
		flags |= opPersistence
	}
	if op.Quiet {
		flags |= opQuiet
	}
	b = appendVarint(b, 10, flags)
	b = appendVarint(b, 11, uint64(op.Reason))
	b = appendVarint(b, 12, op.Admission)
	for i := range op.Replaces {
		b = appendBytes(b, 13, op.Replaces[i][:])
	}
	if len(op.Payload) > 0 {
		b = appendBytes(b, 14, op.Payload)
	}
	return b
}

func appendVarint(b []byte, field protowire.Number, v uint64) []byte {
	if v == 0 {
		return b
	}
	return protowire.AppendVarint(protowire.AppendTag(b, field, protowire.VarintType), v)
}

func appendBytes(b []byte, field protowire.Number, v []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(b, field, protowire.BytesType), v)
}

func appendText(b []byte, field protowire.Number, v string) []byte {
	if v == "" {
		return b
	}
	return protowire.AppendString(protowire.AppendTag(b, field, protowire.BytesType), v)
}

func appendID(b []byte, field protowire.Number, id *uuid.UUID) []byte {
	if *id == uuid.Nil {
		return b
	}
	return appendBytes(b, field, id[:])
}

// ops is a message with operations of one node's log.
type ops struct {
	node  presence.NodeID
	epoch uint64
	first uint64
	ops   []presence.Op
}

// appendHeader appends the fields of wire.Ops before the operations.
func (o *ops) appendHeader(b []byte) []byte {
	b = appendBytes(b, 1, o.node[:])
	b = appendVarint(b, 2, o.epoch)
	return appendVarint(b, 3, o.first)
}

const opsField = 4 // of wire.Ops

// readOps reads a wire.Ops. Nothing of b is kept. An operation of an unknown kind stays,
// without effect, since the numbers count it.
func readOps(b []byte) (o ops, err error) {
	n := 0
	if err := eachField(b, func(field protowire.Number, _ uint64, _ []byte) error {
		if field == opsField {
			n++
		}
		return nil
	}); err != nil {
		return o, err
	}
	if n > 0 {
		o.ops = make([]presence.Op, 0, n)
	}
	err = eachField(b, func(field protowire.Number, v uint64, data []byte) (err error) {
		switch field {
		case 1:
			if len(data) != len(o.node) {
				return errOps
			}
			copy(o.node[:], data)
		case 2:
			o.epoch = v
		case 3:
			o.first = v
		case opsField:
			o.ops = append(o.ops, presence.Op{})
			return readOp(data, o.node, &o.ops[len(o.ops)-1])
		}
		return nil
	})
	if err == nil && (o.node == presence.NodeID{} || o.first == 0) {
		err = errOps
	}
	return o, err
}

// readOp reads an operation of a node.
func readOp(b []byte, node presence.NodeID, op *presence.Op) error {
	return eachField(b, func(field protowire.Number, v uint64, data []byte) (err error) {
		switch field {
		case 1:
			if v <= uint64(presence.OpOrder) {
				op.Kind = presence.OpKind(v)
			}
		case 2:
			if len(data) != len(op.Session)-nodeSize {
				return errOps
			}
			copy(op.Session[:], data)
			copy(op.Session[len(data):], node[:])
		case 3:
			op.User, err = uuid.FromBytes(data)
		case 4:
			if v > 255 {
				return errOps
			}
			op.Stream.Mode = uint8(v)
		case 5:
			op.Stream.Subject, err = uuid.FromBytes(data)
		case 6:
			op.Stream.Subcontext, err = uuid.FromBytes(data)
		case 7:
			op.Stream.Label = string(data)
		case 8:
			op.Username = string(data)
		case 9:
			op.Status = string(data)
		case 10:
			op.Hidden, op.Persistence, op.Quiet = v&opHidden != 0, v&opPersistence != 0, v&opQuiet != 0
		case 11:
			op.Reason = runtime.PresenceReason(v)
		case 12:
			op.Admission = v
		case 13:
			id, err := uuid.FromBytes(data)
			if err != nil {
				return err
			}
			op.Replaces = append(op.Replaces, id)
		case 14:
			op.Payload = append([]byte(nil), data...)
		}
		return err
	})
}

// eachField calls visit for the fields of a message that are numbers or have a length, and
// skips others. data is a part of b.
func eachField(b []byte, visit func(field protowire.Number, v uint64, data []byte) error) error {
	for len(b) > 0 {
		field, kind, n := protowire.ConsumeTag(b)
		if n < 0 {
			return errOps
		}
		b = b[n:]
		var v uint64
		var data []byte
		switch kind {
		case protowire.VarintType:
			v, n = protowire.ConsumeVarint(b)
		case protowire.BytesType:
			data, n = protowire.ConsumeBytes(b)
		default:
			n = protowire.ConsumeFieldValue(field, kind, b)
		}
		if n < 0 {
			return errOps
		}
		b = b[n:]
		if kind == protowire.VarintType || kind == protowire.BytesType {
			if err := visit(field, v, data); err != nil {
				return err
			}
		}
	}
	return nil
}
