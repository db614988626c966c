package vm

import "time"

// Ref is a value of the engine at hand: a goja.Value or an lua.LValue. It
// belongs to one VM and may be used only while that VM is owned.
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
	Int(Ref) (int64, bool)      // false when not a whole number in range; of a BigInt, too
	Float(Ref) float64          // of IsNum
	Bool(Ref) bool              // of IsBool
	Bytes(Ref) []byte           // of IsBytes; a copy
	View(Ref) []byte            // of IsBytes; to be read at once and not changed
	Field(obj Ref, n *Name) Ref // nil value when absent; JS accepts the camel, Lua the snake spelling
	FieldNamed(obj Ref, key string) Ref
	EachField(obj Ref, visit func(key string, v Ref) bool)
	Len(list Ref) int
	Index(list Ref, i int) Ref // from 0
	// SetNamed sets a property of an object, record or table by its key as
	// spelled in the language.
	SetNamed(obj Ref, key string, v Ref)

	// Data says what a value is as data, and gives the value that stands for it: in
	// JavaScript what toJSON returns, and the list of a Map or Set. What is no data
	// is an error of code InvalidArgument.
	Data(Ref) (Kind, Ref, error)
	// Members appends the properties of a KindObject to a list, in the order in
	// which JSON has them (sorted in Lua) and without those that are undefined. The
	// error is what a getter threw.
	Members(to []Member, obj Ref) ([]Member, error)
	Date(Ref) time.Time // of KindDate
	// Expired is the error that ends the running call, nil while it may go on.
	Expired() error
	// ToJSON and Export are the functions of the same names, by a shorter way where
	// the engine has one.
	ToJSON(Ref) ([]byte, error)
	Export(Ref) (any, error)

	Nil() Ref
	FromStr(string) Ref
	FromInt(int64) Ref
	FromFloat(float64) Ref
	FromBool(bool) Ref
	FromBytes([]byte) Ref // ArrayBuffer in JS, string in Lua
	TakeBytes([]byte) Ref // FromBytes of what nobody else uses any more
	FromJSON(string) (Ref, error)
	FromAny(any) (Ref, error) // what Export gives, and the usual Go scalars, string maps and lists
	List([]Ref) Ref
	// Object makes a plain object; a nil value leaves its key out.
	Object(l *Layout, values []Ref) Ref
	// Record makes an object that reads its properties from s, each when it is
	// first read. It can be written to like any object.
	Record(l *Layout, s Source) Ref

	// Call calls a function value of this VM from within a running body (the
	// updater of storage_write_retry and the like). It is covered by the deadline
	// of the call that runs.
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

// Position finds a key by its spelling in a language.
func (l *Layout) Position(lang Lang, key string) (int, bool) {
	m := l.snake
	if lang == JS {
		m = l.camel
	}
	i, ok := m[key]
	return i, ok
}

// Source is what a record reads its properties from, by position in the layout.
type Source interface {
	// Has says whether the property exists.
	Has(i int) bool
	// Get makes the property's value in e.
	Get(e Engine, i int) (Ref, error)
}

// Recorder is an engine that can tell what a script did to a record.
type Recorder interface {
	// Recorded finds the record behind a value, nil when it is no record.
	Recorded(Ref) Recorded
	// Pristine says that a value is a record to which scripts have done nothing
	// but read it.
	Pristine(Ref) bool
}

// Recorded is a record as a script left it.
type Recorded interface {
	Source() Source
	// Touched is the value of a property that was read or written, and nil when
	// it was deleted; ok is false when it was not touched.
	Touched(i int) (v Ref, ok bool)
	// Extended says whether the script added properties.
	Extended() bool
}

// ByteList is what Engine.FromAny makes a list of numbers of in JavaScript,
// with the bytes' text where a string is wanted.
type ByteList []byte
