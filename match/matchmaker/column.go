package matchmaker

import (
	"cmp"
	"slices"
	"sort"

	"kumi/store/query"
)

// column is an index over the numbers of one field in a posting. It returns
// the tickets in a range of numbers, oldest first. It is built only after
// searches without it have cost several times what building it costs, so that
// clients cannot make the index larger than the work it saves.
type column struct {
	debt    int // steps spent without it
	built   bool
	covered int // length of the posting when it was built
	values  []float64
	slots   []uint32
	// tree is a tournament tree: node n holds the lower slot of nodes 2n and 2n+1; the
	// leaves, from len(slots) on, are the slots. A dead ticket is removed when a
	// search comes across it.
	tree []uint32
}

// column returns the column of a field, which may not be built yet.
func (p *posting) column(field string) *column {
	col := p.columns[field]
	if col == nil {
		if p.columns == nil {
			p.columns = map[string]*column{}
		}
		col = &column{}
		p.columns[field] = col
	}
	return col
}

// addDebt records that a search by t walked steps tickets of p.
func (p *posting) addDebt(t *Ticket, steps int) {
	if len(p.slots.list) < 64 || steps < 64 {
		return
	}
	for i := range t.ranges {
		p.column(t.ranges[i].Field).debt += steps
	}
	if t.MinCount != t.MaxCount {
		p.column(minField).debt += steps
		p.column(maxField).debt += steps
	}
}

// fill adds the tickets that are not in the column yet, and removes dead ones.
func (ix *index) fill(p *posting, col *column, field string) {
	type number struct {
		value float64
		slot  uint32
	}
	var fresh []number
	for _, slot := range p.slots.list[col.covered:] {
		if ix.dead[slot] {
			continue
		}
		if value, ok := ix.tickets[slot].doc.Number(field); ok && value == value { // NaN is in no range
			fresh = append(fresh, number{value, slot})
		}
	}
	slices.SortFunc(fresh, func(a, b number) int {
		return cmp.Or(cmp.Compare(a.value, b.value), cmp.Compare(a.slot, b.slot))
	})
	values := make([]float64, 0, len(col.values)+len(fresh))
	list := make([]uint32, 0, len(col.values)+len(fresh))
	for i, value := range col.values {
		for len(fresh) > 0 && fresh[0].value < value {
			values, list = append(values, fresh[0].value), append(list, fresh[0].slot)
			fresh = fresh[1:]
		}
		if slot := col.slots[i]; !ix.dead[slot] {
			values, list = append(values, value), append(list, slot)
		}
	}
	for _, n := range fresh {
		values, list = append(values, n.value), append(list, n.slot)
	}
	tree := append(make([]uint32, len(list), 2*len(list)), list...)
	for n := len(list) - 1; n > 0; n-- {
		tree[n] = min(tree[2*n], tree[2*n+1])
	}
	*col = column{built: true, covered: len(p.slots.list), values: values, slots: list, tree: tree}
}

// rangeOf returns the part of the column within a range.
func (col *column) rangeOf(r *query.Range) (from, to int) {
	from = sort.Search(len(col.values), func(i int) bool {
		return col.values[i] > r.Low || !r.LowOpen && col.values[i] == r.Low
	})
	to = sort.Search(len(col.values), func(i int) bool {
		return col.values[i] > r.High || r.HighOpen && col.values[i] == r.High
	})
	return from, max(from, to)
}

// removeLeaf removes a dead ticket's leaf from the tree.
func (col *column) removeLeaf(leaf int) {
	col.tree[leaf] = noSlot
	for n := leaf / 2; n > 0; n /= 2 {
		low := min(col.tree[2*n], col.tree[2*n+1])
		if col.tree[n] == low {
			return
		}
		col.tree[n] = low
	}
}
