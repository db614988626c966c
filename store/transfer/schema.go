package transfer

import (
	"slices"
	"strings"
)

// schema collects what the catalog of a database says about its tables.
type schema struct {
	tables map[string]*table
	apart  map[string]string
	parts  map[string][]string // of the CREATE TABLE statements
}

func newSchema() *schema {
	return &schema{map[string]*table{}, map[string]string{}, map[string][]string{}}
}

// add adds a column or a constraint to the statement that makes a table.
func (s *schema) add(table, part string) { s.parts[table] = append(s.parts[table], part) }

// refer records that a table has a foreign key.
func (s *schema) refer(table, parent string) {
	if t := s.tables[table]; !slices.Contains(t.parents, parent) {
		t.parents = append(t.parents, parent)
	}
}

// index adds an index to those that are made with a table, unless it exists.
func (s *schema) index(table, name, query string) {
	t := s.tables[table]
	if t.indexes == nil {
		t.indexes = map[string]string{}
	}
	t.indexes[name] = strings.Replace(query, "INDEX ", "INDEX IF NOT EXISTS ", 1)
}

// finish makes the statements of the tables that are not Nakama's.
func (s *schema) finish() (all map[string]*table, apart map[string]string, err error) {
	for name, t := range s.tables {
		if nakamaTables[name] {
			t.indexes = nil
		} else {
			t.create = "CREATE TABLE " + quote(name) + " (" + strings.Join(s.parts[name], ", ") + ")"
		}
	}
	return s.tables, s.apart, nil
}
