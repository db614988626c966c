package vm

// Each Return method records one result and returns err, so that a body can
// end with it. With one result a script gets the value; with several
// JavaScript gets an object with the results' names, Lua gets them in order.

func (c *Call) add(name string, v Ref) error {
	c.out = append(c.out, Result{Name: name, Value: v})
	return nil
}

// Named makes JavaScript get an object even for a single result.
func (c *Call) Named() { c.named = true }

// ReturnRef returns a value of the engine.
func (c *Call) ReturnRef(name string, v Ref, err error) error {
	if err != nil {
		return err
	}
	return c.add(name, v)
}

// ReturnStr returns a string.
func (c *Call) ReturnStr(name, v string, err error) error {
	if err != nil {
		return err
	}
	return c.add(name, c.E.FromStr(v))
}

// ReturnStrOrNil returns a string, or nil for the empty one.
func (c *Call) ReturnStrOrNil(name, v string, err error) error {
	if err != nil {
		return err
	}
	if v == "" {
		return c.add(name, c.E.Nil())
	}
	return c.add(name, c.E.FromStr(v))
}

// ReturnInt returns a whole number.
func (c *Call) ReturnInt(name string, v int64, err error) error {
	if err != nil {
		return err
	}
	return c.add(name, c.E.FromInt(v))
}

// ReturnBool returns a boolean.
func (c *Call) ReturnBool(name string, v bool, err error) error {
	if err != nil {
		return err
	}
	return c.add(name, c.E.FromBool(v))
}

// ReturnBytes returns binary data: ArrayBuffer in JS, string in Lua.
func (c *Call) ReturnBytes(name string, v []byte, err error) error {
	if err != nil {
		return err
	}
	return c.add(name, c.E.FromBytes(v))
}

// ReturnAny returns a value of a type that Engine.FromAny accepts.
func (c *Call) ReturnAny(name string, v any, err error) error {
	if err != nil {
		return err
	}
	ref, err := c.E.FromAny(v)
	if err != nil {
		return err
	}
	return c.add(name, ref)
}

// Return returns a shaped value.
func Return[T any](c *Call, name string, shape *Shape[T], v T, err error) error {
	if err != nil {
		return err
	}
	return c.add(name, shape.Of(c.E, v))
}

// ReturnList returns a list of shaped values.
func ReturnList[T any](c *Call, name string, shape *Shape[T], vs []T, err error) error {
	if err != nil {
		return err
	}
	return c.add(name, shape.ListOf(c.E, vs))
}
