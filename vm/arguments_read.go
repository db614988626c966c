package vm

import (
	"errors"
	"strconv"

	"github.com/gofrs/uuid/v5"
)

// Reading of values, for arguments as well as for properties of objects in them.
// path is the path of the value within the argument.

func (c *Call) str(v Ref, name, path string, required bool, def string) string {
	switch {
	case v == nil:
		c.absent(name, path, TypeString, required)
		if required {
			c.fail(name, path, "expected a string")
		}
		return def
	case c.E.IsStr(v), required && c.E.Lang() == Lua && c.E.IsNum(v):
		return c.E.Str(v)
	}
	c.fail(name, path, "expected a string")
	return def
}

func (c *Call) int(v Ref, name, path string, required bool, def int64) int64 {
	if v == nil {
		c.absent(name, path, TypeNumber, required)
		if required {
			c.fail(name, path, "expected a number")
		}
		return def
	}
	if c.E.IsNum(v) {
		if n, ok := c.E.Int(v); ok {
			return n
		}
		c.fail(name, path, "expected a whole number")
		return def
	}
	// 64-bit numbers are strings in protobuf JSON, since neither language can
	// represent them exactly as numbers.
	if c.E.IsStr(v) {
		if n, err := strconv.ParseInt(c.E.Str(v), 10, 64); err == nil {
			return n
		}
	}
	c.fail(name, path, "expected a number")
	return def
}

func (c *Call) float(v Ref, name, path string) float64 {
	if v == nil || !c.E.IsNum(v) {
		c.absent(name, path, TypeNumber, true)
		c.fail(name, path, "expected a number")
		return 0
	}
	return c.E.Float(v)
}

func (c *Call) bool(v Ref, name, path string, required, def bool) bool {
	switch {
	case v == nil:
		c.absent(name, path, TypeBoolean, required)
		if required {
			c.fail(name, path, "expected a boolean")
		}
		return def
	case c.E.IsBool(v):
		return c.E.Bool(v)
	}
	c.fail(name, path, "expected a boolean")
	return def
}

func (c *Call) uuid(v Ref, name, path string, required bool, def string) string {
	s := c.str(v, name, path, required, "")
	if c.err != nil || (s == "" && !required) {
		return def
	}
	id, err := uuid.FromString(s)
	if err != nil {
		c.fail(name, path, "expected a valid identifier (UUID)")
		return def
	}
	return id.String()
}

func (c *Call) object(v Ref, name, path string, required bool) map[string]any {
	if v == nil {
		c.absent(name, path, typeObject, required)
		if required {
			c.fail(name, path, "expected an object")
		}
		return nil
	}
	if !c.E.IsObject(v) {
		c.fail(name, path, "expected an object")
		return nil
	}
	all := newConversion(c.E, MaxData)
	m, err := all.exportObject(v) // a list in Lua is an object here too
	if err != nil {
		c.noData(name, path, err)
	}
	return m
}

// noData records that a value cannot be converted.
func (c *Call) noData(name, path string, err error) {
	var data *DataError
	if errors.As(err, &data) {
		c.fail(name, path+data.Path, data.Reason)
		return
	}
	c.fail(name, path, err.Error())
}

func (c *Call) strMap(v Ref, name, path string) map[string]string {
	if v == nil {
		c.absent(name, path, MapType(TypeString), false)
		return nil
	}
	if !c.E.IsObject(v) {
		c.fail(name, path, "expected an object of strings")
		return nil
	}
	m := map[string]string{}
	c.E.EachField(v, func(key string, field Ref) bool {
		if !c.E.IsStr(field) {
			c.fail(name, path+"."+key, "expected a string")
			return false
		}
		m[key] = c.E.Str(field)
		return true
	})
	return m
}

func (c *Call) strs(v Ref, name, path string, required, ids bool) []string {
	if v == nil || !c.E.IsList(v) {
		c.absent(name, path, ListType(TypeString), required)
		if v != nil || required {
			c.fail(name, path, "expected a list of strings")
		}
		return nil
	}
	out := make([]string, c.length(v, name, path))
	for i := range out {
		item := c.E.Index(v, i)
		if ids {
			out[i] = c.uuid(item, name, path+index(i), true, "")
		} else {
			out[i] = c.str(item, name, path+index(i), true, "")
		}
	}
	return out
}
