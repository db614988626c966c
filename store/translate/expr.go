package translate

import (
	"slices"
	"strings"
)

// node is a translated expression.
type node struct {
	sql      string
	kind     Kind
	elem     Kind   // of an Array, the kind of its elements
	name     string // name of the result column without AS
	column   bool   // a column of a table
	literal  bool   // a string literal, whose type depends on its use; text is its value
	constant bool   // a cast of a literal; text is its value
	text     string
	loose    bool // an operator: needs parentheses as an operand
	or       bool // an OR: needs parentheses as an operand of AND
}

func (n node) operand() string {
	if n.loose {
		return "(" + n.sql + ")"
	}
	return n.sql
}

func call(kind Kind, function string, args ...node) node {
	return node{sql: function + "(" + join(args) + ")", kind: kind}
}

func join(args []node) string {
	parts := make([]string, len(args))
	for i, a := range args {
		parts[i] = a.sql
	}
	return strings.Join(parts, ", ")
}

// quote writes a string literal.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

func quoteName(s string) string { return `"` + strings.ReplaceAll(s, `"`, `""`) + `"` }

// Binding powers, from loose to tight, as PostgreSQL has them.
const (
	bindOr = iota + 1
	bindAnd
	bindNot
	bindIs
	bindCompare
	bindLike
	bindOther
	bindAdd
	bindMultiply
	bindPower
	bindZone
	bindCollate
	bindSign
	bindPostfix
)

// infix returns how tightly the operator at the parser's position binds, or 0 if there
// is none.
func (p *parser) infix() int {
	t := p.peek()
	if t.kind == opToken {
		switch t.text {
		case "=", "==", "<", ">", "<=", ">=", "<>", "!=":
			return bindCompare
		case "+", "-":
			return bindAdd
		case "*", "/", "%":
			return bindMultiply
		case "^":
			return bindPower
		case "::", "[":
			return bindPostfix
		case ".", ",", ";", "(", ")", "]", ":", ":=", "$":
			return 0
		}
		return bindOther
	}
	if t.kind != wordToken {
		return 0
	}
	switch t.word {
	case "OR":
		return bindOr
	case "AND":
		return bindAnd
	case "IS", "ISNULL", "NOTNULL":
		return bindIs
	case "IN", "LIKE", "ILIKE", "BETWEEN", "SIMILAR", "GLOB", "REGEXP", "MATCH":
		return bindLike
	case "NOT":
		switch p.at(1).word {
		case "IN", "LIKE", "ILIKE", "BETWEEN", "SIMILAR", "GLOB", "REGEXP", "MATCH":
			return bindLike
		case "NULL": // SQLite's x NOT NULL
			return bindIs
		}
	case "AT":
		if p.at(1).word == "TIME" {
			return bindZone
		}
	case "COLLATE":
		return bindCollate
	case "OPERATOR":
		if p.at(1).text == "(" {
			p.fail("OPERATOR(…) is not understood; write the operator itself")
		}
	}
	return 0
}

// expr parses an expression whose operators bind tighter than bind.
func (p *parser) expr(bind int) node {
	p.depth++
	defer func() { p.depth-- }()
	if p.depth > maxDepth {
		p.fail("the statement is nested too deep")
	}
	left := p.prefix()
	for {
		power := p.infix()
		if power <= bind || power == 0 {
			return left
		}
		left = p.operator(left, power)
	}
}

// prefix parses an operand with the operators in front of it.
func (p *parser) prefix() node {
	t := p.peek()
	switch {
	case t.word == "NOT":
		p.skip()
		return node{sql: "NOT " + p.expr(bindNot).operand(), kind: Bool, loose: true}
	case t.kind == opToken && (t.text == "-" || t.text == "+" || t.text == "~"):
		p.skip()
		x := p.expr(bindSign)
		if x.kind == Interval && t.text == "-" {
			return call(Interval, "pg_interval_scale", x, node{sql: "-1"})
		}
		return node{sql: t.text + x.operand(), kind: x.kind, loose: true}
	case t.kind == opToken && t.text == "@":
		p.skip()
		x := p.expr(bindOther)
		return call(x.kind, "abs", x)
	case t.kind == opToken && t.text == "|" && p.at(1).text == "/":
		p.skip()
		p.skip()
		return call(Float, "sqrt", p.expr(bindOther))
	}
	return p.primary()
}

func (p *parser) operator(left node, power int) node {
	t := p.next()
	switch t.word {
	case "OR", "AND":
		right := p.expr(power)
		return node{sql: left.logical(t.word) + " " + t.word + " " + right.logical(t.word), kind: Bool, loose: true, or: t.word == "OR"}
	case "IS", "ISNULL", "NOTNULL":
		return p.is(left, t.word)
	case "AT":
		p.expect("TIME")
		p.expect("ZONE")
		zone := p.expr(power)
		return call(Time, "pg_at_zone", left, zone)
	case "COLLATE":
		name := p.next()
		if upper := strings.ToUpper(name.text); upper == "NOCASE" || upper == "RTRIM" {
			return node{sql: left.operand() + " COLLATE " + upper, kind: left.kind, loose: true}
		}
		return left // text is compared by its bytes, like "C"
	case "NOT":
		if p.accept("NULL") {
			return node{sql: left.operand() + " NOT NULL", kind: Bool, loose: true}
		}
		return p.match(left, p.next().word, "NOT ")
	case "IN", "LIKE", "ILIKE", "BETWEEN", "SIMILAR", "GLOB", "REGEXP", "MATCH":
		return p.match(left, t.word, "")
	}
	switch t.text {
	case "::":
		return p.cast(left, p.typeName())
	case "[":
		return p.subscript(left)
	}
	if w := p.peek().word; (w == "ANY" || w == "SOME" || w == "ALL") && p.at(1).text == "(" {
		return p.anyOf(left, t)
	}
	if t.text == "^" {
		return call(Float, "power", left, p.expr(power))
	}
	return p.binary(left, t, p.expr(power))
}

// logical returns n as an operand of AND or OR.
func (n node) logical(word string) string {
	if n.or && word == "AND" {
		return "(" + n.sql + ")"
	}
	return n.sql
}

func (p *parser) is(left node, word string) node {
	text := left.operand()
	switch word {
	case "ISNULL":
		return node{sql: text + " IS NULL", kind: Bool, loose: true}
	case "NOTNULL":
		return node{sql: text + " IS NOT NULL", kind: Bool, loose: true}
	}
	not := ""
	if p.accept("NOT") {
		not = "NOT "
	}
	switch t := p.peek(); t.word {
	case "NULL", "TRUE", "FALSE":
		p.skip()
		return node{sql: text + " IS " + not + t.word, kind: Bool, loose: true}
	case "UNKNOWN":
		p.skip()
		return node{sql: text + " IS " + not + "NULL", kind: Bool, loose: true}
	case "DISTINCT":
		p.skip()
		p.expect("FROM")
		right := p.expr(bindIs)
		left, right = left.into(right.kind), right.into(left.kind)
		return node{sql: left.operand() + " IS " + not + "DISTINCT FROM " + right.operand(), kind: Bool, loose: true}
	}
	return node{sql: text + " IS " + not + p.expr(bindIs).operand(), kind: Bool, loose: true}
}

// match parses what follows IN, LIKE and the like; not is "NOT " or empty.
func (p *parser) match(left node, word, not string) node {
	test := func(sql string) node { return node{sql: sql, kind: Bool, loose: true} }
	text := left.operand()
	switch word {
	case "IN":
		if p.peek().text != "(" { // SQLite's x IN table
			return test(text + " " + not + "IN " + p.primary().sql)
		}
		p.skip()
		if p.startsQuery() {
			sub := p.subquery()
			p.expect(")")
			return test(text + " " + not + "IN (" + sub.sql + ")")
		}
		var items []node
		for p.peek().text != ")" {
			items = append(items, p.expr(0).into(left.kind))
			if !p.accept(",") {
				break
			}
		}
		p.expect(")")
		return test(text + " " + not + "IN (" + join(items) + ")")
	case "BETWEEN":
		p.accept("SYMMETRIC")
		low := p.expr(bindLike).into(left.kind)
		p.expect("AND")
		high := p.expr(bindLike).into(left.kind)
		if low.kind != left.kind {
			left = left.into(low.kind)
			text = left.operand()
		}
		return test(text + " " + not + "BETWEEN " + low.operand() + " AND " + high.operand())
	case "LIKE", "ILIKE":
		return p.like(left, p.expr(bindLike), word == "ILIKE", not)
	case "SIMILAR":
		p.fail("SIMILAR TO is not understood; write a regular expression with ~")
	}
	return test(text + " " + not + word + " " + p.expr(bindLike).operand())
}

func (p *parser) like(left, pattern node, blind bool, not string) node {
	escape := `'\'`
	if p.accept("ESCAPE") {
		escape = p.expr(bindLike).operand()
	}
	a, b := left.operand(), pattern.operand()
	if blind {
		a, b = "fold("+left.sql+")", "fold("+pattern.sql+")"
	}
	return node{sql: a + " " + not + "LIKE " + b + " ESCAPE " + escape, kind: Bool, loose: true}
}

// anyOf parses x = ANY (list) and the like.
func (p *parser) anyOf(left node, op token) node {
	all := p.next().word == "ALL"
	p.expect("(")
	var list string
	elem := Unknown
	if p.startsQuery() {
		list = p.subqueryAs("value").sql
	} else {
		x := p.expr(0)
		if x.kind != Array {
			x = arrayOf(left.kind).convert(x)
			x.elem = left.kind
		}
		elem = x.elem
		list = "SELECT value FROM json_each(" + x.sql + ")"
	}
	p.expect(")")
	left = left.into(elem)
	switch {
	case op.text == "=" && !all:
		return node{sql: left.operand() + " IN (" + list + ")", kind: Bool, loose: true}
	case (op.text == "<>" || op.text == "!=") && all:
		return node{sql: left.operand() + " NOT IN (" + list + ")", kind: Bool, loose: true}
	}
	test := p.binary(left, op, node{sql: "pg_item.value"})
	if all {
		test.sql = "NOT (" + test.sql + ")"
	}
	sql := "EXISTS (SELECT 1 FROM (" + list + ") AS pg_item WHERE " + test.sql + ")"
	if all {
		sql = "NOT " + sql
	}
	return node{sql: sql, kind: Bool, loose: true}
}

// binary applies an operator between two operands.
func (p *parser) binary(left node, op token, right node) node {
	infix := func(kind Kind, l, r node) node {
		return node{sql: l.operand() + " " + op.text + " " + r.operand(), kind: kind, loose: true}
	}
	either := func(kinds ...Kind) bool {
		return slices.Contains(kinds, left.kind) || slices.Contains(kinds, right.kind)
	}
	switch op.text {
	case "=", "==", "<", ">", "<=", ">=", "<>", "!=":
		left, right = left.into(right.kind), right.into(left.kind)
		if left.kind == Interval && right.kind == Interval {
			left, right = call(Int, "pg_interval_order", left), call(Int, "pg_interval_order", right)
		}
		return infix(Bool, left, right)
	case "+", "-":
		switch {
		case op.text == "-" && left.kind == JSON:
			return call(JSON, "pg_jsonb_delete", left, right)
		case either(Time, Date, Interval):
			return timeSum(left, op.text, right)
		}
		return infix(number(left, right), left, right)
	case "*", "/", "%":
		if either(Interval) && op.text != "%" {
			if left.kind != Interval {
				left, right = right, left
			}
			if op.text == "/" {
				right = node{sql: "1.0 / " + right.operand()}
			}
			return call(Interval, "pg_interval_scale", left, right)
		}
		if op.text != "*" && (!isDigits(right.sql) || strings.Trim(right.sql, "0") == "") {
			return call(number(left, right), map[string]string{"/": "pg_divide", "%": "pg_mod"}[op.text], left, right)
		}
		return infix(number(left, right), left, right)
	case "||":
		return concat(left, right)
	case "->":
		return call(JSON, "pg_json_get", left, right)
	case "->>":
		return call(Text, "pg_json_text", left, right)
	case "#>":
		return call(JSON, "pg_json_path", left, right)
	case "#>>":
		return call(Text, "pg_json_path_text", left, right)
	case "#-":
		return call(JSON, "pg_jsonb_delete_path", left, right)
	case "@>":
		return call(Bool, "pg_contains", left, right)
	case "<@":
		return call(Bool, "pg_contains", right, left)
	case "?":
		return call(Bool, "pg_jsonb_exists", left, right)
	case "?|":
		return call(Bool, "pg_jsonb_exists_any", left, right)
	case "?&":
		return call(Bool, "pg_jsonb_exists_all", left, right)
	case "&&":
		return call(Bool, "pg_array_overlaps", left, right)
	case "~":
		return call(Bool, "pg_regexp", left, right, node{sql: "''"})
	case "~*":
		return call(Bool, "pg_regexp", left, right, node{sql: "'i'"})
	case "!~":
		return node{sql: "NOT pg_regexp(" + left.sql + ", " + right.sql + ", '')", kind: Bool, loose: true}
	case "!~*":
		return node{sql: "NOT pg_regexp(" + left.sql + ", " + right.sql + ", 'i')", kind: Bool, loose: true}
	case "~~", "~~*", "!~~", "!~~*":
		not := ""
		if op.text[0] == '!' {
			not = "NOT "
		}
		return p.like(left, right, strings.HasSuffix(op.text, "*"), not)
	case "<<", ">>", "&", "|":
		return infix(Int, left, right)
	case "#":
		return call(Int, "pg_xor", left, right)
	}
	p.failAt(op.pos, "the operator %s is not understood", op.text)
	return node{}
}

func concat(left, right node) node {
	switch {
	case left.kind == Array || right.kind == Array:
		return node{sql: "pg_array_concat(" + left.sql + ", " + right.sql + ")", kind: Array, elem: left.elem}
	case left.kind == JSON || right.kind == JSON:
		return call(JSON, "jsonb_concat", left.into(JSON), right.into(JSON))
	}
	asText := func(n node) string {
		if n.kind == Bool || n.kind == Time || n.kind == Float {
			n = types["TEXT"].convert(n)
		}
		return n.operand()
	}
	return node{sql: asText(left) + " || " + asText(right), kind: Text, loose: true}
}

// timeSum adds and subtracts times and intervals.
func timeSum(left node, op string, right node) node {
	for _, n := range []*node{&left, &right} {
		if n.literal { // next to a time or an interval, text is an interval
			*n = types["INTERVAL"].convert(*n)
		}
	}
	days := func(n node) bool { return n.kind == Int || n.kind == Unknown && left.kind == Date }
	switch {
	case left.kind == Date && right.kind == Date:
		return call(Int, "pg_days_between", left, right)
	case left.kind == Date && days(right):
		return call(Date, "pg_date_add", left, node{sql: op + right.operand()})
	case op == "-" && (left.kind == Time || left.kind == Date) && (right.kind == Time || right.kind == Date || right.kind == Unknown && right.column):
		return call(Interval, "pg_time_between", left, right)
	}
	kind := Time
	if left.kind == Interval && right.kind == Interval {
		kind = Interval
	}
	return call(kind, map[string]string{"+": "pg_time_add", "-": "pg_time_subtract"}[op], left, right)
}

func number(left, right node) Kind {
	switch {
	case left.kind == Float || right.kind == Float:
		return Float
	case left.kind == Int && right.kind == Int:
		return Int
	}
	return Unknown
}

// subscript parses the rest of list[n]; PostgreSQL counts from 1.
func (p *parser) subscript(left node) node {
	index := p.expr(0)
	if p.peek().text == ":" {
		p.fail("slices of lists are not understood on the embedded database; take the elements with unnest(…)")
	}
	p.expect("]")
	if left.kind == JSON {
		return call(JSON, "pg_json_get", left, index)
	}
	return node{sql: "pg_array_get(" + left.sql + ", " + index.sql + ")", kind: left.elem}
}

func arrayOf(elem Kind) typeInfo {
	cast := "pg_array"
	switch elem {
	case UUID:
		cast = "pg_array_uuid"
	case Int:
		cast = "pg_array_int"
	case Time:
		cast = "pg_array_time"
	}
	return typeInfo{kind: Array, cast: cast}
}

func (p *parser) cast(n node, t namedType) node {
	if t.array {
		out := arrayOf(t.kind).convert(n)
		out.elem = t.kind
		return out
	}
	if t.kind == Interval && n.literal {
		return node{sql: "pg_interval(" + n.sql + ")", kind: Interval}
	}
	if t.kind == Text && t.size != "" {
		out := t.convert(n)
		return node{sql: "substr(" + out.sql + ", 1, " + t.size + ")", kind: Text}
	}
	if t.cast == "pg_numeric" && t.size != "" {
		return node{sql: "pg_numeric(" + n.sql + ", " + t.size + ")", kind: Float}
	}
	out := t.convert(n)
	out.name, out.constant, out.text = n.name, n.literal || n.constant, n.text
	if out.name == "" || out.name == "?column?" || n.sql == "TRUE" || n.sql == "FALSE" {
		out.name = t.result
	}
	return out
}

// namedType is a type as written in a statement.
type namedType struct {
	typeInfo
	size  string // what is in brackets after it
	array bool
}

// typeName parses the name of a type.
func (p *parser) typeName() namedType {
	t := p.next()
	if t.word == "PG_CATALOG" && p.accept(".") {
		t = p.next()
	}
	name := t.word
	if t.kind == nameToken {
		name = strings.ToUpper(t.text)
	}
	switch {
	case name == "DOUBLE" && p.accept("PRECISION"):
		name = "DOUBLE PRECISION"
	case name == "CHARACTER" && p.accept("VARYING"):
		name = "CHARACTER VARYING"
	}
	info, ok := types[name]
	if !ok {
		p.failAt(t.pos, "the type %s is not understood on the embedded database; see docs/sql.md for those that are", strings.ToLower(name))
	}
	out := namedType{typeInfo: info}
	if p.accept("(") {
		for t := p.peek(); t.kind == numberToken || t.text == ","; t = p.peek() {
			out.size += p.next().text
		}
		p.expect(")")
	}
	if name == "TIMESTAMP" || name == "TIME" {
		if p.accept("WITH") || p.accept("WITHOUT") {
			p.expect("TIME")
			p.expect("ZONE")
		}
		if out.size != "" {
			out.size = ""
		}
	}
	for p.accept("[") {
		out.array = true
		if p.peek().kind == numberToken {
			p.skip()
		}
		p.expect("]")
	}
	if p.accept("ARRAY") {
		out.array = true
	}
	return out
}
