package vm

// Collections is an engine that has collections beside objects and lists, as
// JavaScript has Map and Set.
type Collections interface {
	// Collection gives the kind of a collection and its items in order, for a Map
	// keys and values in turn; kind is empty for other values.
	Collection(v Ref) (kind string, items []Ref)
	// NewCollection makes one of what Collection gave.
	NewCollection(kind string, items []Ref) (Ref, error)
}

// frozenItems is a frozen collection.
type frozenItems struct {
	kind  string
	items []any
}

// mostNested is how deep a frozen value may be nested.
const mostNested = 100

// Freeze copies a script value into a form that belongs to no VM and keeps the
// order of keys. Dates, binary data and, in JavaScript, Map and Set stay what they
// are. A function or a value that contains itself is an error. The result may be
// kept and read from any goroutine.
func Freeze(e Engine, v Ref) (any, error) {
	c, _ := e.(Collections)
	return freezeWith(e, c, v, 0)
}

func freezeWith(e Engine, c Collections, v Ref, depth int) (any, error) {
	if c == nil {
		return freeze(e, v, depth)
	}
	if depth > mostNested {
		return nil, errTooDeep
	}
	if kind, items := c.Collection(v); kind != "" {
		list, err := freezeAll(e, c, items, depth)
		return frozenItems{kind, list}, err
	}
	switch {
	case e.IsNil(v), e.IsStr(v), e.IsNum(v), e.IsBool(v), e.IsFunc(v), e.IsBytes(v):
	case e.IsList(v):
		items := make([]Ref, e.Len(v))
		for i := range items {
			items[i] = e.Index(v, i)
		}
		list, err := freezeAll(e, c, items, depth)
		return frozenList(list), err
	case e.IsObject(v):
		var names []Name
		var fields []Ref
		e.EachField(v, func(key string, field Ref) bool {
			names, fields = append(names, Name{Snake: key, Camel: key}), append(fields, field)
			return true
		})
		list, err := freezeAll(e, c, fields, depth)
		return &frozenObject{layout: NewLayout(names...), values: list}, err
	}
	return freeze(e, v, depth)
}

func freezeAll(e Engine, c Collections, items []Ref, depth int) ([]any, error) {
	out := make([]any, len(items))
	for i, item := range items {
		x, err := freezeWith(e, c, item, depth+1)
		if err != nil {
			return nil, err
		}
		out[i] = x
	}
	return out, nil
}

// Thaw makes a value in e of what Freeze gave.
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
