package vm

import "kumi/internal/trace"

// Func is one entry of a function table: a name and a body that works on a
// host H. It is independent of the language; Only limits it to one language.
type Func[H any] struct {
	Name Name
	Body func(h H, c *Call) error
	Only Lang
	// Alias are further names of the function in scripts.
	Alias []Name
	// Live functions are called even while an init is replayed: pure functions,
	// registrations, the logger. Others return the recorded results.
	Live bool
	// Async functions return a promise of their results in JavaScript; see Call.Later.
	Async bool
	// Property: scripts read the result as a property instead of calling a function. The
	// body takes no arguments and runs each time the property is read.
	Property bool
}

// Native is a function bound to its host. It is shared by all VMs and
// goroutines.
type Native struct {
	Name *Name
	Call func(c *Call) error
	Live bool // see Func.Live
	// Async and Property: see Func.
	Async, Property bool
}

// Library is a set of bound functions, as one language sees it. It is
// immutable and shared by all VMs.
type Library struct {
	byName map[string]*Native
	names  []string // in table order

	otherwise func(name string) *Native // see Otherwise
	methods   bool
}

// Bind ties a table to a host for one language.
func Bind[H any](lang Lang, h H, table []Func[H]) *Library {
	l := &Library{byName: make(map[string]*Native, len(table))}
	for i := range table {
		f := &table[i]
		if f.Only != Both && f.Only != lang {
			continue
		}
		native := &Native{Name: &f.Name, Live: f.Live, Async: f.Async, Property: f.Property, Call: func(c *Call) error {
			if t := trace.Of(c.Ctx); t != nil {
				return t.Function(f.Name.In(lang), func() error { return f.Body(h, c) })
			}
			return f.Body(h, c)
		}}
		l.put(f.Name.In(lang), native)
		for j := range f.Alias {
			l.put(f.Alias[j].In(lang), native)
		}
	}
	return l
}

func (l *Library) put(name string, n *Native) {
	if _, ok := l.byName[name]; !ok {
		l.names = append(l.names, name)
	}
	l.byName[name] = n
}

// Lookup returns a function by its name in the library's language, or nil.
func (l *Library) Lookup(name string) *Native {
	n := l.byName[name]
	if n == nil && l.otherwise != nil {
		n = l.otherwise(name)
	}
	return n
}

// Has tells whether a function of that name is in the library.
func (l *Library) Has(name string) bool { return l.byName[name] != nil }

// AsMethods returns the library with functions that Lua can also call as methods:
// object:f(x) is object.f(x).
func (l *Library) AsMethods() *Library {
	return &Library{byName: l.byName, names: l.names, otherwise: l.otherwise, methods: true}
}

// Methods tells whether the library was made by AsMethods.
func (l *Library) Methods() bool { return l.methods }

// Otherwise returns the library with a fallback: Lookup calls other for names
// that are not in it, which returns a function or nil.
func (l *Library) Otherwise(other func(name string) *Native) *Library {
	return &Library{byName: l.byName, names: l.names, otherwise: other, methods: l.methods}
}

// Names returns the names in table order. The slice must not be modified.
func (l *Library) Names() []string { return l.names }
