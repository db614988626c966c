package index

import (
	"strings"

	"github.com/RoaringBitmap/roaring/v2"
)

// pathID identifies a path, such as value.player.level, within the index.
type pathID uint32

// paths assigns ids to the paths that occur in entries.
type paths struct {
	ids   map[string]pathID
	names []string
	uses  []int // number of values per path
	free  []pathID
}

// use counts one more value of a path, and returns the path's id.
func (p *paths) use(name string) pathID {
	id, ok := p.ids[name]
	if !ok {
		if n := len(p.free); n > 0 {
			id, p.free = p.free[n-1], p.free[:n-1]
			p.names[id] = name
		} else {
			id = pathID(len(p.names))
			p.names, p.uses = append(p.names, name), append(p.uses, 0)
		}
		p.ids[name] = id
	}
	p.uses[id]++
	return id
}

// drop counts one value less of a path. After the last one its id is free.
func (p *paths) drop(id pathID) {
	if p.uses[id]--; p.uses[id] == 0 {
		delete(p.ids, p.names[id])
		p.names[id] = ""
		p.free = append(p.free, id)
	}
}

// termID identifies a text at a path within the index.
type termID uint32

type termKey struct {
	path pathID
	text string
}

type term struct {
	termKey
	in postings // the slots that have it
}

// terms assigns ids to the texts that occur in entries. Each text of a path is stored
// once, with the slots that have it.
type terms struct {
	ids  map[termKey]termID
	list []term
	free []termID
}

// add records that a slot has a text at a path.
func (t *terms) add(k termKey, slot uint32) termID {
	id, ok := t.ids[k]
	if !ok {
		if n := len(t.free); n > 0 {
			id, t.free = t.free[n-1], t.free[:n-1]
		} else {
			id = termID(len(t.list))
			t.list = append(t.list, term{})
		}
		k.text = strings.Clone(k.text) // so that it does not keep the object's value alive
		t.list[id].termKey = k
		t.ids[k] = id
	}
	t.list[id].in.add(slot)
	return id
}

// remove undoes add.
func (t *terms) remove(id termID, slot uint32) {
	e := &t.list[id]
	if e.in.remove(slot); e.in.len() == 0 {
		delete(t.ids, e.termKey)
		*e = term{}
		t.free = append(t.free, id)
	}
}

// find returns the slots that have a text at a path, or nil.
func (t *terms) find(k termKey) *postings {
	id, ok := t.ids[k]
	if !ok {
		return nil
	}
	return &t.list[id].in
}

// postings is a set of slots. Texts that are names or ids mostly occur once; a bitmap
// for each of them would take ten times the memory.
type postings struct {
	many *roaring.Bitmap
	one  uint32 // slot + 1; 0: none
}

func (p *postings) add(slot uint32) {
	switch {
	case p.many != nil:
		p.many.Add(slot)
	case p.one == 0:
		p.one = slot + 1
	case p.one != slot+1:
		p.many = roaring.BitmapOf(p.one-1, slot)
		p.one = 0
	}
}

func (p *postings) remove(slot uint32) {
	switch {
	case p.many == nil:
		if p.one == slot+1 {
			p.one = 0
		}
	default:
		p.many.Remove(slot)
		if p.many.GetCardinality() == 1 {
			p.one = p.many.Minimum() + 1
			p.many = nil
		}
	}
}

func (p *postings) len() int {
	switch {
	case p.many != nil:
		return int(p.many.GetCardinality())
	case p.one != 0:
		return 1
	}
	return 0
}

func (p *postings) contains(slot uint32) bool {
	if p.many != nil {
		return p.many.Contains(slot)
	}
	return p.one == slot+1
}

// bitmap returns the set as a bitmap, which must not be changed.
func (p *postings) bitmap() *roaring.Bitmap {
	switch {
	case p.many != nil:
		return p.many
	case p.one != 0:
		return roaring.BitmapOf(p.one - 1)
	}
	return roaring.New()
}
