package vm

import (
	"errors"
	"fmt"
	"math"
	"math/big"
)

// Collections is implemented by engines with collections other than objects and
// lists, such as Map and Set in JavaScript.
type Collections interface {
	// Collection returns the kind of a collection and its items in order, for a Map
	// keys and values alternating; kind is empty for other values.
	Collection(v Ref) (kind string, items []Ref)
	// NewCollection makes a collection from the results of Collection.
	NewCollection(kind string, items []Ref) (Ref, error)
}

// frozenItems is a frozen collection.
type frozenItems struct {
	kind  string
	items []any
}

// maxFrozenDepth is the maximum nesting depth of a frozen value.
const maxFrozenDepth = 100

var (
	errFrozenDepth = errors.New("it is nested too deeply or contains itself")
	errFrozenFunc  = errors.New("a function belongs to one VM")
	errFrozenSize  = fmt.Errorf("it is larger than %d MB, where shared parts count each time", MaxData>>20)
)

// Freeze copies a script value into a form that is independent of VMs and
// keeps the order of keys. All numbers, dates, binary data and, in JavaScript, Map and
// Set keep their types. Functions and values that contain themselves are errors. The
// result may be kept and read from any goroutine. size is its approximate size in bytes.
func Freeze(e Engine, v Ref) (frozen any, size int, err error) {
	c, _ := e.(Collections)
	f := &freezing{e: e, c: c}
	frozen, err = f.value(v, 0)
	return frozen, f.size, err
}

// freezing is the state of one Freeze.
type freezing struct {
	e    Engine
	c    Collections // nil if the engine has none
	size int         // approximate size of the copy, in bytes
}

func (f *freezing) value(v Ref, depth int) (any, error) {
	f.size += 16
	switch {
	case depth > maxFrozenDepth:
		return nil, errFrozenDepth
	case f.size > MaxData:
		return nil, errFrozenSize
	}
	if f.c != nil {
		if kind, items := f.c.Collection(v); kind != "" {
			list, err := f.all(items, depth)
			return frozenItems{kind, list}, err
		}
	}
	switch e := f.e; {
	case e.IsNil(v):
		return nil, nil
	case e.IsStr(v):
		s := e.Str(v)
		f.size += len(s)
		return s, nil
	case e.IsBytes(v):
		b := e.Bytes(v)
		f.size += len(b)
		return b, nil
	case e.IsFunc(v):
		return nil, errFrozenFunc
	case e.IsList(v):
		n := e.Len(v)
		if n > MaxList {
			return nil, fmt.Errorf("a list of %d elements is too large: the maximum is %d", n, MaxList)
		}
		items := make([]Ref, n)
		for i := range items {
			items[i] = e.Index(v, i)
		}
		list, err := f.all(items, depth)
		return frozenList(list), err
	case e.IsObject(v):
		var names []Name
		var fields []Ref
		e.EachField(v, func(key string, field Ref) bool {
			names, fields = append(names, Name{Snake: key, Camel: key}), append(fields, field)
			f.size += len(key)
			return true
		})
		list, err := f.all(fields, depth)
		return &frozenObject{layout: NewLayout(names...), values: list}, err
	}
	return f.scalar(v)
}

// scalar is Scalar, but also copies numbers that are not data: NaN, infinities, -0 and
// BigInt.
func (f *freezing) scalar(v Ref) (any, error) {
	switch kind, x, err := f.e.Data(v); {
	case err != nil:
		return nil, err
	case kind == KindNumber:
		if n := f.e.Float(x); n == 0 || math.IsNaN(n) || math.IsInf(n, 0) {
			return n, nil
		}
	case kind == KindBigInt:
		text := f.e.Str(x)
		f.size += len(text)
		n, ok := new(big.Int).SetString(text, 10)
		if !ok {
			return nil, fmt.Errorf("%s is not an integer", text)
		}
		return n, nil
	}
	return Scalar(f.e, v)
}

func (f *freezing) all(items []Ref, depth int) ([]any, error) {
	out := make([]any, len(items))
	for i, item := range items {
		x, err := f.value(item, depth+1)
		if err != nil {
			return nil, err
		}
		out[i] = x
	}
	return out, nil
}

// Thaw makes a value in e from the result of Freeze.
func Thaw(e Engine, frozen any) (Ref, error) {
	switch v := frozen.(type) {
	case frozenItems:
		items, err := thawAll(e, v.items)
		if err != nil {
			return nil, err
		}
		c, ok := e.(Collections)
		if !ok {
			return e.List(items), nil
		}
		return c.NewCollection(v.kind, items)
	case frozenList:
		items, err := thawAll(e, v)
		return e.List(items), err
	case *frozenObject:
		items, err := thawAll(e, v.values)
		if err != nil {
			return nil, err
		}
		return e.Object(v.layout, items), nil
	}
	return thaw(e, frozen)
}

func thawAll(e Engine, frozen []any) ([]Ref, error) {
	out := make([]Ref, len(frozen))
	for i, v := range frozen {
		x, err := Thaw(e, v)
		if err != nil {
			return nil, err
		}
		out[i] = x
	}
	return out, nil
}
