package translate

import (
	"slices"
	"strings"
)

func (p *parser) startsQuery() bool {
	for i := 0; ; i++ {
		switch t := p.at(i); {
		case t.kind == opToken && t.text == "(":
			continue
		case t.word == "SELECT" || t.word == "VALUES" || t.word == "WITH":
			// (values) may be a column
			return i == 0 && (t.word != "VALUES" || p.at(1).text == "(") || i > 0 && t.word == "SELECT" && p.closesBefore(i)
		default:
			return false
		}
	}
}

// closesBefore reports whether the next n parentheses close one after the other, or
// before a set operation: ((SELECT 1)) and (SELECT 1) UNION ….
func (p *parser) closesBefore(n int) bool {
	depth := 0
	for i := 0; ; i++ {
		t := p.at(i)
		if t.kind == eofToken {
			return false
		}
		if t.kind != opToken {
			continue
		}
		switch t.text {
		case "(":
			depth++
		case ")":
			if depth--; depth == 0 {
				after := p.at(i + 1)
				return after.text == ")" || isOneOf(after.word, "UNION", "INTERSECT", "EXCEPT")
			}
		}
	}
}

// subquery parses a query in parentheses. Its kind and name are those of its first
// column.
func (p *parser) subquery() node { return p.subqueryAs("") }

// subqueryAs gives the first column a name.
func (p *parser) subqueryAs(name string) node {
	p.depth++
	defer func() { p.depth-- }()
	if p.depth > maxDepth {
		p.fail("the statement is nested too deep")
	}
	sql, columns := p.queryText(name)
	out := node{sql: sql}
	if len(columns) > 0 {
		out.kind, out.name = columns[0].Kind, columns[0].Name
	}
	return out
}

// queryText parses a whole query: WITH, SELECT or VALUES, set operations,
// ORDER BY and LIMIT.
func (p *parser) queryText(first string) (string, []Column) {
	var b strings.Builder
	if p.peek().word == "WITH" {
		b.WriteString(p.with())
		if w := p.peek().word; isOneOf(w, "INSERT", "UPDATE", "DELETE") {
			p.fail("%s in WITH is not available on the embedded database; run it as a statement of its own", w)
		}
	}
	sql, columns := p.core(first)
	b.WriteString(sql)
	for isOneOf(p.peek().word, "UNION", "INTERSECT", "EXCEPT") {
		op := p.next().word
		if p.accept("ALL") {
			if op != "UNION" {
				p.fail("%s ALL is not available on the embedded database", op)
			}
			op += " ALL"
		} else {
			p.accept("DISTINCT")
		}
		more, _ := p.core("")
		b.WriteString(" " + op + " " + more)
	}
	b.WriteString(p.tail())
	return b.String(), columns
}

// core parses one SELECT or VALUES, or one in parentheses.
func (p *parser) core(first string) (string, []Column) {
	switch {
	case p.accept("VALUES"):
		return p.values(nil)
	case p.accept("TABLE"):
		name := p.next()
		return "SELECT * FROM " + written([]token{name}), []Column{{Name: "*"}}
	case p.accept("("):
		sql, columns := p.queryText(first)
		p.expect(")")
		return "SELECT * FROM (" + sql + ")", columns
	}
	at := p.pos
	p.expect("SELECT")
	var b strings.Builder
	b.WriteString("SELECT ")
	if p.accept("DISTINCT") {
		if p.peek().word == "ON" {
			p.fail("DISTINCT ON is not available on the embedded database; number the rows with row_number() OVER (PARTITION BY …) in a subquery and take number 1")
		}
		b.WriteString("DISTINCT ")
	} else {
		p.accept("ALL")
	}
	var columns []Column
	if w := p.peek(); w.word == "FROM" || w.text == ")" || w.kind == eofToken || w.text == ";" {
		b.WriteString("1")
	} else {
		var list string
		list, columns = p.selectList(at, first)
		b.WriteString(list)
	}
	if p.peek().word == "INTO" {
		p.fail("SELECT INTO is not available on the embedded database; write CREATE TABLE … AS SELECT …")
	}
	if p.accept("FROM") {
		b.WriteString(" FROM " + p.fromList(at))
	}
	where := false
	if p.accept("WHERE") {
		where = true
		b.WriteString(" WHERE " + p.expr(0).sql)
	}
	if p.accept("GROUP") {
		p.expect("BY")
		where = true
		if isOneOf(p.peek().word, "GROUPING", "ROLLUP", "CUBE") {
			p.fail("%s is not available on the embedded database", p.peek().word)
		}
		b.WriteString(" GROUP BY " + p.list())
	}
	if p.accept("HAVING") {
		b.WriteString(" HAVING " + p.expr(0).sql)
	}
	if p.accept("WINDOW") {
		var windows []string
		for {
			name := written([]token{p.next()})
			p.expect("AS")
			p.expect("(")
			windows = append(windows, name+" AS ("+p.window()+")")
			p.expect(")")
			if !p.accept(",") {
				break
			}
		}
		b.WriteString(" WINDOW " + strings.Join(windows, ", "))
	}
	if p.peek().word == "ON" && p.at(1).word == "CONFLICT" && !where {
		b.WriteString(" WHERE TRUE") // otherwise SQLite parses ON as that of a join
	}
	return b.String(), columns
}

// values parses the rows after VALUES; columns, if known, are those that the values go
// to.
func (p *parser) values(columns []Column) (string, []Column) {
	var rows []string
	var shape []Column
	for {
		p.expect("(")
		var items []node
		for p.peek().text != ")" {
			if p.peek().word == "DEFAULT" {
				p.fail("DEFAULT as a value is not available on the embedded database; leave the column out")
			}
			x := p.expr(0)
			if i := len(items); i < len(columns) {
				x = x.into(columns[i].Kind)
			}
			items = append(items, x)
			if !p.accept(",") {
				break
			}
		}
		p.expect(")")
		rows = append(rows, "("+join(items)+")")
		if shape == nil {
			for _, n := range items {
				shape = append(shape, Column{Kind: n.kind})
			}
		}
		if !p.accept(",") {
			break
		}
	}
	return "VALUES " + strings.Join(rows, ", "), shape
}

func (p *parser) with() string {
	p.expect("WITH")
	out := "WITH "
	if p.accept("RECURSIVE") {
		out += "RECURSIVE "
	}
	for {
		name := p.next()
		text := written([]token{name})
		var names []string
		if p.accept("(") {
			for {
				names = append(names, written([]token{p.next()}))
				if !p.accept(",") {
					break
				}
			}
			p.expect(")")
			text += " (" + strings.Join(names, ", ") + ")"
		}
		p.expect("AS")
		text += " AS "
		switch {
		case p.accept("MATERIALIZED"):
			text += "MATERIALIZED "
		case p.acceptAll("NOT", "MATERIALIZED"):
			text += "NOT MATERIALIZED "
		}
		p.expect("(")
		if w := p.peek().word; isOneOf(w, "INSERT", "UPDATE", "DELETE", "MERGE") {
			p.fail("%s in WITH is not available on the embedded database; run it as a statement of its own", w)
		}
		sql, columns := p.queryText("")
		p.expect(")")
		for i, n := range names {
			if i < len(columns) {
				p.remember(strings.Trim(n, `"`), columns[i].Kind)
			}
		}
		out += text + "(" + sql + ")"
		if !p.accept(",") {
			return out + " "
		}
		out += ", "
	}
}

// selectList parses result columns. Those without AS get the names that they have on
// PostgreSQL.
func (p *parser) selectList(at int, first string) (string, []Column) {
	var parts []string
	var columns []Column
	for {
		if p.peek().text == "*" {
			p.skip()
			sql, cols := p.star(at)
			parts, columns = append(parts, sql), append(columns, cols...)
		} else if p.at(1).text == "." && p.at(2).text == "*" && p.at(2).kind == opToken {
			table := p.next()
			p.skip()
			p.skip()
			sql, cols := p.starOf(table)
			parts, columns = append(parts, sql), append(columns, cols...)
		} else {
			sql, column := p.resultColumn(first)
			parts, columns = append(parts, sql), append(columns, column)
		}
		first = ""
		if !p.accept(",") {
			return strings.Join(parts, ", "), columns
		}
	}
}

func (p *parser) resultColumn(force string) (string, Column) {
	x := p.expr(0)
	name := x.name
	if name == "" {
		name = "?column?"
	}
	given := p.alias()
	if given != "" {
		name = given
	}
	if force != "" {
		name = force
	}
	if given != "" || x.name != "" {
		p.remember(name, x.kind)
	}
	column := Column{Name: name, Kind: x.kind}
	if x.column && given == "" && force == "" && !strings.ContainsAny(x.sql, "()") && x.sql == strings.ToLower(x.sql) && !strings.Contains(x.sql, `"`) {
		return x.sql, column
	}
	return x.sql + " AS " + quoteName(name), column
}

// alias parses [AS] name.
func (p *parser) alias() string {
	if p.accept("AS") {
		return columnName(p.next())
	}
	if t := p.peek(); t.kind == nameToken || t.kind == wordToken && !isReserved(t.word) {
		return columnName(p.next())
	}
	return ""
}

func isReserved(word string) bool { return slices.Contains(reserved, word) }

// reserved are the words that cannot be a name without AS.
var reserved = strings.Fields(`FROM WHERE GROUP HAVING ORDER LIMIT OFFSET FETCH FOR UNION INTERSECT EXCEPT WINDOW
	ON USING JOIN INNER LEFT RIGHT FULL CROSS NATURAL OUTER SET VALUES RETURNING AS AND OR NOT IN IS LIKE ILIKE
	BETWEEN SELECT WHEN THEN ELSE END CASE INTO ASC DESC NULLS DO LATERAL TABLESAMPLE COLLATE DEFAULT WITH
	GLOB REGEXP MATCH SIMILAR ISNULL NOTNULL INDEXED ESCAPE ONLY`)

func (p *parser) list() string {
	var items []node
	for {
		items = append(items, p.expr(0))
		if !p.accept(",") {
			return join(items)
		}
	}
}

// orderList parses the terms of ORDER BY. On PostgreSQL NULL comes last in ascending
// and first in descending order; on SQLite it is the other way round.
func (p *parser) orderList() string {
	var parts []string
	for {
		x := p.expr(0)
		if x.kind == Interval {
			x = call(Int, "pg_interval_order", x)
		}
		sql := x.sql
		down := p.accept("DESC")
		if down {
			sql += " DESC"
		} else if p.accept("ASC") {
			sql += " ASC"
		} else if p.accept("USING") {
			p.fail("ORDER BY … USING is not understood; write ASC or DESC")
		}
		switch {
		case p.acceptAll("NULLS", "FIRST"):
			sql += " NULLS FIRST"
		case p.acceptAll("NULLS", "LAST"):
			sql += " NULLS LAST"
		case down:
			sql += " NULLS FIRST"
		default:
			sql += " NULLS LAST"
		}
		parts = append(parts, sql)
		if !p.accept(",") {
			return strings.Join(parts, ", ")
		}
	}
}

// tail parses ORDER BY, LIMIT, OFFSET, FETCH and FOR, which PostgreSQL accepts in
// several orders.
func (p *parser) tail() string {
	var order, limit, offset string
	for {
		switch {
		case p.acceptAll("ORDER", "BY"):
			order = " ORDER BY " + p.orderList()
		case p.accept("LIMIT"):
			if p.accept("ALL") {
				continue
			}
			limit = p.expr(0).sql
			if p.accept(",") { // SQLite's LIMIT offset, count
				offset, limit = limit, p.expr(0).sql
			}
		case p.accept("OFFSET"):
			offset = p.expr(0).sql
			if !p.accept("ROWS") {
				p.accept("ROW")
			}
		case p.accept("FETCH"):
			if !p.accept("FIRST") {
				p.expect("NEXT")
			}
			limit = "1"
			if p.peek().word != "ROW" && p.peek().word != "ROWS" {
				limit = p.expr(0).sql
			}
			if !p.accept("ROWS") {
				p.expect("ROW")
			}
			p.expect("ONLY")
		case p.accept("FOR"): // writes run one at a time, so no lock is needed
			for isOneOf(p.peek().word, "UPDATE", "SHARE", "NO", "KEY") {
				p.skip()
			}
			if p.accept("OF") {
				p.next()
				for p.accept(",") {
					p.next()
				}
			}
			if !p.accept("NOWAIT") {
				p.acceptAll("SKIP", "LOCKED")
			}
		default:
			switch {
			case limit != "":
				order += " LIMIT " + limit
			case offset != "":
				order += " LIMIT -1"
			}
			if offset != "" {
				order += " OFFSET " + offset
			}
			return order
		}
	}
}
