package match

import (
	"cmp"
	"context"
	"slices"
	"time"

	"kumi/internal/journal"
	"kumi/store/fault"
)

// Movable is a Handler whose state can move to another handler, after modules
// were reloaded. A match whose handler is not Movable keeps it.
type Movable interface {
	Handler
	// Move transfers the state to next, which has had no call yet; this handler is
	// closed afterwards. moved is false if that is not needed, since next runs the
	// same code. On an error nothing has changed, and this handler goes on. It is
	// called like the other methods: from the match's goroutine, between two calls.
	Move(ctx context.Context, tick int64, next Handler) (moved bool, err error)
}

// handlersKey is the context key of WithHandlers.
type handlersKey struct{}

// WithHandlers returns a context in which Create looks up handlers with find
// first and in the registry second. Modules that are being loaded use it to
// create matches with handlers that nobody else can see yet.
func WithHandlers(ctx context.Context, find func(name string) (Factory, bool)) context.Context {
	return context.WithValue(ctx, handlersKey{}, find)
}

// hasOwnHandlers reports whether ctx is one of WithHandlers.
func hasOwnHandlers(ctx context.Context) bool { return ctx.Value(handlersKey{}) != nil }

// factory looks up the handler of a new match.
func (r *Registry) factory(ctx context.Context, name string) (Factory, bool) {
	if find, ok := ctx.Value(handlersKey{}).(func(string) (Factory, bool)); ok {
		if f, ok := find(name); ok {
			return f, true
		}
	}
	if find := r.handlers.Load(); find != nil && *find != nil {
		return (*find)(name)
	}
	return nil, false
}

// swapTimeout is how long Swap waits for one match before it goes on with the
// next. A busy match moves when it gets to it.
const swapTimeout = time.Second

// Swap moves the running matches, one after the other, to the handlers that
// SetHandlers' function now returns for their names. Each moves between two
// calls of its handler, while the others run on. A match that cannot move
// keeps its handler, and the log says why. Matches created with an older
// handler while Swap runs are moved as well. Swap ends early when ctx does.
func (r *Registry) Swap(ctx context.Context) {
	r.mu.Lock()
	r.swaps.Add(1)
	all := make([]*Match, 0, len(r.matches))
	for _, m := range r.matches {
		all = append(all, m)
	}
	r.mu.Unlock()
	slices.SortFunc(all, func(a, b *Match) int { return cmp.Compare(a.created, b.created) })
	for _, m := range all {
		if ctx.Err() != nil {
			return
		}
		m.moveHandler(ctx)
	}
}

// move is a new handler on its way to a match.
type move struct {
	next    Handler
	journal *journal.Journal // of next
	done    chan struct{}    // closed when the match has handled it
}

// discard closes a handler that no match took.
func (m *Match) discard(mv *move) {
	_, _ = guard(m, func() (struct{}, error) { mv.next.Close(); return struct{}{}, nil })
	close(mv.done)
}

// moveHandler makes a handler of the newest code and sends it to the match.
func (m *Match) moveHandler(ctx context.Context) {
	if !m.movable || m.ctx.Err() != nil {
		return
	}
	factory, ok := m.reg.factory(context.Background(), m.name)
	if !ok {
		m.logNotMoved(fault.Newf(fault.NotFound, "no match handler is named %q any more", m.name))
		return
	}
	// The match reads from outside at the same time, through its own journal.
	j := &journal.Journal{Epoch: m.journal.Epoch}
	next, err := guard(m, func() (Handler, error) { return factory(journal.With(m.ctx, j), m) })
	if err != nil {
		if m.ctx.Err() == nil {
			m.logNotMoved(err)
		}
		return
	}
	mv := &move{next: next, journal: j, done: make(chan struct{})}
	m.box.mu.Lock()
	if !m.post(item{kind: doMove, move: mv}) {
		m.discard(mv)
		return
	}
	timer := time.NewTimer(swapTimeout)
	defer timer.Stop()
	select {
	case <-mv.done:
	case <-timer.C:
	case <-ctx.Done():
	}
}

// swapHandler replaces the handler, on the match's goroutine.
func (m *Match) swapHandler(mv *move) {
	old, ok := m.handler.(Movable)
	if !ok {
		m.discard(mv)
		return
	}
	moved, err := guard(m, func() (bool, error) { return old.Move(m.ctx, m.tick, mv.next) })
	m.sendDeferred()
	if err != nil || !moved {
		if err != nil {
			m.logNotMoved(err)
		}
		m.discard(mv)
		return
	}
	m.handler = mv.next
	m.recordMove(mv.journal)
	_, _ = guard(m, func() (struct{}, error) { old.Close(); return struct{}{}, nil })
	close(mv.done)
	m.log.Info().Int64("tick", m.tick).Msg("match moved to the reloaded module")
}

// logNotMoved logs why a match keeps its handler.
func (m *Match) logNotMoved(err error) {
	m.log.Warn().Err(err).Msg("match cannot move to the reloaded module, keeping the old code")
}
