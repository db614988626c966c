package transfer

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
)

func (s *sqlite) tables(ctx context.Context) (map[string]*table, map[string]string, error) {
	all, apart := map[string]*table{}, map[string]string{}
	parts := map[string][]string{} // of the CREATE TABLE statements
	generated := map[string]bool{} // tables whose key numbers itself
	err := s.each(ctx, "SELECT name, sql LIKE '%AUTOINCREMENT%', sql LIKE 'CREATE VIRTUAL%' FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name",
		func(rows *sql.Rows) error {
			var name string
			var numbers, virtual bool
			if err := rows.Scan(&name, &numbers, &virtual); err != nil {
				return err
			}
			if virtual {
				apart[name] = "it is a virtual table"
				return nil
			}
			all[name], generated[name] = &table{name: name}, numbers
			return nil
		})
	if err != nil {
		return nil, nil, fmt.Errorf("list the tables: %w", err)
	}
	err = s.each(ctx, `SELECT t.name, c.name, upper(c.type), c."notnull", coalesce(c.dflt_value, ''), c.hidden IN (2, 3), c.pk
		FROM sqlite_schema AS t, pragma_table_xinfo(t.name) AS c WHERE t.type = 'table' ORDER BY t.name, c.cid`,
		func(rows *sql.Rows) error {
			var name, def string
			var c column
			var notNull bool
			var pk int
			if err := rows.Scan(&name, &c.name, &c.declared, &notNull, &def, &c.computed, &pk); err != nil {
				return err
			}
			t := all[name]
			if t == nil {
				return nil
			}
			c.required = notNull && def == ""
			t.columns = append(t.columns, c)
			if pk > 0 {
				t.key = append(t.key, fmt.Sprintf("%03d%s", pk, c.name))
			}
			parts[name] = append(parts[name], postgresDefinition(c, notNull, def, generated[name] && pk > 0))
			return nil
		})
	if err != nil {
		return nil, nil, fmt.Errorf("list the columns: %w", err)
	}
	for name, t := range all {
		slices.Sort(t.key)
		for i := range t.key {
			t.key[i] = t.key[i][3:]
		}
		if len(t.key) > 0 {
			parts[name] = append(parts[name], "PRIMARY KEY ("+list(t.key)+")")
		}
	}
	type key struct{ table, name string }
	type index struct {
		key
		unique, constraint bool
		columns            []string
		plain              bool
	}
	var indexes []*index
	err = s.each(ctx, `SELECT t.name, i.name, i."unique", i.origin = 'u', i.partial, coalesce(c.name, ''), c.desc
		FROM sqlite_schema AS t, pragma_index_list(t.name) AS i, pragma_index_xinfo(i.name) AS c
		WHERE t.type = 'table' AND i.origin <> 'pk' AND c.key ORDER BY t.name, i.name, c.seqno`,
		func(rows *sql.Rows) error {
			var k key
			var unique, constraint, partial, desc bool
			var column string
			if err := rows.Scan(&k.table, &k.name, &unique, &constraint, &partial, &column, &desc); err != nil {
				return err
			}
			if len(indexes) == 0 || indexes[len(indexes)-1].key != k {
				indexes = append(indexes, &index{key: k, unique: unique, constraint: constraint, plain: true})
			}
			i := indexes[len(indexes)-1]
			// An index of an expression, or of some rows, is not described by its columns.
			i.plain = i.plain && !partial && column != ""
			column = quote(column)
			if desc {
				column += " DESC"
			}
			i.columns = append(i.columns, column)
			return nil
		})
	if err != nil {
		return nil, nil, fmt.Errorf("list the indexes: %w", err)
	}
	for _, i := range indexes {
		if all[i.table] == nil {
			continue
		}
		columns := strings.Join(i.columns, ", ")
		switch {
		case !i.plain:
			apart["index "+i.name] = "it is on an expression or on some of the rows"
		case i.constraint:
			parts[i.table] = append(parts[i.table], "UNIQUE ("+columns+")")
		default:
			unique := map[bool]string{true: "UNIQUE "}[i.unique]
			all[i.table].addIndex(i.name, "CREATE "+unique+"INDEX "+quote(i.name)+" ON "+quote(i.table)+" ("+columns+")")
		}
	}
	type reference struct{ parent, update, remove string }
	type foreign struct {
		table string
		id    int
		reference
		from, to []string
	}
	var keys []*foreign
	err = s.each(ctx, `SELECT t.name, f.id, f."table", f."from", coalesce(f."to", ''), f.on_update, f.on_delete
		FROM sqlite_schema AS t, pragma_foreign_key_list(t.name) AS f WHERE t.type = 'table' ORDER BY t.name, f.id, f.seq`,
		func(rows *sql.Rows) error {
			var f foreign
			var from, to string
			if err := rows.Scan(&f.table, &f.id, &f.parent, &from, &to, &f.update, &f.remove); err != nil {
				return err
			}
			if n := len(keys); n == 0 || keys[n-1].table != f.table || keys[n-1].id != f.id {
				keys = append(keys, &f)
			}
			k := keys[len(keys)-1]
			k.from = append(k.from, from)
			if to != "" {
				k.to = append(k.to, to)
			}
			return nil
		})
	if err != nil {
		return nil, nil, fmt.Errorf("list the foreign keys: %w", err)
	}
	for _, f := range keys {
		t := all[f.table]
		if t == nil {
			continue
		}
		if !slices.Contains(t.parents, f.parent) {
			t.parents = append(t.parents, f.parent)
		}
		to := ""
		if len(f.to) > 0 {
			to = " (" + list(f.to) + ")"
		}
		parts[f.table] = append(parts[f.table], "FOREIGN KEY ("+list(f.from)+") REFERENCES "+quote(f.parent)+to+" ON UPDATE "+f.update+" ON DELETE "+f.remove)
	}
	for name, t := range all {
		if !nakamaTables[name] {
			t.create = "CREATE TABLE " + quote(name) + " (" + strings.Join(parts[name], ", ") + ")"
		}
	}
	return all, apart, nil
}

func list(names []string) string {
	quoted := make([]string, len(names))
	for i, n := range names {
		quoted[i] = quote(n)
	}
	return strings.Join(quoted, ", ")
}

// postgresTypes are the types of columns on the embedded database that have another
// name on PostgreSQL. Those without a length are listed, the others keep it.
var postgresTypes = map[string]string{
	"JSONB TEXT": "jsonb", "UUID TEXT": "uuid", "BYTEA BLOB": "bytea", "BLOB": "bytea", "REAL": "double precision", "DOUBLE PRECISION": "double precision",
	"TIMESTAMPTZ": "timestamptz", "BOOLEAN": "boolean", "BOOL": "boolean", "DATE": "date", "TEXT": "text", "CLOB": "text", "TINYINT": "smallint",
	"SMALLINT": "smallint", "INT": "integer", "INTEGER": "bigint", "BIGINT": "bigint", "NUMERIC": "numeric", "VARCHAR": "varchar", "NVARCHAR": "varchar", "CHAR": "char",
}

// postgresDefinition returns the definition of a column of a module's table for
// PostgreSQL. Of the defaults it keeps constants and the current time.
func postgresDefinition(c column, notNull bool, def string, generated bool) string {
	name, length, sized := strings.Cut(c.declared, "(")
	typ := postgresTypes[strings.TrimSpace(name)]
	switch {
	case typ == "":
		typ = "text"
	case sized:
		typ += "(" + length
	}
	out := quote(c.name) + " " + typ
	if generated {
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

func constant(def string) bool {
	bare := strings.Trim(def, "()")
	switch strings.ToUpper(bare) {
	case "NULL", "TRUE", "FALSE", "NOW", "CURRENT_TIMESTAMP":
		return true
	}
	if len(bare) > 1 && bare[0] == '\'' && bare[len(bare)-1] == '\'' {
		return strings.Count(bare, "'")%2 == 0 && !strings.Contains(strings.ReplaceAll(bare[1:len(bare)-1], "''", ""), "'")
	}
	return bare != "" && strings.Trim(bare, "0123456789.-+") == ""
}

// each calls fn for each row of a query.
func (s *sqlite) each(ctx context.Context, query string, fn func(rows *sql.Rows) error) error {
	rows, err := s.db.Reader().QueryContext(ctx, query)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		if err := fn(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}
