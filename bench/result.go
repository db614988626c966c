package main

import (
	"encoding/json"
	"fmt"
	"io"
	"text/tabwriter"
	"time"
)

// Report is the outcome of a run.
type Report struct {
	Scenario    string    `json:"scenario"`
	Format      string    `json:"format"`
	Connections int       `json:"connections"`
	Results     []*Result `json:"results"`
	// Figures are derived from the results by a scenario.
	Figures []Figure `json:"figures,omitempty"`
}

// Figure is one named number.
type Figure struct {
	Name  string  `json:"name"`
	Value float64 `json:"value"`
	Unit  string  `json:"unit"`
}

// Result is one line of a report: some work on one target. Times are in
// microseconds.
type Result struct {
	Work       string  `json:"work,omitempty"` // distinguishes several results of a scenario
	Target     string  `json:"target"`
	Unit       string  `json:"unit"`
	Operations uint64  `json:"operations"`
	Errors     uint64  `json:"errors"`
	FirstError string  `json:"first_error,omitempty"`
	PerSecond  float64 `json:"per_second"`
	P50        float64 `json:"p50_us"`
	P95        float64 `json:"p95_us"`
	P99        float64 `json:"p99_us"`
	Max        float64 `json:"max_us"`
	CPU        float64 `json:"cpu_us_per_operation,omitempty"`
	DBCPU      float64 `json:"database_cpu_us_per_operation,omitempty"`
	RSS        int64   `json:"rss_bytes,omitempty"`
	// RSSEach is the memory per connection or match, if measured.
	RSSEach int64 `json:"rss_bytes_each,omitempty"`
	// Ratio is CPU (or RSSEach) divided by that of the bare server in this run.
	Ratio float64 `json:"times_bare,omitempty"`

	// States are what the server held at several points of the run.
	States []State `json:"states,omitempty"`

	perOp         int
	elapsed       time.Duration
	cpu, dbCPU    time.Duration
	hasCPU, hasDB bool
	hist          *histogram
}

// add adds the results of one round; those of further rounds are summed with
// earlier ones of the same work and target.
func (r *Report) add(t *target, results []*Result) {
	for _, n := range results {
		n.Target = t.name
		if old := r.find(n.Work, n.Target); old != nil {
			old.merge(n)
			continue
		}
		r.Results = append(r.Results, n)
	}
}

func (r *Report) find(work, target string) *Result {
	for _, n := range r.Results {
		if n.Work == work && n.Target == target {
			return n
		}
	}
	return nil
}

func (r *Result) merge(n *Result) {
	r.hist.merge(n.hist)
	r.elapsed += n.elapsed
	r.cpu += n.cpu
	r.dbCPU += n.dbCPU
	r.Errors += n.Errors
	r.RSS = max(r.RSS, n.RSS)
	r.States = append(r.States, n.States...)
	if r.FirstError == "" {
		r.FirstError = n.FirstError
	}
}

// finish computes the figures from the counts.
func (r *Report) finish() {
	for _, n := range r.Results {
		n.finish()
	}
	for _, n := range r.Results {
		bare := r.find(n.Work, "bare")
		switch {
		case bare == nil || n == bare:
		case n.RSSEach > 0 && bare.RSSEach > 0:
			n.Ratio = float64(n.RSSEach) / float64(bare.RSSEach)
		case n.CPU > 0 && bare.CPU > 0:
			n.Ratio = n.CPU / bare.CPU
		}
	}
}

func (r *Result) finish() {
	r.Operations = r.hist.total / uint64(r.perOp)
	if r.Operations == 0 {
		return
	}
	ops := float64(r.hist.total) / float64(r.perOp)
	if r.elapsed > 0 {
		r.PerSecond = ops / r.elapsed.Seconds()
	}
	if r.hasCPU {
		r.CPU = micros(r.cpu) / ops
	}
	if r.hasDB {
		r.DBCPU = micros(r.dbCPU) / ops
	}
	r.P50, r.P95, r.P99 = micros(r.hist.quantile(0.50)), micros(r.hist.quantile(0.95)), micros(r.hist.quantile(0.99))
	r.Max = micros(r.hist.max)
}

func micros(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }

func (r *Report) writeJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(r)
}

func (r *Report) writeTable(w io.Writer) error {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(tw, "work\ttarget\tunit\tper second\tp50 µs\tp95 µs\tp99 µs\tmax µs\tCPU µs\tdb µs\tRSS MB\tKB each\tx bare\terrors\t\n")
	for _, n := range r.Results {
		work := r.Scenario
		if n.Work != "" {
			work += " " + n.Work
		}
		fmt.Fprintf(tw, "%s\t%s\t%s\t%s\t%.0f\t%.0f\t%.0f\t%.0f\t%s\t%s\t%s\t%s\t%s\t%d\t\n",
			work, n.Target, n.Unit, orDash(n.PerSecond, "%.0f"), n.P50, n.P95, n.P99, n.Max,
			orDash(n.CPU, "%.1f"), orDash(n.DBCPU, "%.1f"), orDash(float64(n.RSS)/(1<<20), "%.1f"),
			orDash(float64(n.RSSEach)/(1<<10), "%.1f"), orDash(n.Ratio, "%.2f"), n.Errors)
	}
	if err := tw.Flush(); err != nil {
		return err
	}
	for _, f := range r.Figures {
		fmt.Fprintf(w, "%s: %.1f %s\n", f.Name, f.Value, f.Unit)
	}
	for _, n := range r.Results {
		for _, s := range n.States {
			fmt.Fprintf(w, "%s %s\n", n.Target, s)
		}
		if n.FirstError != "" {
			fmt.Fprintf(w, "first error from %s: %s\n", n.Target, n.FirstError)
		}
	}
	return nil
}

func orDash(v float64, format string) string {
	if v == 0 {
		return "-"
	}
	return fmt.Sprintf(format, v)
}
