package cluster

import (
	"testing"

	"github.com/rs/zerolog"

	"kumi/cluster/bus/bustest"
	"kumi/cluster/wire"
	"kumi/presence"
)

// After a goodbye and after a newer process nothing of a process counts, whenever it
// arrives.
func TestLateBeats(t *testing.T) {
	t.Parallel()
	id := presence.NodeHash("peer")
	for _, c := range []struct {
		name  string
		beats []*wire.Beat
		epoch uint64
		state State
	}{
		{"goodbye", []*wire.Beat{{Epoch: 1, State: wire.State_STATE_READY}, {Epoch: 1, State: wire.State_STATE_GONE}, {Epoch: 1, State: wire.State_STATE_READY}}, 1, Lost},
		{"newer", []*wire.Beat{{Epoch: 1, State: wire.State_STATE_READY}, {Epoch: 2, State: wire.State_STATE_READY}, {Epoch: 1, State: wire.State_STATE_GONE}}, 2, Ready},
		{"goodbye of a process that was never heard", []*wire.Beat{{Epoch: 2, State: wire.State_STATE_READY}, {Epoch: 3, State: wire.State_STATE_GONE}}, 2, Ready},
		{"back after a goodbye", []*wire.Beat{{Epoch: 1, State: wire.State_STATE_READY}, {Epoch: 1, State: wire.State_STATE_GONE}, {Epoch: 2, State: wire.State_STATE_JOINING}}, 2, Joining},
	} {
		n := New(Options{Name: "self", Epoch: 1, Bus: bustest.New(1).Bus("self"), Log: zerolog.Nop()})
		for _, b := range c.beats {
			b.Node, b.Info = id[:], &wire.Info{Name: "peer", Protocol: protocol, MinProtocol: minProtocol}
			n.onBeat(b)
		}
		if p := n.find(id); p == nil || p.Epoch != c.epoch || p.State != c.state {
			t.Errorf("%s: the peer is %+v", c.name, p)
		}
		n.Stop()
	}
}

// A version whose protocol is newer joins as long as it understands this one's.
func TestProtocolVersions(t *testing.T) {
	t.Parallel()
	id := presence.NodeHash("peer")
	for _, c := range []struct {
		version, min uint32
		joins        bool
	}{
		{protocol + 1, minProtocol, true}, {protocol + 1, protocol + 1, false}, {minProtocol - 1, 0, false}, {protocol, minProtocol, true},
	} {
		n := New(Options{Name: "self", Epoch: 1, Bus: bustest.New(1).Bus("self"), Log: zerolog.Nop()})
		n.onBeat(&wire.Beat{Node: id[:], Epoch: 1, State: wire.State_STATE_READY, Info: &wire.Info{Name: "peer", Protocol: c.version, MinProtocol: c.min}})
		if _, joins := n.Peer(id); joins != c.joins {
			t.Errorf("a node of protocol %d, from %d on, joins: %v", c.version, c.min, joins)
		}
		n.Stop()
	}
}
