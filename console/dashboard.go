package console

import (
	"cmp"
	"context"
	goruntime "runtime"
	gometrics "runtime/metrics"
	"slices"
	"sync"
	"time"

	"kumi/core/consolepb"
	"kumi/server/metrics"
)

// shownFunctions is how many functions a dashboard shows.
const shownFunctions = 50

// dashboard is what the server does now.
func (s *Server) dashboard() (*consolepb.Dashboard, error) {
	set := s.Set()
	out := &consolepb.Dashboard{
		Node: s.Node(), Others: s.Others(), Process: s.process(), Functions: s.functions(), SlowMatches: s.Console.SlowMatches(),
		Database: s.Console.DatabaseState(), ModuleVersion: set.Version, Pages: int32(s.Pages()),
	}
	out.Database.Bytes = s.size.get(s.Console.DatabaseSize)
	for _, p := range set.Pools {
		st := p.Stats()
		out.Pools = append(out.Pools, &consolepb.Dashboard_Pool{
			Runtime: p.Runtime, Max: int32(st.Max), Size: int32(st.Allocated), Idle: int32(st.Idle), InUse: int32(st.InUse), Waiting: int32(st.Waiting),
			Waits: float64(st.Waits), Retired: float64(st.Retired), Abandoned: float64(st.Abandoned),
		})
	}
	for _, w := range s.Config.Warnings() {
		out.Warnings = append(out.Warnings, &consolepb.Config_Warning{Field: w.Field, Message: w.Message})
	}
	if last, _ := s.Reloads.Last(1); len(last) > 0 {
		out.Reload = last[0]
	}
	return out, nil
}

// process is what the server's process takes of the machine.
func (s *Server) process() *consolepb.Dashboard_Process {
	samples := []gometrics.Sample{
		{Name: "/memory/classes/heap/objects:bytes"}, {Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"},
	}
	gometrics.Read(samples)
	return &consolepb.Dashboard_Process{
		ServerVersion: s.Version, GoVersion: goruntime.Version(), Cpus: int32(goruntime.GOMAXPROCS(0)), Cpu: float64(s.History.Last("cpu")),
		HeapBytes: float64(samples[0].Value.Uint64()), MemoryBytes: float64(samples[1].Value.Uint64() - samples[2].Value.Uint64()),
	}
}

// functions are the functions of the modules, the slowest of the last minutes first.
func (s *Server) functions() (out []*consolepb.Dashboard_Function) {
	all := s.Functions()
	slices.SortFunc(all, func(a, b metrics.Function) int {
		return cmp.Or(cmp.Compare(b.Last.P99, a.Last.P99), cmp.Compare(b.Total.P99, a.Total.P99), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Name, b.Name))
	})
	calls := func(c metrics.Calls) *consolepb.Dashboard_Calls {
		return &consolepb.Dashboard_Calls{Count: float64(c.Count), Errors: float64(c.Errors), MeanMs: ms(c.Mean), P50Ms: ms(c.P50), P99Ms: ms(c.P99)}
	}
	for _, f := range all[:min(len(all), shownFunctions)] {
		out = append(out, &consolepb.Dashboard_Function{Kind: f.Kind, Name: f.Name, Total: calls(f.Total), Last: calls(f.Last)})
	}
	return out
}

// databaseSize remembers the size of the database, which PostgreSQL takes a while to say.
type databaseSize struct {
	mu    sync.Mutex
	read  time.Time
	bytes int64
}

// sizeKept is how long the size of the database is remembered.
const sizeKept = 30 * time.Second

// get returns the size. While the database cannot say it, it is the one before.
func (d *databaseSize) get(ask func(context.Context) (int64, error)) float64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	if time.Since(d.read) < sizeKept {
		return float64(d.bytes)
	}
	d.read = time.Now()
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if bytes, err := ask(ctx); err == nil {
		d.bytes = bytes
	}
	return float64(d.bytes)
}
