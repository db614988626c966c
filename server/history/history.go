// Package history keeps figures of the last day in memory: a point every few seconds for
// the last minutes, and one a minute for the rest.
//
// A History may be used from any goroutine.
package history

import (
	"math"
	"slices"
	"sync"
	"time"

	"kumi/internal/recent"
)

// Fine points are kept for ten minutes, Coarse ones for a day. A coarse point is made of
// the fine ones of its minute.
const (
	Fine   = 5 * time.Second
	Coarse = time.Minute

	finePoints   = int(10 * time.Minute / Fine)
	coarsePoints = int(24 * time.Hour / Coarse)
)

// Series describes a figure.
type Series struct {
	Name, Unit string
	// Max says that of several points the highest counts, not the average.
	Max bool
}

// Point are the figures at one time, in the order of the series.
type Point struct {
	At     int64 // Unix seconds
	Values []float32
}

// History has the points of a list of series. The memory is allocated once: 4 bytes for
// each of about 1,560 points of a series, and 8 for each of their times.
type History struct {
	recent.Followers // woken after each new point

	series []Series

	mu           sync.Mutex
	fine, coarse ring
	minute       int64 // of the fine points in sums
	sums         []float32
	summed       int
}

// New makes an empty history.
func New(series []Series) *History {
	return &History{
		series: series, sums: make([]float32, len(series)),
		fine: newRing(finePoints, len(series)), coarse: newRing(coarsePoints, len(series)),
	}
}

// Series returns the series, which must not be changed.
func (h *History) Series() []Series { return h.series }

// Add adds a fine point, and returns the coarse point that it completed, if any. Points
// must come in the order of their times.
func (h *History) Add(at time.Time, values []float32) (done Point, ok bool) {
	done, ok = h.add(at, values)
	h.Wake()
	return done, ok
}

func (h *History) add(at time.Time, values []float32) (done Point, ok bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := at.Unix()
	minute := now - now%int64(Coarse/time.Second)
	if minute != h.minute && h.summed > 0 {
		done, ok = Point{h.minute, h.mean()}, true
		h.coarse.add(done)
		h.summed = 0
	}
	h.fine.add(Point{now, values})
	h.minute = minute
	for i, v := range values {
		switch {
		case h.summed == 0:
			h.sums[i] = v
		case h.series[i].Max:
			h.sums[i] = max(h.sums[i], v)
		default:
			h.sums[i] += v
		}
	}
	h.summed++
	return done, ok
}

// mean is the coarse point of what was added in its minute.
func (h *History) mean() []float32 {
	out := slices.Clone(h.sums)
	for i := range out {
		if !h.series[i].Max {
			out[i] /= float32(h.summed)
		}
	}
	return out
}

// Restore adds coarse points of before the start, in the order of their times.
func (h *History) Restore(points []Point) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, p := range points {
		h.coarse.add(p)
	}
}

// Table are points as columns: the times, and the values of each series.
type Table struct {
	Series []Series
	Times  []int64 // Unix seconds
	Values [][]float32
}

// Read returns the points between two times, a zero one being open. Of those in one step
// it makes one, with the time of its beginning; a step below a minute gives the finest
// points that there are. It returns the named series; no names: all of them.
func (h *History) Read(from, to time.Time, step time.Duration, names []string) Table {
	h.mu.Lock()
	defer h.mu.Unlock()
	first, last := int64(math.MinInt64), int64(math.MaxInt64)
	if !from.IsZero() {
		first = from.Unix()
	}
	if !to.IsZero() {
		last = to.Unix()
	}
	out, columns := h.columns(names)
	b := tableBuilder{out: &out, columns: columns, step: max(int64(step/time.Second), 1)}
	finest := step < Coarse
	if finest {
		b.step = 1
	}
	fineFrom := int64(math.MaxInt64)
	if finest && h.fine.count > 0 {
		fineFrom = h.fine.at(0)
	}
	for i := range h.coarse.count {
		// A minute whose fine points are all there comes as these.
		if at := h.coarse.at(i); at >= first && at <= last && at < fineFrom {
			b.add(at, h.coarse.values(i))
		}
	}
	if finest {
		for i := range h.fine.count {
			if at := h.fine.at(i); at >= first && at <= last {
				b.add(at, h.fine.values(i))
			}
		}
	}
	b.finish()
	return out
}

// Complete returns the end of the last step whose coarse points are all there; step is of
// whole minutes. Before the first point it is long ago.
func (h *History) Complete(step time.Duration) time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	seconds := int64(step / time.Second)
	return time.Unix(h.minute-h.minute%seconds, 0)
}

// Last returns the latest value of a series; 0 if there is none.
func (h *History) Last(name string) float32 {
	h.mu.Lock()
	defer h.mu.Unlock()
	i := slices.IndexFunc(h.series, func(s Series) bool { return s.Name == name })
	if i < 0 || h.fine.count == 0 {
		return 0
	}
	return h.fine.values(h.fine.count - 1)[i]
}

// columns picks series by name.
func (h *History) columns(names []string) (out Table, columns []int) {
	for i, s := range h.series {
		if len(names) == 0 || slices.Contains(names, s.Name) {
			out.Series, columns = append(out.Series, s), append(columns, i)
		}
	}
	out.Values = make([][]float32, len(columns))
	return out, columns
}

// tableBuilder merges points of one step into one.
type tableBuilder struct {
	out     *Table
	columns []int
	step    int64
	merged  int // points in the last row
}

func (b *tableBuilder) add(at int64, values []float32) {
	at -= at % b.step
	n := len(b.out.Times)
	if n == 0 || b.out.Times[n-1] != at {
		b.finish()
		b.out.Times = append(b.out.Times, at)
		for i, c := range b.columns {
			b.out.Values[i] = append(b.out.Values[i], values[c])
		}
		b.merged = 1
		return
	}
	for i, c := range b.columns {
		if v := &b.out.Values[i][n-1]; b.out.Series[i].Max {
			*v = max(*v, values[c])
		} else {
			*v += values[c]
		}
	}
	b.merged++
}

// finish makes averages of the sums in the last row.
func (b *tableBuilder) finish() {
	if b.merged > 1 {
		for i := range b.columns {
			if !b.out.Series[i].Max {
				b.out.Values[i][len(b.out.Times)-1] /= float32(b.merged)
			}
		}
	}
	b.merged = 0
}

// ring are the last points.
type ring struct {
	width, next, count int
	times              []int64
	all                []float32
}

func newRing(points, width int) ring {
	return ring{width: width, times: make([]int64, points), all: make([]float32, points*width)}
}

func (r *ring) add(p Point) {
	r.times[r.next] = p.At
	copy(r.all[r.next*r.width:(r.next+1)*r.width], p.Values)
	r.next = (r.next + 1) % len(r.times)
	r.count = min(r.count+1, len(r.times))
}

// place returns where the i-th oldest point is.
func (r *ring) place(i int) int {
	return (r.next - r.count + i + len(r.times)) % len(r.times)
}

func (r *ring) at(i int) int64 { return r.times[r.place(i)] }

func (r *ring) values(i int) []float32 {
	k := r.place(i)
	return r.all[k*r.width : (k+1)*r.width]
}
