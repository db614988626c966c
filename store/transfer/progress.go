package transfer

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"kumi/store"
)

// progress is how far a table of the target is.
type progress struct {
	source string // the database that is copied
	last   string // the primary key of the last row that was copied, as a list in JSON
	copied int64  // rows
	done   bool
}

// Each row is about a table; there is one from the beginning for each that is copied.
const (
	createProgress = "CREATE TABLE " + store.CopyTable + " (name VARCHAR(128) PRIMARY KEY, source TEXT NOT NULL, last_key TEXT NOT NULL, copied BIGINT NOT NULL, done BOOLEAN NOT NULL)"
	insertProgress = "INSERT INTO " + store.CopyTable + " (name, source, last_key, copied, done) VALUES ($1, $2, '', 0, FALSE)"
	updateProgress = "UPDATE " + store.CopyTable + " SET last_key = $2, copied = $3, done = $4 WHERE name = $1"
	selectProgress = "SELECT name, source, last_key, copied, done FROM " + store.CopyTable
	dropProgress   = "DROP TABLE " + store.CopyTable
)

// scanner is the part of the rows of both drivers that readProgress uses.
type scanner interface {
	Next() bool
	Scan(into ...any) error
	Err() error
}

func readProgress(rows scanner) (map[string]progress, error) {
	out := map[string]progress{}
	for rows.Next() {
		var name string
		var p progress
		if err := rows.Scan(&name, &p.source, &p.last, &p.copied, &p.done); err != nil {
			return nil, err
		}
		out[name] = p
	}
	return out, rows.Err()
}

func (p progress) record(table string) statement {
	return statement{updateProgress, []any{table, p.last, p.copied, p.done}}
}

// key returns the primary key of the last row that was copied.
func (p progress) key() (row, error) {
	if p.last == "" {
		return nil, nil
	}
	var values []string
	if err := json.Unmarshal([]byte(p.last), &values); err != nil {
		return nil, fmt.Errorf("read the progress of the copy: %w", err)
	}
	out := make(row, len(values))
	for i, v := range values {
		out[i] = []byte(v)
	}
	return out, nil
}

func keyText(key row) string {
	values := make([]string, len(key))
	for i, v := range key {
		values[i] = string(v)
	}
	out, _ := json.Marshal(values)
	return string(out)
}

// begin reads the progress of an earlier run, or checks that the target is empty and
// makes it the target of this copy.
func (c *copier) begin(ctx context.Context) error {
	done, err := c.to.progress(ctx)
	if err != nil {
		return fmt.Errorf("read the progress of the copy: %w", err)
	}
	if c.resumed = done != nil; !c.resumed {
		if err := c.checkEmpty(ctx); err != nil {
			return err
		}
	}
	if err := c.migrate(ctx); err != nil {
		return fmt.Errorf("%s: %w", c.to.name(), err)
	}
	if c.target, _, err = c.to.tables(ctx); err != nil {
		return fmt.Errorf("%s: %w", c.to.name(), err)
	}
	for _, p := range done {
		if p.source != c.from.name() {
			return fmt.Errorf("%s has an unfinished copy of %s, not of %s: finish that one, or begin with an empty database", c.to.name(), p.source, c.from.name())
		}
	}
	if err := c.plan(ctx); err != nil {
		return err
	}
	var statements []statement
	c.progress = map[string]progress{}
	for _, p := range c.pairs {
		before, ok := done[p.name]
		if !ok {
			before = progress{source: c.from.name()}
			statements = append(statements, statement{insertProgress, []any{p.name, before.source}})
		}
		c.progress[p.name] = before
	}
	if err := c.to.exec(ctx, statements...); err != nil {
		return fmt.Errorf("begin the copy: %w", err)
	}
	return nil
}

// mark makes an empty target that of this copy. It comes before the first table is
// made, so that a copy interrupted there is resumed.
func (c *copier) mark(ctx context.Context) error {
	if c.resumed {
		return nil
	}
	statements := []statement{{query: createProgress}}
	for _, query := range seeds {
		statements = append(statements, statement{query: query})
	}
	if err := c.to.exec(ctx, statements...); err != nil {
		return fmt.Errorf("begin the copy: %w", err)
	}
	return nil
}

// checkEmpty refuses a target that has rows other than those of the migrations.
func (c *copier) checkEmpty(ctx context.Context) error {
	tables, _, err := c.to.tables(ctx)
	if err != nil {
		return fmt.Errorf("%s: %w", c.to.name(), err)
	}
	var full []string
	for name := range tables {
		where := "TRUE"
		switch name {
		case "migration_info":
			continue
		case "users":
			where = "id <> '00000000-0000-0000-0000-000000000000'"
		case "setting":
			where = "name <> 'utc_toggle'"
		}
		n, err := c.to.count(ctx, name, where)
		if err != nil {
			return err
		}
		if n > 0 {
			full = append(full, fmt.Sprintf("%s (%d)", name, n))
		}
	}
	if full == nil {
		return nil
	}
	slices.Sort(full)
	return fmt.Errorf("%s has rows in %s: a copy begins with an empty database, so choose another one (data_dir for the embedded)", c.to.name(), strings.Join(full, ", "))
}
