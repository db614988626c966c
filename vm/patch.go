package vm

import (
	"bytes"
	"encoding/json"

	"kumi/store/fault"
)

// Patcher is an Engine whose values can be changed from outside of scripts.
type Patcher interface {
	Engine
	// Inexact names a value whose JSON does not say all about it ("a Set"), apart from what
	// that of its elements leaves out. It returns "" for plain data.
	Inexact(Ref) string
	// Member returns a property of an object by its name in JSON; ok is false if the object
	// has none of its own.
	Member(obj Ref, key string) (x Ref, ok bool, err error)
	// Put sets a property by its name in JSON, or removes it if x is nil. The error says
	// why it cannot be changed.
	Put(obj Ref, key string, x Ref) error
}

// Patch applies a JSON merge patch (RFC 7386) to a value and returns the result: objects
// are merged, so what the patch does not name stays what it is, null removes a property,
// and anything else replaces what is there.
//
// The patch was written by somebody who saw the value as JSON. So a value of which JSON does
// not say everything, such as a Set, a function or binary data, is never replaced or
// entered; it can be removed. On an error nothing has changed: InvalidArgument for a patch
// that is not JSON, and a *DataError for a part that cannot be changed.
func Patch(e Patcher, x Ref, patch string) (Ref, error) {
	if _, err := e.FromJSON(patch); err != nil {
		return nil, fault.Wrap(fault.InvalidArgument, "not JSON: "+fault.Text(err), err)
	}
	p := patching{conversion: newConversion(e, MaxData), e: e}
	next, err := p.merge(x, true, bytes.TrimSpace([]byte(patch)))
	if err != nil {
		return nil, err
	}
	if err := p.apply(); err != nil {
		return nil, err
	}
	if next != nil {
		return next, nil
	}
	return x, nil
}

// patching is one patch. It looks at everything first and changes the value at the end.
type patching struct {
	conversion
	e       Patcher
	changes []change
}

// change is a property to be set, or removed if now is nil.
type change struct {
	obj      Ref
	key      string
	old, now Ref
	path     string
}

// merge plans the changes of a value that is there, or not. If they are not changes of its
// properties, it returns the value that replaces it.
func (p *patching) merge(x Ref, there bool, patch json.RawMessage) (replaced Ref, err error) {
	if patch[0] != '{' {
		if err := p.replaceable(x, there); err != nil {
			return nil, err
		}
		return p.e.FromJSON(string(patch))
	}
	if !there || !p.isObject(x) {
		if err := p.replaceable(x, there); err != nil {
			return nil, err
		}
		if x, err = p.e.FromJSON("{}"); err != nil {
			return nil, err
		}
		replaced = x
	}
	return replaced, eachMember(patch, func(key string, to json.RawMessage) error {
		p.path.Enter(Step{Key: key, Of: emptyKey(key)})
		defer p.path.Leave()
		old, there, err := p.e.Member(x, key)
		if err != nil {
			return err
		}
		c := change{obj: x, key: key, path: p.path.In("")}
		if there {
			c.old = old
		}
		if string(to) != "null" {
			if c.now, err = p.merge(old, there, to); err != nil || c.now == nil {
				return err
			}
		} else if !there {
			return nil
		}
		p.changes = append(p.changes, c)
		return nil
	})
}

// isObject says whether JSON shows the properties of x itself as an object.
func (p *patching) isObject(x Ref) bool {
	kind, shown, err := p.e.Data(x)
	return err == nil && kind == KindObject && shown == x
}

// replaceable returns an error if a value has something that JSON does not show. Numbers can
// be replaced, also NaN.
func (p *patching) replaceable(x Ref, there bool) error {
	if !there || p.e.IsNum(x) {
		return nil
	}
	return p.exact(x)
}

func (p *patching) exact(x Ref) error {
	if what := p.e.Inexact(x); what != "" {
		return p.fail(fault.InvalidArgument, "%s cannot be changed by JSON, which does not show all of it", what)
	}
	kind, x, err := p.look(x)
	if err != nil {
		return err
	}
	switch kind {
	case KindList:
		n, err := p.length(x)
		if err != nil {
			return err
		}
		for i := range n {
			p.path.Enter(Step{Index: i})
			if err := p.exact(p.e.Index(x, i)); err != nil {
				return err
			}
			p.path.Leave()
		}
	case KindObject:
		members, err := p.open(x)
		if err != nil {
			return err
		}
		for _, m := range members {
			p.path.Enter(Step{Key: m.Key, Of: emptyKey(m.Key)})
			if err := p.exact(m.Value); err != nil {
				return err
			}
			p.path.Leave()
		}
		p.close(members)
	}
	return nil
}

// apply makes the changes, or none of them.
func (p *patching) apply() error {
	for i, c := range p.changes {
		err := p.e.Put(c.obj, c.key, c.now)
		if err == nil {
			continue
		}
		for i--; i >= 0; i-- {
			_ = p.e.Put(p.changes[i].obj, p.changes[i].key, p.changes[i].old)
		}
		return &DataError{Path: c.path, Reason: fault.Text(err), code: fault.InvalidArgument}
	}
	return nil
}

// eachMember visits the members of a JSON object in their order.
func eachMember(object json.RawMessage, visit func(key string, value json.RawMessage) error) error {
	d := json.NewDecoder(bytes.NewReader(object))
	if _, err := d.Token(); err != nil {
		return err
	}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return err
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return err
		}
		if err := visit(key.(string), value); err != nil {
			return err
		}
	}
	return nil
}
