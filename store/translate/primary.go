package translate

import (
	"slices"
	"strings"
)

// primary parses an operand: a literal, a parameter, a column, a function call, CASE,
// an expression in parentheses or a subquery.
func (p *parser) primary() node {
	t := p.next()
	switch t.kind {
	case stringToken:
		return node{sql: quote(t.text), literal: true, text: t.text, name: "?column?"}
	case blobToken, paramToken:
		return node{sql: t.text}
	case numberToken:
		kind := Int
		if strings.ContainsAny(t.text, ".eE") && !strings.HasPrefix(t.text, "0x") {
			kind = Float
		}
		return node{sql: t.text, kind: kind}
	case nameToken:
		return p.name(t)
	case wordToken:
		return p.word(t)
	case opToken:
		switch t.text {
		case "(":
			return p.brackets()
		case "*":
			return node{sql: "*"}
		case "?": // SQLite's parameter without a number
			return node{sql: "?"}
		case "[": // SQLite's quoted name
			if end := p.at(1); end.text == "]" {
				name := p.next()
				p.skip()
				return p.name(token{kind: nameToken, text: name.text, pos: t.pos})
			}
		}
	}
	if t.kind == eofToken {
		p.failAt(t.pos, "the statement ends too early")
	}
	p.failAt(t.pos, "unexpected %q", t.text)
	return node{}
}

// brackets parses what follows "(": a subquery, a row or an expression.
func (p *parser) brackets() node {
	if p.startsQuery() {
		sub := p.subquery()
		p.expect(")")
		sub.sql = "(" + sub.sql + ")"
		return sub
	}
	items := []node{p.expr(0)}
	for p.accept(",") {
		items = append(items, p.expr(0))
	}
	p.expect(")")
	if len(items) == 1 && !items[0].loose {
		return items[0]
	}
	out := items[0]
	if len(items) > 1 {
		out = node{}
	}
	out.sql, out.loose, out.or = "("+join(items)+")", false, false
	return out
}

// constants are the words that stand for a value or a call without parentheses.
var constants = map[string]node{
	"TRUE": {sql: "TRUE", kind: Bool, name: "bool"}, "FALSE": {sql: "FALSE", kind: Bool, name: "bool"},
	"NULL":              {sql: "NULL"},
	"CURRENT_TIMESTAMP": {sql: "now()", kind: Time, name: "current_timestamp"},
	"LOCALTIMESTAMP":    {sql: "now()", kind: Time, name: "localtimestamp"},
	"CURRENT_DATE":      {sql: "pg_date(now())", kind: Date, name: "current_date"},
	"CURRENT_USER":      {sql: "'kumi'", kind: Text, name: "current_user"}, "SESSION_USER": {sql: "'kumi'", kind: Text, name: "session_user"},
}

func (p *parser) word(t token) node {
	if n, ok := constants[t.word]; ok && p.peek().text != "." {
		if p.peek().text == "(" && t.word != "NULL" { // current_timestamp(3)
			p.skipBrackets()
		}
		return n
	}
	switch t.word {
	case "CASE":
		return p.caseOf()
	case "CAST", "TRY_CAST":
		if p.accept("(") {
			x := p.expr(0)
			p.expect("AS")
			out := p.cast(x, p.typeName())
			p.expect(")")
			return out
		}
	case "EXISTS":
		if p.accept("(") {
			sub := p.subquery()
			p.expect(")")
			return node{sql: "EXISTS (" + sub.sql + ")", kind: Bool, name: "exists"}
		}
	case "ARRAY":
		return p.array()
	case "ROW":
		if p.accept("(") {
			return p.brackets()
		}
	case "INTERVAL":
		if p.peek().kind == stringToken {
			text := p.next().text
			if unit := p.peek().word; slices.Contains([]string{"YEAR", "MONTH", "DAY", "HOUR", "MINUTE", "SECOND"}, unit) {
				p.skip()
				text += " " + strings.ToLower(unit)
			}
			return node{sql: "pg_interval(" + quote(text) + ")", kind: Interval, name: "interval"}
		}
	}
	if p.peek().kind == stringToken || t.word == "TIMESTAMP" && (p.peek().word == "WITH" || p.peek().word == "WITHOUT") {
		if _, ok := types[t.word]; ok { // a typed literal: timestamptz '…'
			p.back()
			typ := p.typeName()
			return p.cast(p.primary(), typ)
		}
	}
	return p.name(t)
}

// name parses a column, or the call of a function.
func (p *parser) name(t token) node {
	parts := []token{t}
	for p.peek().text == "." && p.peek().kind == opToken {
		p.skip()
		parts = append(parts, p.next())
	}
	if len(parts) > 1 && (parts[0].word == "PUBLIC" || parts[0].word == "PG_CATALOG") { // the schema that there is
		parts = parts[1:]
	}
	last := parts[len(parts)-1]
	if p.peek().text == "(" && p.peek().kind == opToken && len(parts) == 1 && last.kind == wordToken {
		return p.function(last)
	}
	if n, ok := p.viewColumn(parts); ok {
		return n
	}
	out := node{sql: written(parts), name: columnName(last), column: true}
	if len(parts) == 1 {
		out.sql = p.qualify(last) + out.sql
	}
	out.kind, out.elem = p.columnKind(parts)
	return out
}

func written(parts []token) string {
	out := make([]string, len(parts))
	for i, t := range parts {
		out[i] = t.text
		if t.kind == nameToken {
			out[i] = quoteName(t.text)
		}
	}
	return strings.Join(out, ".")
}

// columnName returns PostgreSQL's name of a column: unquoted names are folded to lower
// case.
func columnName(t token) string {
	if t.kind == wordToken {
		return strings.ToLower(t.text)
	}
	return t.text
}

func (p *parser) caseOf() node {
	var b strings.Builder
	b.WriteString("CASE")
	var subject node
	if p.peek().word != "WHEN" {
		subject = p.expr(0)
		b.WriteString(" " + subject.operand())
	}
	var kinds []node
	for p.accept("WHEN") {
		test := p.expr(0)
		if subject.sql != "" {
			test = test.into(subject.kind)
		}
		p.expect("THEN")
		then := p.expr(0)
		kinds = append(kinds, then)
		b.WriteString(" WHEN " + test.sql + " THEN " + then.sql)
	}
	if p.accept("ELSE") {
		other := p.expr(0)
		kinds = append(kinds, other)
		b.WriteString(" ELSE " + other.sql)
	}
	p.expect("END")
	b.WriteString(" END")
	return node{sql: b.String(), kind: commonKind(kinds), name: "case"}
}

// commonKind returns the kind that all items of known kind share.
func commonKind(items []node) Kind {
	kind := Unknown
	for _, n := range items {
		switch {
		case n.kind == Unknown || n.kind == kind:
		case kind == Unknown:
			kind = n.kind
		case kind == Int && n.kind == Float || kind == Float && n.kind == Int:
			kind = Float
		default:
			return Unknown
		}
	}
	return kind
}

// array parses what follows ARRAY.
func (p *parser) array() node {
	if p.accept("(") {
		sub := p.subqueryAs("value")
		p.expect(")")
		return node{sql: "(SELECT json_group_array(value) FROM (" + sub.sql + "))", kind: Array, elem: sub.kind, name: "array"}
	}
	p.expect("[")
	var items []node
	for p.peek().text != "]" {
		items = append(items, p.expr(0))
		if !p.accept(",") {
			break
		}
	}
	p.expect("]")
	for i := range items {
		items[i] = asJSON(items[i])
	}
	return node{sql: "pg_json_array(" + join(items) + ")", kind: Array, elem: commonKind(items), name: "array"}
}

// asJSON marks a value for the functions that build JSON: otherwise a boolean would
// become a number, and JSON text a string.
func asJSON(n node) node {
	switch n.kind {
	case Bool:
		return node{sql: "pg_json_bool(" + n.sql + ")", kind: n.kind}
	case JSON, Array:
		return node{sql: "pg_json_value(" + n.sql + ")", kind: n.kind}
	case Time:
		return node{sql: "pg_json_time(" + n.sql + ")", kind: n.kind}
	}
	return n
}
