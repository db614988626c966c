package match

import (
	"cmp"
	"context"
	"slices"
	"time"

	"kumi/store/fault"
)

// Movable is a Handler whose game can go on in another handler, as when the
// modules were loaded anew. Handlers that are not Movable keep their games.
type Movable interface {
	Handler
	// Move lets next, which has had no call yet, go on with the game: its state
	// goes over, and this handler is closed afterwards. moved is false when there
	// is no need, as next runs the same code. With an error nothing has changed,
	// and this handler goes on. It is called like the other methods: from the
	// match's goroutine, between two calls.
	Move(ctx context.Context, tick int64, next Handler) (moved bool, err error)
}

// handlersKey finds the handlers that are looked at before the registry's.
type handlersKey struct{}

// WithHandlers returns a context under which Create finds handlers with find
// first, and with the registry's own function where that has none. So modules
// that are being loaded can make matches of handlers that nobody else can see
// yet.
func WithHandlers(ctx context.Context, find func(name string) (Factory, bool)) context.Context {
	return context.WithValue(ctx, handlersKey{}, find)
}

// factory finds the handler of a new match.
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

// swapPatience is how long Swap waits for one match before it goes on with the
// next. A match that is busy moves when it gets to it.
const swapPatience = time.Second

// Swap moves the running matches, one after the other, to the handlers that
// SetHandlers' function finds now under their names. Each moves between two
// calls of its handler; meanwhile the others run on. A match that cannot move
// goes on as it is, and the log says why. Matches that begin while Swap runs
// are moved as well if they began with an older handler. Swap ends early when
// ctx does.
func (r *Registry) Swap(ctx context.Context) {
	r.mu.Lock()
	r.swaps.Add(1)
	all := make([]*Match, 0, len(r.matches))
	for _, m := range r.matches {
		all = append(all, m)
	}
	r.mu.Unlock()
	slices.SortFunc(all, func(a, b *Match) int { return cmp.Compare(a.seq, b.seq) })
	for _, m := range all {
		if ctx.Err() != nil {
			return
		}
		m.renew(ctx)
	}
}

// move is a new handler on its way to a match.
type move struct {
	next Handler
	done chan struct{} // closed when the match has dealt with it
}

// drop frees a handler that no match took.
func (m *Match) drop(mv *move) {
	_, _ = guard(m, func() (struct{}, error) { mv.next.Close(); return struct{}{}, nil })
	close(mv.done)
}

// renew makes a handler of the newest code, beside the match, and gives it to
// the match.
func (m *Match) renew(ctx context.Context) {
	if !m.movable || m.ctx.Err() != nil {
		return
	}
	factory, ok := m.reg.factory(context.Background(), m.name)
	if !ok {
		m.stays(fault.Newf(fault.NotFound, "no match handler is named %q any more", m.name))
		return
	}
	next, err := guard(m, func() (Handler, error) { return factory(m.ctx, m) })
	if err != nil {
		if m.ctx.Err() == nil {
			m.stays(err)
		}
		return
	}
	mv := &move{next: next, done: make(chan struct{})}
	m.box.mu.Lock()
	if !m.post(item{kind: doMove, move: mv}) {
		m.drop(mv)
		return
	}
	timer := time.NewTimer(swapPatience)
	defer timer.Stop()
	select {
	case <-mv.done:
	case <-timer.C:
	case <-ctx.Done():
	}
}

// take changes the handler, on the match's goroutine.
func (m *Match) take(mv *move) {
	old, ok := m.handler.(Movable)
	if !ok {
		m.drop(mv)
		return
	}
	moved, err := guard(m, func() (bool, error) { return old.Move(m.ctx, m.tick, mv.next) })
	m.flush()
	if err != nil || !moved {
		if err != nil {
			m.stays(err)
		}
		m.drop(mv)
		return
	}
	m.handler = mv.next
	_, _ = guard(m, func() (struct{}, error) { old.Close(); return struct{}{}, nil })
	close(mv.done)
	m.log.Info().Int64("tick", m.tick).Msg("match goes on with the new code")
}

// stays says why a match goes on with the code it has.
func (m *Match) stays(err error) {
	m.log.Warn().Err(err).Msg("match cannot move to the new code and goes on with the old one")
}
