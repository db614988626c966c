package translate

import "strings"

func (p *parser) create() []Statement {
	start := p.peek()
	p.skip()
	if p.acceptAll("OR", "REPLACE") && p.peek().word != "VIEW" {
		p.fail("CREATE OR REPLACE is available for views only")
	}
	if p.peek().word == "TEMP" || p.peek().word == "TEMPORARY" {
		p.fail("temporary tables are not available on the embedded database: calls do not share a connection; use WITH … AS (…) or a table")
	}
	unlogged := p.accept("UNLOGGED")
	switch t := p.next(); t.word {
	case "TABLE":
		return p.createTable()
	case "INDEX":
		return p.createIndex("")
	case "UNIQUE":
		p.expect("INDEX")
		return p.createIndex("UNIQUE ")
	case "VIEW":
		exists := p.ifNotExists()
		name := written([]token{p.tableName()})
		if p.peek().text == "(" {
			p.fail("name the columns of a view with AS in its SELECT")
		}
		p.expect("AS")
		sql, _ := p.queryText("")
		out := []Statement{{SQL: "CREATE VIEW " + exists + name + " AS " + sql, Schema: true}}
		if p.tokens[p.start+1].word == "OR" {
			out = append([]Statement{{SQL: "DROP VIEW IF EXISTS " + name, Schema: true}}, out...)
		}
		return out
	case "VIRTUAL":
		return []Statement{{SQL: "CREATE VIRTUAL " + p.rest(), Schema: true}}
	case "EXTENSION": // gen_random_uuid and uuid_generate_v4 are built in here
		p.rest()
		return []Statement{{Schema: true}}
	default:
		if unlogged {
			p.failAt(t.pos, "expected TABLE")
		}
		p.failAt(start.pos, "CREATE %s is not available on the embedded database: %s", strings.ToUpper(t.text), map[string]string{
			"TYPE": "use text with a CHECK", "FUNCTION": "write the logic in the module", "PROCEDURE": "write the logic in the module",
			"TRIGGER": "use a hook of the module", "SEQUENCE": "use SERIAL PRIMARY KEY", "MATERIALIZED": "use a table", "SCHEMA": "put a prefix on the names of tables",
			"DATABASE": "a server has one database", "DOMAIN": "use a CHECK", "ROLE": "there are no roles", "USER": "there are no roles",
		}[t.word])
	}
	return nil
}

func (p *parser) ifNotExists() string {
	if p.acceptAll("IF", "NOT", "EXISTS") {
		return "IF NOT EXISTS "
	}
	return ""
}

// definition is a column in CREATE TABLE.
type definition struct {
	name     string
	sql      string
	serial   bool
	identity int // position of the type
	primary  bool
	kind     Kind
}

func (p *parser) createTable() []Statement {
	exists := p.ifNotExists()
	table := p.tableName()
	name := quoteName(columnName(table))
	if p.accept("AS") {
		sql, _ := p.queryText("")
		return []Statement{{SQL: "CREATE TABLE " + exists + name + " AS " + sql, Schema: true}}
	}
	if p.peek().word == "PARTITION" {
		p.fail("partitions are not available on the embedded database")
	}
	p.expect("(")
	var columns []definition
	var constraints []string
	var keys [][]string
	for p.peek().text != ")" {
		if isOneOf(p.peek().word, "CONSTRAINT", "PRIMARY", "UNIQUE", "CHECK", "FOREIGN", "EXCLUDE", "LIKE") {
			sql, key := p.tableConstraint()
			if key != nil {
				keys = append(keys, key)
			}
			constraints = append(constraints, sql)
		} else {
			columns = append(columns, p.column(columnName(table), true))
		}
		if !p.accept(",") {
			break
		}
	}
	p.expect(")")
	options := p.tableOptions()

	// SQLite only generates numbers for a column that is INTEGER PRIMARY KEY.
	for i, c := range columns {
		if !c.serial {
			continue
		}
		if !c.primary {
			for k, key := range keys {
				if len(key) == 1 && key[0] == c.name {
					c.primary = true
					constraints = remove(constraints, "PRIMARY KEY ("+quoteName(c.name)+")")
					keys = append(keys[:k:k], keys[k+1:]...)
					break
				}
			}
		}
		if !c.primary {
			p.failAt(c.identity, "the column %s generates its values, which on the embedded database only the primary key can: write %s SERIAL PRIMARY KEY, or give the column a value in the INSERT", c.name, c.name)
		}
		columns[i].sql = strings.Replace(c.sql, serialMark, "INTEGER PRIMARY KEY AUTOINCREMENT", 1)
	}
	if p.schema(columnName(table)) == nil {
		for _, c := range columns {
			p.created[columnName(table)] = append(p.created[columnName(table)], Column{Name: c.name, Kind: c.kind})
		}
	}
	parts := make([]string, 0, len(columns)+len(constraints))
	for _, c := range columns {
		parts = append(parts, c.sql)
	}
	parts = append(parts, constraints...)
	return []Statement{{SQL: "CREATE TABLE " + exists + name + " (" + strings.Join(parts, ", ") + ")" + options, Schema: true}}
}

func remove(list []string, item string) []string {
	var out []string
	for _, s := range list {
		if !strings.HasSuffix(s, item) {
			out = append(out, s)
		}
	}
	return out
}

// tableOptions parses what follows the parentheses of CREATE TABLE.
func (p *parser) tableOptions() string {
	var options []string
	for {
		switch {
		case p.acceptAll("WITHOUT", "ROWID"):
			options = append(options, "WITHOUT ROWID")
		case p.accept("STRICT"):
			options = append(options, "STRICT")
		case p.accept("WITH"):
			p.skipBrackets()
		case p.accept("TABLESPACE"):
			p.next()
		case p.peek().word == "INHERITS" || p.peek().word == "PARTITION":
			p.fail("%s is not available on the embedded database", p.peek().word)
		default:
			if len(options) == 0 {
				return ""
			}
			return " " + strings.Join(options, ", ")
		}
		p.accept(",")
	}
}

// serialMark stands for the type of a serial column until it is known whether it is
// the primary key.
const serialMark = "\x00serial"

// sqliteTypes are the types that only SQLite has.
var sqliteTypes = map[string]string{"BLOB": "BLOB", "DATETIME": "TIMESTAMPTZ", "TINYINT": "TINYINT", "CLOB": "CLOB", "NVARCHAR": "NVARCHAR", "ANY": "ANY"}

// column parses the definition of a column.
func (p *parser) column(table string, newTable bool) definition {
	t := p.next()
	if t.kind != wordToken && t.kind != nameToken {
		p.failAt(t.pos, "expected the name of a column, not %s", unknownWord(t))
	}
	d := definition{name: columnName(t)}
	out := []string{quoteName(d.name)}
	typ := p.peek()
	d.identity = typ.pos
	var kind Kind
	switch {
	case isOneOf(typ.word, "SERIAL", "BIGSERIAL", "SMALLSERIAL", "SERIAL4", "SERIAL8"):
		p.skip()
		d.serial = true
		kind = Int
	case sqliteTypes[typ.word] != "":
		p.skip()
		out = append(out, sqliteTypes[typ.word])
		if p.peek().text == "(" {
			p.skipBrackets()
		}
	case typ.kind == opToken || isConstraint(typ.word): // SQLite allows a column without a type
	default:
		n := p.typeName()
		if n.array {
			p.failAt(typ.pos, "columns that hold lists are not available on the embedded database; make it jsonb")
		}
		if n.declare == "" {
			p.failAt(typ.pos, "columns of type %s are not available on the embedded database; keep a number of seconds", strings.ToLower(typ.text))
		}
		kind = n.kind
		declared := n.declare
		if n.size != "" && n.kind != Time {
			declared += "(" + n.size + ")"
		}
		out = append(out, declared)
		if n.kind == Text && n.size != "" && isDigits(n.size) {
			out = append(out, "CONSTRAINT "+quoteName(table+"_"+d.name+"_length")+" CHECK (length("+quoteName(d.name)+") <= "+n.size+")")
		}
		if n.kind == JSON {
			out = append(out, "CONSTRAINT "+quoteName(table+"_"+d.name+"_json")+" CHECK (json_valid("+quoteName(d.name)+"))")
		}
	}
	d.kind = kind
	var rest []string
	for isConstraint(p.peek().word) {
		rest = append(rest, p.columnConstraint(&d, kind))
	}
	if d.serial {
		if !newTable {
			p.failAt(typ.pos, "a column that generates its values cannot be added to a table on the embedded database")
		}
		out = append(out, serialMark)
	}
	for _, r := range rest {
		if r != "" {
			out = append(out, r)
		}
	}
	d.sql = strings.Join(out, " ")
	return d
}

func isDigits(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }

func isConstraint(word string) bool {
	return isOneOf(word, "CONSTRAINT", "NOT", "NULL", "DEFAULT", "PRIMARY", "UNIQUE", "CHECK", "REFERENCES", "GENERATED", "COLLATE", "AUTOINCREMENT", "DEFERRABLE", "INITIALLY", "AS", "ON")
}

func (p *parser) columnConstraint(d *definition, kind Kind) string {
	t := p.next()
	switch t.word {
	case "CONSTRAINT":
		name := quoteName(columnName(p.next()))
		rest := p.columnConstraint(d, kind)
		if rest == "" || rest == "NULL" {
			return rest
		}
		return "CONSTRAINT " + name + " " + rest
	case "NOT":
		if p.accept("DEFERRABLE") {
			return ""
		}
		p.expect("NULL")
		if d.serial {
			return ""
		}
		return "NOT NULL"
	case "NULL":
		return ""
	case "DEFAULT":
		return "DEFAULT " + p.defaultValue(kind)
	case "PRIMARY":
		p.expect("KEY")
		d.primary = true
		if d.serial {
			return ""
		}
		out := "PRIMARY KEY"
		if p.accept("ASC") || p.accept("DESC") {
			return out
		}
		return out
	case "AUTOINCREMENT":
		return "AUTOINCREMENT"
	case "UNIQUE":
		return "UNIQUE" + p.onAction()
	case "CHECK":
		p.expect("(")
		out := "CHECK (" + p.expr(0).sql + ")"
		p.expect(")")
		return out
	case "REFERENCES":
		return p.references()
	case "COLLATE":
		if name := p.next(); strings.EqualFold(name.text, "nocase") {
			return "COLLATE NOCASE"
		}
		return ""
	case "GENERATED":
		if !p.accept("ALWAYS") {
			p.expect("BY")
			p.expect("DEFAULT")
		}
		p.expect("AS")
		if p.accept("IDENTITY") {
			if p.peek().text == "(" {
				p.skipBrackets()
			}
			d.serial = true
			return ""
		}
		return p.generated()
	case "AS":
		return p.generated()
	case "DEFERRABLE":
		return ""
	case "INITIALLY":
		p.next()
		return ""
	}
	p.failAt(t.pos, "unexpected %q", t.text)
	return ""
}

func (p *parser) generated() string {
	p.expect("(")
	out := "GENERATED ALWAYS AS (" + p.expr(0).sql + ")"
	p.expect(")")
	if p.accept("STORED") {
		return out + " STORED"
	}
	p.accept("VIRTUAL")
	return out
}

// onAction parses SQLite's ON CONFLICT of a constraint.
func (p *parser) onAction() string {
	if p.acceptAll("ON", "CONFLICT") {
		return " ON CONFLICT " + p.next().word
	}
	return ""
}

// defaultValue parses what follows DEFAULT.
func (p *parser) defaultValue(kind Kind) string {
	x := p.expr(bindCompare)
	if x.constant && isOneOf(kindNames[x.kind], "text", "json", "uuid", "") {
		x = node{sql: quote(x.text), literal: true, text: x.text}
	}
	switch {
	case x.literal && (kind == Text || kind == JSON || kind == UUID || kind == Unknown):
		return x.sql
	case x.literal:
		return "(" + x.into(kind).sql + ")"
	case x.sql == "NULL" || x.sql == "TRUE" || x.sql == "FALSE" || isDigits(strings.TrimLeft(x.sql, "+-")):
		return x.sql
	}
	return "(" + x.into(kind).sql + ")"
}

var kindNames = map[Kind]string{Text: "text", JSON: "json", UUID: "uuid"}

func (p *parser) references() string {
	out := "REFERENCES " + quoteName(columnName(p.tableName()))
	if p.accept("(") {
		out += " (" + p.columnNames() + ")"
		p.expect(")")
	}
	for {
		switch {
		case p.accept("ON"):
			what := p.next().word
			action := p.next().word
			if action == "SET" || action == "NO" {
				action += " " + p.next().word
			}
			out += " ON " + what + " " + action
		case p.accept("MATCH"):
			p.next()
		case p.acceptAll("NOT", "DEFERRABLE"):
		case p.accept("DEFERRABLE"):
			out += " DEFERRABLE"
		case p.accept("INITIALLY"):
			out += " INITIALLY " + p.next().word
		default:
			return out
		}
	}
}

// columnNames parses a list of columns, whose names are folded to lower case as on
// PostgreSQL.
func (p *parser) columnNames() string {
	var parts []string
	for {
		parts = append(parts, quoteName(columnName(p.next())))
		if !p.accept(",") {
			return strings.Join(parts, ", ")
		}
	}
}

// tableConstraint parses a constraint of a table. For a primary key it also returns
// the columns.
func (p *parser) tableConstraint() (sql string, primary []string) {
	prefix := ""
	if p.accept("CONSTRAINT") {
		prefix = "CONSTRAINT " + quoteName(columnName(p.next())) + " "
	}
	t := p.next()
	switch t.word {
	case "PRIMARY":
		p.expect("KEY")
		p.expect("(")
		at := p.pos
		list := p.columnNames()
		for i := at; i < p.pos; i += 2 {
			primary = append(primary, columnName(p.tokens[i]))
		}
		p.expect(")")
		sql = "PRIMARY KEY (" + list + ")" + p.onAction()
	case "UNIQUE":
		p.acceptAll("NULLS", "DISTINCT")
		p.expect("(")
		sql = "UNIQUE (" + p.columnNames() + ")"
		p.expect(")")
		sql += p.onAction()
	case "CHECK":
		p.expect("(")
		sql = "CHECK (" + p.expr(0).sql + ")"
		p.expect(")")
	case "FOREIGN":
		p.expect("KEY")
		p.expect("(")
		sql = "FOREIGN KEY (" + p.columnNames() + ") "
		p.expect(")")
		p.expect("REFERENCES")
		sql += p.references()
	default:
		p.failAt(t.pos, "%s in CREATE TABLE is not available on the embedded database", strings.ToUpper(t.text))
	}
	for p.accept("DEFERRABLE") || p.acceptAll("NOT", "DEFERRABLE") {
	}
	if p.accept("INITIALLY") {
		p.next()
	}
	if p.accept("INCLUDE") {
		p.skipBrackets()
	}
	return prefix + sql, primary
}

func (p *parser) createIndex(unique string) []Statement {
	p.accept("CONCURRENTLY")
	exists := p.ifNotExists()
	name := ""
	if p.peek().word != "ON" {
		name = columnName(p.tableName())
	}
	p.expect("ON")
	p.accept("ONLY")
	table := columnName(p.tableName())
	if p.accept("USING") {
		if method := p.next(); !isOneOf(method.word, "BTREE", "HASH") {
			p.rest() // SQLite has no such index; the searches work without
			return []Statement{{Schema: true}}
		}
	}
	p.expect("(")
	var parts, words []string
	for {
		x := p.expr(0)
		words = append(words, x.name)
		if t := p.peek(); t.kind == wordToken && !isOneOf(t.word, "ASC", "DESC", "NULLS") { // an operator class
			p.skip()
		}
		sql := x.sql
		if p.accept("DESC") {
			sql += " DESC"
		} else {
			p.accept("ASC")
		}
		if p.accept("NULLS") {
			p.next()
		}
		parts = append(parts, sql)
		if !p.accept(",") {
			break
		}
	}
	p.expect(")")
	if p.accept("INCLUDE") {
		p.skipBrackets()
	}
	p.acceptAll("NULLS", "DISTINCT")
	if name == "" {
		name = table + "_" + strings.Join(words, "_") + "_idx"
	}
	out := "CREATE " + unique + "INDEX " + exists + quoteName(name) + " ON " + quoteName(table) + " (" + strings.Join(parts, ", ") + ")"
	if p.accept("WITH") {
		p.skipBrackets()
	}
	if p.accept("WHERE") {
		out += " WHERE " + p.expr(0).sql
	}
	return []Statement{{SQL: out, Schema: true}}
}

func (p *parser) alter() []Statement {
	start := p.next()
	if !p.accept("TABLE") {
		p.failAt(start.pos, "ALTER is available for tables only on the embedded database")
	}
	ifExists := p.acceptAll("IF", "EXISTS")
	p.accept("ONLY")
	t := p.tableName()
	table := quoteName(columnName(t))
	known := p.schema(strings.ToLower(t.text))
	has := func(column string) bool {
		for _, c := range known {
			if strings.EqualFold(c.Name, column) {
				return true
			}
		}
		return false
	}
	var out []Statement
	for {
		out = append(out, p.alterAction(columnName(t), table, has)...)
		if !p.accept(",") {
			break
		}
	}
	if ifExists && known == nil {
		return []Statement{{Schema: true}}
	}
	return out
}

func (p *parser) alterAction(name, table string, has func(string) bool) []Statement {
	change := func(sql string) []Statement {
		return []Statement{{SQL: "ALTER TABLE " + table + " " + sql, Schema: true}}
	}
	t := p.next()
	switch t.word {
	case "ADD":
		if isOneOf(p.peek().word, "CONSTRAINT", "UNIQUE", "PRIMARY", "FOREIGN", "CHECK") {
			return p.addConstraint(table)
		}
		p.accept("COLUMN")
		skip := p.acceptAll("IF", "NOT", "EXISTS")
		d := p.column(name, false)
		if skip && has(d.name) {
			return []Statement{{Schema: true}}
		}
		return change("ADD COLUMN " + d.sql)
	case "DROP":
		if p.accept("CONSTRAINT") {
			p.fail("a constraint cannot be dropped on the embedded database, unless it is an index: DROP INDEX")
		}
		p.accept("COLUMN")
		skip := p.acceptAll("IF", "EXISTS")
		column := columnName(p.next())
		if !p.accept("CASCADE") {
			p.accept("RESTRICT")
		}
		if skip && !has(column) {
			return []Statement{{Schema: true}}
		}
		return change("DROP COLUMN " + quoteName(column))
	case "RENAME":
		if p.accept("TO") {
			return change("RENAME TO " + quoteName(columnName(p.next())))
		}
		p.accept("COLUMN")
		from := quoteName(columnName(p.next()))
		p.expect("TO")
		return change("RENAME COLUMN " + from + " TO " + quoteName(columnName(p.next())))
	case "OWNER":
		p.rest()
		return []Statement{{Schema: true}}
	}
	p.failAt(t.pos, "ALTER TABLE … %s is not available on the embedded database: a column keeps its type and constraints; make a new table, copy the rows with INSERT … SELECT, drop the old one and rename", strings.ToUpper(t.text))
	return nil
}

func (p *parser) addConstraint(table string) []Statement {
	at := p.peek().pos
	name := ""
	if p.accept("CONSTRAINT") {
		name = columnName(p.next())
	}
	if name == "" || !p.accept("UNIQUE") {
		p.failAt(at, "of constraints only ADD CONSTRAINT name UNIQUE (…) can be added to a table on the embedded database; write the others in CREATE TABLE")
	}
	p.expect("(")
	list := p.columnNames()
	p.expect(")")
	return []Statement{{SQL: "CREATE UNIQUE INDEX " + quoteName(name) + " ON " + table + " (" + list + ")", Schema: true}}
}

func (p *parser) drop() []Statement {
	p.skip()
	what := p.next()
	if !isOneOf(what.word, "TABLE", "INDEX", "VIEW") {
		if isOneOf(what.word, "EXTENSION") {
			p.rest()
			return []Statement{{Schema: true}}
		}
		p.failAt(what.pos, "DROP %s is not available on the embedded database", strings.ToUpper(what.text))
	}
	p.accept("CONCURRENTLY")
	exists := ""
	if p.acceptAll("IF", "EXISTS") {
		exists = "IF EXISTS "
	}
	var out []Statement
	for {
		out = append(out, Statement{SQL: "DROP " + what.word + " " + exists + quoteName(columnName(p.tableName())), Schema: true})
		if !p.accept(",") {
			break
		}
	}
	if !p.accept("CASCADE") {
		p.accept("RESTRICT")
	}
	return out
}
