package lua

import (
	"math"

	lua "github.com/yuin/gopher-lua"

	"kumi/store/fault"
	"kumi/vm"
)

var _ vm.Imager = (*VM)(nil)

// Image implements vm.Imager for tables with any keys, strings, numbers and booleans.
// Functions, coroutines and userdata have no image, and tables have one only without
// their metatable. The order of a table is that of pairs, which is the order in which
// its keys were added.
func (v *VM) Image(x vm.Ref, lenient bool, dst []byte) (image []byte, lost []vm.Untransferable, err error) {
	w := v.images
	if w == nil {
		w = &imageWriter{vm: v, seen: map[*lua.LTable]uint64{}}
		w.path.Text = keyText
		v.images = w
	}
	w.lenient, w.lost, w.failed = lenient, nil, nil
	w.path.Reset()
	w.Begin(dst, vm.Lua)
	w.value(value(x))
	image, w.B = w.B, nil
	clear(w.seen) // the values may go
	switch {
	case w.failed != nil:
		return dst, nil, w.failed
	case len(w.lost) > 0 && !lenient:
		return dst, nil, &vm.UntransferableError{List: w.lost}
	}
	return image, w.lost, nil
}

// imageWriter writes images of a VM's values, one at a time.
type imageWriter struct {
	vm.ImageWriter
	vm      *VM
	lenient bool
	seen    map[*lua.LTable]uint64
	path    vm.Path
	lost    []vm.Untransferable
	failed  error
}

// lose notes a value that has no image and writes it as absent.
func (w *imageWriter) lose(what string) {
	w.note(what)
	w.Tag(vm.TagAbsent)
}

func (w *imageWriter) note(what string) {
	if len(w.lost) <= vm.MaxUntransferable {
		w.lost = append(w.lost, vm.Untransferable{Path: w.path.In("state"), What: what})
	}
}

func (w *imageWriter) value(x lua.LValue) {
	switch x := x.(type) {
	case lua.LNumber:
		w.Number(float64(x))
	case lua.LString:
		w.Tag(vm.TagText)
		w.Text(string(x))
	case lua.LBool:
		w.Bool(bool(x))
	case *lua.LTable:
		w.table(x)
	case *lua.LFunction:
		w.lose("a function")
	case *lua.LState:
		w.lose("a coroutine")
	case *lua.LUserData, lua.LChannel:
		w.lose("a " + x.Type().String())
	default:
		w.Tag(vm.TagNil)
	}
}

func (w *imageWriter) table(t *lua.LTable) {
	if n, ok := w.seen[t]; ok {
		w.Tag(vm.TagSame)
		w.Uint(n)
		return
	}
	plain(t)
	switch {
	case w.failed != nil || len(w.lost) > vm.MaxUntransferable && !w.lenient:
		w.Tag(vm.TagAbsent) // after an error
		return
	case w.path.Depth() > vm.MaxImageDepth:
		w.failed = fault.Newf(fault.FailedPrecondition, "%s is nested too deeply", w.path.In("state"))
		return
	case w.TooLarge():
		w.failed = fault.Newf(fault.FailedPrecondition, "the state is larger than %d MB", vm.MaxImage>>20)
		return
	case w.vm.natives[t] != nil:
		w.lose("a table of the server's functions")
		return
	case t.Metatable == lua.LNil, w.vm.readOnly != nil && t.Metatable == lua.LValue(w.vm.readOnly):
	case w.lenient:
		w.note("a table with a metatable, which comes without it")
	default:
		w.lose("a table with a metatable")
		return
	}
	w.seen[t] = uint64(len(w.seen))
	w.Tag(vm.TagTable)
	n := 0 // without holes
	for t.RawGetInt(n+1) != lua.LNil {
		n++
	}
	w.Uint(uint64(n))
	for i := 1; i <= n; i++ {
		w.path.Enter(vm.Step{Index: i})
		w.value(t.RawGetInt(i))
		w.path.Leave()
	}
	from := lua.LValue(lua.LNil)
	if n > 0 {
		from = lua.LNumber(n)
	}
	for k, x := t.Next(from); k != lua.LNil; k, x = t.Next(k) {
		w.path.Enter(step(k))
		if s, ok := k.(lua.LString); ok {
			w.Key(string(s))
		} else {
			w.KeyValue()
			w.value(k)
		}
		w.value(x)
		w.path.Leave()
	}
	w.EndFields()
}

// step returns the step of a path for a key.
func step(k lua.LValue) vm.Step {
	switch k := k.(type) {
	case lua.LNumber:
		if k == lua.LNumber(int(k)) {
			return vm.Step{Index: int(k)}
		}
	case lua.LString:
		if k != "" {
			return vm.Step{Key: string(k)}
		}
	}
	return vm.Step{Of: k}
}

// keyText formats a key that is neither a string nor an integer.
func keyText(k any) string {
	switch k := k.(type) {
	case lua.LNumber, lua.LBool:
		return "[" + k.(lua.LValue).String() + "]"
	case lua.LString:
		return `[""]`
	case lua.LValue:
		return "[" + k.Type().String() + "]"
	}
	return "[?]"
}

// FromImage implements vm.Imager.
func (v *VM) FromImage(image []byte) (vm.Ref, error) {
	r := &imageReader{ImageReader: vm.NewImageReader(image, vm.Lua), vm: v, room: vm.MaxList}
	x := r.value()
	r.End()
	if err := r.Err(); err != nil {
		return nil, err
	}
	return x, nil
}

// imageReader makes the value of an image.
type imageReader struct {
	*vm.ImageReader
	vm   *VM
	made []*lua.LTable // by number
	room int           // for the holes of lists, which take memory
}

// value reads a value; nil if it is absent.
func (r *imageReader) value() lua.LValue {
	switch t := r.Tag(); t {
	case vm.TagNil, vm.TagAbsent:
		return lua.LNil
	case vm.TagFalse, vm.TagTrue:
		return lua.LBool(t == vm.TagTrue)
	case vm.TagInt:
		return lua.LNumber(r.Int())
	case vm.TagFloat:
		return lua.LNumber(r.Float64())
	case vm.TagText:
		return lua.LString(r.Text())
	case vm.TagSame:
		if n := r.Uint(); n < uint64(len(r.made)) {
			return r.made[n]
		}
		r.Fail("it refers to a table that does not exist")
	case vm.TagTable:
		if r.Enter() {
			defer r.Leave()
			return r.table()
		}
	default:
		r.Fail("a value is of an unknown kind")
	}
	return lua.LNil
}

func (r *imageReader) table() lua.LValue {
	n := r.Count()
	t := r.vm.state.CreateTable(n, 0)
	r.made = append(r.made, t)
	for i := 1; i <= n; i++ {
		r.set(t, lua.LNumber(i), r.value())
	}
	for text, other, more := r.Key(); more; text, other, more = r.Key() {
		key := lua.LValue(lua.LString(text))
		if other {
			key = r.value()
		}
		r.set(t, key, r.value())
	}
	return t
}

func (r *imageReader) set(t *lua.LTable, key, x lua.LValue) {
	if key == lua.LNil || x == lua.LNil {
		return
	}
	if k, ok := key.(lua.LNumber); ok {
		if math.IsNaN(float64(k)) {
			r.Fail("a key is not a number")
			return
		}
		if isListIndex(k) {
			if r.room -= max(0, int(k)-1-t.MaxN()); r.room < 0 {
				r.Fail("its lists have too many holes")
				return
			}
		}
	}
	t.RawSet(key, x)
}

// isListIndex tells whether tables keep the value of a key in a list.
func isListIndex(k lua.LNumber) bool {
	return k == lua.LNumber(int(k)) && k >= 1 && k < lua.LNumber(lua.MaxArrayIndex)
}
