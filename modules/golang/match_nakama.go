package golang

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"encoding/json"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cespare/xxhash/v2"
	"github.com/heroiclabs/nakama-common/api"
	"github.com/heroiclabs/nakama-common/runtime"

	"kumi/core"
	"kumi/core/satori"
	"kumi/internal/journal"
	"kumi/store/fault"
)

// nakama is what the code of one match gets as nk. It passes calls on; while the match is
// recorded it keeps their results, and in a replay it answers from those and does nothing
// else. Its methods may be called from any goroutine, but only results of calls that the
// handler waits for can be repeated.
type nakama struct {
	runtime.NakamaModule
	module  *core.Module
	journal *journal.Journal // nil: never recorded

	begun bool // a call of the handler runs
	mode  atomic.Int32
	mu    sync.Mutex
	done  []journal.Entry // of the running call of the handler, since the match's goroutine owns the journal
	left  []journal.Entry // results to answer with
}

// The modes of a nakama.
const (
	passing int32 = iota
	recording
	playing
)

func newNakama(m *core.Module, j *journal.Journal) *nakama {
	n := &nakama{NakamaModule: m, module: m, journal: j}
	if j.Playing() {
		n.mode.Store(playing)
	}
	return n
}

// passes tells whether calls are passed on and nothing else.
func (n *nakama) passes() bool { return n.mode.Load() == passing }

// begin prepares for a call of the handler. Like end it is called on the match's goroutine.
func (n *nakama) begin() {
	if n.begun || !n.journal.On() {
		return
	}
	n.begun = true
	switch {
	case !n.journal.Playing():
		n.mode.Store(recording)
	default:
		n.mu.Lock()
		defer n.mu.Unlock()
		n.left = nil
		for {
			e, _, ok := n.journal.Take(func(e *journal.Entry) bool { return e.Kind == journal.Call })
			if !ok {
				return
			}
			n.left = append(n.left, e)
		}
	}
}

// end puts the calls since begin into the journal.
func (n *nakama) end() {
	if !n.begun {
		return
	}
	n.begun = false
	n.mode.CompareAndSwap(recording, passing)
	n.mu.Lock()
	done := n.done
	n.done = nil
	n.mu.Unlock()
	for _, e := range done {
		n.journal.Add(e)
	}
}

// call makes a call, or answers it from a recording. run makes it and sets results, which are
// pointers.
func (n *nakama) call(name string, args []any, run func() error, results ...any) error {
	return n.callBack(name, args, run, func() {}, results...)
}

// callBack is call for a function that calls back into the module's code. In a replay again
// does that, when the results are set.
func (n *nakama) callBack(name string, args []any, run func() error, again func(), results ...any) (err error) {
	if n.passes() {
		return run()
	}
	e := journal.Entry{Kind: journal.Call, Name: name, Args: hashArguments(args)}
	if n.mode.Load() != playing {
		err = run()
		e.Data = appendResults(nil, err, results)
	} else if played, ok := n.take(name, e.Args); ok {
		e.Data = played.Data
		err = readResults(name, played.Data, results)
		again()
	} else {
		err = fault.Newf(fault.NotFound, "%s was not called here when the match was recorded, so there is no result", name)
		e.Data = appendResults(nil, err, results)
	}
	n.add(e)
	return err
}

func (n *nakama) add(e journal.Entry) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.mode.Load() != passing { // the call of the handler has not ended meanwhile
		n.done = append(n.done, e)
	}
}

// take removes and returns the next recorded call of a function, with the same arguments if
// there is one. Calls of goroutines may come in another order than they were recorded.
func (n *nakama) take(name string, args uint64) (e journal.Entry, ok bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	i := slices.IndexFunc(n.left, func(e journal.Entry) bool { return e.Name == name && e.Args == args })
	if i < 0 {
		i = slices.IndexFunc(n.left, func(e journal.Entry) bool { return e.Name == name })
	}
	if i < 0 {
		return e, false
	}
	e = n.left[i]
	n.left = slices.Delete(n.left, i, i+1)
	return e, true
}

// hashArguments returns a hash of the arguments of a call; 0 if there is none.
func hashArguments(args []any) uint64 {
	text, err := json.Marshal(args)
	if err != nil {
		return 0
	}
	return xxhash.Sum64(text)
}

// StorageWriteRetry implements runtime.NakamaModule. What the function was called with is
// recorded, and a replay calls it with the same.
func (n *nakama) StorageWriteRetry(ctx context.Context, reads []*runtime.StorageRead, fn func([]*api.StorageObject) ([]*runtime.StorageWrite, error), tries int) (acks []*api.StorageObjectAck, err error) {
	if n.passes() {
		return n.NakamaModule.StorageWriteRetry(ctx, reads, fn, tries)
	}
	var objects []*api.StorageObject // of all calls of fn, each followed by nil
	err = n.callBack("StorageWriteRetry", []any{reads, tries}, func() error {
		acks, err = n.NakamaModule.StorageWriteRetry(ctx, reads, func(read []*api.StorageObject) ([]*runtime.StorageWrite, error) {
			objects = append(append(objects, read...), nil)
			return fn(read)
		}, tries)
		return err
	}, func() {
		begin := 0
		for i, o := range objects {
			if o == nil {
				_, _ = fn(objects[begin:i:i]) // what came of it is recorded
				begin = i + 1
			}
		}
	}, &acks, &objects)
	return acks, err
}

// ReadFile implements runtime.NakamaModule. Files belong to the modules, so a replay reads
// those of today.
func (n *nakama) ReadFile(path string) (*os.File, error) { return n.NakamaModule.ReadFile(path) }

// GetSatori implements runtime.NakamaModule. Calls to Satori are not recorded, and fail in a
// replay.
func (n *nakama) GetSatori() runtime.Satori {
	if n.mode.Load() == playing {
		return satori.New(satori.Options{})
	}
	return n.NakamaModule.GetSatori()
}

// GetFleetManager implements runtime.NakamaModule. Its calls are not recorded, and a replay
// has none.
func (n *nakama) GetFleetManager() runtime.FleetManager {
	if n.mode.Load() == playing {
		return nil
	}
	return n.NakamaModule.GetFleetManager()
}

// MetricsCounterAdd implements runtime.NakamaModule. A replay counts nothing.
func (n *nakama) MetricsCounterAdd(name string, tags map[string]string, delta int64) {
	if n.mode.Load() != playing {
		n.NakamaModule.MetricsCounterAdd(name, tags, delta)
	}
}

// MetricsGaugeSet implements runtime.NakamaModule.
func (n *nakama) MetricsGaugeSet(name string, tags map[string]string, value float64) {
	if n.mode.Load() != playing {
		n.NakamaModule.MetricsGaugeSet(name, tags, value)
	}
}

// MetricsTimerRecord implements runtime.NakamaModule.
func (n *nakama) MetricsTimerRecord(name string, tags map[string]string, value time.Duration) {
	if n.mode.Load() != playing {
		n.NakamaModule.MetricsTimerRecord(name, tags, value)
	}
}

// JobEnqueue is core.Module.JobEnqueue.
func (n *nakama) JobEnqueue(ctx context.Context, name, payload string, delay time.Duration) (id string, err error) {
	err = n.call("JobEnqueue", []any{name, payload, delay}, func() error { id, err = n.module.JobEnqueue(ctx, name, payload, delay); return err }, &id)
	return id, err
}

// JobCancel is core.Module.JobCancel.
func (n *nakama) JobCancel(ctx context.Context, id string) (found bool, err error) {
	err = n.call("JobCancel", []any{id}, func() error { found, err = n.module.JobCancel(ctx, id); return err }, &found)
	return found, err
}

// MatchmakerExplain is core.Module.MatchmakerExplain.
func (n *nakama) MatchmakerExplain(ctx context.Context, ticket string) (all map[string]any, err error) {
	err = n.call("MatchmakerExplain", []any{ticket}, func() error { all, err = n.module.MatchmakerExplain(ctx, ticket); return err }, &all)
	return all, err
}

// MatchmakerTickets is core.Module.MatchmakerTickets.
func (n *nakama) MatchmakerTickets(ctx context.Context, limit int, user string) (all []map[string]any, err error) {
	err = n.call("MatchmakerTickets", []any{limit, user}, func() error { all, err = n.module.MatchmakerTickets(ctx, limit, user); return err }, &all)
	return all, err
}

// MatchmakerRemove is core.Module.MatchmakerRemove.
func (n *nakama) MatchmakerRemove(ctx context.Context, ticket string) error {
	return n.call("MatchmakerRemove", []any{ticket}, func() error { return n.module.MatchmakerRemove(ctx, ticket) })
}

// noDatabase is what the code of a match gets as its database in a replay.
type noDatabase struct{}

var errNoDatabase = fault.New(fault.FailedPrecondition, "a replay of a match has no database: results of SQL are not recorded, those of nk are")

// Connect implements driver.Connector.
func (noDatabase) Connect(context.Context) (driver.Conn, error) { return nil, errNoDatabase }

// Driver implements driver.Connector.
func (d noDatabase) Driver() driver.Driver { return d }

// Open implements driver.Driver.
func (noDatabase) Open(string) (driver.Conn, error) { return nil, errNoDatabase }

// replayDatabase is that of all replays, since each sql.DB has a goroutine.
var replayDatabase = sync.OnceValue(func() *sql.DB { return sql.OpenDB(noDatabase{}) })

// databaseOf returns the database for the code of a match.
func databaseOf(db *sql.DB, j *journal.Journal) *sql.DB {
	if j.Playing() {
		return replayDatabase()
	}
	return db
}
