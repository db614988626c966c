package index

import (
	"cmp"
	"encoding/binary"
	"math"
	"strings"
	"time"

	"kumi/store/query"
)

// The values of an entry are encoded as bytes. Each value is a varint of its path and
// kind, followed by 8 bytes for a number, 12 for a date, or a varint for a text's id.

// encode encodes the values of a slot, and adds the slot to the sets of its texts and to
// the columns of its numbers.
func (x *Index) encode(slot uint32, values []value) []byte {
	b := make([]byte, 0, 12*len(values))
	for i := range values {
		v := &values[i]
		id, known := x.paths.ids[v.path]
		if v.kind == text && known {
			if in := x.terms.find(termKey{id, v.text}); in != nil && in.contains(slot) {
				continue // the same text again, in a list
			}
		}
		id = x.paths.use(v.path)
		b = binary.AppendUvarint(b, uint64(id)<<2|uint64(v.kind))
		switch v.kind {
		case number:
			b = binary.LittleEndian.AppendUint64(b, math.Float64bits(v.num))
			x.noteNumber(id, slot, v.num)
		case date:
			b = binary.LittleEndian.AppendUint64(b, uint64(v.date.Unix()))
			b = binary.LittleEndian.AppendUint32(b, uint32(v.date.Nanosecond()))
		case text:
			b = binary.AppendUvarint(b, uint64(x.terms.add(termKey{id, v.text}, slot)))
		}
	}
	return b
}

// noteNumber adds a number of a slot to the column of its path, if there is one.
func (x *Index) noteNumber(path pathID, slot uint32, n float64) {
	for _, c := range x.columns {
		if c.id != path {
			continue
		}
		if at := c.numbers.grow(slot); math.IsNaN(*at) {
			*at = n
		} else {
			c.several.Add(slot)
		}
	}
}

// decoded is one value of an entry.
type decoded struct {
	path pathID
	kind kind
	num  float64
	date time.Time
	term termID
}

// each yields the values of an entry.
func (e *entry) each(yield func(decoded) bool) {
	for b := e.values(); b != ""; {
		head, n := uvarint(b)
		b = b[n:]
		v := decoded{path: pathID(head >> 2), kind: kind(head & 3)}
		switch v.kind {
		case number:
			v.num = math.Float64frombits(uint64At(b))
			b = b[8:]
		case date:
			v.date = time.Unix(int64(uint64At(b)), int64(uint32At(b[8:]))).UTC()
			b = b[12:]
		case text:
			id, n := uvarint(b)
			v.term = termID(id)
			b = b[n:]
		}
		if !yield(v) {
			return
		}
	}
}

func uint32At(s string) uint32 {
	_ = s[3]
	return uint32(s[0]) | uint32(s[1])<<8 | uint32(s[2])<<16 | uint32(s[3])<<24
}

func uint64At(s string) uint64 { return uint64(uint32At(s)) | uint64(uint32At(s[4:]))<<32 }

// uvarint is binary.Uvarint of a string.
func uvarint(s string) (v uint64, n int) {
	for shift := 0; ; shift += 7 {
		c := s[n]
		n++
		v |= uint64(c&0x7f) << shift
		if c < 0x80 {
			return v, n
		}
	}
}

// scalar is a value that entries are sorted by.
type scalar struct {
	kind kind
	num  float64
	date time.Time
	text string
}

// maxSorted is the maximum number of bytes of a text that entries are sorted by.
const maxSorted = 256

// compare compares two scalars by kind, then by value.
func compare(a, b scalar) int {
	if a.kind != b.kind {
		return cmp.Compare(a.kind, b.kind)
	}
	switch a.kind {
	case number:
		return cmp.Compare(a.num, b.num)
	case date:
		return a.date.Compare(b.date)
	case text:
		return strings.Compare(a.text, b.text)
	}
	return 0
}

// scalar returns the value by which a column sorts a slot: its first number, or else its
// first date or text.
func (x *Index) scalar(c *column, slot uint32) scalar {
	if n := c.numbers.at(slot); n != nil && !math.IsNaN(*n) {
		return scalar{kind: number, num: *n}
	}
	for v := range x.entries.at(slot).each {
		if v.path != c.id {
			continue
		}
		switch v.kind {
		case date:
			return scalar{kind: date, date: v.date}
		case text:
			s := x.terms.list[v.term].text
			return scalar{kind: text, text: s[:min(len(s), maxSorted)]}
		}
	}
	return scalar{kind: none}
}

// fields are the fields that a query refers to.
type fields struct {
	values []pathID // paths of the value
	names  []string // their names
	own    []string // fields of the object itself, such as key
}

// fieldsOf returns the fields of a query, without paths that no entry has.
func (x *Index) fieldsOf(q *query.Query) (f fields) {
	for _, name := range q.Fields() {
		if id, ok := x.paths.ids[name]; ok {
			f.values, f.names = append(f.values, id), append(f.names, name)
		} else if !strings.HasPrefix(name, valuePrefix) {
			f.own = append(f.own, name)
		}
	}
	return f
}

// fill replaces the contents of doc by the fields of an entry.
func (x *Index) fill(doc *query.Doc, e *entry, f *fields) {
	doc.Reset()
	if len(f.values) > 0 {
		for v := range e.each {
			for i, id := range f.values {
				if id != v.path {
					continue
				}
				switch v.kind {
				case number:
					doc.AddNumber(f.names[i], v.num)
				case date:
					doc.AddDate(f.names[i], v.date)
				case text:
					doc.AddKeyword(f.names[i], x.terms.list[v.term].text)
				}
				break
			}
		}
	}
	for _, name := range f.own {
		switch name {
		case "collection":
			doc.AddKeyword(name, x.options.Collection)
		case "key":
			doc.AddKeyword(name, e.key())
		case "user_id":
			doc.AddKeyword(name, e.owner.String())
		case "version":
			doc.AddKeyword(name, e.version())
		case "read":
			doc.AddNumber(name, float64(e.read))
		case "write":
			doc.AddNumber(name, float64(e.write))
		case "create_time":
			doc.AddDate(name, time.UnixMicro(e.created).UTC())
		case "update_time":
			doc.AddDate(name, time.UnixMicro(e.updated).UTC())
		}
	}
}
