package transfer

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"iter"
	"strconv"
	"strings"
	"sync"
)

// verify compares a table of both databases. After a resumed copy it corrects rows that
// differ: the source may have changed between the runs.
func (c *copier) verify(ctx context.Context, p *pair) (TableReport, error) {
	out := TableReport{Name: p.name}
	from, to, err := c.sums(ctx, p)
	if err != nil {
		return out, err
	}
	if from != to && c.resumed {
		if out.Corrected, err = c.correct(ctx, p); err != nil {
			return out, err
		}
		if from, to, err = c.sums(ctx, p); err != nil {
			return out, err
		}
	}
	if from != to {
		return out, fmt.Errorf("%w: table %s has %d rows with checksum %s, the copy %d with %s%s", ErrDiffers, p.name, from.rows, from, to.rows, to, c.examples(ctx, p))
	}
	out.Rows, out.Checksum = from.rows, from.String()
	return out, nil
}

// sums reads a table of both databases at the same time.
func (c *copier) sums(ctx context.Context, p *pair) (from, to checksum, err error) {
	c.options.Progress(Verifying, p.name, 0, c.progress[p.name].copied)
	var toErr error
	var other sync.WaitGroup
	other.Go(func() { to, toErr = sum(ctx, c.to, p) })
	from, err = sum(ctx, c.from, p)
	other.Wait()
	if err == nil {
		err = toErr
	}
	c.options.Progress(Verifying, p.name, from.rows, from.rows)
	return from, to, err
}

// difference is a row that the two databases do not have alike.
type difference struct {
	key    row
	source row  // nil if only the target has it
	target bool // the target has a row with this key
}

// differences compares a table row by row, in the order of the primary key. What it
// yields is valid until the next one.
func (c *copier) differences(ctx context.Context, p *pair) iter.Seq2[difference, error] {
	return func(yield func(difference, error) bool) {
		nextFrom, stopFrom := iter.Pull2(c.from.read(ctx, p, byKeyBytes, nil))
		defer stopFrom()
		nextTo, stopTo := iter.Pull2(c.to.read(ctx, p, byKeyBytes, nil))
		defer stopTo()
		hashFrom, hashTo := newHasher(p), newHasher(p)
		from, err, moreFrom := nextFrom()
		to, errTo, moreTo := nextTo()
		for moreFrom || moreTo {
			if err = cmp.Or(err, errTo); err != nil {
				yield(difference{}, err)
				return
			}
			order := 0
			switch {
			case !moreTo:
				order = -1
			case !moreFrom:
				order = 1
			default:
				order = p.compare(p.keyOf(from), p.keyOf(to))
			}
			more := true
			switch {
			case order < 0:
				more = yield(difference{p.keyOf(from), from, false}, nil)
			case order > 0:
				more = yield(difference{p.keyOf(to), nil, true}, nil)
			case hashFrom.hash(from) != hashTo.hash(to):
				more = yield(difference{p.keyOf(from), from, true}, nil)
			}
			if !more {
				return
			}
			if order <= 0 {
				from, err, moreFrom = nextFrom()
			}
			if order >= 0 {
				to, errTo, moreTo = nextTo()
			}
		}
	}
}

// compare compares two primary keys in the order byKeyBytes.
func (p *pair) compare(a, b row) int {
	for i := range a {
		order := 0
		switch p.columns[p.key[i]].kind {
		case integer:
			x, _ := strconv.ParseInt(string(a[i]), 10, 64)
			y, _ := strconv.ParseInt(string(b[i]), 10, 64)
			order = cmp.Compare(x, y)
		case float, numeric:
			x, _ := strconv.ParseFloat(string(a[i]), 64)
			y, _ := strconv.ParseFloat(string(b[i]), 64)
			order = cmp.Compare(x, y)
		default:
			order = bytes.Compare(a[i], b[i])
		}
		if order != 0 {
			return order
		}
	}
	return 0
}

// correctRows is how many rows a transaction of a correction has.
const correctRows = 1000

// correct makes the rows of the target those of the source. All that differ are deleted
// before any is inserted, because an old row may have the unique value of a new one.
// Rows of other tables that are deleted with them are corrected when it is their turn:
// they come later in the order of the foreign keys.
// Of a table without a primary key all rows are copied again.
func (c *copier) correct(ctx context.Context, p *pair) (n int64, err error) {
	if len(p.key) == 0 {
		before := c.report.Copied
		c.progress[p.name] = progress{source: c.from.name(), copied: 1}
		err = c.copy(ctx, p)
		return c.report.Copied - before, err
	}
	var b batch
	for d, err := range c.differences(ctx, p) {
		if err != nil {
			return n, err
		}
		n++
		if !d.target {
			continue
		}
		if b.add(d.key); b.len() == correctRows {
			if err := c.to.remove(ctx, p, &b); err != nil {
				return n, err
			}
			b.reset()
		}
	}
	if err := c.to.remove(ctx, p, &b); err != nil {
		return n, err
	}
	b = batch{}
	for d, err := range c.differences(ctx, p) {
		if err != nil {
			return n, err
		}
		if d.source == nil || d.target {
			continue // changed by others since; the next comparison finds it
		}
		if b.add(d.source); b.len() == correctRows || b.full() {
			if err := c.to.write(ctx, p, &b, statement{}); err != nil {
				return n, err
			}
			b.reset()
		}
	}
	return n, c.to.write(ctx, p, &b, statement{})
}

// examples describes the first differences, for an error.
func (c *copier) examples(ctx context.Context, p *pair) string {
	if len(p.key) == 0 {
		return ""
	}
	var out []string
	for d, err := range c.differences(ctx, p) {
		if err != nil || len(out) == 3 {
			break
		}
		what := "is different in the copy"
		switch {
		case d.source == nil:
			what = "is only in the copy"
		case !d.target:
			what = "is missing in the copy"
		}
		out = append(out, "; the row with "+p.describe(d.key)+" "+what)
	}
	return strings.Join(out, "")
}
