package cluster

import (
	"context"
	"time"

	"google.golang.org/protobuf/proto"

	"kumi/cluster/wire"
)

// Answered is what a peer answered to CallAll, and how long that took.
type Answered[Out proto.Message] struct {
	Peer Peer
	Out  Out
	Err  error
	Took time.Duration
}

// CallAll calls a method of all peers that are alive, at the same time, and returns when
// all have answered or ctx ends. It may be called from any goroutine.
func CallAll[Out proto.Message](ctx context.Context, n *Node, method wire.Method, in proto.Message) []Answered[Out] {
	began := time.Now()
	var alive []Peer
	for _, p := range n.Peers() {
		if p.State.Alive() {
			alive = append(alive, p)
		}
	}
	answers := scatter[Out](ctx, n, alive, method, in)
	all := make([]Answered[Out], 0, len(alive))
	for range alive {
		a := <-answers
		all = append(all, Answered[Out]{Peer: a.peer, Out: a.out, Err: a.err, Took: time.Since(began)})
	}
	return all
}
