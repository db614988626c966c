package cluster

import (
	"context"
	"sync"
	"time"

	"kumi/cluster/wire"
	"kumi/presence"
	"kumi/store/fault"
)

const (
	// snapshotsAtOnce is how many snapshots of peers are taken at the same time.
	snapshotsAtOnce = 4
	// logTimeout is how long a peer may take to answer; then the snapshot begins again.
	logTimeout = 3 * time.Second
	// snapshotAgain is the pause before it.
	snapshotAgain = 250 * time.Millisecond
)

// snapshot is a copy of all that a node has, taken part by part while the node goes on.
// Each part says the last operation that it includes, so that afterwards an operation is
// applied only if the part that it changes has not got it.
type snapshot struct {
	id     uint64
	cancel context.CancelFunc // nil while none is taken
	seq    [presence.Parts]uint64
	last   uint64 // the largest of them
	early  early
	taken  chan struct{} // closed when the first one is complete, or the node lost
}

// abort stops a snapshot that is being taken.
func (s *snapshot) abort() {
	if s.cancel != nil {
		s.cancel()
		s.cancel = nil
	}
}

// finish tells those who wait for the first snapshot.
func (s *snapshot) finish() {
	select {
	case <-s.taken:
	default:
		close(s.taken)
	}
}

// covers reports whether a part may include the operation with a number.
func (s *snapshot) covers(number uint64) bool { return number <= s.last }

// without returns the operations, of which first is the number of the first one, without
// those that a part includes, and with the presences that came before their sessions.
func (s *snapshot) without(first uint64, all []presence.Op) []presence.Op {
	left := make([]presence.Op, 0, len(all))
	for i, op := range all {
		if part, ok := op.Part(); ok && first+uint64(i) <= s.seq[part] {
			continue
		}
		left = append(left, op)
		if op.Kind == presence.OpUp {
			left = append(left, s.early[op.Session]...)
			delete(s.early, op.Session)
		}
	}
	return left
}

// takeSnapshot copies all that the node has. why is for the log, if it is unusual.
func (f *follower) takeSnapshot(why string) {
	if why != "" {
		f.presences.node.log.Warn().Str("peer", f.name).Str("why", why).Msg("the presences of a node are copied again")
	}
	f.presences.counts.snapshots.Add(1)
	f.stop()
	f.stage = copying
	ctx, cancel := context.WithCancel(f.presences.node.context)
	f.snapshot.cancel = cancel
	f.snapshot.id++
	f.snapshot.last, f.snapshot.early = 0, early{}
	id, name := f.snapshot.id, f.name
	f.presences.node.wait.Go(func() {
		defer cancel()
		err := f.pull(ctx, id)
		if err == nil || ctx.Err() != nil {
			return
		}
		f.presences.node.log.Debug().Err(err).Str("peer", name).Msg("a snapshot was not completed")
		select {
		case <-time.After(snapshotAgain):
			f.post(func() {
				if f.snapshot.id == id && f.stage == copying && f.copy != nil {
					f.takeSnapshot("")
				}
			})
		case <-ctx.Done():
		}
	})
}

// pull fetches the parts, each after the one before was taken over.
func (f *follower) pull(ctx context.Context, id uint64) error {
	select {
	case f.presences.pulling <- struct{}{}:
		defer func() { <-f.presences.pulling }()
	case <-ctx.Done():
		return ctx.Err()
	}
	for part := range presence.Parts {
		seq, list, err := f.pullPart(ctx, id, part)
		if err != nil {
			return err
		}
		done := make(chan struct{})
		f.post(func() {
			defer close(done)
			if f.snapshot.id == id && f.stage == copying && ctx.Err() == nil {
				f.takePart(part, seq, list)
			}
		})
		select {
		case <-done:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

func (f *follower) pullPart(ctx context.Context, id uint64, part int) (seq uint64, list []presence.Op, err error) {
	for chunk := uint32(0); ; chunk++ {
		call, cancel := context.WithTimeout(ctx, logTimeout)
		out := new(wire.Part)
		err := Call(call, f.presences.node, f.id, wire.Method_METHOD_PART, &wire.PartRequest{Snapshot: id, Part: uint32(part), Chunk: chunk}, out)
		cancel()
		if err != nil {
			return 0, nil, err
		}
		o, err := readOps(out.Ops)
		if err != nil {
			return 0, nil, err
		}
		list = append(list, o.ops...)
		if !out.More {
			return out.Seq, list, nil
		}
	}
}

// takePart takes over a part. After the last one, the operations that were held apply.
func (f *follower) takePart(part int, seq uint64, list []presence.Op) {
	s := &f.snapshot
	for _, op := range f.copy.Replace(part, list) {
		s.early[op.Session] = append(s.early[op.Session], op)
	}
	s.seq[part] = seq
	s.last = max(s.last, seq)
	if part < presence.Parts-1 {
		return
	}
	s.cancel = nil
	f.stage = current
	f.next = s.seq[0] + 1 // it was read first
	f.promised = 0
	f.applyHeld()
	s.finish()
	f.presences.copied()
}

// partServer answers the snapshots of the other nodes. For each it keeps the chunks of
// one part.
type partServer struct {
	presences *Presences
	mu        sync.Mutex
	open      map[presence.NodeID]*openPart
}

type openPart struct {
	snapshot uint64
	part     uint32
	seq      uint64
	chunks   [][]byte
}

func (s *partServer) answer(_ context.Context, from presence.NodeID, in *wire.PartRequest) (*wire.Part, error) {
	if in.Part >= presence.Parts {
		return nil, fault.Newf(fault.InvalidArgument, "there is no part %d of a node's presences", in.Part)
	}
	s.mu.Lock()
	p := s.open[from]
	s.mu.Unlock()
	if p == nil || p.snapshot != in.Snapshot || p.part != in.Part {
		if in.Chunk > 0 {
			return nil, fault.New(fault.FailedPrecondition, "the part of a node's presences is no longer held")
		}
		p = s.presences.readPart(in)
		s.mu.Lock()
		if len(p.chunks) > 1 {
			s.open[from] = p
		} else {
			delete(s.open, from)
		}
		s.mu.Unlock()
	}
	if int(in.Chunk) >= len(p.chunks) {
		return nil, fault.New(fault.InvalidArgument, "the part of a node's presences has fewer chunks")
	}
	return &wire.Part{Seq: p.seq, Ops: p.chunks[in.Chunk], More: int(in.Chunk) < len(p.chunks)-1}, nil
}

// forget drops what is kept for a node that is lost.
func (s *partServer) forget(node presence.NodeID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.open, node)
}

func (p *Presences) readPart(in *wire.PartRequest) *openPart {
	seq, list := p.tracker.Part(int(in.Part))
	header := ops{node: p.node.self, epoch: p.node.options.Epoch, first: 1}
	part := &openPart{snapshot: in.Snapshot, part: in.Part, seq: seq}
	b := header.appendHeader(nil)
	for i := range list {
		b = appendOp(b, opsField, &list[i])
		if len(b) >= answerSize {
			part.chunks = append(part.chunks, b)
			b = header.appendHeader(nil)
		}
	}
	part.chunks = append(part.chunks, b)
	return part
}
