package transfer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"kumi/store"
)

// Options of a copy; all are optional.
type Options struct {
	// Exclude are tables of modules that are not copied.
	Exclude []string
	// Derived are tables that a server makes again from others, with how it does.
	Derived map[string]string
	// Progress is called on the goroutine of Copy, at the beginning and the end of a
	// table and after each batch, with the rows that are done and all rows.
	Progress func(step Step, table string, done, total int64)
}

// Step is what is done with a table.
type Step string

// The steps, in their order.
const (
	Copying   Step = "copying"
	Verifying Step = "verifying"
	Comparing Step = "comparing" // with a source that was written to during the copy
)

// Report says what was copied.
type Report struct {
	From, To string
	Tables   []TableReport
	// Apart are the tables and indexes that are not copied, with the reason.
	Apart map[string]string
	// Changed are tables whose rows others have changed in the source during the copy;
	// the copy does not have those changes.
	Changed []string
	Rows    int64 // in all tables
	Resumed bool
	// Took is the time for copying, Verified that for the comparison.
	Took, Verified time.Duration
	// Copied are the rows that this run has copied.
	Copied int64
}

// TableReport is about one table.
type TableReport struct {
	Name     string
	Rows     int64
	Checksum string // the same for both databases
	// Corrected are the rows that were different after a resumed copy, because the
	// source had changed between the runs, and that were copied again.
	Corrected int64
}

// Copy copies all rows of one database into another one of the other kind. The target
// must be empty, or have the schema but no rows, or an unfinished copy of the same
// database, which is continued; Copy applies the migrations that it lacks. The source
// must have all of them. Copy returns without an error only if afterwards both databases
// have the same rows.
//
// A source on PostgreSQL may be in use: the copy is its state at the beginning of Copy.
// No server may use the target, nor a source that is an SQLite file.
func Copy(ctx context.Context, from, to *store.DB, o Options) (_ *Report, err error) {
	if from.Dialect() == to.Dialect() {
		return nil, fmt.Errorf("both databases are %s", from.Dialect())
	}
	if err := checkSource(ctx, from); err != nil {
		return nil, err
	}
	c := &copier{options: o, report: &Report{}, migrate: func(ctx context.Context) error { return store.Migrate(ctx, to) }}
	if o.Progress == nil {
		c.options.Progress = func(Step, string, int64, int64) {}
	}
	if c.from, err = open(ctx, from, true); err != nil {
		return nil, fmt.Errorf("open the source: %w", err)
	}
	defer c.from.close()
	if c.to, err = open(ctx, to, false); err != nil {
		return nil, fmt.Errorf("open the target: %w", err)
	}
	defer c.to.close()
	return c.report, c.run(ctx)
}

// checkSource refuses what is not a complete database of Nakama or Kumi.
func checkSource(ctx context.Context, db *store.DB) error {
	known, err := db.HasTable(ctx, "migration_info")
	if err != nil {
		return fmt.Errorf("look at the source: %w", err)
	}
	if !known {
		return errors.New("the source is not a database of Nakama or Kumi: it has no table migration_info")
	}
	if _, err := db.CheckMigrations(ctx); err != nil {
		return fmt.Errorf("the source: %w", err)
	}
	return nil
}

type copier struct {
	migrate        func(ctx context.Context) error // the target
	from, to       side
	options        Options
	source, target map[string]*table
	pairs          []*pair // in the order of their foreign keys
	progress       map[string]progress
	resumed        bool
	report         *Report
}

func (c *copier) run(ctx context.Context) (err error) {
	// Read before the source's state is: what is written in between counts as changed.
	before, err := c.from.version(ctx)
	if err != nil {
		return fmt.Errorf("%s: %w", c.from.name(), err)
	}
	if c.source, c.report.Apart, err = c.from.tables(ctx); err != nil {
		return fmt.Errorf("%s: %w", c.from.name(), err)
	}
	if err := c.begin(ctx); err != nil {
		return err
	}
	c.report.From, c.report.To, c.report.Resumed = c.from.name(), c.to.name(), c.resumed
	began := time.Now()
	for _, p := range c.pairs {
		if err := c.copy(ctx, p); err != nil {
			return err
		}
	}
	c.report.Took = time.Since(began)
	began = time.Now()
	for _, p := range c.pairs {
		t, err := c.verify(ctx, p)
		if err != nil {
			return err
		}
		c.report.Tables = append(c.report.Tables, t)
		c.report.Rows += t.Rows
	}
	c.report.Verified = time.Since(began)
	if err := c.to.finish(ctx, c.pairs); err != nil {
		return err
	}
	if err := c.findChanges(ctx, before); err != nil {
		return err
	}
	slices.SortFunc(c.report.Tables, func(a, b TableReport) int { return cmp.Compare(a.Name, b.Name) })
	if err := c.to.exec(ctx, statement{query: dropProgress}); err != nil {
		return fmt.Errorf("end the copy: %w", err)
	}
	return nil
}

// findChanges compares the copy with the source as it is now, if anyone has written to
// the source's server since the copy began.
func (c *copier) findChanges(ctx context.Context, before string) error {
	now, err := c.from.version(ctx)
	if err == nil && now != before {
		err = c.from.renew(ctx)
	}
	if err != nil || now == before {
		return err
	}
	for i, p := range c.pairs {
		c.options.Progress(Comparing, p.name, 0, c.report.Tables[i].Rows)
		now, err := sum(ctx, c.from, p)
		if err != nil {
			return err
		}
		c.options.Progress(Comparing, p.name, now.rows, now.rows)
		if now.rows != c.report.Tables[i].Rows || now.String() != c.report.Tables[i].Checksum {
			c.report.Changed = append(c.report.Changed, p.name)
		}
	}
	slices.Sort(c.report.Changed)
	return nil
}

// plan decides which tables are copied, and makes those that the target lacks.
func (c *copier) plan(ctx context.Context) error {
	for _, name := range c.options.Exclude {
		switch {
		case c.source[name] == nil:
			return fmt.Errorf("there is no table %s to leave out", name)
		case nakamaTables[name]:
			return fmt.Errorf("table %s cannot be left out: it belongs to the server", name)
		}
		c.leave(name, "it was excluded")
	}
	for name, reason := range c.options.Derived {
		c.leave(name, reason)
	}
	delete(c.source, store.CopyTable)
	delete(c.source, "migration_info") // each database has its own
	for name := range nakamaTables {
		if name != "migration_info" && c.source[name] == nil {
			return fmt.Errorf("%s lacks table %s: it is not a database of Nakama or Kumi", c.from.name(), name)
		}
	}
	names, circular := ordered(c.source)
	for _, name := range circular {
		c.leave(name, "it refers to itself, or to a table that does")
	}
	if err := c.mark(ctx); err != nil {
		return err
	}
	if err := c.create(ctx, names); err != nil {
		return err
	}
	for _, name := range names {
		from, to := c.source[name], c.target[name]
		if from == nil {
			continue
		}
		postgres := from
		if _, ok := c.to.(*sqlite); !ok {
			postgres = to
		}
		p, err := pairOf(from, to, postgres)
		switch {
		case err == nil:
			c.pairs = append(c.pairs, p)
		case nakamaTables[name]:
			return fmt.Errorf("table %s is not the one that this version knows: %w", name, err)
		default:
			c.leave(name, err.Error())
		}
	}
	return nil
}

// leave takes a table of the source out of the plan.
func (c *copier) leave(name, reason string) {
	if c.source[name] != nil {
		delete(c.source, name)
		c.report.Apart[name] = reason
	}
}

// create makes the tables that the target lacks, and reads how they became.
func (c *copier) create(ctx context.Context, names []string) (err error) {
	for _, name := range names {
		t := c.source[name]
		if t == nil {
			continue
		}
		if i := slices.IndexFunc(t.parents, func(parent string) bool { return c.source[parent] == nil }); i >= 0 {
			c.leave(name, "it refers to "+t.parents[i]+", which is not copied")
			continue
		}
		if c.target[name] != nil && !c.resumed { // a module made it there
			continue
		}
		if c.target[name] == nil {
			if err := c.to.create(ctx, t.create); err != nil {
				c.leave(name, "the table cannot be made: "+err.Error())
				continue
			}
		}
		for index, query := range t.indexes {
			if err := c.to.create(ctx, query); err != nil {
				c.report.Apart["index "+index] = "it cannot be made: " + err.Error()
			}
		}
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	c.target, _, err = c.to.tables(ctx)
	return err
}

// copy copies the rows of a table, from where an earlier run has ended. One goroutine
// reads while this one writes.
func (c *copier) copy(ctx context.Context, p *pair) error {
	now := c.progress[p.name]
	if now.done {
		c.options.Progress(Copying, p.name, now.copied, now.copied)
		return nil
	}
	after, err := now.key()
	if err != nil {
		return err
	}
	if after == nil && now.copied > 0 { // without a key it is unknown which rows are missing
		now.copied = 0
		if err := c.to.exec(ctx, statement{query: "DELETE FROM " + quote(p.name)}, now.record(p.name)); err != nil {
			return wrap("begin again with", p.name, err)
		}
	}
	total, err := c.from.count(ctx, p.name, "TRUE")
	if err != nil {
		return err
	}
	c.options.Progress(Copying, p.name, now.copied, total)

	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	full, free := make(chan *batch), make(chan *batch, 2)
	free <- &batch{}
	free <- &batch{}
	var readErr error
	go func() {
		defer close(full)
		readErr = fill(ctx, c.from.read(ctx, p, byKey, after), free, full)
	}()
	var writeErr error
	for b := range full {
		if writeErr != nil {
			continue // until the reader has noticed
		}
		if now.copied += int64(b.len()); len(p.key) > 0 {
			now.last = keyText(p.keyOf(b.row(b.len() - 1)))
		}
		c.report.Copied += int64(b.len())
		if writeErr = c.to.write(ctx, p, b, now.record(p.name)); writeErr != nil {
			cancel()
			continue
		}
		c.options.Progress(Copying, p.name, now.copied, total)
		free <- b
	}
	if writeErr != nil {
		return writeErr
	}
	if readErr != nil {
		return readErr
	}
	now.done = true
	c.progress[p.name] = now
	return c.to.exec(ctx, now.record(p.name))
}

// fill puts rows into free batches until there are none.
func fill(ctx context.Context, rows func(func(row, error) bool), free <-chan *batch, full chan<- *batch) error {
	b := <-free
	for r, err := range rows {
		if err != nil {
			return err
		}
		b.add(r)
		if !b.full() {
			continue
		}
		select {
		case full <- b:
		case <-ctx.Done():
			return ctx.Err()
		}
		select {
		case b = <-free:
			b.reset()
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if b.len() == 0 {
		return nil
	}
	select {
	case full <- b:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// ErrDiffers is returned if the copy has other rows than the source.
var ErrDiffers = errors.New("the copy differs from the source")
