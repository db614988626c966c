package index

import (
	"cmp"
	"iter"
	"slices"
	"sort"
)

// sorted is a sorted list of slots, in chunks so that an insertion or removal moves only
// a few of them. The caller defines the order and finds the places. It takes about six
// bytes per slot.
type sorted struct {
	chunks [][]uint32 // none is empty
}

const maxChunk = 512

// place is a position in a sorted list. It is valid until the list changes.
type place struct{ chunk, at int }

// seek returns the place of the first slot for which before returns false. before must
// return true for a first part of the list and false for the rest.
func (s *sorted) seek(before func(slot uint32) bool) place {
	c := sort.Search(len(s.chunks), func(i int) bool { return !before(s.chunks[i][len(s.chunks[i])-1]) })
	if c == len(s.chunks) {
		return s.end()
	}
	return place{c, sort.Search(len(s.chunks[c]), func(i int) bool { return !before(s.chunks[c][i]) })}
}

// end returns the place behind the last slot.
func (s *sorted) end() place { return place{len(s.chunks), 0} }

// insert inserts a slot at a place.
func (s *sorted) insert(p place, slot uint32) {
	if p.chunk == len(s.chunks) {
		if p.chunk == 0 || len(s.chunks[p.chunk-1]) == maxChunk {
			s.chunks = append(s.chunks, append(make([]uint32, 0, 8), slot))
			return
		}
		p = place{p.chunk - 1, len(s.chunks[p.chunk-1])}
	}
	if chunk := s.chunks[p.chunk]; len(chunk) == maxChunk {
		const half = maxChunk / 2
		s.chunks = slices.Insert(s.chunks, p.chunk+1, slices.Clone(chunk[half:]))
		s.chunks[p.chunk] = slices.Clone(chunk[:half])
		if p.at > half {
			p = place{p.chunk + 1, p.at - half}
		}
	}
	s.chunks[p.chunk] = slices.Insert(s.chunks[p.chunk], p.at, slot)
}

// remove removes the slot at a place.
func (s *sorted) remove(p place) {
	chunk := slices.Delete(s.chunks[p.chunk], p.at, p.at+1)
	s.chunks[p.chunk] = chunk
	switch next := p.chunk + 1; {
	case len(chunk) == 0:
		s.chunks = slices.Delete(s.chunks, p.chunk, next)
	case next < len(s.chunks) && len(chunk)+len(s.chunks[next]) <= maxChunk/2:
		s.chunks[p.chunk] = append(chunk, s.chunks[next]...)
		s.chunks = slices.Delete(s.chunks, next, next+1)
	}
}

// at returns the slot at a place, if there is one.
func (s *sorted) at(p place) (slot uint32, ok bool) {
	if p.chunk >= len(s.chunks) || p.at >= len(s.chunks[p.chunk]) {
		return 0, false
	}
	return s.chunks[p.chunk][p.at], true
}

// up yields the slots from one place, included, up to another, excluded.
func (s *sorted) up(from, to place) iter.Seq[uint32] {
	return func(yield func(uint32) bool) {
		for c := from.chunk; c < len(s.chunks) && c <= to.chunk; c++ {
			chunk := s.chunks[c]
			if c == to.chunk {
				chunk = chunk[:to.at]
			}
			if c == from.chunk {
				chunk = chunk[min(from.at, len(chunk)):]
			}
			for _, slot := range chunk {
				if !yield(slot) {
					return
				}
			}
		}
	}
}

// down yields the slots from one place, excluded, down to another, included.
func (s *sorted) down(from, to place) iter.Seq[uint32] {
	return func(yield func(uint32) bool) {
		for c := min(from.chunk, len(s.chunks)-1); c >= to.chunk; c-- {
			chunk := s.chunks[c]
			if c == from.chunk {
				chunk = chunk[:from.at]
			}
			if c == to.chunk {
				chunk = chunk[min(to.at, len(chunk)):]
			}
			for _, slot := range slices.Backward(chunk) {
				if !yield(slot) {
					return
				}
			}
		}
	}
}

// along yields the slots between two places in ascending or descending order.
func (s *sorted) along(from, to place, desc bool) iter.Seq[uint32] {
	if desc {
		return s.down(to, from)
	}
	return s.up(from, to)
}

func (a place) compare(b place) int {
	return cmp.Or(cmp.Compare(a.chunk, b.chunk), cmp.Compare(a.at, b.at))
}

// later returns the later one of two places.
func later(a, b place) place {
	if a.compare(b) < 0 {
		return b
	}
	return a
}

// earlier returns the earlier one of two places.
func earlier(a, b place) place {
	if a.compare(b) < 0 {
		return a
	}
	return b
}

// between returns the number of slots that up(from, to) yields.
func (s *sorted) between(from, to place) (n int) {
	for c := from.chunk; c < len(s.chunks) && c <= to.chunk; c++ {
		n += len(s.chunks[c])
		if c == to.chunk {
			n -= len(s.chunks[c]) - to.at
		}
	}
	if from.chunk < len(s.chunks) {
		n -= from.at
	}
	return max(n, 0)
}
