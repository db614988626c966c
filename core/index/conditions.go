package index

import (
	"iter"
	"math"
	"slices"

	"github.com/RoaringBitmap/roaring/v2"
	"github.com/gofrs/uuid/v5"

	"kumi/store/query"
)

// conditions are those conditions that every match of a query satisfies, and that can be
// checked without decoding the values of an entry.
type conditions struct {
	texts  *roaring.Bitmap // slots with all required texts; nil if none is required
	ranges []columnRange
	owner  *uuid.UUID
	// since and until bound the update time, in microseconds.
	since, until int64
}

// columnRange is a range of numbers that a query requires of a column.
type columnRange struct {
	column   *column
	within   query.Range
	other    *postings // slots with the number as a text, which match, too; may be nil
	from, to place     // in the order of the column
}

// exact reports whether all matches are between from and to.
func (r *columnRange) exact() bool { return r.column.several.IsEmpty() && r.other == nil }

// passes reports whether a slot may be in the range.
func (r *columnRange) passes(slot uint32) bool {
	if n := r.column.numbers.at(slot); n != nil && inside(&r.within, *n) {
		return true
	}
	return r.other != nil && r.other.contains(slot) || r.column.several.Contains(slot)
}

// inside reports whether a number is in a range.
func inside(r *query.Range, n float64) bool {
	return (n > r.Low || n == r.Low && !r.LowOpen) && (n < r.High || n == r.High && !r.HighOpen)
}

// prepare sets the conditions. It returns false if no entry can match.
func (s *search) prepare() bool {
	var sets []*roaring.Bitmap
	for _, t := range s.Query.Needed() {
		switch t.Field {
		case "collection":
			if t.Text != s.options.Collection {
				return false
			}
			continue
		case "user_id":
			id, err := uuid.FromString(t.Text)
			if err != nil {
				return false
			}
			s.owner = &id
			continue
		case "key", "version":
			continue
		}
		path, ok := s.paths.ids[t.Field]
		if !ok {
			return false
		}
		in := s.terms.find(termKey{path, t.Text})
		if in == nil {
			return false
		}
		sets = append(sets, in.bitmap())
	}
	switch len(sets) {
	case 0:
	case 1:
		s.texts = sets[0]
	default:
		slices.SortFunc(sets, func(a, b *roaring.Bitmap) int { return int(a.GetCardinality()) - int(b.GetCardinality()) })
		s.texts = roaring.FastAnd(sets...)
	}
	s.since, s.until = math.MinInt64, math.MaxInt64
	for _, r := range s.Query.DateRanges() {
		if r.Field == "update_time" && !r.Low.IsZero() {
			s.since = max(s.since, r.Low.UnixMicro())
		}
		if r.Field == "update_time" && !r.High.IsZero() {
			s.until = min(s.until, r.High.UnixMicro())
		}
	}
	for _, r := range s.Query.Ranges() {
		if i := slices.IndexFunc(s.columns, func(c *column) bool { return c.path == r.Field }); i >= 0 {
			s.addRange(s.columns[i], r)
		}
	}
	return true
}

// addRange adds a range of a column, with its places in the column's order, in which
// numbers come first.
func (s *search) addRange(c *column, r query.Range) {
	n := columnRange{column: c, within: r}
	if r.Text != "" {
		n.other = s.terms.find(termKey{c.id, r.Text})
	}
	first := func(slot uint32) float64 {
		if n := c.numbers.at(slot); n != nil && !math.IsNaN(*n) {
			return *n
		}
		return math.NaN()
	}
	n.from = c.order.seek(func(slot uint32) bool {
		v := first(slot)
		return v < r.Low || v == r.Low && r.LowOpen
	})
	n.to = c.order.seek(func(slot uint32) bool {
		v := first(slot)
		return v < r.High || v == r.High && !r.HighOpen
	})
	for i := range s.ranges {
		if old := &s.ranges[i]; old.column == c && old.exact() && n.exact() {
			old.also(&n)
			return
		}
	}
	s.ranges = append(s.ranges, n)
}

// also narrows a range by another one of the same column.
func (r *columnRange) also(o *columnRange) {
	w := &r.within
	if o.within.Low > w.Low || o.within.Low == w.Low && o.within.LowOpen {
		w.Low, w.LowOpen = o.within.Low, o.within.LowOpen
	}
	if o.within.High < w.High || o.within.High == w.High && o.within.HighOpen {
		w.High, w.HighOpen = o.within.High, o.within.HighOpen
	}
	r.from, r.to = later(r.from, o.from), earlier(r.to, o.to)
}

// requires reports whether every match has a number in a column.
func (s *search) requires(c *column) bool {
	return slices.ContainsFunc(s.ranges, func(r columnRange) bool { return r.column == c && r.exact() })
}

// candidates returns the slots that satisfy the condition with the fewest ones, and
// their number.
func (s *search) candidates() (slots iter.Seq[uint32], count int) {
	from, to := s.times()
	slots, count = s.byTime.up(from, to), s.byTime.between(from, to)
	if s.texts != nil {
		if n := int(s.texts.GetCardinality()); n < count {
			slots, count = eachOf(s.texts), n
		}
	}
	if s.owner != nil {
		from, to = s.ownerPlace(ID{Owner: *s.owner}), s.byOwner.seek(func(slot uint32) bool {
			o := s.entries.at(slot).owner
			return string(o[:]) <= string(s.owner[:])
		})
		if n := s.byOwner.between(from, to); n < count {
			slots, count = s.byOwner.up(from, to), n
		}
	}
	for i := range s.ranges {
		r := &s.ranges[i]
		n := r.column.order.between(r.from, r.to) + int(r.column.several.GetCardinality())
		if r.other != nil {
			n += r.other.len()
		}
		if n < count {
			slots, count = s.eachInRange(r), n
		}
	}
	return slots, count
}

// times returns the part of byTime between since and until.
func (s *search) times() (from, to place) {
	return s.byTime.seek(func(slot uint32) bool { return s.entries.at(slot).updated < s.since }),
		s.byTime.seek(func(slot uint32) bool { return s.entries.at(slot).updated <= s.until })
}

// eachOf yields the slots of a set.
func eachOf(b *roaring.Bitmap) iter.Seq[uint32] {
	return func(yield func(uint32) bool) { b.Iterate(yield) }
}

// eachInRange yields the slots that may be in a range, each once.
func (s *search) eachInRange(r *columnRange) iter.Seq[uint32] {
	if r.exact() {
		return r.column.order.up(r.from, r.to)
	}
	return func(yield func(uint32) bool) {
		others := r.column.several
		if r.other != nil {
			others = roaring.Or(others, r.other.bitmap())
		}
		for slot := range r.column.order.up(r.from, r.to) {
			if !others.Contains(slot) && !yield(slot) {
				return
			}
		}
		others.Iterate(yield)
	}
}

// passes reports whether a slot satisfies the conditions and the caller may read it.
func (s *search) passes(slot uint32, e *entry) bool {
	if s.texts != nil && !s.texts.Contains(slot) {
		return false
	}
	for i := range s.ranges {
		if !s.ranges[i].passes(slot) {
			return false
		}
	}
	if s.owner != nil && *s.owner != e.owner || e.updated < s.since || e.updated > s.until {
		return false
	}
	return s.Caller.IsNil() || e.read >= 2 || e.read == 1 && e.owner == s.Caller
}
