package vm

import "time"

// Ref is a value of an engine: a goja.Value or an lua.LValue. It belongs to
// one VM and may be used only while that VM is owned.
type Ref = any

// Engine reads and makes values of one VM. Bodies of functions are written
// against it once, for both languages. All methods are for the goroutine that
// owns the VM.
//
// The predicates overlap on purpose: an empty Lua table is a list and an
// object, a Lua string is a string and bytes.
type Engine interface {
	Lang() Lang

	IsNil(Ref) bool
	IsStr(Ref) bool
	IsNum(Ref) bool
	IsBool(Ref) bool
	IsList(Ref) bool
	IsObject(Ref) bool // plain object or record; in Lua any table
	IsFunc(Ref) bool
	IsBytes(Ref) bool // ArrayBuffer or typed array; in Lua a string

	Str(Ref) string             // of IsStr, in Lua of IsNum too
	Int(Ref) (int64, bool)      // false unless a whole number in range; BigInt too
	Float(Ref) float64          // of IsNum
	Bool(Ref) bool              // of IsBool
	Bytes(Ref) []byte           // of IsBytes; a copy
	View(Ref) []byte            // of IsBytes; to be read immediately and not modified
	Field(obj Ref, n *Name) Ref // nil value if absent; JavaScript accepts the camel spelling, Lua the snake spelling
	FieldNamed(obj Ref, key string) Ref
	EachField(obj Ref, visit func(key string, v Ref) bool)
	Len(list Ref) int
	Index(list Ref, i int) Ref // from 0
	// SetNamed sets a property of an object, record or table by its key as spelled in
	// the language.
	SetNamed(obj Ref, key string, v Ref)

	// Data returns the kind of a value as data, and the value that represents it: in
	// JavaScript the result of toJSON, and the list of a Map or Set. For values that
	// are not data the error has code InvalidArgument.
	Data(Ref) (Kind, Ref, error)
	// Members appends the properties of a KindObject to a list, in JSON order (sorted
	// in Lua), without undefined ones. The error is what a getter threw.
	Members(to []Member, obj Ref) ([]Member, error)
	Date(Ref) time.Time // of KindDate
	// Expired returns the error that ends the running call, nil while it may continue.
	Expired() error
	// ToJSON and Export are the functions of the same names; the engine may have a
	// faster way.
	ToJSON(Ref) ([]byte, error)
	Export(Ref) (any, error)

	Nil() Ref
	FromStr(string) Ref
	FromInt(int64) Ref
	FromFloat(float64) Ref
	FromBool(bool) Ref
	FromBytes([]byte) Ref // ArrayBuffer in JS, string in Lua
	TakeBytes([]byte) Ref // FromBytes that takes ownership
	FromJSON(string) (Ref, error)
	FromAny(any) (Ref, error) // the types that Export returns, and the usual Go scalars, string maps and lists
	List([]Ref) Ref
	// Object makes a plain object; keys with nil values are left out.
	Object(l *Layout, values []Ref) Ref
	// Record makes an object that reads each property from s on first access. It is
	// writable like any object.
	Record(l *Layout, s Source) Ref

	// Call calls a function value of this VM within a running body (such as the
	// updater of storage_write_retry). The deadline of the running call applies.
	Call(fn Ref, args ...Ref) (Ref, error)
}

// Layout is the ordered keys of an object.
type Layout struct {
	Names []Name
	camel map[string]int
	snake map[string]int
}

// NewLayout makes a layout from names in order.
func NewLayout(names ...Name) *Layout {
	l := &Layout{Names: names, camel: make(map[string]int, len(names)), snake: make(map[string]int, len(names))}
	for i, n := range names {
		l.camel[n.Camel] = i
		l.snake[n.Snake] = i
	}
	return l
}

// Position returns the index of a key by its spelling in a language.
func (l *Layout) Position(lang Lang, key string) (int, bool) {
	m := l.snake
	if lang == JS {
		m = l.camel
	}
	i, ok := m[key]
	return i, ok
}

// Source provides the properties of a record, by index in the layout.
type Source interface {
	// Has tells whether the property exists.
	Has(i int) bool
	// Get makes the property's value in e.
	Get(e Engine, i int) (Ref, error)
}

// Recorder is an engine that can tell how a script modified a record.
type Recorder interface {
	// Recorded returns the record of a value, nil if it is not a record.
	Recorded(Ref) Recorded
	// Pristine tells whether a value is a record that scripts have only read.
	Pristine(Ref) bool
}

// Recorded is a record after a script used it.
type Recorded interface {
	Source() Source
	// Touched returns the value of a property that was read or written, nil if it was
	// deleted; ok is false if it was not accessed.
	Touched(i int) (v Ref, ok bool)
	// Extended tells whether the script added properties.
	Extended() bool
}

// ByteList becomes a list of numbers in JavaScript, and the bytes' text where
// a string is expected.
type ByteList []byte
