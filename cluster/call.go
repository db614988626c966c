package cluster

import (
	"context"
	"math"
	"time"

	"google.golang.org/protobuf/proto"

	"kumi/cluster/wire"
	"kumi/presence"
	"kumi/store/fault"
)

// callsMax is how many calls to one peer may be open.
const callsMax = 1024

// callTimeout is the deadline of calls whose context has none.
const callTimeout = 10 * time.Second

func callSubject(to presence.NodeID) string   { return "q." + to.String() }
func answerSubject(to presence.NodeID) string { return "a." + to.String() }

// Call calls a method of another node, or of this one, and reads its answer into out. The
// callee gets the time that is left to the context's deadline, at most ten seconds
// without one.
//
// An error of the handler keeps its fault code and its text. A node that is lost or
// unknown is NotFound, one that is down, or becomes so, Unavailable; too many open calls
// to it are ResourceExhausted. After DeadlineExceeded or Unavailable the call may have
// been handled.
func Call[Out proto.Message](ctx context.Context, n *Node, to presence.NodeID, method wire.Method, in proto.Message, out Out) error {
	body, err := proto.Marshal(in)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	if to == n.self {
		body, err = n.handle(ctx, n.self, method, body)
	} else {
		body, err = n.call(ctx, to, method, body)
	}
	if err != nil {
		return err
	}
	return proto.Unmarshal(body, out)
}

func (n *Node) call(ctx context.Context, to presence.NodeID, method wire.Method, body []byte) ([]byte, error) {
	peer, ok := n.Peer(to)
	if !ok || peer.State == Down {
		peer.ID = to
		return nil, unreachable(peer)
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	id, answer, err := n.calls.open(peer)
	if err != nil {
		return nil, err
	}
	defer n.calls.done(id)
	if now, ok := n.Peer(to); !ok || now.State == Down { // since then, so its calls have failed already
		now.ID = to
		return nil, unreachable(now)
	}
	n.counts.calls.Add(1)
	deadline, _ := ctx.Deadline()
	data, err := proto.Marshal(&wire.Call{
		Id: id, Node: n.self[:], Epoch: n.options.Epoch, ToEpoch: peer.Epoch, Method: method, Body: body,
		TimeoutMs: uint32(min(max(1, time.Until(deadline).Milliseconds()), math.MaxUint32)),
	})
	if err != nil {
		return nil, err
	}
	if len(data) > n.bus.MaxPayload() {
		return nil, fault.Newf(fault.ResourceExhausted, "a call to another node has %d bytes, more than the %d that are possible", len(data), n.bus.MaxPayload())
	}
	if err := n.publish(callSubject(to), data); err != nil {
		return nil, fault.Wrap(fault.Unavailable, "The cluster cannot be reached", err)
	}
	select {
	case a := <-answer:
		return a.body, a.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// unreachable is the error of calls to a peer that is not alive.
func unreachable(p Peer) error {
	name := p.Name
	if name == "" {
		name = p.ID.String()
	}
	if p.State == Down {
		return fault.Newf(fault.Unavailable, "Node %s does not answer", name)
	}
	return fault.Newf(fault.NotFound, "Node %s not found", name)
}

// onCall handles a call of another node, on a goroutine of its own.
func (n *Node) onCall(c *wire.Call) {
	from, ok := idOf(c.Node)
	if !ok {
		n.counts.malformed.Add(1)
		return
	}
	if p := n.find(from); c.ToEpoch != n.options.Epoch || p != nil && p.Epoch > c.Epoch {
		return // for an earlier process, or of one
	}
	n.wait.Go(func() {
		ctx, cancel := context.WithTimeout(n.context, time.Duration(c.TimeoutMs)*time.Millisecond)
		defer cancel()
		body, err := n.handle(ctx, from, c.Method, c.Body)
		n.counts.answered.Add(1)
		n.answer(from, &wire.Answer{Id: c.Id, Epoch: c.Epoch, Body: body, Error: writeError(err)})
	})
}

func (n *Node) handle(ctx context.Context, from presence.NodeID, method wire.Method, body []byte) ([]byte, error) {
	handle := n.on.call[method]
	if handle == nil {
		n.counts.unknown.Add(1)
		return nil, fault.Newf(fault.Unimplemented, "Node %s does not know the call %s", n.options.Name, method)
	}
	return handle(ctx, from, body)
}

func (n *Node) answer(to presence.NodeID, a *wire.Answer) {
	if size := proto.Size(a); size > n.bus.MaxPayload() {
		a.Body, a.Error = nil, writeError(fault.Newf(fault.ResourceExhausted, "the answer of another node has %d bytes, more than the %d that are possible", size, n.bus.MaxPayload()))
	}
	data, err := proto.Marshal(a)
	if err == nil {
		err = n.publish(answerSubject(to), data)
	}
	if err != nil && n.context.Err() == nil {
		n.log.Debug().Err(err).Stringer("peer", to).Msg("an answer was not sent")
	}
}

func (n *Node) onAnswer(a *wire.Answer) {
	if a.Epoch == n.options.Epoch {
		n.calls.answer(a.Id, answer{body: a.Body, err: readError(a.Error)})
	}
}

// writeError writes an error so that readError makes one that clients, modules and logs
// see as they would see it.
func writeError(err error) *wire.Error {
	if err == nil {
		return nil
	}
	f := fault.Of(err)
	return &wire.Error{Code: uint32(f.Code), Message: f.Message, Private: f.Private, Mistake: fault.IsMistake(err)}
}

func readError(e *wire.Error) error {
	if e == nil {
		return nil
	}
	return &fault.Error{Code: fault.Code(e.Code), Message: e.Message, Private: e.Private, Mistake: e.Mistake && e.Code == uint32(fault.Internal)}
}
