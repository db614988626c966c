package lua

import (
	"math"
	"slices"

	lua "github.com/yuin/gopher-lua"

	"kumi/internal/json"
	"kumi/store/fault"
	"kumi/vm"
)

// FromJSON implements vm.Engine. Properties that are null are absent.
func (e engine) FromJSON(text string) (vm.Ref, error) {
	d := decoder{Reader: json.NewReader(text), vm: e.vm, pairs: e.vm.decoding}
	d.Copy = true
	x := d.value()
	d.End()
	if cap(d.pairs) <= 256 {
		clear(d.pairs) // left by an error
		e.vm.decoding = d.pairs[:0]
	}
	if err := d.Err(); err != nil {
		return nil, fault.Wrap(fault.InvalidArgument, err.Error(), err)
	}
	return x, nil
}

// decoder converts JSON text to values.
type decoder struct {
	json.Reader
	vm    *VM
	pairs []vm.Member // a stack for the objects being read
}

func (d *decoder) value() lua.LValue {
	if d.vm.deadline.Done() != nil {
		d.Fail("the call was stopped") // scripts do not see it
		return lua.LNil
	}
	switch d.Peek() {
	case '{':
		return d.object()
	case '[':
		t := d.vm.state.CreateTable(4, 0)
		i := 0
		for more := d.Open('['); more; more = d.More('[') {
			i++
			t.RawSetInt(i, d.value())
		}
		return t
	case '"':
		return lua.LString(d.String())
	case 't', 'f':
		return lua.LBool(d.Bool())
	case 'n':
		d.Null()
		return lua.LNil
	}
	f := d.Float()
	if math.IsInf(f, 0) {
		d.Fail("a number is too large")
	}
	return lua.LNumber(f)
}

func (d *decoder) object() lua.LValue {
	from := len(d.pairs)
	for more := d.Open('{'); more; more = d.More('{') {
		key := d.Name()
		d.put(from, key, d.value())
	}
	t := d.vm.decoded(d.pairs[from:])
	clear(d.pairs[from:])
	d.pairs = d.pairs[:from]
	return t
}

// put adds a key to the object whose pairs begin at from. Of equal keys the last one
// counts.
func (d *decoder) put(from int, key string, x lua.LValue) {
	if len(d.pairs)-from >= maxPairs { // it becomes a plain table, where the last one counts anyway
		d.pairs = append(d.pairs, vm.Member{Key: key, Value: x})
		return
	}
	for i := from; i < len(d.pairs); i++ {
		if d.pairs[i].Key != key {
			continue
		}
		if x == lua.LNil {
			d.pairs = slices.Delete(d.pairs, i, i+1)
		} else {
			d.pairs[i].Value = x
		}
		return
	}
	if x != lua.LNil {
		d.pairs = append(d.pairs, vm.Member{Key: key, Value: x})
	}
}
