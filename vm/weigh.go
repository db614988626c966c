package vm

import (
	"math/bits"
	"reflect"
	"unsafe"
)

// Weigh adds up the memory that can be reached from roots, which are values of a
// script engine, in bytes, and stops when it is more than most. It must be
// called by the owner of the VM: nothing may change meanwhile. It takes some ten
// nanoseconds for every object.
//
// Go has no counters of whose memory is whose, so this walks the values as the
// collector does, but only through types of the script engines: what they share
// with other VMs and with the server is not counted, and neither is what only a
// closure of Go holds.
func Weigh(most uint64, roots ...any) uint64 {
	w := walk{most: most, seen: map[uintptr]*seenPage{}}
	p := planOf(reflect.TypeFor[any]())
	for i := range roots {
		w.look(unsafe.Pointer(&roots[i]), p)
		w.drain()
	}
	return w.total
}

// seenPage has a bit for every eight bytes of 64 KB.
type seenPage [1 << 16 / 8 / 64]uint64

// todo are n values in a row.
type todo struct {
	at unsafe.Pointer
	p  *plan
	n  int
}

// walk is one weighing. What is to be looked at is on a stack of its own, as
// values may be nested without end.
type walk struct {
	most, total uint64
	todo        []todo
	seen        map[uintptr]*seenPage
	page        *seenPage // the last one, and which
	number      uintptr
}

// mark says whether an address is met for the first time.
func (w *walk) mark(p unsafe.Pointer) bool {
	a := uintptr(p)
	if n := a >> 16; w.page == nil || n != w.number {
		page := w.seen[n]
		if page == nil {
			page = new(seenPage)
			w.seen[n] = page
		}
		w.page, w.number = page, n
	}
	word, bit := &w.page[a>>9&127], uint64(1)<<(a>>3&63)
	if *word&bit != 0 {
		return false
	}
	*word |= bit
	return true
}

// add counts a block of memory; the collector's sizes go in steps.
func (w *walk) add(n uintptr) {
	switch {
	case n <= 8:
		n = 8
	case n <= 512:
		n = (n + 15) &^ 15
	default: // steps of an eighth, on average half of one is lost
		n += n / 16
	}
	w.total += uint64(n)
}

func (w *walk) drain() {
	for len(w.todo) > 0 && w.total <= w.most {
		top := &w.todo[len(w.todo)-1]
		at, p := top.at, top.p
		if top.n--; top.n == 0 {
			w.todo = w.todo[:len(w.todo)-1]
		} else {
			top.at = unsafe.Add(at, p.size)
		}
		w.look(at, p)
	}
}

// to counts a value behind a pointer and remembers to look into it.
func (w *walk) to(at unsafe.Pointer, p *plan) {
	if at == nil || !w.mark(at) {
		return
	}
	w.add(p.size)
	if len(p.refs) > 0 {
		w.todo = append(w.todo, todo{at, p, 1})
	}
}

type sliceHeader struct {
	data     unsafe.Pointer
	len, cap int
}

// look counts what a value leads to.
func (w *walk) look(at unsafe.Pointer, p *plan) {
	for i := range p.refs {
		r := &p.refs[i]
		at := unsafe.Add(at, r.at)
		switch r.kind {
		case toValue:
			w.to(*(*unsafe.Pointer)(at), r.to)
		case toString:
			if s := *(*string)(at); s != "" && w.mark(unsafe.Pointer(unsafe.StringData(s))) {
				w.add(uintptr(len(s)))
			}
		case toSlice:
			if s := (*sliceHeader)(at); s.cap > 0 && w.mark(s.data) {
				w.add(uintptr(s.cap) * r.to.size)
				if len(r.to.refs) > 0 && s.len > 0 {
					w.todo = append(w.todo, todo{s.data, r.to, s.len})
				}
			}
		case toArray:
			for j := range r.n {
				w.look(unsafe.Add(at, uintptr(j)*r.to.size), r.to)
			}
		case toMap:
			if m := *(*unsafe.Pointer)(at); m != nil && w.mark(m) {
				w.entries(at, r)
			}
		case toAny:
			w.any(at, r.typ)
		}
	}
}

// any looks into an interface value.
func (w *walk) any(at unsafe.Pointer, t reflect.Type) {
	box := (*[2]unsafe.Pointer)(at)
	if box[0] == nil || box[1] == nil {
		return
	}
	p := anyOf(t, at)
	if p.plan == nil {
		return
	}
	switch p.how {
	case holdsAddress:
		w.look(unsafe.Pointer(&box[1]), p.plan)
	case holdsBox:
		w.to(box[1], p.plan)
	case holdsEither:
		x := reflect.New(p.typ)
		x.Elem().Set(reflect.NewAt(t, at).Elem().Elem())
		w.look(x.UnsafePointer(), p.plan)
	}
}

// entries counts a map: its slots are in groups of eight, and their number is a
// power of two with room to spare.
func (w *walk) entries(at unsafe.Pointer, r *ref) {
	m := r.keys
	if !m.mu.TryLock() { // of another walk, or a map in a map
		m = newMapPlan(r.typ, m.k, m.v)
		m.mu.Lock()
	}
	defer m.mu.Unlock()
	value := reflect.NewAt(r.typ, at).Elem()
	n := value.Len()
	slots := 8
	if n > 8 {
		slots = 1 << bits.Len(uint(n+n/7))
	}
	w.add(48)
	w.add(uintptr(slots) * m.slot)
	if len(m.k.refs) == 0 && len(m.v.refs) == 0 {
		return
	}
	m.iter.Reset(value)
	for m.iter.Next() && w.total <= w.most {
		if len(m.k.refs) > 0 {
			m.key.SetIterKey(&m.iter)
			w.look(m.key.Addr().UnsafePointer(), m.k)
		}
		if len(m.v.refs) > 0 {
			m.value.SetIterValue(&m.iter)
			w.look(m.value.Addr().UnsafePointer(), m.v)
		}
	}
	m.iter.Reset(reflect.Value{})
	m.key.SetZero()
	m.value.SetZero()
}
