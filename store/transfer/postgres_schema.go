package transfer

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
)

// Only tables of the schema that the server uses, without those of extensions; the
// parts of a partitioned table are read through it.
const ownTables = `c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
	AND NOT EXISTS (SELECT 1 FROM pg_depend e WHERE e.classid = 'pg_class'::regclass AND e.objid = c.oid AND e.deptype = 'e')`

func (s *postgres) tables(ctx context.Context) (map[string]*table, map[string]string, error) {
	all, apart := map[string]*table{}, map[string]string{}
	parts := map[string][]string{} // of the CREATE TABLE statements
	err := each(ctx, s.reader, `SELECT c.relname::text, a.attname::text, t.typname::text, format_type(a.atttypid, a.atttypmod), a.attnotnull,
			coalesce(pg_get_expr(d.adbin, d.adrelid), ''), a.attidentity::text, a.attgenerated::text
		FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid JOIN pg_type t ON t.oid = a.atttypid
		LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
		WHERE a.attnum > 0 AND NOT a.attisdropped AND `+ownTables+` ORDER BY c.relname, a.attnum`,
		func(rows pgx.Rows) error {
			var name, column_, typname, declared, def, identity, generated string
			var notNull bool
			if err := rows.Scan(&name, &column_, &typname, &declared, &notNull, &def, &identity, &generated); err != nil {
				return err
			}
			t := all[name]
			if t == nil {
				t = &table{name: name}
				all[name] = t
			}
			c := column{name: column_, kind: kindOf(typname), declared: declared, required: notNull && def == "" && identity == "", computed: generated != ""}
			t.columns = append(t.columns, c)
			parts[name] = append(parts[name], definition(c, notNull, def, identity))
			return nil
		})
	if err != nil {
		return nil, nil, fmt.Errorf("list the tables: %w", err)
	}
	err = each(ctx, s.reader, `SELECT c.relname::text, a.attname::text
		FROM pg_class c JOIN pg_index i ON i.indrelid = c.oid AND i.indisprimary, unnest(i.indkey) WITH ORDINALITY AS k (attnum, n), pg_attribute a
		WHERE a.attrelid = c.oid AND a.attnum = k.attnum AND `+ownTables+` ORDER BY c.relname, k.n`,
		func(rows pgx.Rows) error {
			var name, column string
			if err := rows.Scan(&name, &column); err != nil {
				return err
			}
			all[name].key = append(all[name].key, column)
			return nil
		})
	if err != nil {
		return nil, nil, fmt.Errorf("list the primary keys: %w", err)
	}
	err = each(ctx, s.reader, `SELECT c.relname::text, k.conname::text, pg_get_constraintdef(k.oid), coalesce(r.relname::text, '')
		FROM pg_class c JOIN pg_constraint k ON k.conrelid = c.oid AND k.contype IN ('p', 'u', 'c', 'f') LEFT JOIN pg_class r ON r.oid = k.confrelid
		WHERE `+ownTables+` ORDER BY c.relname, k.contype = 'f', k.conname`,
		func(rows pgx.Rows) error {
			var name, constraint, def, parent string
			if err := rows.Scan(&name, &constraint, &def, &parent); err != nil {
				return err
			}
			if parent != "" && !slices.Contains(all[name].parents, parent) {
				all[name].parents = append(all[name].parents, parent)
			}
			parts[name] = append(parts[name], "CONSTRAINT "+quote(constraint)+" "+def)
			return nil
		})
	if err != nil {
		return nil, nil, fmt.Errorf("list the constraints: %w", err)
	}
	for name, t := range all {
		if !nakamaTables[name] {
			t.create = "CREATE TABLE " + quote(name) + " (" + strings.Join(parts[name], ", ") + ")"
		}
	}
	err = each(ctx, s.reader, `SELECT c.relname::text, x.relname::text, pg_get_indexdef(i.indexrelid) FROM pg_class c JOIN pg_index i ON i.indrelid = c.oid JOIN pg_class x ON x.oid = i.indexrelid
		WHERE NOT EXISTS (SELECT 1 FROM pg_constraint k WHERE k.conindid = i.indexrelid AND k.contype IN ('p', 'u', 'x')) AND `+ownTables+` ORDER BY 1, 2`,
		func(rows pgx.Rows) error {
			var name, index, def string
			if err := rows.Scan(&name, &index, &def); err != nil {
				return err
			}
			all[name].addIndex(index, def)
			return nil
		})
	if err != nil {
		return nil, nil, fmt.Errorf("list the indexes: %w", err)
	}
	err = each(ctx, s.reader, `SELECT n.nspname || '.' || c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND n.oid <> current_schema()::regnamespace
		AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'crdb_internal')`,
		func(rows pgx.Rows) error {
			var name string
			if err := rows.Scan(&name); err != nil {
				return err
			}
			apart[name] = "it is in another schema"
			return nil
		})
	return all, apart, err
}

// definition returns the definition of a column in CREATE TABLE.
func definition(c column, notNull bool, def, identity string) string {
	out := quote(c.name) + " "
	switch {
	case strings.HasPrefix(def, "nextval("):
		return out + map[string]string{"smallint": "smallserial", "integer": "serial"}[c.declared] + map[bool]string{true: "bigserial"}[c.declared == "bigint"]
	case identity != "":
		return out + c.declared + " GENERATED BY DEFAULT AS IDENTITY"
	case c.computed:
		return out + c.declared + " GENERATED ALWAYS AS (" + def + ") STORED"
	}
	out += c.declared
	if notNull {
		out += " NOT NULL"
	}
	if def != "" {
		out += " DEFAULT " + def
	}
	return out
}

// each calls fn for each row of a query.
func each(ctx context.Context, conn *pgx.Conn, query string, fn func(rows pgx.Rows) error) error {
	rows, err := conn.Query(ctx, query)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := fn(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}
