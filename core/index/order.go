package index

import (
	"bytes"
	"cmp"
	"strings"

	"kumi/store/fault"
)

// by is what one key of an order compares.
type by uint8

const (
	byScore by = iota
	byColumn
	byUpdated
	byCreated
	byKey
	byUser
	byVersion
	byRead
	byWrite
)

// orderKey is one key of an order.
type orderKey struct {
	by     by
	column *column // byColumn
	desc   bool
}

// ownOrders are the names of the keys other than fields of the value.
var ownOrders = map[string]by{
	"_score": byScore, "update_time": byUpdated, "create_time": byCreated, "key": byKey, "user_id": byUser,
	"version": byVersion, "read": byRead, "write": byWrite,
}

// order is a total order of matches: by its keys, then by byTimes in the direction of
// the first key. Entries without a value come last in both directions.
type order []orderKey

// maxOrder is the maximum number of keys in an order.
const maxOrder = 8

// parseOrder parses the names of fields, such as value.level; a minus in front makes a
// field descending.
func (x *Index) parseOrder(names []string) (order, error) {
	if len(names) > maxOrder {
		return nil, fault.Newf(fault.InvalidArgument, "an order has at most %d fields, not %d", maxOrder, len(names))
	}
	o := make(order, 0, len(names))
	for _, name := range names {
		field := strings.TrimPrefix(name, "+")
		field, desc := strings.CutPrefix(field, "-")
		k := orderKey{desc: desc}
		own, ok := ownOrders[field]
		switch {
		case ok && own == byScore:
			k.desc = !desc // the best scores first, as in Nakama
		case !ok:
			own = byColumn
			if k.column = x.columnOf(field); k.column == nil {
				return nil, fault.Newf(fault.InvalidArgument, "cannot sort by %q: the fields of the index are %s", name, strings.Join(x.columnNames(), ", "))
			}
		}
		k.by = own
		o = append(o, k)
	}
	return o, nil
}

// columnOf returns the column of a field, named with or without "value.", or nil.
func (x *Index) columnOf(field string) *column {
	for _, c := range x.columns {
		if c.path == field || c.path[len(valuePrefix):] == field {
			return c
		}
	}
	return nil
}

func (x *Index) columnNames() (names []string) {
	for _, c := range x.columns {
		names = append(names, c.path)
	}
	return names
}

// match is an entry that matches the query.
type match struct {
	slot  uint32
	score float64
}

// keyOf returns the value of a match that a key of an order compares.
func (x *Index) keyOf(k *orderKey, m match) scalar {
	e := x.entries.at(m.slot)
	switch k.by {
	case byScore:
		return scalar{kind: number, num: m.score}
	case byColumn:
		return x.scalar(k.column, m.slot)
	case byUpdated:
		return scalar{kind: number, num: float64(e.updated)}
	case byCreated:
		return scalar{kind: number, num: float64(e.created)}
	case byKey:
		return scalar{kind: text, text: e.key()}
	case byUser:
		return scalar{kind: text, text: e.owner.String()}
	case byVersion:
		return scalar{kind: text, text: e.version()}
	case byRead:
		return scalar{kind: number, num: float64(e.read)}
	}
	return scalar{kind: number, num: float64(e.write)}
}

// compareKeys compares two values returned by keyOf, in the direction of the key.
func (k *orderKey) compareKeys(a, b scalar) int {
	c := compare(a, b)
	if k.desc && a.kind != none && b.kind != none {
		return -c
	}
	return c
}

// down reports whether the order walks its sorted list from the end.
func (o order) down() bool { return len(o) > 0 && o[0].desc && o[0].by != byScore }

// compare compares two matches in an order.
func (x *Index) compare(o order, a, b match) int {
	for i := range o {
		if c := o[i].compareKeys(x.keyOf(&o[i], a), x.keyOf(&o[i], b)); c != 0 {
			return c
		}
	}
	c := byTimes(x.entries.at(a.slot), x.entries.at(b.slot))
	if o.down() {
		return -c
	}
	return c
}

// comparePosition compares a match with a position.
func (x *Index) comparePosition(o order, m match, p *Position) int {
	for i := range o {
		if c := o[i].compareKeys(x.keyOf(&o[i], m), p.keys[i]); c != 0 {
			return c
		}
	}
	e := x.entries.at(m.slot)
	c := cmp.Or(cmp.Compare(e.updated, p.updated), strings.Compare(e.key(), p.id.Key), bytes.Compare(e.owner[:], p.id.Owner[:]))
	if o.down() {
		return -c
	}
	return c
}

// position returns the position of a match.
func (x *Index) position(o order, m match) *Position {
	e := x.entries.at(m.slot)
	p := &Position{updated: e.updated, id: ID{strings.Clone(e.key()), e.owner}}
	for i := range o {
		k := x.keyOf(&o[i], m)
		k.text = strings.Clone(k.text)
		p.keys = append(p.keys, k)
	}
	return p
}

// check returns an error with the code InvalidArgument for a position of another order.
func (p *Position) check(o order) error {
	if p != nil && len(p.keys) != len(o) {
		return fault.Newf(fault.InvalidArgument, "invalid cursor: its position has %d values, and the order %d", len(p.keys), len(o))
	}
	return nil
}
