package cluster

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"kumi/cluster/wire"
	"kumi/presence"
)

// The versions of the protocol that this program speaks and understands.
const (
	protocol    = 1
	minProtocol = 1
)

const (
	// joinTimeout is how long a node may take to become ready; then it is all the same.
	joinTimeout = 10 * time.Second
	// hearTimeout is how long it waits for nodes that should be there, and objectTimeout
	// for the objection of an older process of its name.
	hearTimeout, objectTimeout = 3 * time.Second, 1500 * time.Millisecond
)

var errStopped = errors.New("this node of the cluster has stopped")

// Start joins the cluster: it waits for the nodes that should be there, does what OnJoin
// was given, and tells that this node is ready. It fails if another node objects: its
// name is taken, its keys or its protocol do not fit. Then, too, Stop must be called.
func (n *Node) Start(ctx context.Context) error {
	err := n.begin(ctx)
	if err != nil {
		n.leave()
	}
	return err
}

func (n *Node) begin(ctx context.Context) error {
	if n.options.Begin != nil {
		if err := n.options.Begin(ctx, &n.options); err != nil {
			return err
		}
		n.bus = n.options.Bus
	}
	messages, err := n.bus.Subscribe(string(SubjectBeat), string(SubjectLog), frameSubject(n.self), callSubject(n.self), answerSubject(n.self))
	if err != nil {
		return fmt.Errorf("join the cluster: %w", err)
	}
	n.started.Store(true)
	n.wait.Go(func() { n.loop(messages) })
	deadline := time.After(joinTimeout)
	if err := n.hearOthers(ctx); err != nil {
		return err
	}
	joined := make(chan struct{})
	n.wait.Go(func() {
		defer close(joined)
		n.join()
	})
	select {
	case <-joined:
	case err := <-n.refused:
		return err
	case <-ctx.Done():
		return ctx.Err()
	case <-deadline:
		n.log.Warn().Dur("after", joinTimeout).Msg("this node opens before it has copied what all others have")
	}
	n.state.CompareAndSwap(int32(wire.State_STATE_JOINING), int32(wire.State_STATE_READY))
	return nil
}

// hearOthers waits until every node that should be there was heard.
func (n *Node) hearOthers(ctx context.Context) error {
	hear := time.After(hearTimeout)
	var object <-chan time.Time
	if n.options.Restarted {
		object = time.After(objectTimeout)
	}
	for n.missing() > 0 || object != nil {
		select {
		case err := <-n.refused:
			return err
		case <-ctx.Done():
			return ctx.Err()
		case <-n.heard:
		case <-object:
			object = nil
		case <-hear:
			n.log.Warn().Int("nodes", n.missing()).Msg("nodes that were alive lately are not heard")
			return nil
		}
	}
	return nil
}

// missing returns how many nodes that should be there were not heard.
func (n *Node) missing() (missing int) {
	for _, name := range n.options.Expect {
		if n.find(presence.NodeHash(name)) == nil && name != n.options.Name {
			missing++
		}
	}
	return missing
}

// join does what OnJoin was given.
func (n *Node) join() {
	done := make(chan error, len(n.on.join))
	for _, f := range n.on.join {
		n.wait.Go(func() { done <- f(n.context) })
	}
	for range n.on.join {
		if err := <-done; err != nil && n.context.Err() == nil {
			n.log.Warn().Err(err).Msg("this node could not copy all that others have")
		}
	}
}

func (n *Node) info() *wire.Info {
	o := &n.options
	return &wire.Info{
		Name: o.Name, Protocol: protocol, MinProtocol: minProtocol, Fingerprint: o.Fingerprint, Version: o.Version, Address: o.Address,
		Process: n.bus.Process(),
	}
}

// agree checks whether a node that was heard first can be in one cluster with this one.
func (n *Node) agree(id presence.NodeID, b *wire.Beat) bool {
	var reason string
	switch i := b.Info; {
	case presence.NodeHash(i.Name) != id:
		reason = fmt.Sprintf("its name %q is not that of its id %s", i.Name, id)
	case i.Protocol < minProtocol || protocol < i.MinProtocol:
		reason = fmt.Sprintf("node %q speaks version %d of the cluster's protocol and understands %d and later, node %q %d and %d",
			i.Name, i.Protocol, i.MinProtocol, n.options.Name, protocol, minProtocol)
	case !bytes.Equal(i.Fingerprint, n.options.Fingerprint):
		reason = fmt.Sprintf("nodes %q and %q have different keys: session.encryption_key, session.refresh_encryption_key, "+
			"socket.server_key, runtime.http_key and cluster.secret must be the same on all nodes", i.Name, n.options.Name)
	default:
		return true
	}
	if n.strangers[id] != b.Epoch { // log it once
		n.strangers[id] = b.Epoch
		n.log.Error().Str("peer", b.Info.Name).Str("reason", reason).Msg("a node cannot join the cluster")
	}
	// Who joins gives way; of two that join the one with the greater id.
	they, we := b.State == wire.State_STATE_JOINING, wire.State(n.state.Load()) == wire.State_STATE_JOINING
	first := bytes.Compare(n.self[:], id[:]) < 0
	if they && (!we || first) {
		n.refuse(id, b.Epoch, reason)
	}
	if we && (!they || !first) {
		n.objection(errors.New(reason))
	}
	return false
}

// refuse tells a node that it must not join.
func (n *Node) refuse(id presence.NodeID, epoch uint64, reason string) {
	n.publishBeat(&wire.Beat{
		Node: n.self[:], Epoch: n.options.Epoch, State: wire.State(n.state.Load()),
		Refusal: &wire.Refusal{Node: id[:], Epoch: epoch, Reason: reason},
	})
}

// objection makes Start fail, if it runs.
func (n *Node) objection(err error) {
	select {
	case n.refused <- fmt.Errorf("join the cluster: %w", err):
	default:
	}
}

func (n *Node) onRefusal(b *wire.Beat) {
	if r := b.Refusal; r != nil && bytes.Equal(r.Node, n.self[:]) && r.Epoch == n.options.Epoch {
		n.objection(errors.New(r.Reason))
	}
}

// onOwnName hears of another process that has this node's name. Of two that are both
// alive the one that is there stays; a process that was stopped, and has been replaced
// when it goes on, ends.
func (n *Node) onOwnName(b *wire.Beat) {
	n.onRefusal(b)
	taken := fmt.Errorf("the name %q is taken by another node that is alive; each node needs a name of its own", n.options.Name)
	switch joins := wire.State(n.state.Load()) == wire.State_STATE_JOINING; {
	case b.Refusal != nil, b.State == wire.State_STATE_GONE, b.Epoch == n.options.Epoch:
	case b.Epoch < n.options.Epoch:
		if joins {
			n.objection(taken)
		}
	case b.State == wire.State_STATE_JOINING:
		n.refuse(n.self, b.Epoch, taken.Error())
	default:
		n.replaced.Do(func() {
			err := fmt.Errorf("a newer process has the name %q (epoch %d, this one has %d)", n.options.Name, b.Epoch, n.options.Epoch)
			n.log.Error().Err(err).Msg("this node ends")
			n.objection(err)
			if n.options.Replaced != nil {
				go n.options.Replaced(err)
			}
		})
	}
}
