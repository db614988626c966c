package cluster

import (
	"context"

	"google.golang.org/protobuf/proto"

	"kumi/cluster/wire"
	"kumi/presence"
)

// Subject is what a broadcast is published to.
type Subject string

// The subjects of broadcasts.
const (
	SubjectBeat Subject = "beat"
	SubjectLog  Subject = "log" // of presences
)

// handlers are what the rooms gave the node before Start. Afterwards they do not change.
type handlers struct {
	call      map[wire.Method]func(ctx context.Context, from presence.NodeID, in []byte) ([]byte, error)
	item      map[wire.Kind]func(from presence.NodeID, in []byte) error
	broadcast map[Subject]func(data []byte)
	peer      []func(p Peer, was State)
	fill      []func(*wire.Beat)
	read      []func(from presence.NodeID, b *wire.Beat)
	join      []func(ctx context.Context) error
}

func (h *handlers) init() {
	h.call = map[wire.Method]func(context.Context, presence.NodeID, []byte) ([]byte, error){}
	h.item = map[wire.Kind]func(presence.NodeID, []byte) error{}
	h.broadcast = map[Subject]func([]byte){}
}

// OnPeer tells of each change of a peer's state, on the loop: f must not block. A node
// that is heard first has been Lost before. A new process of a node is two changes: to
// Lost with the epoch of the old one, then to a state of the new one.
func (n *Node) OnPeer(f func(p Peer, was State)) { n.on.peer = append(n.on.peer, f) }

// OnBeat adds to this node's beats by fill, and reads those of peers by read, after the
// beat has changed the peer's state. Either may be nil. Both are called on the loop, and
// fill once more by Stop. In fill, b.Info is set in beats that carry it.
func (n *Node) OnBeat(fill func(b *wire.Beat), read func(from presence.NodeID, b *wire.Beat)) {
	if fill != nil {
		n.on.fill = append(n.on.fill, fill)
	}
	if read != nil {
		n.on.read = append(n.on.read, read)
	}
}

// OnJoin adds what a node does between hearing its peers and being ready, such as copying
// what they have. The functions run at the same time, each on its own goroutine, until
// the context ends; a node that has waited for them for too long becomes ready, and
// leaves them to go on.
func (n *Node) OnJoin(f func(ctx context.Context) error) { n.on.join = append(n.on.join, f) }

// HandleBroadcast adds the handler of a subject, before Start. It is called on the loop
// with what any node has sent there, known or not.
func HandleBroadcast(n *Node, subject Subject, f func(data []byte)) { n.on.broadcast[subject] = f }

// HandleItem adds the handler of a kind of items, before Start. It is called on the loop,
// in the order of Send for each sender.
func HandleItem[In proto.Message](n *Node, kind wire.Kind, f func(from presence.NodeID, in In)) {
	n.on.item[kind] = func(from presence.NodeID, data []byte) error {
		in := newMessage[In]()
		if err := proto.Unmarshal(data, in); err != nil {
			return err
		}
		f(from, in)
		return nil
	}
}

// HandleCall adds the handler of a method, before Start. Each call runs on its own
// goroutine, with a context that ends at the caller's deadline or when this node stops.
func HandleCall[In, Out proto.Message](n *Node, method wire.Method, f func(ctx context.Context, from presence.NodeID, in In) (Out, error)) {
	n.on.call[method] = func(ctx context.Context, from presence.NodeID, data []byte) ([]byte, error) {
		in := newMessage[In]()
		if err := proto.Unmarshal(data, in); err != nil {
			return nil, err
		}
		out, err := f(ctx, from, in)
		if err != nil {
			return nil, err
		}
		return proto.Marshal(out)
	}
}

// newMessage makes an empty message of a pointer type.
func newMessage[M proto.Message]() M {
	var none M
	return none.ProtoReflect().New().Interface().(M)
}

// Broadcast sends data to all nodes, without a guarantee that it arrives. It does not
// block. What is larger than the bus takes is an error.
func (n *Node) Broadcast(subject Subject, data []byte) error {
	return n.publish(string(subject), data)
}

func (n *Node) publish(subject string, data []byte) error {
	err := n.bus.Publish(subject, data)
	if err != nil {
		n.counts.unsent.Add(1)
		return err
	}
	n.counts.frames.Add(1)
	n.counts.bytes.Add(int64(len(data)))
	return nil
}
