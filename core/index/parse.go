package index

import (
	"slices"
	"time"

	"kumi/internal/json"
	"kumi/store/query"
)

// Limits on what is indexed of one object: clients write the values, and in the index
// each takes more memory than in JSON. What exceeds a limit is not indexed.
const (
	// MaxValues is the maximum number of values, including those in nested objects and
	// lists.
	MaxValues = 1000
	// MaxText is the maximum length of a text, in bytes.
	MaxText = query.MaxPatternText
	// maxPath is the maximum length of a path, in bytes.
	maxPath = 512
)

// kind is the kind of a value. Values of different kinds sort in this order.
type kind uint8

const (
	number kind = iota
	date
	text
	none
)

// value is a value with its path.
type value struct {
	path string
	kind kind
	num  float64
	date time.Time
	text string
}

// Fields are the indexed fields of an object's value.
type Fields struct {
	any    bool // the object has one of the fields
	values []value
	json   []byte // an object of the fields; only with Options.Keep
}

// Parse parses an object's value and returns its indexed fields, for Put of this index
// or of another one with the same options. It takes no lock. An error means that the
// value is not a JSON object.
func (x *Index) Parse(object string) (*Fields, error) {
	p := parser{r: json.NewReader(object), keep: x.options.Keep}
	p.write('{')
	for more := p.r.Open('{'); more; more = p.r.More('{') {
		name := p.r.Name()
		if !slices.Contains(x.options.Fields, name) {
			p.skip()
			continue
		}
		if p.out.any {
			p.write(',')
		}
		p.out.any = true
		p.writeName(name)
		p.path = append(append(p.path[:0], valuePrefix...), name...)
		p.value()
	}
	p.write('}')
	p.r.End()
	if err := p.r.Err(); err != nil {
		return nil, err
	}
	return &p.out, nil
}

// valuePrefix is the prefix of fields of the value in queries.
const valuePrefix = "value."

type parser struct {
	r    json.Reader
	keep bool
	path []byte
	out  Fields
}

func (p *parser) write(c byte) {
	if p.keep {
		p.out.json = append(p.out.json, c)
	}
}

func (p *parser) writeString(s string) {
	if p.keep {
		p.out.json, _ = json.AppendString(p.out.json, s)
	}
}

func (p *parser) writeName(s string) {
	p.writeString(s)
	p.write(':')
}

func (p *parser) writeText(s string) {
	if p.keep {
		p.out.json = append(p.out.json, s...)
	}
}

// value reads the value at the current path, including nested ones.
func (p *parser) value() {
	switch p.r.Peek() {
	case '{':
		p.write('{')
		length := len(p.path)
		for first, more := true, p.r.Open('{'); more; first, more = false, p.r.More('{') {
			if !first {
				p.write(',')
			}
			name := p.r.Name()
			p.writeName(name)
			p.path = append(append(p.path[:length], '.'), name...)
			p.value()
		}
		p.path = p.path[:length]
		p.write('}')
	case '[':
		p.write('[')
		for first, more := true, p.r.Open('['); more; first, more = false, p.r.More('[') {
			if !first {
				p.write(',')
			}
			p.value()
		}
		p.write(']')
	case '"':
		s := p.r.String()
		p.writeString(s)
		if d, ok := query.ParseDate(s); ok {
			p.add(value{kind: date, date: d})
		} else if len(s) <= MaxText {
			p.add(value{kind: text, text: s})
		}
	case 't', 'f':
		s, name := "false", "F"
		if p.r.Bool() {
			s, name = "true", "T"
		}
		p.writeText(s)
		p.add(value{kind: text, text: name})
	case 'n':
		p.r.Null()
		p.writeText("null")
	default:
		before := p.r // a copy, because both the text and the value are needed
		s := p.r.Number()
		p.writeText(s)
		p.add(value{kind: number, num: before.Float()})
	}
}

func (p *parser) add(v value) {
	if len(p.path) <= maxPath && len(p.out.values) < MaxValues {
		v.path = string(p.path)
		p.out.values = append(p.out.values, v)
	}
}

// skip reads over a value that is not indexed.
func (p *parser) skip() {
	switch p.r.Peek() {
	case '{':
		for more := p.r.Open('{'); more; more = p.r.More('{') {
			p.r.Name()
			p.skip()
		}
	case '[':
		for more := p.r.Open('['); more; more = p.r.More('[') {
			p.skip()
		}
	case '"':
		_ = p.r.String()
	case 't', 'f':
		p.r.Bool()
	case 'n':
		p.r.Null()
	default:
		p.r.Number()
	}
}
