package cluster

import (
	"context"
	"strings"
	"sync/atomic"
	"time"

	"google.golang.org/protobuf/proto"

	"kumi/cluster/wire"
	"kumi/store/fault"
)

const (
	// listTimeout is how long a listing waits for the other nodes.
	listTimeout = 500 * time.Millisecond
	// partialLogEvery is the time between two warnings of listings that are not complete.
	partialLogEvery = 10 * time.Second
)

// lists asks other nodes for parts of a listing.
type lists[Out proto.Message] struct {
	n      *Node
	method wire.Method
	recent shared[[]nodeList[Out]]
	warned atomic.Int64 // when, in Unix nanoseconds
}

// nodeList is the part of one node.
type nodeList[Out proto.Message] struct {
	node string
	list Out
}

// of returns the parts of one node, by its name, or of all others. Nodes that do not answer
// in time are left out, counted and logged. An error is that of a node which refuses the
// query. The answers must not be changed, as others may have them, too.
func (l *lists[Out]) of(ctx context.Context, node string, in proto.Message) ([]nodeList[Out], error) {
	peers := l.n.Peers()
	if node != "" {
		peers = nil
		if p, ok := l.n.ByName(node); ok {
			peers = []Peer{p}
		}
	}
	if len(peers) == 0 {
		return nil, nil
	}
	query, err := proto.MarshalOptions{Deterministic: true}.Marshal(in)
	if err != nil {
		return nil, err
	}
	return l.recent.get(ctx, node+"\x00"+string(query), func() ([]nodeList[Out], error) { return l.ask(peers, in) })
}

func (l *lists[Out]) ask(peers []Peer, in proto.Message) ([]nodeList[Out], error) {
	ctx, cancel := context.WithTimeout(l.n.context, listTimeout)
	defer cancel()
	var parts []nodeList[Out]
	var missing []string
	answers := scatter[Out](ctx, l.n, peers, l.method, in)
	for range peers {
		switch a := <-answers; {
		case a.err == nil:
			parts = append(parts, nodeList[Out]{a.peer.Name, a.out})
		case fault.CodeOf(a.err) == fault.InvalidArgument:
			return nil, a.err
		default:
			missing = append(missing, a.peer.Name+" ("+a.err.Error()+")")
		}
	}
	if len(missing) > 0 {
		l.n.counts.partial.Add(1)
		if now := time.Now().UnixNano(); now-l.warned.Load() > int64(partialLogEvery) {
			l.warned.Store(now)
			l.n.log.Warn().Str("missing", strings.Join(missing, ", ")).Stringer("call", l.method).
				Msg("a listing lacks what these nodes have")
		}
	}
	return parts, nil
}
