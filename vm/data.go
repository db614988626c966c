package vm

import (
	"fmt"
	"math"
	"strings"

	"kumi/internal/json"
	"kumi/store/fault"
)

// All values that scripts pass to the server are converted by the same rule, for
// all functions and in both languages: storage values, metadata, wallets,
// notifications, match parameters and so on.
//
//   - Binary data becomes a base64 string, a date the text of Date.toISOString, a
//     Map the list of its entries and a Set the list of its values.
//   - An object with a toJSON method is replaced by its result.
//   - Undefined properties are omitted; in a list undefined becomes null.
//   - NaN, infinities, functions, symbols and promises are rejected, as are values
//     that contain themselves, are nested deeper than json.MaxDepth, or are
//     larger than MaxData as JSON. Parts that occur repeatedly count each time.
//
// The error is a *DataError, which names the part of the value.

// Kind is the kind of a value as data.
type Kind uint8

// The kinds of data.
const (
	KindNil    Kind = iota
	KindBool        // read with Engine.Bool
	KindNumber      // read with Engine.Int and Engine.Float
	KindBigInt      // a whole number with Engine.Str as its digits
	KindString      // read with Engine.Str
	KindBytes       // read with Engine.View
	KindDate        // read with Engine.Date
	KindList        // read with Engine.Len and Engine.Index
	KindObject      // read with Engine.Members
)

// Member is a property of an object.
type Member struct {
	Key   string
	Value Ref
}

// DataError tells which part of a value cannot be converted, and why.
type DataError struct {
	Path   string // from the value: .items[2].price; empty for the value itself
	Reason string
	code   fault.Code
}

// Error implements error.
func (e *DataError) Error() string {
	if e.Path == "" {
		return e.Reason
	}
	return strings.TrimPrefix(e.Path, ".") + ": " + e.Reason
}

// Unwrap returns a fault, which has the code.
func (e *DataError) Unwrap() error { return fault.New(e.code, e.Error()) }

// ToJSON writes a value as JSON. Keys keep their order in JavaScript, and are
// sorted in Lua.
func ToJSON(e Engine, x Ref) ([]byte, error) {
	c := newConversion(e, MaxData)
	c.out = make([]byte, 0, 64)
	if err := c.json(x); err != nil {
		return nil, err
	}
	return c.out, nil
}

// Preview writes a value as JSON for logs: values that are not data are null,
// and the text ends with … if it is longer than size bytes or cut off by an
// error.
func Preview(e Engine, x Ref, size int) string {
	c := newConversion(e, size)
	c.out, c.preview = make([]byte, 0, 64), true
	err := c.json(x)
	if err == nil && len(c.out) <= size {
		return string(c.out)
	}
	return strings.ToValidUTF8(string(c.out[:min(len(c.out), size)]), "") + "…"
}

// Export converts a value to Go: nil, bool, int64, float64, string, []any and
// map[string]any.
func Export(e Engine, x Ref) (any, error) {
	c := newConversion(e, MaxData)
	return c.export(x)
}

// Scalar is Export, except that binary data is a []byte and a date a time.Time
// if it is the value itself, as for parameters of SQL statements.
func Scalar(e Engine, x Ref) (any, error) {
	c := newConversion(e, MaxData)
	kind, x, err := c.look(x)
	switch {
	case err != nil:
		return nil, err
	case kind == KindBytes:
		return e.Bytes(x), nil
	case kind == KindDate:
		return e.Date(x), nil
	}
	return c.export(x)
}

// conversion is the conversion of one value.
type conversion struct {
	e       Engine
	maxSize int
	preview bool     // see Preview
	out     []byte   // the JSON text, in ToJSON
	size    int      // approximate size as JSON, in Export
	looks   int      // number of values visited
	path    Path     // of the current value
	members []Member // of the objects being read, a stack
}

func newConversion(e Engine, maxSize int) conversion {
	return conversion{e: e, maxSize: maxSize, path: Path{steps: make([]Step, 0, 6)}, members: make([]Member, 0, 12)}
}

func (c *conversion) fail(code fault.Code, format string, args ...any) error {
	return &DataError{Path: c.path.In(""), Reason: fmt.Sprintf(format, args...), code: code}
}

// look returns the kind of a value, and checks the limits of the conversion.
func (c *conversion) look(x Ref) (Kind, Ref, error) {
	c.looks++
	c.size += 8
	switch {
	case c.path.Depth() > json.MaxDepth:
		return 0, nil, c.fail(fault.InvalidArgument, "the value is nested more than %d levels deep or contains itself", json.MaxDepth)
	case c.size > c.maxSize && c.out == nil || len(c.out) > c.maxSize:
		return 0, nil, c.fail(fault.ResourceExhausted, "the value is larger than %d MB, where shared parts count each time", c.maxSize>>20)
	case c.looks%1024 == 0:
		if err := c.e.Expired(); err != nil {
			return 0, nil, err
		}
	}
	kind, x, err := c.e.Data(x)
	if err != nil {
		if c.path.Depth() > 0 && fault.CodeOf(err) == fault.InvalidArgument {
			err = c.fail(fault.InvalidArgument, "%s", fault.MessageOf(err, err.Error()))
		}
		return 0, nil, err
	}
	if kind == KindNumber {
		if f := c.e.Float(x); math.IsNaN(f) || math.IsInf(f, 0) {
			return 0, nil, c.fail(fault.InvalidArgument, "%v cannot be represented in JSON", f)
		}
	}
	return kind, x, nil
}

// length returns the length of a list, or an error if it is too long.
func (c *conversion) length(list Ref) (int, error) {
	n := c.e.Len(list)
	if n > MaxList {
		return 0, c.fail(fault.ResourceExhausted, "a list of %d elements is too large: the maximum is %d", n, MaxList)
	}
	return n, nil
}

// open returns the members of an object. They are on the stack until close.
func (c *conversion) open(obj Ref) ([]Member, error) {
	from := len(c.members)
	members, err := c.e.Members(c.members, obj)
	if err != nil {
		return nil, err
	}
	c.members = members
	return members[from:], nil
}

func (c *conversion) close(members []Member) {
	clear(members)
	c.members = c.members[:len(c.members)-len(members)]
}

// emptyKey distinguishes the empty key from an index.
func emptyKey(key string) any {
	if key == "" {
		return key
	}
	return nil
}

func (c *conversion) json(x Ref) error {
	kind, x, err := c.look(x)
	if err != nil {
		if !c.preview || fault.CodeOf(err) != fault.InvalidArgument {
			return err
		}
		kind = KindNil
	}
	switch kind {
	case KindBool:
		if c.e.Bool(x) {
			c.out = append(c.out, "true"...)
		} else {
			c.out = append(c.out, "false"...)
		}
	case KindNumber:
		c.out = json.AppendNumber(c.out, c.e.Float(x))
	case KindBigInt:
		c.out = append(c.out, c.e.Str(x)...)
	case KindString:
		c.out, _ = json.AppendString(c.out, c.e.Str(x))
	case KindBytes:
		c.out = json.AppendBytes(c.out, c.e.View(x))
	case KindDate:
		c.out = json.AppendDate(c.out, c.e.Date(x))
	case KindList:
		return c.jsonList(x)
	case KindObject:
		return c.jsonObject(x)
	default:
		c.out = append(c.out, "null"...)
	}
	return nil
}

func (c *conversion) jsonObject(obj Ref) error {
	members, err := c.open(obj)
	if err != nil {
		return err
	}
	c.out = append(c.out, '{')
	for i, m := range members {
		if i > 0 {
			c.out = append(c.out, ',')
		}
		c.out, _ = json.AppendString(c.out, m.Key)
		c.out = append(c.out, ':')
		c.path.Enter(Step{Key: m.Key, Of: emptyKey(m.Key)})
		if err := c.json(m.Value); err != nil {
			return err
		}
		c.path.Leave()
	}
	c.close(members)
	c.out = append(c.out, '}')
	return nil
}

func (c *conversion) jsonList(list Ref) error {
	n, err := c.length(list)
	if err != nil {
		return err
	}
	c.out = append(c.out, '[')
	for i := range n {
		if i > 0 {
			c.out = append(c.out, ',')
		}
		c.path.Enter(Step{Index: i})
		if err := c.json(c.e.Index(list, i)); err != nil {
			return err
		}
		c.path.Leave()
	}
	c.out = append(c.out, ']')
	return nil
}

func (c *conversion) export(x Ref) (any, error) {
	kind, x, err := c.look(x)
	if err != nil {
		return nil, err
	}
	switch kind {
	case KindBool:
		return c.e.Bool(x), nil
	case KindNumber:
		if f := c.e.Float(x); f != math.Trunc(f) || math.Abs(f) >= 1<<63 {
			return f, nil
		}
		n, _ := c.e.Int(x)
		return n, nil
	case KindBigInt:
		n, ok := c.e.Int(x)
		if !ok {
			return nil, c.fail(fault.InvalidArgument, "a BigInt does not fit into 64 bits")
		}
		return n, nil
	case KindString:
		return c.text(c.e.Str(x)), nil
	case KindBytes:
		b := json.AppendBytes(nil, c.e.View(x))
		return c.text(string(b[1 : len(b)-1])), nil
	case KindDate:
		return json.Date(c.e.Date(x)), nil
	case KindList:
		return c.exportList(x)
	case KindObject:
		return c.exportObject(x)
	}
	return nil, nil
}

func (c *conversion) exportList(list Ref) (any, error) {
	n, err := c.length(list)
	if err != nil {
		return nil, err
	}
	items := make([]any, n)
	for i := range items {
		c.path.Enter(Step{Index: i})
		if items[i], err = c.export(c.e.Index(list, i)); err != nil {
			return nil, err
		}
		c.path.Leave()
	}
	return items, nil
}

func (c *conversion) text(s string) string {
	c.size += len(s)
	return s
}

func (c *conversion) exportObject(obj Ref) (map[string]any, error) {
	members, err := c.open(obj)
	if err != nil {
		return nil, err
	}
	out := make(map[string]any, len(members))
	for _, m := range members {
		c.path.Enter(Step{Key: m.Key, Of: emptyKey(m.Key)})
		x, err := c.export(m.Value)
		if err != nil {
			return nil, err
		}
		out[c.text(m.Key)] = x
		c.path.Leave()
	}
	c.close(members)
	return out, nil
}
