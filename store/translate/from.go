package translate

import "strings"

// source is one member of a FROM list.
type source struct {
	alias   string
	table   string   // empty for a subquery or function
	columns []string // of a function, in order
}

// view is a function in FROM, with the expressions that its columns stand for.
type view struct {
	columns map[string]node
	order   []string
}

// series are the functions that return rows. Each becomes json_each over a list, which
// unlike a subquery may refer to the tables before it.
var series = map[string]struct {
	list  string // function that makes the list; empty if the argument is one
	value string // what a row contains: value, json, text or key
	named bool   // its columns have fixed names
}{
	"GENERATE_SERIES":           {"pg_series", "value", false},
	"UNNEST":                    {"pg_array", "value", false},
	"STRING_TO_TABLE":           {"pg_string_to_array", "value", false},
	"REGEXP_SPLIT_TO_TABLE":     {"pg_regexp_split", "value", false},
	"JSON_ARRAY_ELEMENTS":       {"", "json", true},
	"JSONB_ARRAY_ELEMENTS":      {"", "json", true},
	"JSON_ARRAY_ELEMENTS_TEXT":  {"", "text", true},
	"JSONB_ARRAY_ELEMENTS_TEXT": {"", "text", true},
	"JSON_EACH":                 {"", "json", true},
	"JSONB_EACH":                {"", "json", true},
	"JSON_EACH_TEXT":            {"", "text", true},
	"JSONB_EACH_TEXT":           {"", "text", true},
	"JSON_OBJECT_KEYS":          {"", "key", false},
	"JSONB_OBJECT_KEYS":         {"", "key", false},
}

func (p *parser) fromList(at int) string {
	var b strings.Builder
	b.WriteString(p.source(at))
	for {
		switch t := p.peek(); {
		case p.accept(","):
			b.WriteString(", " + p.source(at))
		case isOneOf(t.word, "JOIN", "INNER", "LEFT", "RIGHT", "FULL", "CROSS", "NATURAL"):
			for {
				w := p.next().word
				b.WriteString(" " + w)
				if w == "JOIN" {
					break
				}
				if !isOneOf(p.peek().word, "JOIN", "INNER", "LEFT", "RIGHT", "FULL", "CROSS", "OUTER") {
					p.fail("expected JOIN, not %s", unknownWord(p.peek()))
				}
			}
			b.WriteString(" " + p.source(at))
		case p.accept("ON"):
			if p.peek().word == "CONFLICT" {
				p.back()
				return b.String()
			}
			b.WriteString(" ON " + p.expr(0).sql)
		case p.accept("USING"):
			p.expect("(")
			b.WriteString(" USING (" + p.list() + ")")
			p.expect(")")
		default:
			return b.String()
		}
	}
}

// source parses one table, subquery or function of a FROM list.
func (p *parser) source(at int) string {
	lateral := p.accept("LATERAL")
	p.accept("ONLY")
	t := p.peek()
	if t.kind == opToken && t.text == "(" {
		if lateral {
			p.fail("LATERAL is not available on the embedded database except before functions; write a subquery in the SELECT list")
		}
		p.skip()
		if !p.startsQuery() {
			list := p.fromList(at)
			p.expect(")")
			return "(" + list + ")"
		}
		sql, columns := p.queryText("")
		p.expect(")")
		alias, names := p.tableAlias()
		p.addSource(at, source{alias: alias})
		for i, n := range names {
			if i < len(columns) {
				p.remember(n, columns[i].Kind)
			}
		}
		if len(names) > 0 {
			quoted := make([]string, len(names))
			for i, n := range names {
				quoted[i] = quoteName(n)
			}
			sql = "WITH pg_named (" + strings.Join(quoted, ", ") + ") AS (" + sql + ") SELECT * FROM pg_named"
		}
		return "(" + sql + ")" + as(alias)
	}
	t = p.next()
	if t.kind != wordToken && t.kind != nameToken {
		p.failAt(t.pos, "expected a table, not %s", unknownWord(t))
	}
	if _, ok := series[t.word]; ok && p.peek().text == "(" && !(t.word == "JSON_EACH" && p.sqliteJSONEach()) {
		return p.series(at, t)
	}
	if p.peek().text == "(" { // a table-valued function of SQLite's
		p.skip()
		sql := t.text + "("
		if p.peek().text != ")" {
			sql += p.list()
		}
		p.expect(")")
		alias, _ := p.tableAlias()
		p.addSource(at, source{alias: alias})
		return sql + ")" + as(alias)
	}
	parts := []token{t}
	for p.accept(".") {
		parts = append(parts, p.next())
	}
	sql, ok := catalog(parts)
	if !ok {
		if len(parts) > 1 && parts[0].word == "PUBLIC" {
			parts = parts[1:]
		}
		sql = written(parts)
	}
	alias, names := p.tableAlias()
	if len(names) > 0 {
		p.fail("names for the columns of a table are not available on the embedded database; name them with AS in the SELECT list")
	}
	name := alias
	if name == "" {
		name = columnName(parts[len(parts)-1])
	}
	p.addSource(at, source{alias: name, table: strings.ToLower(parts[len(parts)-1].text)})
	return sql + as(alias)
}

// sqliteJSONEach reports whether json_each is used as in SQLite, with a path as the
// second argument.
func (p *parser) sqliteJSONEach() bool {
	depth := 0
	for i := 0; p.at(i).kind != eofToken; i++ {
		switch p.at(i).text {
		case "(":
			depth++
		case ")":
			if depth--; depth == 0 {
				return false
			}
		case ",":
			if depth == 1 {
				return true
			}
		}
	}
	return false
}

func as(alias string) string {
	if alias == "" {
		return ""
	}
	return " AS " + quoteName(alias)
}

// tableAlias parses [AS] name [(columns)].
func (p *parser) tableAlias() (alias string, columns []string) {
	if alias = p.alias(); alias == "" {
		return "", nil
	}
	if p.accept("(") {
		for {
			columns = append(columns, columnName(p.next()))
			if p.peek().kind == wordToken { // a type
				p.typeName()
			}
			if !p.accept(",") {
				break
			}
		}
		p.expect(")")
	}
	return alias, columns
}

func (p *parser) addSource(at int, s source) {
	if p.second {
		return
	}
	if p.from == nil {
		p.from = map[int][]source{}
	}
	p.from[at] = append(p.from[at], s)
}

// series parses the call of a function that returns rows.
func (p *parser) series(at int, t token) string {
	f := series[t.word]
	p.expect("(")
	var args []node
	for p.peek().text != ")" {
		args = append(args, p.expr(0))
		if !p.accept(",") {
			break
		}
	}
	p.expect(")")
	if len(args) == 0 {
		p.failAt(t.pos, "%s expects an argument", strings.ToLower(t.text))
	}
	if t.word == "UNNEST" && len(args) > 1 {
		p.failAt(t.pos, "unnest of several lists is not available on the embedded database")
	}
	kind := args[0].kind
	if t.word == "UNNEST" {
		kind = args[0].elem
		if args[0].kind == Array {
			f.list = ""
		}
	}
	list := join(args)
	if f.list != "" {
		if f.list == "pg_series" && (kind == Time || kind == Date) {
			kind = Time
		}
		list = f.list + "(" + list + ")"
	}
	ordinality := p.acceptAll("WITH", "ORDINALITY")
	alias, names := p.tableAlias()
	own := strings.ToLower(t.text)
	if alias == "" {
		alias = own
	}
	value := quoteName(alias) + ".value"
	v := view{columns: map[string]node{}}
	add := func(name string, n node) {
		if i := len(v.order); i < len(names) {
			name = names[i]
		}
		n.name = name
		v.order = append(v.order, name)
		v.columns[name] = n
	}
	switch f.value {
	case "key":
		add(alias, node{sql: quoteName(alias) + ".key", kind: Text})
	case "json", "text":
		if strings.Contains(t.word, "EACH") {
			add("key", node{sql: quoteName(alias) + ".key", kind: Text})
		}
		n := node{sql: "pg_json_item(" + value + ", " + quoteName(alias) + ".type)", kind: JSON}
		if f.value == "text" {
			n = node{sql: "pg_json_item_text(" + value + ", " + quoteName(alias) + ".type)", kind: Text}
		}
		add("value", n)
	default:
		add(alias, node{sql: value, kind: kind})
	}
	if ordinality {
		add("ordinality", node{sql: "(" + quoteName(alias) + ".key + 1)", kind: Int})
	}
	if !p.second {
		p.views[strings.ToLower(alias)] = v
		p.addSource(at, source{alias: strings.ToLower(alias), columns: v.order})
	}
	return "json_each(" + list + ")" + as(alias)
}

// viewColumn returns what a name stands for if it is a column of a function in FROM,
// or the function's own name.
func (p *parser) viewColumn(parts []token) (node, bool) {
	last := strings.ToLower(parts[len(parts)-1].text)
	if len(parts) == 2 {
		v, ok := p.views[strings.ToLower(parts[0].text)]
		n, ok2 := v.columns[last]
		return n, ok && ok2
	}
	if len(parts) > 2 {
		return node{}, false
	}
	if v, ok := p.views[last]; ok {
		return v.columns[v.order[len(v.order)-1]], true
	}
	if _, ok := p.columns[last]; ok {
		return node{}, false
	}
	for _, v := range p.views {
		if n, ok := v.columns[last]; ok {
			return n, true
		}
	}
	return node{}, false
}

// eachColumns are the further columns of json_each, which may hide those of a table.
var eachColumns = strings.Fields("key value type atom id parent fullkey path json root")

// qualify adds the table to a column whose name json_each has too.
func (p *parser) qualify(t token) string {
	name := strings.ToLower(t.text)
	if len(p.views) == 0 || indexOf(eachColumns, name) < 0 {
		return ""
	}
	subquery, others := "", 0
	for _, list := range p.from {
		for _, s := range list {
			if s.columns != nil {
				continue
			}
			others++
			if s.table == "" {
				subquery = s.alias
			}
			for _, c := range p.schema(s.table) {
				if strings.EqualFold(c.Name, name) {
					return quoteName(s.alias) + "."
				}
			}
		}
	}
	if others == 1 && subquery != "" {
		return quoteName(subquery) + "."
	}
	return ""
}

// star translates SELECT *. Functions in FROM return the columns that they have on
// PostgreSQL.
func (p *parser) star(at int) (string, []Column) {
	var parts []string
	var columns []Column
	functions := false
	for _, s := range p.from[at] {
		if s.columns == nil {
			parts = append(parts, quoteName(s.alias)+".*")
			columns = append(columns, Column{Name: "*"})
			continue
		}
		functions = true
		sql, cols := p.starOf(token{kind: nameToken, text: s.alias})
		parts, columns = append(parts, sql), append(columns, cols...)
	}
	if !functions {
		return "*", []Column{{Name: "*"}}
	}
	return strings.Join(parts, ", "), columns
}

func (p *parser) starOf(table token) (string, []Column) {
	v, ok := p.views[strings.ToLower(table.text)]
	if !ok {
		return written([]token{table}) + ".*", []Column{{Name: "*"}}
	}
	var parts []string
	var columns []Column
	for _, name := range v.order {
		n := v.columns[name]
		parts = append(parts, n.sql+" AS "+quoteName(name))
		columns = append(columns, Column{Name: name, Kind: n.kind})
	}
	return strings.Join(parts, ", "), columns
}

// catalog returns a query for the tables of PostgreSQL's catalog that modules read.
func catalog(parts []token) (string, bool) {
	name := parts[0].word
	switch len(parts) {
	case 1:
		name = "PG_CATALOG." + name
	case 2:
		name += "." + parts[1].word
	}
	switch name {
	case "INFORMATION_SCHEMA.TABLES":
		return "(SELECT name AS table_name, 'public' AS table_schema, 'kumi' AS table_catalog, " +
			"CASE type WHEN 'table' THEN 'BASE TABLE' ELSE 'VIEW' END AS table_type FROM sqlite_schema WHERE type IN ('table', 'view'))", true
	case "INFORMATION_SCHEMA.COLUMNS":
		return "(SELECT s.name AS table_name, 'public' AS table_schema, c.name AS column_name, lower(c.type) AS data_type, c.cid + 1 AS ordinal_position, " +
			"CASE c.\"notnull\" WHEN 0 THEN 'YES' ELSE 'NO' END AS is_nullable, c.dflt_value AS column_default " +
			"FROM sqlite_schema AS s, pragma_table_info(s.name) AS c WHERE s.type IN ('table', 'view'))", true
	case "PG_CATALOG.PG_TABLES":
		return "(SELECT name AS tablename, 'public' AS schemaname FROM sqlite_schema WHERE type = 'table')", true
	case "PG_CATALOG.PG_INDEXES":
		return "(SELECT name AS indexname, tbl_name AS tablename, 'public' AS schemaname FROM sqlite_schema WHERE type = 'index')", true
	}
	return "", false
}
