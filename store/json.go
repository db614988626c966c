package store

import (
	"slices"
	"strings"

	"kumi/internal/json"
)

// NormalizeJSON returns s as PostgreSQL shows it when stored as JSONB: of members with
// the same name only the last one, members ordered by the length of the name and then
// by its bytes, one space after colon and comma, numbers without exponent, escapes
// only where they are required. Like PostgreSQL it refuses \u0000, lone surrogates and
// numbers beyond the range of numeric; unlike it, it also refuses nesting deeper than
// [json.MaxDepth]. The error is a *json.SyntaxError.
func NormalizeJSON(s string) (string, error) {
	n := normalizer{Reader: json.NewReader(s), out: make([]byte, 0, len(s)+len(s)/8)}
	n.Strict = true
	n.value()
	n.End()
	if err := n.Err(); err != nil {
		return "", err
	}
	return string(n.out), nil
}

type normalizer struct {
	json.Reader
	out     []byte
	scratch []byte // used to reorder members
}

type jsonMember struct {
	name     string
	from, to int // the rendered `"name": value` in out
}

func (n *normalizer) value() {
	switch n.Peek() {
	case '{':
		n.object()
	case '[':
		n.list()
	case '"':
		n.quote(n.String())
	case 't', 'f':
		if n.Bool() {
			n.out = append(n.out, "true"...)
		} else {
			n.out = append(n.out, "false"...)
		}
	case 'n':
		n.Null()
		n.out = append(n.out, "null"...)
	default:
		n.number(n.Number())
	}
}

func (n *normalizer) quote(s string) { n.out, _ = json.AppendString(n.out, s) }

func (n *normalizer) list() {
	n.out = append(n.out, '[')
	first := true
	for more := n.Open('['); more; more = n.More('[') {
		if !first {
			n.out = append(n.out, ", "...)
		}
		first = false
		n.value()
	}
	n.out = append(n.out, ']')
}

func (n *normalizer) object() {
	start := len(n.out)
	n.out = append(n.out, '{')
	var buf [16]jsonMember
	members := buf[:0]
	ordered := true
	for more := n.Open('{'); more; more = n.More('{') {
		if len(members) > 0 {
			n.out = append(n.out, ", "...)
		}
		m := jsonMember{from: len(n.out), name: n.Name()}
		n.quote(m.name)
		n.out = append(n.out, ": "...)
		n.value()
		m.to = len(n.out)
		if len(members) > 0 && compareNames(members[len(members)-1].name, m.name) >= 0 {
			ordered = false
		}
		members = append(members, m)
	}
	if !ordered {
		n.reorder(start, members)
	}
	n.out = append(n.out, '}')
}

// reorder rewrites the members that begin at out[start] in PostgreSQL's order, keeping
// the last of each name.
func (n *normalizer) reorder(start int, members []jsonMember) {
	slices.SortStableFunc(members, func(a, b jsonMember) int { return compareNames(a.name, b.name) })
	n.scratch = n.scratch[:0]
	for i, m := range members {
		if i+1 < len(members) && members[i+1].name == m.name {
			continue
		}
		if len(n.scratch) > 0 {
			n.scratch = append(n.scratch, ", "...)
		}
		n.scratch = append(n.scratch, n.out[m.from:m.to]...)
	}
	n.out = append(n.out[:start+1], n.scratch...)
}

func compareNames(a, b string) int {
	if len(a) != len(b) {
		return len(a) - len(b)
	}
	return strings.Compare(a, b)
}
