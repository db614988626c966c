package transfer

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
)

func (s *sqlite) tables(ctx context.Context) (map[string]*table, map[string]string, error) {
	found := newSchema()
	for _, read := range []struct {
		what string
		fn   func(context.Context, *schema) error
	}{{"tables", s.names}, {"columns", s.columns}, {"indexes", s.indexes}, {"foreign keys", s.foreignKeys}} {
		if err := read.fn(ctx, found); err != nil {
			return nil, nil, fmt.Errorf("list the %s: %w", read.what, err)
		}
	}
	return found.finish()
}

func (s *sqlite) names(ctx context.Context, found *schema) error {
	return s.each(ctx, `SELECT name, sql LIKE 'CREATE VIRTUAL%' FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\_%' ESCAPE '\'`, func(rows *sql.Rows) error {
		var name string
		var virtual bool
		if err := rows.Scan(&name, &virtual); err != nil {
			return err
		}
		if virtual {
			found.apart[name] = "it is a virtual table"
		} else {
			found.tables[name] = &table{name: name}
		}
		return nil
	})
}

func (s *sqlite) columns(ctx context.Context, found *schema) error {
	err := s.each(ctx, `SELECT t.name, c.name, upper(c.type), c."notnull", coalesce(c.dflt_value, ''), c.hidden IN (2, 3), c.pk > 0 AND t.sql LIKE '%AUTOINCREMENT%'
		FROM sqlite_schema AS t, pragma_table_xinfo(t.name) AS c WHERE t.type = 'table' ORDER BY t.name, c.cid`, func(rows *sql.Rows) error {
		var name, def string
		var c column
		var notNull, numbered bool
		if err := rows.Scan(&name, &c.name, &c.declared, &notNull, &def, &c.computed, &numbered); err != nil {
			return err
		}
		if t := found.tables[name]; t != nil {
			c.required = notNull && def == ""
			t.columns = append(t.columns, c)
			found.add(name, postgresDefinition(c, notNull, def, numbered))
		}
		return nil
	})
	if err != nil {
		return err
	}
	err = s.each(ctx, `SELECT t.name, c.name FROM sqlite_schema AS t, pragma_table_info(t.name) AS c WHERE t.type = 'table' AND c.pk > 0 ORDER BY t.name, c.pk`, func(rows *sql.Rows) error {
		var name, column string
		if err := rows.Scan(&name, &column); err != nil {
			return err
		}
		if t := found.tables[name]; t != nil {
			t.key = append(t.key, column)
		}
		return nil
	})
	for name, t := range found.tables {
		if len(t.key) > 0 {
			found.add(name, "PRIMARY KEY ("+list(t.key)+")")
		}
	}
	return err
}

func (s *sqlite) indexes(ctx context.Context, found *schema) error {
	type index struct {
		table, name        string
		unique, constraint bool
		plain              bool // not of an expression or of some of the rows
		columns            []string
	}
	var all []*index
	err := s.each(ctx, `SELECT t.name, i.name, i."unique", i.origin = 'u', NOT i.partial, coalesce(c.name, ''), c.desc
		FROM sqlite_schema AS t, pragma_index_list(t.name) AS i, pragma_index_xinfo(i.name) AS c
		WHERE t.type = 'table' AND i.origin <> 'pk' AND c.key ORDER BY t.name, i.name, c.seqno`, func(rows *sql.Rows) error {
		var i index
		var column string
		var desc bool
		if err := rows.Scan(&i.table, &i.name, &i.unique, &i.constraint, &i.plain, &column, &desc); err != nil {
			return err
		}
		if n := len(all); n == 0 || all[n-1].table != i.table || all[n-1].name != i.name {
			all = append(all, &i)
		}
		last := all[len(all)-1]
		last.plain = last.plain && column != ""
		if column = quote(column); desc {
			column += " DESC"
		}
		last.columns = append(last.columns, column)
		return nil
	})
	for _, i := range all {
		columns := "(" + strings.Join(i.columns, ", ") + ")"
		switch {
		case found.tables[i.table] == nil:
		case !i.plain:
			found.apart["index "+i.name] = "it is on an expression or on some of the rows"
		case i.constraint:
			found.add(i.table, "UNIQUE "+columns)
		default:
			unique := map[bool]string{true: "UNIQUE "}[i.unique]
			found.index(i.table, i.name, "CREATE "+unique+"INDEX "+quote(i.name)+" ON "+quote(i.table)+" "+columns)
		}
	}
	return err
}

func (s *sqlite) foreignKeys(ctx context.Context, found *schema) error {
	type foreignKey struct {
		table, parent  string
		id             int
		update, remove string
		from, to       []string
	}
	var all []*foreignKey
	err := s.each(ctx, `SELECT t.name, f.id, f."table", f."from", coalesce(f."to", ''), f.on_update, f.on_delete
		FROM sqlite_schema AS t, pragma_foreign_key_list(t.name) AS f WHERE t.type = 'table' ORDER BY t.name, f.id, f.seq`, func(rows *sql.Rows) error {
		var f foreignKey
		var from, to string
		if err := rows.Scan(&f.table, &f.id, &f.parent, &from, &to, &f.update, &f.remove); err != nil {
			return err
		}
		if n := len(all); n == 0 || all[n-1].table != f.table || all[n-1].id != f.id {
			all = append(all, &f)
		}
		last := all[len(all)-1]
		last.from = append(last.from, from)
		if to != "" {
			last.to = append(last.to, to)
		}
		return nil
	})
	for _, f := range all {
		if found.tables[f.table] == nil {
			continue
		}
		found.refer(f.table, f.parent)
		to := ""
		if len(f.to) > 0 {
			to = " (" + list(f.to) + ")"
		}
		found.add(f.table, "FOREIGN KEY ("+list(f.from)+") REFERENCES "+quote(f.parent)+to+" ON UPDATE "+f.update+" ON DELETE "+f.remove)
	}
	return err
}

func list(names []string) string {
	quoted := slices.Clone(names)
	for i, n := range quoted {
		quoted[i] = quote(n)
	}
	return strings.Join(quoted, ", ")
}

// postgresTypes are PostgreSQL's names of the types of columns on the embedded database.
// A length is kept.
var postgresTypes = map[string]string{
	"JSONB TEXT": "jsonb", "UUID TEXT": "uuid", "BYTEA BLOB": "bytea", "BYTEA": "bytea", "BLOB": "bytea", "REAL": "double precision", "DOUBLE PRECISION": "double precision",
	"TIMESTAMPTZ": "timestamptz", "BOOLEAN": "boolean", "BOOL": "boolean", "DATE": "date", "TEXT": "text", "CLOB": "text", "TINYINT": "smallint",
	"SMALLINT": "smallint", "INT": "integer", "INTEGER": "bigint", "BIGINT": "bigint", "NUMERIC": "numeric", "VARCHAR": "varchar", "NVARCHAR": "varchar", "CHAR": "char",
}

// postgresDefinition returns the definition of a column for PostgreSQL. Of the defaults
// it keeps constants and the current time.
func postgresDefinition(c column, notNull bool, def string, numbered bool) string {
	name, length, sized := strings.Cut(c.declared, "(")
	typ := postgresTypes[strings.TrimSpace(name)]
	switch {
	case typ == "":
		typ = "text"
	case sized:
		typ += "(" + length
	}
	out := quote(c.name) + " " + typ
	if numbered {
		return out + " GENERATED BY DEFAULT AS IDENTITY"
	}
	if notNull {
		out += " NOT NULL"
	}
	if constant(def) {
		out += " DEFAULT " + def
	}
	return out
}

// constant reports whether a default means the same on both databases.
func constant(def string) bool {
	bare := strings.Trim(def, "()")
	switch strings.ToUpper(bare) {
	case "":
		return false
	case "NULL", "TRUE", "FALSE", "NOW", "CURRENT_TIMESTAMP":
		return true
	}
	if len(bare) > 1 && bare[0] == '\'' && bare[len(bare)-1] == '\'' {
		return !strings.Contains(strings.ReplaceAll(bare[1:len(bare)-1], "''", ""), "'")
	}
	return strings.Trim(bare, "0123456789.-+") == ""
}

// each calls fn for each row of a query.
func (s *sqlite) each(ctx context.Context, query string, fn func(rows *sql.Rows) error) (err error) {
	rows, err := s.db.Reader().QueryContext(ctx, query)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		if err := fn(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}
