// Package trace measures what one call of an operator spends its time on. Nearly all calls
// are not traced; for these Of is one atomic load.
package trace

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Trace measures a call. The context of the call carries it, so any goroutine may add to
// it.
type Trace struct {
	// ID is the trace id of the call in the log.
	ID string

	began time.Time
	ended atomic.Bool
	mu    sync.Mutex
	// depth is how many functions of the server are running, inside one another.
	depth                 int
	queue, inFunctions    time.Duration
	sql, sqlInFunctions   time.Duration
	functions, statements map[string]*Part
}

// Part is how often a function or a statement ran, and how long it took in total.
type Part struct {
	Name  string
	Count int
	Took  time.Duration
}

// Split is the time of a call. The parts do not overlap; Script is the rest.
type Split struct {
	Total  time.Duration
	Queue  time.Duration // waiting for a VM
	Script time.Duration
	NK     time.Duration // in functions of the server, without SQL
	SQL    time.Duration // in statements and transactions, with waiting for the writer
	// Functions of the server that the script called; their time has that of SQL, and of
	// functions that they called in turn. And statements.
	Functions, Statements []Part
}

// traces is how many traces are running.
var traces atomic.Int32

type key struct{}

// Begin begins to trace what runs with the context that it returns. End or Stop must be
// called.
func Begin(ctx context.Context, id string) (context.Context, *Trace) {
	traces.Add(1)
	t := &Trace{ID: id, began: time.Now(), functions: map[string]*Part{}, statements: map[string]*Part{}}
	return context.WithValue(ctx, key{}, t), t
}

// Of returns the trace of a context; nil: it is not traced.
func Of(ctx context.Context) *Trace {
	if traces.Load() == 0 || ctx == nil {
		return nil
	}
	t, _ := ctx.Value(key{}).(*Trace)
	return t
}

// Stop ends the trace without a result. It may be called more than once.
func (t *Trace) Stop() {
	if !t.ended.Swap(true) {
		traces.Add(-1)
	}
}

// End ends the trace. What still runs with its context is not measured.
func (t *Trace) End() Split {
	t.Stop()
	t.mu.Lock()
	defer t.mu.Unlock()
	s := Split{Total: time.Since(t.began), Queue: t.queue, SQL: t.sql, NK: max(t.inFunctions-t.sqlInFunctions, 0)}
	s.Script = max(s.Total-s.Queue-s.SQL-s.NK, 0)
	s.Functions, s.Statements = parts(t.functions), parts(t.statements)
	return s
}

// parts are the parts that took the most time, first.
func parts(all map[string]*Part) (list []Part) {
	for _, p := range all {
		list = append(list, *p)
	}
	slices.SortFunc(list, func(a, b Part) int { return cmp.Or(cmp.Compare(b.Took, a.Took), cmp.Compare(a.Name, b.Name)) })
	return list
}

// maxParts is how many functions or statements are told apart.
const maxParts = 200

func add(all map[string]*Part, name string, took time.Duration) {
	p := all[name]
	if p == nil {
		if len(all) >= maxParts {
			name = "…"
			p = all[name]
		}
		if p == nil {
			p = &Part{Name: name}
			all[name] = p
		}
	}
	p.Count++
	p.Took += took
}

// Queued adds the time that the call has waited for a VM.
func (t *Trace) Queued(began time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.queue += time.Since(began)
}

// Function runs a function of the server.
func (t *Trace) Function(name string, run func() error) error {
	t.mu.Lock()
	t.depth++
	t.mu.Unlock()
	began := time.Now()
	defer func() {
		took := time.Since(began)
		t.mu.Lock()
		defer t.mu.Unlock()
		if t.depth--; t.depth == 0 {
			t.inFunctions += took
		}
		add(t.functions, name, took)
	}()
	return run()
}

// Statement adds a statement. With inTransaction its time is part of that of Transaction.
func (t *Trace) Statement(text string, began time.Time, inTransaction bool) {
	took := time.Since(began)
	t.mu.Lock()
	defer t.mu.Unlock()
	add(t.statements, text, took)
	if !inTransaction {
		t.addSQL(took)
	}
}

// Transaction adds the time of a transaction, with that of waiting for it.
func (t *Trace) Transaction(began time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.addSQL(time.Since(began))
}

// addSQL adds time in the database. mu is held.
func (t *Trace) addSQL(took time.Duration) {
	t.sql += took
	if t.depth > 0 {
		t.sqlInFunctions += took
	}
}
