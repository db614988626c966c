package cluster_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/gofrs/uuid/v5"

	"kumi/match"
)

// keep gives the nodes of a world that are made from then on a database for their matches,
// which can be handed over.
func (w *world) keep() *snapshots {
	w.store = &snapshots{
		rows: map[uuid.UUID]match.Snapshot{}, ran: map[uuid.UUID]map[int64]string{}, running: map[uuid.UUID][]string{}, turn: map[uuid.UUID]string{},
		release: make(chan struct{}),
	}
	return w.store
}

// snapshots is the database of all nodes. It also knows who runs the matches.
type snapshots struct {
	mu   sync.Mutex
	rows map[uuid.UUID]match.Snapshot
	// fault is asked before and after each access, and may make it fail, or do something else.
	fault func(node, what string) error

	ran     map[uuid.UUID]map[int64]string // the node of each tick
	running map[uuid.UUID][]string         // the nodes whose handlers exist
	turn    map[uuid.UUID]string           // the node that has made or restored the match last
	// passes is called when a node wants to own a snapshot.
	passes func(id uuid.UUID)
	wrong  []string
	trace  []string
	// release is closed when handlers that hang return.
	release chan struct{}
	// goesBack says that matches may go back to their last snapshot, after a crash.
	goesBack bool
	// terminated is how often a handler was told that its match ends.
	terminated atomic.Int32
}

// note adds to what is shown when a test fails.
func (s *snapshots) note(format string, v ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.trace = append(s.trace, fmt.Sprintf(format, v...))
}

// connection is the database as one process sees it.
type connection struct {
	*snapshots
	node string
	dead atomic.Bool // the process was killed
}

var _ match.SnapshotStore = (*connection)(nil)

var errNoDatabase = errors.New("the database does not answer")

func (s *connection) fails(what string) (err error) {
	if s.fault != nil {
		err = s.fault(s.node, what)
	}
	if s.dead.Load() {
		return errNoDatabase
	}
	return err
}

func (s *connection) WriteSnapshots(_ context.Context, node string, save []*match.Snapshot, remove []uuid.UUID) error {
	if err := s.fails("write"); err != nil {
		return err
	}
	s.mu.Lock()
	for _, x := range save {
		if is, ok := s.rows[x.ID]; ok && (is.Node != node || is.Epoch > x.Epoch) {
			s.mu.Unlock()
			return match.ErrSnapshotTaken
		}
	}
	for _, x := range save {
		s.rows[x.ID] = *x
	}
	for _, id := range remove {
		if s.rows[id].Node == node {
			delete(s.rows, id)
		}
	}
	s.mu.Unlock()
	return s.fails("written")
}

func (s *connection) PassSnapshot(_ context.Context, id uuid.UUID, from string, epoch int64, to string) (*match.Snapshot, error) {
	if err := s.fails("pass"); err != nil {
		return nil, err
	}
	s.mu.Lock()
	if s.passes != nil {
		s.passes(id)
	}
	x, ok := s.rows[id]
	s.trace = append(s.trace, fmt.Sprintf("pass %s from %s %d to %s: %s %d", id, from, epoch, to, x.Node, x.Epoch))
	if !ok || x.Node != from || epoch != match.AnyEpoch && x.Epoch != uint64(epoch) {
		s.mu.Unlock()
		return nil, match.ErrSnapshotTaken
	}
	x.Node = to
	x.Epoch++
	s.rows[id] = x
	s.mu.Unlock()
	return &x, s.fails("passed")
}

func (s *connection) ReadSnapshots(_ context.Context, node string, each func(*match.Snapshot, error)) error {
	s.mu.Lock()
	all := slices.Collect(maps.Values(s.rows))
	s.mu.Unlock()
	for _, x := range all {
		if x.Node == node {
			each(&x, nil)
		}
	}
	return nil
}

func (s *connection) begins(id uuid.UUID) {
	node := s.node
	if s.dead.Load() {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.running[id] = append(s.running[id], node)
	s.turn[id] = node
	s.trace = append(s.trace, fmt.Sprintf("%s begins %s", node, id))
}

func (s *connection) ends(id uuid.UUID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if i := slices.Index(s.running[id], s.node); i >= 0 {
		s.running[id] = slices.Delete(s.running[id], i, i+1)
	}
}

// die makes a process end without a word. One that is drained meanwhile goes on with that,
// and nobody notices.
func (a *arena) die(drained bool) {
	a.store.dead.Store(true)
	a.store.mu.Lock()
	for id, on := range a.store.running {
		a.store.running[id] = slices.DeleteFunc(on, func(node string) bool { return node == a.name })
	}
	a.store.mu.Unlock()
	a.bus.Close()
	if !drained {
		a.Stop()
		a.close()
	}
}

// ticks notes who runs a tick: each is run once.
func (s *connection) ticks(id uuid.UUID, tick int64) {
	if s.dead.Load() {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.turn[id] != s.node {
		s.wrong = append(s.wrong, fmt.Sprintf("tick %d of %s was run by %s after %s had gone on with it", tick, id, s.node, s.turn[id]))
	}
	if s.ran[id] == nil {
		s.ran[id] = map[int64]string{}
	}
	if other, twice := s.ran[id][tick]; twice && !s.goesBack {
		s.wrong = append(s.wrong, fmt.Sprintf("tick %d of %s was run by %s and %s", tick, id, other, s.node))
	}
	s.ran[id][tick] = s.node
}

// owner returns the node that a snapshot belongs to, if there is one.
func (s *snapshots) owner(id uuid.UUID) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.rows[id].Node
}

// runs returns the nodes that run a match.
func (s *snapshots) runs(id uuid.UUID) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.running[id])
}

// ticked returns how many ticks of a match were run.
func (s *snapshots) ticked(id uuid.UUID) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.ran[id])
}
