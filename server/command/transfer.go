package command

import (
	"context"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"kumi/core"
	"kumi/store"
	"kumi/store/transfer"
)

// importDatabase copies a PostgreSQL database into the embedded one.
func importDatabase(ctx context.Context, args []string, s streams) int {
	return copyDatabase(ctx, "import", "from", args, s)
}

// exportDatabase copies the embedded database to PostgreSQL.
func exportDatabase(ctx context.Context, args []string, s streams) int {
	return copyDatabase(ctx, "export", "to", args, s)
}

// copyDatabase copies the embedded database to the PostgreSQL database that flag names,
// or from it.
func copyDatabase(ctx context.Context, verb, flag string, args []string, s streams) int {
	address, args, err := takeFlag(args, flag)
	if err != nil {
		return failed(s, err)
	}
	exclude, args, err := takeFlag(args, "exclude")
	if err != nil {
		return failed(s, err)
	}
	if address == "" {
		fmt.Fprintf(s.err, "%s needs the PostgreSQL database: --%s postgres://user:password@host:5432/nakama\n", verb, flag)
		return exitUsage
	}
	cfg, _, ok := load(args, s)
	if !ok {
		return exitUsage
	}
	if first(cfg) != "" {
		fmt.Fprintf(s.err, "%s is about the embedded database in data_dir and the database of --%s: leave out database.address\n", verb, flag)
		return exitUsage
	}
	log, closeLog, err := newLogger(cfg, s)
	if err != nil {
		return failed(s, err)
	}
	defer closeLog()

	file := filepath.Join(cfg.DataDir, "kumi.db")
	if _, err := os.Stat(file); err != nil && verb == "export" {
		return failed(s, fmt.Errorf("there is no embedded database to export: %w", err))
	}
	embedded, err := store.Open(ctx, store.Options{DataDir: cfg.DataDir, Exclusive: true, Logger: log})
	if err != nil {
		return failed(s, err)
	}
	defer embedded.Close()
	if verb == "export" { // the server would migrate it, too
		if err := store.Migrate(ctx, embedded); err != nil {
			return failed(s, err)
		}
		if _, err := store.CreateDatabase(ctx, address); err != nil {
			return failed(s, err)
		}
	}
	postgres, err := store.Open(ctx, store.Options{Address: address, MaxOpenConns: 4, Logger: log})
	if err != nil {
		return failed(s, err)
	}
	defer postgres.Close()
	from, to := postgres, embedded
	if verb == "export" {
		from, to = embedded, postgres
	}

	shown := &progressPrinter{out: s.out, now: time.Now}
	o := transfer.Options{Derived: core.DerivedTables, Progress: shown.progress}
	if exclude != "" {
		o.Exclude = strings.Split(exclude, ",")
	}
	report, err := transfer.Copy(ctx, from, to, o)
	if err != nil {
		if ctx.Err() != nil {
			err = fmt.Errorf("interrupted: run the same command again to continue")
		}
		return failed(s, fmt.Errorf("%s: %w", verb, err))
	}
	printReport(s.out, report)
	return exitOK
}

// progressPrinter prints how far a copy is, at most once in interval within a table.
type progressPrinter struct {
	out    io.Writer
	now    func() time.Time
	table  string
	step   transfer.Step
	began  time.Time
	shown  time.Time
	before int64 // rows that were done at the beginning
}

const progressInterval = 2 * time.Second

func (p *progressPrinter) progress(step transfer.Step, table string, done, total int64) {
	now := p.now()
	if table != p.table || step != p.step {
		p.table, p.step, p.began, p.shown, p.before = table, step, now, now, done
		return
	}
	if now.Sub(p.shown) < progressInterval && done < total {
		return
	}
	p.shown = now
	switch step {
	case transfer.Verifying:
		fmt.Fprintf(p.out, "verified %-20s %d rows\n", table, done)
		return
	case transfer.Comparing:
		return
	}
	rate := ""
	if took := now.Sub(p.began).Seconds(); took >= 1 {
		rate = fmt.Sprintf(", %.0f rows/s", float64(done-p.before)/took)
	}
	fmt.Fprintf(p.out, "copied   %-20s %d of %d rows%s\n", table, done, total, rate)
}

func printReport(w io.Writer, r *transfer.Report) {
	fmt.Fprintf(w, "\n%-24s %12s  %s\n", "table", "rows", "checksum, of both databases")
	for _, t := range r.Tables {
		note := ""
		if t.Corrected > 0 {
			note = fmt.Sprintf("  (%d rows had changed since the interrupted run, and were copied again)", t.Corrected)
		}
		fmt.Fprintf(w, "%-24s %12d  %s%s\n", t.Name, t.Rows, t.Checksum, note)
	}
	for _, name := range slices.Sorted(maps.Keys(r.Apart)) {
		fmt.Fprintf(w, "not copied: %s: %s\n", name, r.Apart[name])
	}
	if len(r.Changed) > 0 {
		fmt.Fprintf(w, "warning: others changed rows in the source during the copy, which does not have these changes: %s\n", strings.Join(r.Changed, ", "))
	}
	fmt.Fprintf(w, "\ncopied %d rows from %s to %s in %s (%.0f rows/s), verified in %s\n", r.Copied, r.From, r.To,
		r.Took.Round(time.Millisecond), float64(r.Copied)/max(r.Took.Seconds(), 1e-3), r.Verified.Round(time.Millisecond))
}

// takeFlag removes a flag that is not a setting from the arguments and returns its
// value, empty if it is not given.
func takeFlag(args []string, name string) (value string, rest []string, err error) {
	for i := 0; i < len(args); i++ {
		flag, inline, ok := strings.Cut(strings.TrimLeft(args[i], "-"), "=")
		if flag != name || !strings.HasPrefix(args[i], "-") {
			rest = append(rest, args[i])
			continue
		}
		if value = inline; !ok {
			if i++; i == len(args) {
				return "", nil, fmt.Errorf("--%s needs a value", name)
			}
			value = args[i]
		}
	}
	return value, rest, nil
}
