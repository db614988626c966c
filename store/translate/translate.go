package translate

import (
	"fmt"
	"strings"
)

// maxDepth is the maximum nesting of expressions and subqueries.
const maxDepth = 300

// Column is a column of a table or of a result.
type Column struct {
	Name string
	Kind Kind
}

// Schema returns the columns of a table by its name in lower case, or none if there is
// no such table.
type Schema func(table string) []Column

// Statement is one translated statement.
type Statement struct {
	SQL    string // one statement of SQLite's; empty when there is nothing to do
	Reads  bool   // it changes nothing
	Counts bool   // an INSERT, UPDATE or DELETE, which has a number of rows affected
	Schema bool   // it changes tables
	// Savepoint is a SAVEPOINT, RELEASE or ROLLBACK TO, which belongs in a
	// transaction.
	Savepoint bool
	// Result are the columns of the result as far as they are known; a column with the
	// name * stands for any number of them.
	Result []Column
}

// Translate turns a query of one or several statements for PostgreSQL into
// statements for SQLite. Errors are of type [*Error].
func Translate(query string, schema Schema) (out []Statement, err error) {
	tokens, err := lex(query)
	if err != nil {
		return nil, err
	}
	defer func() {
		if r := recover(); r != nil {
			e, ok := r.(*Error)
			if !ok {
				panic(r)
			}
			out, err = nil, e
		}
	}()
	if schema == nil {
		schema = func(string) []Column { return nil }
	}
	// Tables that a statement makes are there for those after it.
	created := map[string][]Column{}
	withCreated := func(table string) []Column {
		if columns := schema(table); columns != nil {
			return columns
		}
		return created[table]
	}
	for from := 0; ; {
		for tokens[from].text == ";" && tokens[from].kind == opToken {
			from++
		}
		if tokens[from].kind == eofToken {
			return out, nil
		}
		p := &parser{query: query, tokens: tokens, start: from, schema: withCreated, created: created, views: map[string]view{}, names: map[string]Kind{}}
		p.collectColumns()
		// What FROM makes is known only after the list before it was read, so
		// all is read twice.
		p.pos = from
		p.statement()
		p.pos, p.second = from, true
		out = append(out, p.statement()...)
		if t := p.peek(); t.kind != eofToken && t.text != ";" {
			p.fail("unexpected %q", t.text)
		}
		from = p.pos
	}
}

// parser reads one statement. It fails by panicking with an [*Error].
type parser struct {
	query  string
	tokens []token
	start  int
	pos    int
	depth  int
	second bool // the second reading

	schema  Schema
	created map[string][]Column
	columns map[string]Kind // of the tables that the statement names; Unknown where they differ
	names   map[string]Kind // what the statement itself names with AS
	views   map[string]view // functions in FROM, by the name they have there
	from    map[int][]source
}

func (p *parser) peek() token { return p.tokens[p.pos] }

func (p *parser) at(n int) token { return p.tokens[min(p.pos+n, len(p.tokens)-1)] }

func (p *parser) next() token {
	t := p.tokens[p.pos]
	if t.kind != eofToken {
		p.pos++
	}
	return t
}

func (p *parser) skip() { p.next() }

// back undoes the last next, which was not at the end.
func (p *parser) back() { p.pos-- }

// accept takes a keyword or an operator if it comes next.
func (p *parser) accept(what string) bool {
	t := p.peek()
	if t.kind == wordToken && t.word == what || t.kind == opToken && t.text == what {
		p.skip()
		return true
	}
	return false
}

func (p *parser) acceptAll(words ...string) bool {
	for i, w := range words {
		if p.at(i).word != w {
			return false
		}
	}
	for range words {
		p.skip()
	}
	return true
}

func (p *parser) expect(what string) {
	if !p.accept(what) {
		t := p.peek()
		if t.kind == eofToken || t.text == ";" {
			p.fail("expected %s at the end", what)
		}
		p.fail("expected %s, not %q", what, t.text)
	}
}

// skipBrackets skips a group in parentheses that has no meaning here.
func (p *parser) skipBrackets() {
	p.expect("(")
	for depth := 1; depth > 0; {
		switch t := p.next(); {
		case t.kind == eofToken:
			p.fail("expected ) at the end")
		case t.kind == opToken && t.text == "(":
			depth++
		case t.kind == opToken && t.text == ")":
			depth--
		}
	}
}

func (p *parser) fail(format string, args ...any) { p.failAt(p.peek().pos, format, args...) }

func (p *parser) failAt(pos int, format string, args ...any) {
	panic(errorAt(p.query, pos, format, args...))
}

// collectColumns looks up the tables that the statement names.
func (p *parser) collectColumns() {
	p.columns = map[string]Kind{}
	seen := map[string]bool{}
	for _, t := range p.tokens[p.start:] {
		if t.text == ";" && t.kind == opToken {
			break
		}
		if t.kind != wordToken && t.kind != nameToken {
			continue
		}
		table := strings.ToLower(t.text)
		if seen[table] {
			continue
		}
		seen[table] = true
		for _, c := range p.schema(table) {
			name := strings.ToLower(c.Name)
			if kind, ok := p.columns[name]; ok && kind != c.Kind {
				c.Kind = Unknown
			}
			p.columns[name] = c.Kind
		}
	}
}

// columnKind returns what is known about a column by its name.
func (p *parser) columnKind(parts []token) (kind, elem Kind) {
	name := strings.ToLower(parts[len(parts)-1].text)
	if len(parts) == 2 && strings.EqualFold(parts[0].text, "excluded") {
		return p.columns[name], Unknown
	}
	if kind, ok := p.columns[name]; ok {
		return kind, Unknown
	}
	return p.names[name], Unknown
}

// remember records the kind of what the statement names with AS.
func (p *parser) remember(name string, kind Kind) {
	if p.second || kind == Unknown {
		return
	}
	name = strings.ToLower(name)
	if have, ok := p.names[name]; ok && have != kind {
		kind = Unknown
	}
	p.names[name] = kind
}

// rest writes the remaining statement unchanged, for parts that SQLite parses itself.
func (p *parser) rest() string {
	var parts []string
	for {
		t := p.peek()
		if t.kind == eofToken || t.text == ";" && t.kind == opToken {
			return strings.Join(parts, " ")
		}
		switch p.skip(); t.kind {
		case stringToken:
			parts = append(parts, quote(t.text))
		case nameToken:
			parts = append(parts, quoteName(t.text))
		default:
			parts = append(parts, t.text)
		}
	}
}

func unknownWord(t token) string {
	if t.kind == eofToken {
		return "nothing"
	}
	return fmt.Sprintf("%q", t.text)
}
