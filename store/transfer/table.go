package transfer

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// table describes a table of one database.
type table struct {
	name    string
	columns []column
	key     []string // the columns of the primary key; none if it has none
	parents []string // the tables that foreign keys refer to
	// create makes the table, indexes make those of its indexes that belong to no
	// constraint, by name. Both are PostgreSQL's SQL, and empty for Nakama's tables.
	create  string
	indexes map[string]string
}

type column struct {
	name     string
	kind     kind
	declared string // the type as the database prints it
	required bool   // NOT NULL without a default
	computed bool   // GENERATED AS (expression)
}

func (t *table) column(name string) *column {
	for i := range t.columns {
		if t.columns[i].name == name {
			return &t.columns[i]
		}
	}
	return nil
}

// pair is a table that both databases have, with the columns that are copied.
type pair struct {
	name    string
	columns []column // ordered by name; the types are those of PostgreSQL
	key     []int    // positions in columns
}

// pairOf compares a table of the source with that of the target. The types are those of
// the one that is on PostgreSQL.
func pairOf(from, to, postgres *table) (*pair, error) {
	p := &pair{name: from.name}
	for _, c := range from.columns {
		other := to.column(c.name)
		if other == nil {
			return nil, fmt.Errorf("the target's table has no column %s", c.name)
		}
		if !other.computed {
			copied := *postgres.column(c.name)
			copied.computed = c.computed
			p.columns = append(p.columns, copied)
		}
	}
	for _, c := range to.columns {
		if c.required && from.column(c.name) == nil {
			return nil, fmt.Errorf("the target's table has an additional column %s, which needs a value", c.name)
		}
	}
	slices.SortFunc(p.columns, func(a, b column) int { return strings.Compare(a.name, b.name) })
	if slices.Equal(from.key, to.key) {
		for _, name := range from.key {
			p.key = append(p.key, slices.IndexFunc(p.columns, func(c column) bool { return c.name == name }))
		}
		if slices.Contains(p.key, -1) {
			p.key = nil
		}
	}
	return p, nil
}

// names returns the columns as a list for SQL.
func (p *pair) names() string {
	var b strings.Builder
	for i, c := range p.columns {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(quote(c.name))
	}
	return b.String()
}

// keyNames returns the columns of the primary key, each followed by suffix of its
// column.
func (p *pair) keyNames(suffix func(c *column) string) string {
	var b strings.Builder
	for i, k := range p.key {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(quote(p.columns[k].name))
		b.WriteString(suffix(&p.columns[k]))
	}
	return b.String()
}

func plain(*column) string { return "" }

// keyOf returns the values of the primary key of a row.
func (p *pair) keyOf(r row) row {
	out := make(row, len(p.key))
	for i, k := range p.key {
		out[i] = r[k]
	}
	return out
}

// describe names a row by its primary key, for messages.
func (p *pair) describe(key row) string {
	parts := make([]string, len(key))
	for i, v := range key {
		parts[i] = fmt.Sprintf("%s %.100q", p.columns[p.key[i]].name, v)
	}
	return strings.Join(parts, ", ")
}

// ordered returns the names of tables, each after those of the tables that it refers to.
// It returns those that refer to each other, or to themselves, separately.
func ordered(tables map[string]*table) (sorted, circular []string) {
	names := slices.Sorted(maps.Keys(tables))
	for len(names) > 0 {
		var later []string
		for _, name := range names {
			if slices.ContainsFunc(tables[name].parents, func(parent string) bool { return slices.Contains(names, parent) && !slices.Contains(sorted, parent) }) {
				later = append(later, name)
			} else {
				sorted = append(sorted, name)
			}
		}
		if len(later) == len(names) {
			return sorted, later
		}
		names = later
	}
	return sorted, nil
}
