package vm

// Obj is an object argument whose fields a body reads by name. Errors are
// recorded in the Call, with the path of the field.
type Obj struct {
	c    *Call
	ref  Ref // nil: absent
	name string
	path string
}

// Present tells whether the object was given.
func (o Obj) Present() bool { return o.ref != nil || o.c != nil && o.c.rec != nil }

// Ref returns the object itself.
func (o Obj) Ref() Ref { return o.ref }

func (o Obj) field(n *Name) (v Ref, path string) {
	path = o.path + "." + n.Snake
	if o.ref == nil {
		return nil, path
	}
	path = o.path + "." + n.In(o.c.E.Lang())
	if v = o.c.E.Field(o.ref, n); o.c.E.IsNil(v) {
		return nil, path
	}
	return v, path
}

// Has tells whether the field is present and not nil.
func (o Obj) Has(n *Name) bool {
	v, path := o.field(n)
	if v == nil && o.c.rec != nil {
		o.c.rec.ask(o.name, path)
	}
	return v != nil
}

// Any is a field of any type, as the engine's own value; nil if absent.
func (o Obj) Any(n *Name) Ref {
	v, path := o.field(n)
	if v == nil {
		o.c.absent(o.name, path, TypeAny, false)
	}
	return v
}

// Str is a required string field.
func (o Obj) Str(n *Name) string {
	v, path := o.field(n)
	return o.c.str(v, o.name, path, true, "")
}

// OptStr is an optional string field.
func (o Obj) OptStr(n *Name, def string) string {
	v, path := o.field(n)
	return o.c.str(v, o.name, path, false, def)
}

// OptStrPtr is an optional string field that tells absent from empty.
func (o Obj) OptStrPtr(n *Name) *string {
	v, path := o.field(n)
	if v == nil {
		o.c.absent(o.name, path, TypeString, false)
		return nil
	}
	s := o.c.str(v, o.name, path, true, "")
	return &s
}

// Int is a required whole number field.
func (o Obj) Int(n *Name) int64 {
	v, path := o.field(n)
	return o.c.int(v, o.name, path, true, 0)
}

// OptInt is an optional whole number field.
func (o Obj) OptInt(n *Name, def int64) int64 {
	v, path := o.field(n)
	return o.c.int(v, o.name, path, false, def)
}

// Float is a required number field.
func (o Obj) Float(n *Name) float64 {
	v, path := o.field(n)
	return o.c.float(v, o.name, path)
}

// OptBool is an optional boolean field.
func (o Obj) OptBool(n *Name, def bool) bool {
	v, path := o.field(n)
	return o.c.bool(v, o.name, path, false, def)
}

// UUID is a required identifier field.
func (o Obj) UUID(n *Name) string {
	v, path := o.field(n)
	return o.c.uuid(v, o.name, path, true, "")
}

// OptUUID is an optional identifier field; absent or empty gives def.
func (o Obj) OptUUID(n *Name, def string) string {
	v, path := o.field(n)
	return o.c.uuid(v, o.name, path, false, def)
}

// OptMap is an optional object field, exported to Go; absent is nil.
func (o Obj) OptMap(n *Name) map[string]any {
	v, path := o.field(n)
	return o.c.object(v, o.name, path, false)
}

// OptStrMap is an optional field holding an object of strings; absent is nil.
func (o Obj) OptStrMap(n *Name) map[string]string {
	v, path := o.field(n)
	return o.c.strMap(v, o.name, path)
}

// OptStrs is an optional field holding a list of strings; absent is nil.
func (o Obj) OptStrs(n *Name) []string {
	v, path := o.field(n)
	return o.c.strs(v, o.name, path, false, false)
}

// JSON is a required object field, as JSON text.
func (o Obj) JSON(n *Name) string {
	v, path := o.field(n)
	if v == nil || !o.c.E.IsObject(v) {
		o.c.absent(o.name, path, typeObject, true)
		o.c.fail(o.name, path, "expected an object")
		return ""
	}
	text, err := o.c.E.ToJSON(v)
	if err != nil {
		o.c.noData(o.name, path, err)
		return ""
	}
	return string(text)
}

// Invalid records that a field has an invalid value.
func (o Obj) Invalid(n *Name, want string) {
	_, path := o.field(n)
	o.c.fail(o.name, path, want)
}
