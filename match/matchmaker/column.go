package matchmaker

import (
	"cmp"
	"slices"
	"sort"

	"kumi/store/query"
)

// column has the tickets of a posting that have a number in a field, in the
// order of those numbers, and gives those of any range from the oldest on. It is
// built only when searches without it have cost several times what building it
// costs, so that nobody can make the index larger than the work it saves.
type column struct {
	debt   int // steps walked without it
	built  bool
	seen   int // how much of the posting is in it
	values []float64
	slots  []uint32
	// tree is a tournament: node n is the lower of nodes 2n and 2n+1, the slots
	// are the leaves, from len(slots) on. A dead ticket leaves it when a search
	// comes upon it.
	tree []uint32
}

// column finds or makes the column of a field, built or not.
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

// owe notes that a search by t walked so many steps of p.
func (p *posting) owe(t *Ticket, steps int) {
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

// fill takes the tickets into the column that it has not seen, and leaves out
// those that died.
func (ix *index) fill(p *posting, col *column, field string) {
	type number struct {
		value float64
		slot  uint32
	}
	var fresh []number
	for _, slot := range p.slots.list[col.seen:] {
		if ix.dead[slot] {
			continue
		}
		if value, ok := ix.tickets[slot].doc.Number(field); ok && value == value { // not a number is in no range
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
	*col = column{built: true, seen: len(p.slots.list), values: values, slots: list, tree: tree}
}

// find is the part of the column that lies in a range.
func (col *column) find(r *query.Range) (from, to int) {
	from = sort.Search(len(col.values), func(i int) bool {
		return col.values[i] > r.Low || !r.LowOpen && col.values[i] == r.Low
	})
	to = sort.Search(len(col.values), func(i int) bool {
		return col.values[i] > r.High || r.HighOpen && col.values[i] == r.High
	})
	return from, max(from, to)
}

// forget takes a dead ticket's leaf out of the tournament.
func (col *column) forget(leaf int) {
	col.tree[leaf] = noSlot
	for n := leaf / 2; n > 0; n /= 2 {
		low := min(col.tree[2*n], col.tree[2*n+1])
		if col.tree[n] == low {
			return
		}
		col.tree[n] = low
	}
}
