package index

import "slices"

// pages is a growing slice whose elements never move, as it is allocated in pages.
type pages[T any] struct {
	list [][]T
	fill T // the value of new elements
}

const pageSize = 1024 // elements

// at returns the element of a slot, or nil if its page was never allocated.
func (p *pages[T]) at(slot uint32) *T {
	if int(slot/pageSize) >= len(p.list) || p.list[slot/pageSize] == nil {
		return nil
	}
	return &p.list[slot/pageSize][slot%pageSize]
}

// grow returns the element of a slot, and allocates its page if necessary.
func (p *pages[T]) grow(slot uint32) *T {
	for int(slot/pageSize) >= len(p.list) {
		p.list = append(p.list, nil)
	}
	page := &p.list[slot/pageSize]
	if *page == nil {
		*page = slices.Repeat([]T{p.fill}, pageSize)
	}
	return &(*page)[slot%pageSize]
}
