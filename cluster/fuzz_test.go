package cluster

import (
	"context"
	"testing"

	"github.com/rs/zerolog"
	"google.golang.org/protobuf/proto"

	"kumi/cluster/bus"
	"kumi/cluster/bus/bustest"
	"kumi/cluster/wire"
	"kumi/presence"
)

// FuzzMessages hands a node anything on each of its subjects: it must neither panic nor
// keep more than it was sent.
func FuzzMessages(f *testing.F) {
	self, peer := presence.NodeHash("self"), presence.NodeHash("peer")
	beat := func(epoch uint64, state wire.State) *wire.Beat {
		return &wire.Beat{
			Node: peer[:], Epoch: epoch, State: state, Info: &wire.Info{Name: "peer", Protocol: 1, MinProtocol: 1},
			Received: []*wire.Received{{Node: self[:], Epoch: 1, Received: 1 << 63, Sent: 1 << 62}},
		}
	}
	items := []*wire.Item{{Kind: wire.Kind_KIND_TEST, Data: []byte{1}}, {Skip: 3}, {Kind: 77}}
	for subject, messages := range map[string][]proto.Message{
		string(SubjectBeat): {
			beat(2, wire.State_STATE_READY), beat(1, wire.State_STATE_GONE), &wire.Beat{Node: self[:], Epoch: 9, State: wire.State_STATE_READY},
			&wire.Beat{Node: peer[:], Refusal: &wire.Refusal{Node: self[:], Epoch: 1, Reason: "no"}},
		},
		frameSubject(self): {
			&wire.Frame{Node: peer[:], Epoch: 1, ToEpoch: 1, First: 1, Items: items, Received: 1},
			&wire.Frame{Node: peer[:], Epoch: 1, ToEpoch: 1, First: 9, Items: items},
			&wire.Frame{Node: peer[:], Epoch: 1, ToEpoch: 1, First: 1<<64 - 1, Items: items},
			&wire.Frame{Node: peer[:], Epoch: 1, ToEpoch: 1, First: 2, Items: []*wire.Item{{Skip: 1<<64 - 1}}},
			&wire.Frame{Node: peer[:], Epoch: 1, ToEpoch: 1, ResendFrom: 1, ResendUntil: 1<<64 - 1, Received: 1<<64 - 1},
		},
		callSubject(self):   {&wire.Call{Id: 1, Node: peer[:], Epoch: 1, ToEpoch: 1, Method: wire.Method_METHOD_TEST, TimeoutMs: 1<<32 - 1}},
		answerSubject(self): {&wire.Answer{Id: 1, Epoch: 1, Error: &wire.Error{Code: 77, Message: "x"}}},
	} {
		for _, m := range messages {
			data, err := proto.Marshal(m)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(subject, data, uint8(3))
		}
	}
	f.Fuzz(func(t *testing.T, subject string, data []byte, ticks uint8) {
		n := New(Options{Name: "self", Epoch: 1, Bus: bustest.New(1).Bus("self"), Log: zerolog.Nop()})
		HandleItem(n, wire.Kind_KIND_TEST, func(presence.NodeID, *wire.Item) {})
		HandleCall(n, wire.Method_METHOD_TEST, func(context.Context, presence.NodeID, *wire.Call) (*wire.Answer, error) {
			return &wire.Answer{}, nil
		})
		hello, err := proto.Marshal(beat(1, wire.State_STATE_READY))
		if err != nil {
			t.Fatal(err)
		}
		n.receive(bus.Message{Subject: string(SubjectBeat), Data: hello})
		n.Send(peer, wire.Kind_KIND_TEST, &wire.Item{}, true)
		n.receive(bus.Message{Subject: subject, Data: data})
		for range ticks % 20 {
			n.tick()
		}
		n.sendBeat(true)
		n.receive(bus.Message{Subject: subject, Data: data})
		if p := n.find(peer); p != nil && len(p.in.held) > len(data) {
			t.Errorf("%d items are held after a message of %d bytes", len(p.in.held), len(data))
		}
		n.Stop()
		if held := n.buffered.Load(); held != 0 {
			t.Errorf("%d bytes are held at the end", held)
		}
	})
}
