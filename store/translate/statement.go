package translate

import "strings"

// statement parses one statement, which may become several statements of SQLite or
// none.
func (p *parser) statement() []Statement {
	t := p.peek()
	switch t.word {
	case "SELECT", "VALUES", "TABLE":
		return p.reads()
	case "WITH":
		return p.withStatement()
	case "INSERT", "REPLACE":
		return p.counts(p.insert)
	case "UPDATE":
		return p.counts(p.update)
	case "DELETE":
		return p.counts(p.deleteFrom)
	case "CREATE":
		return p.create()
	case "ALTER":
		return p.alter()
	case "DROP":
		return p.drop()
	case "TRUNCATE":
		return p.truncate()
	case "EXPLAIN":
		p.skip()
		if p.peek().text == "(" {
			p.skipBrackets()
		}
		if !p.acceptAll("QUERY", "PLAN") {
			p.accept("ANALYZE")
			p.accept("VERBOSE")
		}
		inner := p.statement()
		if len(inner) != 1 {
			p.failAt(t.pos, "EXPLAIN expects a query")
		}
		return []Statement{{SQL: "EXPLAIN QUERY PLAN " + inner[0].SQL, Reads: true}}
	case "COMMENT":
		p.rest()
		return []Statement{{Schema: true}}
	case "ANALYZE", "REINDEX":
		return []Statement{{SQL: p.rest(), Schema: true}}
	case "SAVEPOINT", "RELEASE":
		return []Statement{{SQL: p.rest(), Savepoint: true}}
	case "ROLLBACK":
		if p.at(1).word == "TO" || p.at(2).word == "TO" {
			return []Statement{{SQL: p.rest(), Savepoint: true}}
		}
	}
	if t.kind == opToken && t.text == "(" && p.startsQuery() {
		return p.reads()
	}
	if hint, ok := refusedStatements[t.word]; ok {
		p.fail("%s is not available on the embedded database: %s", t.word, hint)
	}
	p.fail("expected a statement, not %s", unknownWord(t))
	return nil
}

// refusedStatements are those that modules may not run or that have no counterpart,
// with the reason or what to do instead.
var refusedStatements = map[string]string{
	"BEGIN": transactions, "START": transactions, "COMMIT": transactions, "END": transactions, "ROLLBACK": transactions, "ABORT": transactions,
	"ATTACH": "a server has one database", "DETACH": "a server has one database",
	"PRAGMA":  "it would change the connection for others; read tables with pragma_table_info('name') in FROM",
	"VACUUM":  "it stops all writes; run it with sqlite3 while the server is down",
	"SET":     "there is nothing to set; for UPDATE … SET begin with UPDATE",
	"RESET":   "there is nothing to set",
	"SHOW":    "there are no settings",
	"LOCK":    "writes run one at a time already",
	"COPY":    "insert the rows with INSERT",
	"DO":      "there are no procedures; write the logic in the module",
	"CALL":    "there are no procedures; write the logic in the module",
	"GRANT":   "there are no roles",
	"REVOKE":  "there are no roles",
	"LISTEN":  "use nk.streamSend or nk.event",
	"NOTIFY":  "use nk.streamSend or nk.event",
	"MERGE":   "write INSERT … ON CONFLICT … DO UPDATE",
	"DECLARE": "read with LIMIT and a condition on the last key",
	"FETCH":   "read with LIMIT and a condition on the last key",
	"PREPARE": "statements are kept prepared already", "EXECUTE": "statements are kept prepared already", "DEALLOCATE": "statements are kept prepared already",
}

const transactions = "a call is a transaction by itself; a Go module begins one with db.BeginTx"

func (p *parser) reads() []Statement {
	sql, columns := p.queryText("")
	return []Statement{{SQL: sql, Reads: true, Result: columns}}
}

func (p *parser) counts(parse func() (string, []Column)) []Statement {
	sql, columns := parse()
	return []Statement{{SQL: sql, Counts: true, Result: columns}}
}

// withStatement parses a statement that begins with WITH.
func (p *parser) withStatement() []Statement {
	at := p.pos
	with := p.with()
	switch p.peek().word {
	case "INSERT", "REPLACE":
		sql, columns := p.insert()
		return []Statement{{SQL: with + sql, Counts: true, Result: columns}}
	case "UPDATE":
		sql, columns := p.update()
		return []Statement{{SQL: with + sql, Counts: true, Result: columns}}
	case "DELETE":
		sql, columns := p.deleteFrom()
		return []Statement{{SQL: with + sql, Counts: true, Result: columns}}
	}
	p.pos = at
	return p.reads()
}

// tableName parses the name of a table.
func (p *parser) tableName() token {
	t := p.next()
	if t.word == "PUBLIC" && p.accept(".") {
		t = p.next()
	}
	if t.kind != wordToken && t.kind != nameToken {
		p.failAt(t.pos, "expected the name of a table, not %s", unknownWord(t))
	}
	if p.peek().text == "." {
		p.failAt(t.pos, "there is no schema %s: the embedded database has only public", t.text)
	}
	return t
}

// orAction parses SQLite's OR REPLACE and the like.
func (p *parser) orAction() string {
	if !p.accept("OR") {
		return ""
	}
	return "OR " + p.next().word + " "
}

func (p *parser) insert() (string, []Column) {
	var b strings.Builder
	b.WriteString(p.next().word + " ")
	b.WriteString(p.orAction())
	p.expect("INTO")
	table := p.tableName()
	b.WriteString("INTO " + written([]token{table}))
	if p.accept("AS") {
		b.WriteString(" AS " + written([]token{p.next()}))
	}
	columns := p.schema(strings.ToLower(table.text))
	if p.peek().text == "(" && !p.startsQuery() {
		p.skip()
		var names []string
		known := columns
		columns = nil
		for {
			t := p.next()
			names = append(names, written([]token{t}))
			c := Column{Name: t.text}
			for _, k := range known {
				if strings.EqualFold(k.Name, t.text) {
					c = k
				}
			}
			columns = append(columns, c)
			if !p.accept(",") {
				break
			}
		}
		p.expect(")")
		b.WriteString(" (" + strings.Join(names, ", ") + ")")
	}
	if p.accept("OVERRIDING") {
		p.next()
		p.expect("VALUE")
	}
	switch {
	case p.acceptAll("DEFAULT", "VALUES"):
		b.WriteString(" DEFAULT VALUES")
	case p.accept("VALUES"):
		sql, _ := p.values(columns)
		b.WriteString(" " + sql)
	default:
		sql, _ := p.queryText("")
		b.WriteString(" " + sql)
	}
	if p.acceptAll("ON", "CONFLICT") {
		b.WriteString(" " + p.onConflict())
	}
	returning, result := p.returning()
	return b.String() + returning, result
}

func (p *parser) onConflict() string {
	out := "ON CONFLICT"
	if p.peek().word == "ON" {
		p.fail("ON CONFLICT ON CONSTRAINT is not available on the embedded database; name the columns: ON CONFLICT (a, b)")
	}
	if p.accept("(") {
		out += " (" + p.list() + ")"
		p.expect(")")
		if p.accept("WHERE") {
			out += " WHERE " + p.expr(0).sql
		}
	}
	p.expect("DO")
	if p.accept("NOTHING") {
		return out + " DO NOTHING"
	}
	p.expect("UPDATE")
	p.expect("SET")
	out += " DO UPDATE SET " + p.assignments()
	if p.accept("WHERE") {
		out += " WHERE " + p.expr(0).sql
	}
	return out
}

// assignments parses what follows SET.
func (p *parser) assignments() string {
	var parts []string
	for {
		var target string
		kind := Unknown
		if p.accept("(") {
			target = "(" + p.list() + ")"
			p.expect(")")
		} else {
			t := p.next()
			for p.accept(".") {
				t = p.next()
			}
			if p.peek().text == "[" {
				p.fail("assigning to an element of a list is not available on the embedded database")
			}
			target = written([]token{t})
			kind = p.columns[strings.ToLower(t.text)]
		}
		p.expect("=")
		if p.peek().word == "DEFAULT" {
			p.fail("DEFAULT as a value is not available on the embedded database; write the value")
		}
		p.accept("ROW")
		parts = append(parts, target+" = "+p.expr(0).into(kind).sql)
		if !p.accept(",") {
			return strings.Join(parts, ", ")
		}
	}
}

func (p *parser) update() (string, []Column) {
	var b strings.Builder
	at := p.pos
	p.expect("UPDATE")
	b.WriteString("UPDATE " + p.orAction())
	p.accept("ONLY")
	b.WriteString(written([]token{p.tableName()}))
	if alias := p.alias(); alias != "" {
		b.WriteString(" AS " + quoteName(alias))
	}
	p.expect("SET")
	b.WriteString(" SET " + p.assignments())
	if p.accept("FROM") {
		b.WriteString(" FROM " + p.fromList(at))
	}
	if p.accept("WHERE") {
		b.WriteString(" WHERE " + p.expr(0).sql)
	}
	returning, result := p.returning()
	return b.String() + returning, result
}

func (p *parser) deleteFrom() (string, []Column) {
	at := p.pos
	p.expect("DELETE")
	p.expect("FROM")
	p.accept("ONLY")
	out := "DELETE FROM " + written([]token{p.tableName()})
	if alias := p.alias(); alias != "" {
		out += " AS " + quoteName(alias)
	}
	using := ""
	if p.accept("USING") {
		using = p.fromList(at)
	}
	where := ""
	if p.accept("WHERE") {
		where = p.expr(0).sql
	}
	switch {
	case using != "" && where != "":
		out += " WHERE EXISTS (SELECT 1 FROM " + using + " WHERE " + where + ")"
	case using != "":
		out += " WHERE EXISTS (SELECT 1 FROM " + using + ")"
	case where != "":
		out += " WHERE " + where
	}
	returning, result := p.returning()
	return out + returning, result
}

func (p *parser) returning() (string, []Column) {
	if !p.accept("RETURNING") {
		return "", nil
	}
	sql, columns := p.selectList(-1, "")
	return " RETURNING " + sql, columns
}

func (p *parser) truncate() []Statement {
	p.skip()
	p.accept("TABLE")
	p.accept("ONLY")
	var tables []token
	for {
		tables = append(tables, p.tableName())
		if !p.accept(",") {
			break
		}
	}
	restart := p.acceptAll("RESTART", "IDENTITY")
	if !restart {
		p.acceptAll("CONTINUE", "IDENTITY")
	}
	if !p.accept("CASCADE") {
		p.accept("RESTRICT")
	}
	var out []Statement
	for _, t := range tables {
		out = append(out, Statement{SQL: "DELETE FROM " + written([]token{t})})
		if restart && p.schema("sqlite_sequence") != nil {
			out = append(out, Statement{SQL: "DELETE FROM sqlite_sequence WHERE name = " + quote(columnName(t))})
		}
	}
	return out
}
