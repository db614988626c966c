package cluster_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/heroiclabs/nakama-common/runtime"

	"kumi/cluster"
	"kumi/match"
	"kumi/presence"
)

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

var (
	errRefuses = errors.New("the match does not want to be restored here")
	errNotKept = errors.New("the match cannot be kept")
)

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

func (k *keeper) Terminate(context.Context, int64, int) (bool, error) {
	k.store.terminated.Add(1)
	return true, nil
}

func (k *keeper) Snapshot(context.Context, int64) ([]byte, error) {
	if k.handler == "unkept" {
		return nil, errNotKept
	}
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
