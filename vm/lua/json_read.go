package lua

import (
	"encoding/json"
	"slices"
	"strconv"

	lua "github.com/yuin/gopher-lua"

	"kumi/store/fault"
	"kumi/vm"
)

// FromJSON implements vm.Engine. It reads straight into tables; entries that
// are null vanish.
func (e engine) FromJSON(text string) (vm.Ref, error) {
	r := reader{vm: e.vm, text: text, pairs: e.vm.decoding}
	x, ok := r.value(0)
	if cap(r.pairs) <= 256 {
		clear(r.pairs) // of what could not be read
		e.vm.decoding = r.pairs[:0]
	}
	if ok {
		r.space()
	}
	if !ok || r.at != len(text) {
		return nil, r.fail()
	}
	return x, nil
}

type reader struct {
	vm   *VM
	text string
	at   int
	deep bool

	pairs []pair // of the objects being read, a stack
}

// fail says what is wrong; the standard library knows the words.
func (r *reader) fail() error {
	if r.deep {
		return fault.Newf(fault.InvalidArgument, "JSON is nested more than %d deep", maxJSON)
	}
	var x any
	if err := json.Unmarshal([]byte(r.text), &x); err != nil {
		return fault.Wrap(fault.InvalidArgument, "not valid JSON: "+err.Error(), err)
	}
	return fault.Newf(fault.InvalidArgument, "not valid JSON at byte %d", r.at)
}

const maxJSON = 1000

func (r *reader) space() {
	for r.at < len(r.text) {
		switch r.text[r.at] {
		case ' ', '\t', '\r', '\n':
			r.at++
		default:
			return
		}
	}
}

// peek is the next byte that is not space, 0 at the end.
func (r *reader) peek() byte {
	r.space()
	if r.at == len(r.text) {
		return 0
	}
	return r.text[r.at]
}

func (r *reader) value(depth int) (lua.LValue, bool) {
	if depth > maxJSON {
		r.deep = true
		return nil, false
	}
	switch c := r.peek(); {
	case c == '{':
		return r.object(depth)
	case c == '[':
		return r.list(depth)
	case c == '"':
		s, ok := r.str()
		return lua.LString(s), ok
	case c == 't':
		return lua.LTrue, r.word("true")
	case c == 'f':
		return lua.LFalse, r.word("false")
	case c == 'n':
		return lua.LNil, r.word("null")
	case c == '-' || '0' <= c && c <= '9':
		return r.number()
	}
	return nil, false
}

func (r *reader) word(w string) bool {
	if len(r.text)-r.at < len(w) || r.text[r.at:r.at+len(w)] != w {
		return false
	}
	r.at += len(w)
	return true
}

func (r *reader) object(depth int) (lua.LValue, bool) {
	r.at++
	from := len(r.pairs)
	if r.peek() == '}' {
		r.at++
		return r.vm.decoded(nil), true
	}
	for {
		if r.peek() != '"' {
			return nil, false
		}
		key, ok := r.str()
		if !ok || r.peek() != ':' {
			return nil, false
		}
		r.at++
		x, ok := r.value(depth + 1)
		if !ok {
			return nil, false
		}
		r.put(from, key, x)
		switch r.peek() {
		case ',':
			r.at++
		case '}':
			r.at++
			t := r.vm.decoded(r.pairs[from:])
			clear(r.pairs[from:])
			r.pairs = r.pairs[:from]
			return t, true
		default:
			return nil, false
		}
	}
}

// put adds a key to the object whose pairs begin at from. Of keys that come
// again the last one counts.
func (r *reader) put(from int, key string, x lua.LValue) {
	if len(r.pairs)-from >= mostPairs { // it becomes a plain table, which finds them out
		r.pairs = append(r.pairs, pair{key, x})
		return
	}
	for i := from; i < len(r.pairs); i++ {
		if r.pairs[i].key != key {
			continue
		}
		if x == lua.LNil {
			r.pairs = slices.Delete(r.pairs, i, i+1)
		} else {
			r.pairs[i].x = x
		}
		return
	}
	if x != lua.LNil {
		r.pairs = append(r.pairs, pair{key, x})
	}
}

func (r *reader) list(depth int) (lua.LValue, bool) {
	r.at++
	t := r.vm.state.CreateTable(4, 0)
	if r.peek() == ']' {
		r.at++
		return t, true
	}
	for i := 1; ; i++ {
		x, ok := r.value(depth + 1)
		if !ok {
			return nil, false
		}
		t.RawSetInt(i, x)
		switch r.peek() {
		case ',':
			r.at++
		case ']':
			r.at++
			return t, true
		default:
			return nil, false
		}
	}
}

func (r *reader) str() (string, bool) {
	start := r.at + 1
	for i := start; i < len(r.text); i++ {
		switch c := r.text[i]; {
		case c == '"':
			r.at = i + 1
			return part(r.text, start, i), true
		case c < ' ':
			return "", false
		case c == '\\' || c >= 0x80:
			return r.quoted()
		}
	}
	return "", false
}

// quoted reads a string with escapes or beyond ASCII.
func (r *reader) quoted() (string, bool) {
	for i := r.at + 1; i < len(r.text); i++ {
		switch r.text[i] {
		case '\\':
			i++
		case '"':
			var s string
			if json.Unmarshal([]byte(r.text[r.at:i+1]), &s) != nil {
				return "", false
			}
			r.at = i + 1
			return s, true
		}
	}
	return "", false
}

func (r *reader) number() (lua.LValue, bool) {
	start := r.at
	if r.text[r.at] == '-' {
		r.at++
	}
	first := r.at
	if !r.digits() || (r.text[first] == '0' && r.at-first > 1) {
		return nil, false
	}
	if r.at < len(r.text) && r.text[r.at] == '.' {
		r.at++
		if !r.digits() {
			return nil, false
		}
	}
	if r.at < len(r.text) && (r.text[r.at] == 'e' || r.text[r.at] == 'E') {
		r.at++
		if r.at < len(r.text) && (r.text[r.at] == '+' || r.text[r.at] == '-') {
			r.at++
		}
		if !r.digits() {
			return nil, false
		}
	}
	f, err := strconv.ParseFloat(r.text[start:r.at], 64)
	return lua.LNumber(f), err == nil
}

func (r *reader) digits() bool {
	start := r.at
	for r.at < len(r.text) && '0' <= r.text[r.at] && r.text[r.at] <= '9' {
		r.at++
	}
	return r.at > start
}
