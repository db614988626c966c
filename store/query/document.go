package query

import (
	"encoding/json"
	"hash/maphash"
	"iter"
	"slices"
	"time"
	"unique"

	"kumi/store/fault"
)

// Doc is what a query is matched against: a map of field names to values,
// built once per label or ticket. One goroutine builds it; after that it is
// immutable and may be matched from any goroutine. The zero Doc is empty and
// ready to use.
type Doc struct {
	terms  uint64   // the bits of all texts; see termBit
	keys   []uint64 // of the fields, sorted
	fields []field  // in the order of their keys
}

type field struct {
	name    string
	texts   []string
	numbers []float64
	dates   []time.Time
}

// NewDoc returns an empty document.
func NewDoc() *Doc { return &Doc{} }

// maxReused is how many fields Reset keeps memory for.
const maxReused = 64

// Reset empties the document, to build another one in the same memory: with the same
// fields that does not allocate. No one else may use the document.
func (d *Doc) Reset() {
	d.terms = 0
	if len(d.fields) > maxReused {
		d.keys, d.fields = nil, nil
		return
	}
	for i := range d.fields {
		f := &d.fields[i]
		clear(f.texts)
		f.texts, f.numbers, f.dates = f.texts[:0], f.numbers[:0], f.dates[:0]
	}
}

// AddJSON adds the values of a JSON object under prefix: with the prefix "label" the
// key "mode" becomes the field "label.mode". Nested objects extend the path with dots,
// each element of an array is a value of the same field, null is ignored, and strings,
// numbers and booleans are added as by AddString, AddNumber and AddBool. Text that is
// not a JSON object fails with InvalidArgument and adds nothing.
func (d *Doc) AddJSON(prefix, text string) error {
	var object map[string]any
	if err := json.Unmarshal([]byte(text), &object); err != nil {
		return fault.Wrap(fault.InvalidArgument, prefix+" is not a JSON object", err)
	}
	if object == nil {
		return fault.New(fault.InvalidArgument, prefix+" is not a JSON object")
	}
	d.walk([]byte(prefix), object)
	return nil
}

// walk adds value at path. The path is a byte slice, so that names are only allocated
// for what is indexed.
func (d *Doc) walk(path []byte, value any) {
	switch value := value.(type) {
	case map[string]any:
		path = append(path, '.')
		for key, inner := range value {
			d.walk(append(path, key...), inner)
		}
	case []any:
		for _, element := range value {
			d.walk(path, element)
		}
	case string:
		d.AddString(string(path), value)
	case float64:
		d.AddNumber(string(path), value)
	case bool:
		d.AddBool(string(path), value)
	}
}

// AddString adds a value that a user chose: a date if the text is one (RFC 3339, also
// without a zone, with a space instead of the T, or only the day), otherwise exact
// text. A date only matches ranges.
func (d *Doc) AddString(name, text string) {
	if date, ok := ParseDate(text); ok {
		d.AddDate(name, date)
		return
	}
	d.AddKeyword(name, text)
}

// AddKeyword adds exact text, even if it looks like a date: ids, names, the
// whole label.
func (d *Doc) AddKeyword(name, text string) {
	f := d.field(name)
	f.texts = append(f.texts, text)
	d.terms |= termBit(keyOf(name), text)
}

// AddDate adds a date.
func (d *Doc) AddDate(name string, date time.Time) {
	f := d.field(name)
	f.dates = append(f.dates, date)
}

// AddNumber adds a number.
func (d *Doc) AddNumber(name string, number float64) {
	f := d.field(name)
	f.numbers = append(f.numbers, number)
}

// AddBool adds a boolean, which queries see as the text "T" or "F".
func (d *Doc) AddBool(name string, value bool) {
	text := "F"
	if value {
		text = "T"
	}
	d.AddKeyword(name, text)
}

// Terms yields every exact text value with its field, for an index; see
// Query.Required. A value that was added twice is yielded twice.
func (d *Doc) Terms() iter.Seq[Term] {
	return func(yield func(Term) bool) {
		for i := range d.fields {
			for _, text := range d.fields[i].texts {
				if !yield(Term{Field: d.fields[i].name, Text: text}) {
					return
				}
			}
		}
	}
}

// field returns the field of that name, adding it if needed.
func (d *Doc) field(name string) *field {
	key := keyOf(name)
	at, found := d.position(key, name)
	if !found {
		d.keys = slices.Insert(d.keys, at, key)
		d.fields = slices.Insert(d.fields, at, field{name: intern(name)})
	}
	return &d.fields[at]
}

// find returns the field of that name and key, or nil if it has no value.
func (d *Doc) find(key uint64, name string) *field {
	at, found := d.position(key, name)
	if !found || d.fields[at].empty() {
		return nil
	}
	return &d.fields[at]
}

// empty reports whether Reset left the field without values.
func (f *field) empty() bool { return len(f.texts)+len(f.numbers)+len(f.dates) == 0 }

// position is a hand-written binary search, because most of the cost of a match is
// here.
func (d *Doc) position(key uint64, name string) (at int, found bool) {
	low, high := 0, len(d.keys)
	for low < high {
		if middle := int(uint(low+high) >> 1); d.keys[middle] < key {
			low = middle + 1
		} else {
			high = middle
		}
	}
	for ; low < len(d.keys) && d.keys[low] == key; low++ {
		if d.fields[low].name == name {
			return low, true
		}
	}
	return low, false
}

// keyOf returns the key by which fields are sorted and found: comparing numbers is
// much cheaper than comparing names with a common prefix.
func keyOf(name string) uint64 { return maphash.String(keySeed, name) }

var keySeed = maphash.MakeSeed()

// termBit maps a text of a field to one of 64 bits. A document without the bit does
// not contain the text and need not be searched.
func termBit(key uint64, text string) uint64 {
	return 1 << ((maphash.String(keySeed, text) ^ key>>1) >> 58)
}

// intern returns the canonical copy of a name, so that equal names usually compare
// equal by pointer.
func intern(name string) string { return unique.Make(name).Value() }

var dateLayouts = [...]string{
	time.RFC3339, // with or without a fraction of a second
	"2006-01-02T15:04:05",
	time.DateTime,
	time.DateOnly,
}

// ParseDate parses a date as AddString does; one without a zone is in UTC.
func ParseDate(text string) (time.Time, bool) {
	if len(text) < len(time.DateOnly) || text[4] != '-' || text[7] != '-' {
		return time.Time{}, false
	}
	for _, layout := range dateLayouts {
		if date, err := time.Parse(layout, text); err == nil {
			return date.UTC(), true
		}
	}
	return time.Time{}, false
}
