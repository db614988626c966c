package cluster

import (
	"bytes"
	"slices"
	"testing"

	"github.com/gofrs/uuid/v5"
	"github.com/google/go-cmp/cmp"
	"github.com/heroiclabs/nakama-common/runtime"
	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"kumi/cluster/wire"
	"kumi/presence"
)

var anyID = rapid.Custom(func(t *rapid.T) uuid.UUID {
	if rapid.Bool().Draw(t, "nil") {
		return uuid.Nil
	}
	return uuid.Must(uuid.FromBytes(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "id")))
})

var anyOp = rapid.Custom(func(t *rapid.T) presence.Op {
	text := rapid.OneOf(rapid.String(), rapid.Just(string(make([]byte, 300))), rapid.Just("\xff"))
	return presence.Op{
		Kind:    presence.OpKind(rapid.IntRange(1, int(presence.OpOrder)).Draw(t, "kind")),
		Quiet:   rapid.Bool().Draw(t, "quiet"),
		Session: anyID.Draw(t, "session"), User: anyID.Draw(t, "user"),
		Stream: presence.Stream{Mode: rapid.Uint8().Draw(t, "mode"), Subject: anyID.Draw(t, "subject"), Subcontext: anyID.Draw(t, "subcontext"), Label: text.Draw(t, "label")},
		Meta: presence.Meta{
			Hidden: rapid.Bool().Draw(t, "hidden"), Persistence: rapid.Bool().Draw(t, "persistence"),
			Username: text.Draw(t, "username"), Status: text.Draw(t, "status"),
			Reason: runtime.PresenceReason(rapid.Uint8Range(0, 4).Draw(t, "reason")), Admission: rapid.Uint64().Draw(t, "admission"),
		},
		Replaces: rapid.SliceOfN(anyID, 0, 3).Draw(t, "replaces"),
		Payload:  rapid.SliceOfN(rapid.Byte(), 0, 200).Draw(t, "payload"),
	}
})

// Operations are written by hand as the library writes them, and read back.
func TestOpsAreWrittenAsProtobuf(t *testing.T) {
	t.Parallel()
	node := presence.NodeHash("a")
	rapid.Check(t, func(t *rapid.T) {
		list := rapid.SliceOfN(anyOp, 0, 4).Draw(t, "operations")
		head := ops{node: node, epoch: rapid.Uint64().Draw(t, "epoch"), first: rapid.Uint64Min(1).Draw(t, "first")}
		b := head.appendHeader(nil)
		message := &wire.Ops{Node: node[:], Epoch: head.epoch, First: head.first}
		for i := range list {
			op := &list[i]
			if op.Session != uuid.Nil {
				copy(op.Session[10:], node[:])
			}
			b = appendOp(b, opsField, op)
			message.Ops = append(message.Ops, asMessage(op))
		}
		want, err := proto.Marshal(message)
		if err != nil || !bytes.Equal(b, want) {
			t.Fatalf("written by hand\n%x, by the library\n%x (%v)", b, want, err)
		}
		got, err := readOps(b)
		if err != nil {
			t.Fatal(err)
		}
		for i := range list {
			if list[i].Replaces = slices.Clip(list[i].Replaces); len(list[i].Replaces) == 0 {
				list[i].Replaces = nil
			}
			if len(list[i].Payload) == 0 {
				list[i].Payload = nil
			}
		}
		head.ops = list
		if len(list) == 0 {
			head.ops = nil
		}
		if diff := cmp.Diff(head, got, cmp.AllowUnexported(ops{})); diff != "" {
			t.Fatal(diff)
		}
	})
}

func asMessage(op *presence.Op) *wire.Op {
	bytesOf := func(id uuid.UUID) []byte {
		if id == uuid.Nil {
			return nil
		}
		return id[:]
	}
	m := &wire.Op{
		Kind: wire.OpKind(op.Kind), User: bytesOf(op.User), Mode: uint32(op.Stream.Mode), Subject: bytesOf(op.Stream.Subject),
		Subcontext: bytesOf(op.Stream.Subcontext), Label: []byte(op.Stream.Label), Username: []byte(op.Username), Status: []byte(op.Status),
		Reason: uint32(op.Reason), Admission: op.Admission, Payload: op.Payload,
	}
	if op.Session != uuid.Nil {
		m.Session = op.Session[:10]
	}
	for i, on := range []bool{op.Hidden, op.Persistence, op.Quiet} {
		if on {
			m.Flags |= 1 << i
		}
	}
	for _, id := range op.Replaces {
		m.Replaces = append(m.Replaces, id.Bytes())
	}
	return m
}

// The kinds have the same numbers.
func TestOpKinds(t *testing.T) {
	t.Parallel()
	for kind, number := range map[presence.OpKind]wire.OpKind{
		presence.OpUp: wire.OpKind_OP_UP, presence.OpDown: wire.OpKind_OP_DOWN, presence.OpTrack: wire.OpKind_OP_TRACK,
		presence.OpUpdate: wire.OpKind_OP_UPDATE, presence.OpUntrack: wire.OpKind_OP_UNTRACK, presence.OpClear: wire.OpKind_OP_CLEAR,
		presence.OpKick: wire.OpKind_OP_KICK, presence.OpOrder: wire.OpKind_OP_ORDER,
	} {
		if int32(kind) != int32(number) {
			t.Errorf("kind %d is %v on the wire", kind, number)
		}
	}
}

// An operation that a newer node sends keeps its number, without effect.
func TestUnknownOp(t *testing.T) {
	t.Parallel()
	node := presence.NodeHash("a")
	b, err := proto.Marshal(&wire.Ops{Node: node[:], Epoch: 1, First: 1, Ops: []*wire.Op{{Kind: 99}, {Kind: wire.OpKind_OP_DOWN}}})
	if err != nil {
		t.Fatal(err)
	}
	got, err := readOps(b)
	if err != nil || len(got.ops) != 2 || got.ops[0].Kind != 0 || got.ops[1].Kind != presence.OpDown {
		t.Errorf("read as %+v, %v", got, err)
	}
}

func FuzzOps(f *testing.F) {
	node := presence.NodeHash("a")
	b := (&ops{node: node, epoch: 1, first: 1}).appendHeader(nil)
	f.Add(appendOp(b, opsField, &presence.Op{Kind: presence.OpTrack, Session: uuid.Must(presence.NewSessionID(node)), Stream: presence.Stream{Mode: 2, Label: "lobby"}}))
	f.Add(appendOp(b, opsField, &presence.Op{Kind: presence.OpUp, User: uuid.Must(uuid.NewV4()), Replaces: []uuid.UUID{{1}}}))
	f.Fuzz(func(t *testing.T, b []byte) {
		o, err := readOps(b)
		if err != nil {
			return
		}
		again := o.appendHeader(nil)
		for i := range o.ops {
			again = appendOp(again, opsField, &o.ops[i])
		}
		twice, err := readOps(again)
		if err != nil {
			t.Fatalf("cannot read what was written: %v", err)
		}
		if diff := cmp.Diff(o, twice, cmp.AllowUnexported(ops{})); diff != "" {
			t.Fatal(diff)
		}
	})
}

func BenchmarkOps(b *testing.B) {
	node := presence.NodeHash("a")
	op := presence.Op{Kind: presence.OpTrack, Session: uuid.Must(presence.NewSessionID(node)), Stream: presence.Stream{Mode: 2, Label: "lobby"}, Meta: presence.Meta{Status: "here"}}
	head := ops{node: node, epoch: 1, first: 1}
	var data []byte
	b.Run("write", func(b *testing.B) {
		for b.Loop() {
			data = head.appendHeader(data[:0])
			for range 100 {
				data = appendOp(data, opsField, &op)
			}
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/100, "ns/operation")
		b.ReportMetric(float64(len(data))/100, "B/operation")
	})
	b.Run("read", func(b *testing.B) {
		for b.Loop() {
			if _, err := readOps(data); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/100, "ns/operation")
	})
}
