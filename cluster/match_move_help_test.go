package cluster_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/heroiclabs/nakama-common/runtime"

	"kumi/cluster"
	"kumi/match"
	"kumi/presence"
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

// keeper is a match that can be handed over. It notes the sum of what each user has sent.
type keeper struct {
	*recorder
	store *connection
	id    uuid.UUID

	restored, attempts int
	sent               map[uuid.UUID][]int64 // by user
}

type keeperState struct {
	In                 map[uuid.UUID]int64
	Order              []*presence.Presence
	Restored, Attempts int
	Sent               map[uuid.UUID][]int64
}

var errRefuses = errors.New("the match does not want to be restored here")

func (k *keeper) Init(ctx context.Context, params map[string]any) (int, string, error) {
	k.store.begins(k.id)
	return k.recorder.Init(ctx, params)
}

func (k *keeper) JoinAttempt(ctx context.Context, tick int64, j *match.Joiner, metadata map[string]string) (match.Verdict, error) {
	k.attempts++
	return k.recorder.JoinAttempt(ctx, tick, j, metadata)
}

func (k *keeper) Loop(ctx context.Context, tick int64, messages []*match.Data) (bool, error) {
	if k.handler == "hanging" && tick == 5 {
		<-k.store.release
	}
	k.store.ticks(k.id, tick)
	k.mu.Lock()
	for _, d := range messages {
		var number int64
		_, _ = fmt.Sscan(string(d.Data), &number)
		k.sent[d.UserID] = append(k.sent[d.UserID], number)
	}
	k.mu.Unlock()
	return k.recorder.Loop(ctx, tick, messages)
}

func (k *keeper) Snapshot(context.Context, int64) ([]byte, error) {
	if !k.store.goesBack { // no snapshots are taken between
		_ = k.m.BroadcastMessage(moveCode, []byte("leaving"), nil, nil, true)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	return json.Marshal(keeperState{k.in, k.order, k.restored, k.attempts, k.sent})
}

func (k *keeper) Restore(_ context.Context, _ int64, state []byte, _ []*presence.Presence) (bool, error) {
	if k.handler == "homely" && k.store.node != "a" {
		return false, errRefuses
	}
	if k.handler == "lazy" && k.store.node != "a" {
		time.Sleep(20 * time.Second) // longer than a node that hands over waits
		return false, errRefuses
	}
	if k.handler == "tired" {
		return false, nil
	}
	if k.handler == "stuck" && k.store.node != "a" {
		<-k.store.release
		return false, errRefuses
	}
	k.store.begins(k.id)
	if !k.store.goesBack {
		_ = k.m.BroadcastMessage(moveCode, []byte("here"), nil, nil, true)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	var s keeperState
	err := json.Unmarshal(state, &s)
	k.in, k.order, k.restored, k.attempts, k.sent = s.In, s.Order, s.Restored+1, s.Attempts, s.Sent
	return err == nil, err
}

func (k *keeper) Close() {
	if !k.store.dead.Load() {
		k.store.ends(k.id)
	}
	k.recorder.Close()
}

// keepers makes the handlers of a node keepers; those of names in lacks it does not have.
func (a *arena) keepers(lacks ...string) {
	a.matches.SetHandlers(func(handler string) (match.Factory, bool) {
		return func(_ context.Context, m match.Dispatcher) (match.Handler, error) {
			id, _, _ := match.ParseID(m.MatchID())
			k := &keeper{
				recorder: &recorder{m: m, in: map[uuid.UUID]int64{}, handler: handler}, store: a.store, id: id,
				sent: map[uuid.UUID][]int64{},
			}
			a.mu.Lock()
			defer a.mu.Unlock()
			a.games, a.kept = append(a.games, k.recorder), append(a.kept, k)
			return k, nil
		}, !slices.Contains(lacks, handler)
	})
}

// keeper returns the handler of a match that this node runs, or nil.
func (a *arena) keeper(id string) *keeper {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, k := range a.kept {
		k.mu.Lock()
		ended := k.ended
		k.mu.Unlock()
		if k.m.MatchID() == id && !ended {
			return k
		}
	}
	return nil
}

// drain ends a node in order. It returns what sent does when the matches have gone and the
// sockets are open yet.
func (a *arena) drain(w *world, sent func() int64) (number int64) {
	a.Drain()
	after(time.Second)
	a.matches.Stop(context.Background(), 1)
	number = sent()
	for _, p := range a.players {
		a.tracker.End(p.id, runtime.PresenceReasonDisconnect)
		a.sessions.Remove(p.id)
	}
	a.Stop()
	a.close()
	delete(w.nodes, a.name)
	return number
}

// keepingArenas starts nodes whose matches can be handed over.
func (w *world) keepingArenas(t testing.TB, names ...string) (all []*arena) {
	for _, name := range names {
		all = append(all, w.keepingArena(t, name, 1))
	}
	after(time.Second)
	return all
}

func (w *world) keepingArena(t testing.TB, name string, epoch uint64, lacks ...string) *arena {
	a := w.startingArena(t, name, epoch, lacks...)
	a.restore(t)
	return a
}

// startingArena starts a node that has not restored its matches yet.
func (w *world) startingArena(t testing.TB, name string, epoch uint64, lacks ...string) *arena {
	a := w.arena(name, epoch, cluster.MatchOptions{}, func(o *cluster.Options) { o.Restarted = epoch > 1 })
	a.keepers(lacks...)
	if err := a.Start(t.Context()); err != nil {
		t.Fatalf("start %s: %v", name, err)
	}
	return a
}

func (a *arena) restore(t testing.TB) {
	if err := a.matches.Restore(t.Context()); err != nil {
		t.Fatalf("restore the matches of %s: %v", a.name, err)
	}
}

func idOf(text string) uuid.UUID {
	id, _, _ := match.ParseID(text)
	return id
}
