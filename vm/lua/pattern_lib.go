package lua

import (
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// patternFuncs are the functions of the string library that take patterns. They get
// the deadline from their thread, so all VMs share them.
var patternFuncs = func() map[string]*lua.LFunction {
	funcs := map[string]*lua.LFunction{
		"find":   {IsG: true, GFunction: stringFind},
		"match":  {IsG: true, GFunction: stringMatch},
		"gmatch": {IsG: true, GFunction: stringGmatch},
		"gsub":   {IsG: true, GFunction: stringGsub},
	}
	funcs["gfind"] = funcs["gmatch"] // the name it had in Lua 5.0
	return funcs
}()

func newMatcher(L *lua.LState, src, pat string) *matcher {
	m := &matcher{src: src, pat: pat}
	m.limit, _ = L.Context().(*deadline)
	return m
}

// check raises the matcher's error.
func (m *matcher) check(L *lua.LState) {
	if m.err != nil {
		L.RaiseError("%s", m.err.Error())
	}
}

// startOf reads the argument init as a position from 0.
func startOf(L *lua.LState, n, size int) int {
	at := L.OptInt(n, 1)
	if at < 0 {
		at += size + 1
	}
	return min(max(at-1, 0), size)
}

func stringFind(L *lua.LState) int {
	src, pat := L.CheckString(1), L.CheckString(2)
	from := startOf(L, 3, len(src))
	if lua.LVAsBool(L.Get(4)) || !strings.ContainsAny(pat, "^$*+?.([%-") {
		i := strings.Index(src[from:], pat)
		if i < 0 {
			L.Push(lua.LNil)
			return 1
		}
		L.Push(lua.LNumber(from + i + 1))
		L.Push(lua.LNumber(from + i + len(pat)))
		return 2
	}
	m := newMatcher(L, src, pat)
	start, end := m.search(from)
	m.check(L)
	if start < 0 {
		L.Push(lua.LNil)
		return 1
	}
	L.Push(lua.LNumber(start + 1))
	L.Push(lua.LNumber(end))
	return 2 + m.push(L, m.level)
}

func stringMatch(L *lua.LState) int {
	m := newMatcher(L, L.CheckString(1), L.CheckString(2))
	start, end := m.search(startOf(L, 3, len(m.src)))
	m.check(L)
	if start < 0 {
		L.Push(lua.LNil)
		return 1
	}
	return m.pushAll(L, start, end)
}

// stringGmatch is string.gmatch. An anchor has no effect, since it would loop forever.
func stringGmatch(L *lua.LState) int {
	src, pat := L.CheckString(1), L.CheckString(2)
	at := 0
	L.Push(L.NewFunction(func(L *lua.LState) int {
		m := newMatcher(L, src, pat)
		for ; at <= len(src); at++ {
			m.level = 0
			end := m.match(at, 0)
			m.check(L)
			if end < 0 {
				continue
			}
			start := at
			if at = end; end == start {
				at++
			}
			return m.pushAll(L, start, end)
		}
		L.Push(lua.LNil)
		return 1
	}))
	return 1
}

func stringGsub(L *lua.LState) int {
	m := newMatcher(L, L.CheckString(1), L.CheckString(2))
	repl := L.CheckAny(3)
	switch repl.Type() {
	case lua.LTString, lua.LTNumber, lua.LTTable, lua.LTFunction:
	default:
		L.ArgError(3, "string/function/table expected, got "+repl.Type().String())
	}
	limit := L.OptInt(4, len(m.src)+1)
	p := 0
	anchored := strings.HasPrefix(m.pat, "^")
	if anchored {
		p = 1
	}
	var out strings.Builder
	n, at := 0, 0
	for n < limit {
		m.level = 0
		end := m.match(at, p)
		m.check(L)
		switch {
		case end >= 0:
			n++
			m.replace(L, &out, repl, at, end)
			tooLong(L, out.Len())
			if end > at {
				at = end
				break
			}
			fallthrough
		default:
			if at < len(m.src) {
				out.WriteByte(m.src[at])
			}
			at++
		}
		if at > len(m.src) || anchored {
			break
		}
	}
	if at < len(m.src) {
		out.WriteString(m.src[at:])
	}
	L.Push(lua.LString(out.String()))
	L.Push(lua.LNumber(n))
	return 2
}

// replace writes the replacement of one match.
func (m *matcher) replace(L *lua.LState, out *strings.Builder, repl lua.LValue, start, end int) {
	var result lua.LValue
	switch r := repl.(type) {
	case *lua.LFunction:
		L.Push(r)
		L.Call(m.pushAll(L, start, end), 1)
		result = L.Get(-1)
		L.Pop(1)
	case *lua.LTable:
		result = L.GetTable(r, m.value(L, 0, start, end))
	default:
		m.expand(L, out, r.String(), start, end)
		return
	}
	switch {
	case lua.LVIsFalse(result):
		out.WriteString(m.src[start:end])
	case lua.LVCanConvToString(result):
		out.WriteString(result.String())
	default:
		L.RaiseError("invalid replacement value (a %s)", result.Type())
	}
}

// expand writes a replacement string with its %0 to %9 replaced by captures.
func (m *matcher) expand(L *lua.LState, out *strings.Builder, text string, start, end int) {
	for {
		before, after, ok := strings.Cut(text, "%")
		out.WriteString(before)
		if !ok {
			return
		}
		if after == "" {
			out.WriteByte(0) // like Lua 5.1, which reads the terminator of the string
			return
		}
		switch c := after[0]; {
		case c == '0':
			out.WriteString(m.src[start:end])
		case '1' <= c && c <= '9':
			out.WriteString(m.value(L, int(c-'1'), start, end).String())
		default:
			out.WriteByte(c)
		}
		text = after[1:]
	}
}

// value returns a capture. If the pattern has none, the first is the whole match.
func (m *matcher) value(L *lua.LState, i, start, end int) lua.LValue {
	if i >= m.level {
		if i > 0 {
			L.RaiseError("%s", errPatternIndex.Error())
		}
		return lua.LString(part(m.src, start, end))
	}
	switch c := m.captures[i]; c.len {
	case capPosition:
		return lua.LNumber(c.at + 1)
	case capOpen:
		L.RaiseError("%s", errPatternOpen.Error())
		return lua.LNil
	default:
		return lua.LString(part(m.src, c.at, c.at+c.len))
	}
}

func (m *matcher) push(L *lua.LState, n int) int {
	for i := range n {
		L.Push(m.value(L, i, 0, 0))
	}
	return n
}

// pushAll pushes the captures, or the whole match if there are none.
func (m *matcher) pushAll(L *lua.LState, start, end int) int {
	if m.level > 0 {
		return m.push(L, m.level)
	}
	L.Push(lua.LString(part(m.src, start, end)))
	return 1
}
