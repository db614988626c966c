package translate

import "strings"

// function says how calls of a function are translated.
type function struct {
	sql  string // SQLite's name for it
	kind Kind
	like bool // the result has the kind of the arguments
	json bool // arguments become JSON
}

var functions = map[string]function{
	// aggregates
	"COUNT": {sql: "count", kind: Int}, "SUM": {sql: "sum", like: true}, "AVG": {sql: "avg", kind: Float},
	"MIN": {sql: "min", like: true}, "MAX": {sql: "max", like: true},
	"BOOL_AND": {sql: "min", kind: Bool}, "EVERY": {sql: "min", kind: Bool}, "BOOL_OR": {sql: "max", kind: Bool},
	"STRING_AGG": {sql: "string_agg", kind: Text},
	"ARRAY_AGG":  {sql: "pg_json_agg", kind: Array, json: true}, "JSON_AGG": {sql: "pg_json_agg", kind: JSON, json: true}, "JSONB_AGG": {sql: "pg_json_agg", kind: JSON, json: true},
	"JSON_OBJECT_AGG": {sql: "pg_json_object_agg", kind: JSON, json: true}, "JSONB_OBJECT_AGG": {sql: "pg_json_object_agg", kind: JSON, json: true},

	// window functions
	"ROW_NUMBER": {sql: "row_number", kind: Int}, "RANK": {sql: "rank", kind: Int}, "DENSE_RANK": {sql: "dense_rank", kind: Int},
	"PERCENT_RANK": {sql: "percent_rank", kind: Float}, "CUME_DIST": {sql: "cume_dist", kind: Float}, "NTILE": {sql: "ntile", kind: Int},
	"LAG": {sql: "lag", like: true}, "LEAD": {sql: "lead", like: true},
	"FIRST_VALUE": {sql: "first_value", like: true}, "LAST_VALUE": {sql: "last_value", like: true}, "NTH_VALUE": {sql: "nth_value", like: true},

	// any values
	"COALESCE": {sql: "coalesce", like: true}, "NULLIF": {sql: "nullif", like: true},
	"GREATEST": {sql: "greatest", like: true}, "LEAST": {sql: "least", like: true},

	// numbers
	"ABS": {sql: "abs", like: true}, "CEIL": {sql: "ceil", kind: Float}, "CEILING": {sql: "ceil", kind: Float}, "FLOOR": {sql: "floor", kind: Float},
	"ROUND": {sql: "round", kind: Float}, "TRUNC": {sql: "pg_trunc", kind: Float}, "SIGN": {sql: "sign", kind: Float}, "SQRT": {sql: "sqrt", kind: Float},
	"POWER": {sql: "power", kind: Float}, "POW": {sql: "power", kind: Float}, "EXP": {sql: "exp", kind: Float}, "LN": {sql: "ln", kind: Float},
	"LOG": {sql: "log", kind: Float}, "MOD": {sql: "pg_mod", like: true}, "DIV": {sql: "pg_div", kind: Int}, "PI": {sql: "pi", kind: Float},
	"RANDOM": {sql: "pg_random", kind: Float}, "DEGREES": {sql: "degrees", kind: Float}, "RADIANS": {sql: "radians", kind: Float},

	// text
	"LOWER": {sql: "fold", kind: Text}, "UPPER": {sql: "pg_upper", kind: Text}, "INITCAP": {sql: "pg_initcap", kind: Text},
	"LENGTH": {sql: "length", kind: Int}, "CHAR_LENGTH": {sql: "length", kind: Int}, "CHARACTER_LENGTH": {sql: "length", kind: Int},
	"OCTET_LENGTH": {sql: "octet_length", kind: Int}, "SUBSTR": {sql: "pg_substr", kind: Text}, "STRPOS": {sql: "instr", kind: Int},
	"LTRIM": {sql: "ltrim", kind: Text}, "RTRIM": {sql: "rtrim", kind: Text}, "BTRIM": {sql: "trim", kind: Text},
	"REPLACE": {sql: "replace", kind: Text}, "SPLIT_PART": {sql: "pg_split_part", kind: Text}, "LEFT": {sql: "pg_left", kind: Text},
	"RIGHT": {sql: "pg_right", kind: Text}, "LPAD": {sql: "pg_lpad", kind: Text}, "RPAD": {sql: "pg_rpad", kind: Text},
	"REPEAT": {sql: "pg_repeat", kind: Text}, "REVERSE": {sql: "pg_reverse", kind: Text}, "CONCAT": {sql: "concat", kind: Text},
	"CONCAT_WS": {sql: "concat_ws", kind: Text}, "CHR": {sql: "char", kind: Text}, "ASCII": {sql: "unicode", kind: Int},
	"MD5": {sql: "md5", kind: Text}, "STARTS_WITH": {sql: "pg_starts_with", kind: Bool}, "ENCODE": {sql: "pg_encode", kind: Text},
	"DECODE": {sql: "pg_decode", kind: Bytes}, "REGEXP_REPLACE": {sql: "pg_regexp_replace", kind: Text}, "TO_HEX": {sql: "pg_to_hex", kind: Text},
	"REGEXP_LIKE": {sql: "pg_regexp", kind: Bool}, "TRANSLATE": {sql: "pg_translate", kind: Text}, "QUOTE_LITERAL": {sql: "quote", kind: Text},

	// times
	"NOW": {sql: "now", kind: Time}, "CLOCK_TIMESTAMP": {sql: "now", kind: Time}, "STATEMENT_TIMESTAMP": {sql: "now", kind: Time},
	"TRANSACTION_TIMESTAMP": {sql: "now", kind: Time}, "TO_TIMESTAMP": {sql: "to_timestamp", kind: Time},
	"DATE_TRUNC": {sql: "pg_date_trunc", kind: Time}, "DATE_PART": {sql: "pg_extract", kind: Float}, "AGE": {sql: "pg_age", kind: Interval},
	"TO_CHAR": {sql: "pg_to_char", kind: Text}, "MAKE_DATE": {sql: "pg_make_date", kind: Date}, "TO_DATE": {sql: "pg_to_date", kind: Date},
	"MAKE_INTERVAL": {sql: "pg_make_interval", kind: Interval}, "TIMEZONE": {sql: "pg_timezone", kind: Time},

	// uuid
	"GEN_RANDOM_UUID": {sql: "gen_random_uuid", kind: UUID}, "UUID_GENERATE_V4": {sql: "gen_random_uuid", kind: UUID},

	// json
	"TO_JSON": {sql: "pg_to_json", kind: JSON, json: true}, "TO_JSONB": {sql: "pg_to_json", kind: JSON, json: true},
	"JSON_BUILD_OBJECT": {sql: "pg_json_object", kind: JSON, json: true}, "JSONB_BUILD_OBJECT": {sql: "pg_json_object", kind: JSON, json: true},
	"JSON_BUILD_ARRAY": {sql: "pg_json_array", kind: JSON, json: true}, "JSONB_BUILD_ARRAY": {sql: "pg_json_array", kind: JSON, json: true},
	"JSONB_SET": {sql: "pg_jsonb_set", kind: JSON}, "JSONB_INSERT": {sql: "pg_jsonb_insert", kind: JSON},
	"JSONB_STRIP_NULLS": {sql: "pg_jsonb_strip_nulls", kind: JSON}, "JSON_STRIP_NULLS": {sql: "pg_jsonb_strip_nulls", kind: JSON},
	"JSON_TYPEOF": {sql: "pg_json_typeof", kind: Text}, "JSONB_TYPEOF": {sql: "pg_json_typeof", kind: Text},
	"JSON_ARRAY_LENGTH": {sql: "json_array_length", kind: Int}, "JSONB_ARRAY_LENGTH": {sql: "json_array_length", kind: Int},
	"JSON_EXTRACT_PATH": {sql: "pg_json_extract", kind: JSON}, "JSONB_EXTRACT_PATH": {sql: "pg_json_extract", kind: JSON},
	"JSON_EXTRACT_PATH_TEXT": {sql: "pg_json_extract_text", kind: Text}, "JSONB_EXTRACT_PATH_TEXT": {sql: "pg_json_extract_text", kind: Text},
	"JSONB_PRETTY": {sql: "json_pretty", kind: Text}, "JSONB_EXISTS": {sql: "pg_jsonb_exists", kind: Bool},

	// lists
	"ARRAY_LENGTH": {sql: "pg_array_length", kind: Int}, "CARDINALITY": {sql: "json_array_length", kind: Int},
	"ARRAY_TO_STRING": {sql: "pg_array_to_string", kind: Text}, "STRING_TO_ARRAY": {sql: "pg_string_to_array", kind: Array},
	"ARRAY_APPEND": {sql: "pg_array_append", kind: Array}, "ARRAY_REMOVE": {sql: "pg_array_remove", kind: Array},
	"ARRAY_POSITION": {sql: "pg_array_position", kind: Int}, "ARRAY_CAT": {sql: "pg_array_concat", kind: Array},
}

// refused are the functions that are not available, with what to do instead.
var refused = map[string]string{
	"NEXTVAL": "there are no sequences; make the column SERIAL PRIMARY KEY and leave it out of the INSERT",
	"CURRVAL": "write INSERT … RETURNING id", "LASTVAL": "write INSERT … RETURNING id", "SETVAL": "there are no sequences",
	"PG_SLEEP": "a statement holds up others while it waits", "DIGEST": "compute the hash in the module",
	"CRYPT": "use nk.bcryptHash", "GEN_SALT": "use nk.bcryptHash", "HMAC": "use nk.hmacSha256Hash",
	"PG_ADVISORY_LOCK": "writes run one at a time already", "PG_ADVISORY_XACT_LOCK": "writes run one at a time already",
	"PG_TRY_ADVISORY_LOCK": "writes run one at a time already", "PG_ADVISORY_UNLOCK": "writes run one at a time already",
	"ROW_TO_JSON": "write json_build_object('a', a, …)", "TO_TSVECTOR": "search with ILIKE", "TO_TSQUERY": "search with ILIKE",
	"SIMILARITY": "search with ILIKE", "PERCENTILE_CONT": "sort and pick in the module", "PERCENTILE_DISC": "sort and pick in the module",
	"SET_CONFIG": "there is nothing to set", "CURRENT_SETTING": "there are no settings", "REGEXP_MATCHES": "test with ~ or use regexp_replace",
	"REGEXP_MATCH": "test with ~ or use regexp_replace", "LOAD_EXTENSION": "extensions are not loaded",
	"STDDEV": "compute it from sum(x*x), sum(x) and count(*)", "VARIANCE": "compute it from sum(x*x), sum(x) and count(*)",
	"HSTORE": "use jsonb", "SETSEED": "random numbers cannot be repeated", "DBLINK": "there is one database",
	"JSONB_PATH_QUERY": "read the value and pick in the module, or use ->", "JSONB_PATH_EXISTS": "use @> or ->",
	"JSONB_POPULATE_RECORD": "read the members with ->>", "JSONB_TO_RECORDSET": "read the members of jsonb_array_elements(…) with ->>",
	"JSONB_TO_RECORD": "read the members with ->>", "JSON_TO_RECORDSET": "read the members of json_array_elements(…) with ->>",
	"FORMAT": "use || or concat(…); SQLite's own function of that name is printf(…)",
}

// native are the functions of SQLite that pass through, besides those that PostgreSQL
// has, too. They work on the embedded database only.
var native = func() map[string]bool {
	set := map[string]bool{}
	for name := range strings.FieldsSeq(`
		ACOS ACOSH ASIN ASINH ATAN ATAN2 ATANH COS COSH LOG10 LOG2 SIN SINH TAN TANH
		CHANGES CHAR GLOB HEX HIGHLIGHT IF IFNULL IIF INSTR LAST_INSERT_ROWID LIKE LIKELIHOOD LIKELY MATCH
		PRINTF QUOTE RANDOMBLOB SOUNDEX SQLITE_SOURCE_ID SQLITE_VERSION TOTAL TOTAL_CHANGES TYPEOF UNHEX UNICODE
		UNISTR UNISTR_QUOTE UNLIKELY ZEROBLOB BM25 SNIPPET GROUP_CONCAT
		DATE DATETIME JULIANDAY STRFTIME TIME TIMEDIFF UNIXEPOCH
		JSON JSON_ARRAY JSON_ARRAY_INSERT JSON_ERROR_POSITION JSON_EXTRACT JSON_GROUP_ARRAY JSON_GROUP_OBJECT
		JSON_INSERT JSON_OBJECT JSON_PATCH JSON_PRETTY JSON_QUOTE JSON_REMOVE JSON_REPLACE JSON_SET JSON_TYPE JSON_VALID
		JSONB JSONB_ARRAY JSONB_ARRAY_INSERT JSONB_EXTRACT JSONB_GROUP_ARRAY JSONB_GROUP_OBJECT JSONB_OBJECT
		JSONB_PATCH JSONB_REMOVE JSONB_REPLACE`) {
		set[name] = true
	}
	return set
}()

// function parses a call whose name has been read.
func (p *parser) function(t token) node {
	if hint, ok := refused[t.word]; ok {
		p.refuse(t, hint)
	}
	p.expect("(")
	name := strings.ToLower(t.text)
	switch t.word {
	case "EXTRACT":
		field := p.next()
		p.expect("FROM")
		x := p.expr(0)
		p.expect(")")
		return named(call(Float, "pg_extract", node{sql: quote(strings.ToLower(field.text))}, x), name)
	case "POSITION":
		part := p.expr(bindLike)
		p.expect("IN")
		whole := p.expr(0)
		p.expect(")")
		return named(call(Int, "instr", whole, part), name)
	case "SUBSTRING":
		return named(p.substring(), name)
	case "TRIM":
		return named(p.trim(), "btrim")
	case "MAKE_INTERVAL":
		return named(p.makeInterval(), name)
	case "TO_REGCLASS":
		x := p.expr(0)
		p.expect(")")
		return named(node{sql: "(SELECT name FROM sqlite_schema WHERE name = replace(" + x.sql + ", 'public.', ''))", kind: Text}, name)
	case "CURRENT_DATABASE", "CURRENT_SCHEMA", "VERSION":
		p.expect(")")
		return named(node{sql: quote(map[string]string{"CURRENT_DATABASE": "kumi", "CURRENT_SCHEMA": "public", "VERSION": "Kumi (SQLite)"}[t.word]), kind: Text}, name)
	}
	f, known := functions[t.word]
	if _, ok := series[t.word]; ok {
		p.refuse(t, "it returns rows; write it in FROM")
	}
	if !known && !native[t.word] {
		p.refuse(t, "compute it in the module")
	}
	var b strings.Builder
	if known {
		b.WriteString(f.sql)
	} else {
		b.WriteString(t.text)
	}
	b.WriteByte('(')
	distinct := p.accept("DISTINCT")
	if distinct {
		b.WriteString("DISTINCT ")
	} else {
		p.accept("ALL")
	}
	var args []node
	for p.peek().text != ")" && p.peek().word != "ORDER" {
		x := p.expr(0)
		if f.json {
			x = asJSON(x)
		}
		args = append(args, x)
		if !p.accept(",") {
			break
		}
	}
	out := node{kind: f.kind, name: name}
	if f.like {
		if out.kind = commonKind(args); out.kind != Unknown {
			for i := range args {
				args[i] = args[i].into(out.kind)
			}
		}
		if len(args) > 0 {
			out.elem = args[0].elem
		}
	}
	p.adapt(t.word, &out, args)
	if distinct && t.word == "STRING_AGG" && len(args) == 2 {
		if args[1].text != "," {
			p.failAt(t.pos, "string_agg(DISTINCT …) has the separator ',' only on the embedded database; select the distinct values in a subquery")
		}
		args = args[:1]
		b.Reset()
		b.WriteString("group_concat(DISTINCT ")
	}
	b.WriteString(join(args))
	if p.accept("ORDER") {
		p.expect("BY")
		b.WriteString(" ORDER BY " + p.orderList())
	}
	p.expect(")")
	b.WriteByte(')')
	if t.word == "DATE" && len(args) == 1 && args[0].text != "now" { // not SQLite's date('now', …)
		return named(types["DATE"].convert(args[0]), name)
	}
	out.sql = b.String()
	p.afterCall(&out)
	return out
}

// refuse fails with the name of a function that is not available, and what to do
// instead.
func (p *parser) refuse(t token, hint string) {
	p.failAt(t.pos, "%s(…) is not available on the embedded database: %s", strings.ToLower(t.word), hint)
}

func named(n node, name string) node {
	n.name = name
	return n
}

// adapt corrects the arguments and the kind of functions that depend on them.
func (p *parser) adapt(word string, out *node, args []node) {
	switch word {
	case "DATE_TRUNC", "AGE", "TO_CHAR", "DATE_PART":
		for i, a := range args {
			if a.kind == Date {
				args[i].kind = Time
			}
		}
		if word == "DATE_TRUNC" && len(args) > 1 && args[1].kind == Interval {
			p.fail("date_trunc of an interval is not understood")
		}
	case "CONCAT", "CONCAT_WS", "STRING_AGG", "ENCODE":
		for i, a := range args {
			switch a.kind {
			case Bool: // written t and f here, though true and false by ||
				args[i] = node{sql: "substr(pg_booltext(" + a.sql + "), 1, 1)", kind: Text}
			case Time, Float:
				args[i] = types["TEXT"].convert(a)
			}
		}
	case "ABS", "ROUND", "CEIL", "CEILING", "FLOOR", "TRUNC", "SIGN":
		if len(args) == 1 && args[0].kind == Int {
			out.kind = Int
		}
	case "JSON_ARRAY_LENGTH", "JSONB_ARRAY_LENGTH", "CARDINALITY":
		if len(args) == 1 && args[0].kind != JSON && args[0].kind != Array {
			args[0] = arrayOf(Unknown).convert(args[0])
		}
	case "LENGTH":
		if len(args) == 1 && args[0].kind == Bool {
			args[0] = types["TEXT"].convert(args[0])
		}
	case "STRING_TO_ARRAY":
		out.elem = Text
	case "ARRAY_AGG":
		if len(args) > 0 {
			out.elem = args[0].kind
		}
	}
}

// afterCall parses FILTER and OVER.
func (p *parser) afterCall(out *node) {
	if p.peek().word == "WITHIN" && p.at(1).word == "GROUP" {
		p.fail("WITHIN GROUP is not understood; sort and pick in the module")
	}
	if p.peek().word == "FILTER" && p.at(1).text == "(" {
		p.skip()
		p.skip()
		p.expect("WHERE")
		out.sql += " FILTER (WHERE " + p.expr(0).sql + ")"
		p.expect(")")
	}
	if !p.accept("OVER") {
		return
	}
	if p.peek().text != "(" {
		out.sql += " OVER " + written([]token{p.next()})
		return
	}
	p.skip()
	out.sql += " OVER (" + p.window() + ")"
	p.expect(")")
}

// window parses the parentheses of OVER.
func (p *parser) window() string {
	var parts []string
	if w := p.peek(); w.kind == wordToken && !isOneOf(w.word, "PARTITION", "ORDER", "ROWS", "RANGE", "GROUPS") {
		parts = append(parts, p.next().text)
	}
	if p.accept("PARTITION") {
		p.expect("BY")
		var items []node
		for {
			items = append(items, p.expr(0))
			if !p.accept(",") {
				break
			}
		}
		parts = append(parts, "PARTITION BY "+join(items))
	}
	if p.accept("ORDER") {
		p.expect("BY")
		parts = append(parts, "ORDER BY "+p.orderList())
	}
	for t := p.peek(); t.text != ")" && t.kind != eofToken; t = p.peek() { // the frame
		if isOneOf(t.word, "ROWS", "RANGE", "GROUPS", "BETWEEN", "UNBOUNDED", "PRECEDING", "FOLLOWING", "CURRENT", "ROW", "AND", "EXCLUDE", "NO", "OTHERS", "GROUP", "TIES") {
			parts = append(parts, p.next().word)
			continue
		}
		parts = append(parts, p.expr(bindNot).operand())
	}
	return strings.Join(parts, " ")
}

func (p *parser) substring() node {
	x := p.expr(0)
	args := []node{x}
	switch {
	case p.accept("FROM"):
		args = append(args, p.expr(0))
		if p.accept("FOR") {
			args = append(args, p.expr(0))
		}
	case p.accept("FOR"):
		args = append(args, node{sql: "1"}, p.expr(0))
	default:
		for p.accept(",") {
			args = append(args, p.expr(0))
		}
	}
	p.expect(")")
	if len(args) == 2 && (args[1].literal || args[1].kind == Text) {
		return call(Text, "pg_regexp_substr", args...)
	}
	return call(Text, "pg_substr", args...)
}

func (p *parser) trim() node {
	function := "trim"
	switch {
	case p.accept("LEADING"):
		function = "ltrim"
	case p.accept("TRAILING"):
		function = "rtrim"
	default:
		p.accept("BOTH")
	}
	if p.accept("FROM") {
		x := p.expr(0)
		p.expect(")")
		return call(Text, function, x)
	}
	x := p.expr(0)
	if p.accept("FROM") {
		whole := p.expr(0)
		p.expect(")")
		return call(Text, function, whole, x)
	}
	args := []node{x}
	for p.accept(",") {
		args = append(args, p.expr(0))
	}
	p.expect(")")
	return call(Text, function, args...)
}

func (p *parser) makeInterval() node {
	order := []string{"YEARS", "MONTHS", "WEEKS", "DAYS", "HOURS", "MINS", "SECS"}
	args := make([]node, len(order))
	for i := range args {
		args[i].sql = "0"
	}
	for i := 0; p.peek().text != ")"; i++ {
		if at := p.at(1).text; at == "=>" || at == ":=" {
			name := p.next()
			p.skip()
			if i = indexOf(order, name.word); i < 0 {
				p.failAt(name.pos, "make_interval has no argument %s", name.text)
			}
		}
		if i >= len(args) {
			p.fail("make_interval has at most 7 arguments")
		}
		args[i] = p.expr(0)
		if !p.accept(",") {
			break
		}
	}
	p.expect(")")
	return call(Interval, "pg_make_interval", args...)
}

func isOneOf(word string, words ...string) bool { return indexOf(words, word) >= 0 }

func indexOf(words []string, word string) int {
	for i, w := range words {
		if w == word {
			return i
		}
	}
	return -1
}
