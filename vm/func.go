package vm

// Func is one entry of a function table: a name and a body that works on a
// host H. Nothing in it knows a language; Only limits it to one where the
// other has no such function.
type Func[H any] struct {
	Name Name
	Body func(h H, c *Call) error
	Only Lang
	// Alias are further spellings under which scripts know the function.
	Alias []Name
	// Live functions are called for real while an init is replayed: pure ones,
	// registrations, the logger. All others answer from the recording.
	Live bool
	// Async functions give JavaScript a promise of their results; see Call.Later.
	Async bool
}

// Native is a function bound to its host, ready to be put into VMs. It is
// shared by all VMs and goroutines.
type Native struct {
	Name *Name
	Call func(c *Call) error
	Live bool // see Func.Live
	// Async: see Func.Async.
	Async bool
}

// Library is a set of bound functions, as one language sees it. It never
// changes and is shared by all VMs.
type Library struct {
	byName map[string]*Native
	names  []string // in table order

	otherwise func(name string) *Native // see Otherwise
}

// Bind ties a table to a host for one language.
func Bind[H any](lang Lang, h H, table []Func[H]) *Library {
	l := &Library{byName: make(map[string]*Native, len(table))}
	for i := range table {
		f := &table[i]
		if f.Only != Both && f.Only != lang {
			continue
		}
		native := &Native{Name: &f.Name, Live: f.Live, Async: f.Async, Call: func(c *Call) error { return f.Body(h, c) }}
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

// Lookup finds a function by its spelling in the library's language, or nil.
func (l *Library) Lookup(name string) *Native {
	n := l.byName[name]
	if n == nil && l.otherwise != nil {
		n = l.otherwise(name)
	}
	return n
}

// Has says whether a function of that spelling is in the library.
func (l *Library) Has(name string) bool { return l.byName[name] != nil }

// Otherwise is the library with functions for names that are not in it, as
// Lookup gives them: what other may be asked for and gives, or nil.
func (l *Library) Otherwise(other func(name string) *Native) *Library {
	return &Library{byName: l.byName, names: l.names, otherwise: other}
}

// Names lists the spellings in table order. The slice is not to be changed.
func (l *Library) Names() []string { return l.names }
