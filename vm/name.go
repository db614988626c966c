package vm

import (
	"strings"
	"sync"
)

// Lang is a script language.
type Lang uint8

// The languages. Both, the zero value, means either in tables.
const (
	Both Lang = iota
	JS
	Lua
)

// String returns the name for logs and metrics.
func (l Lang) String() string {
	switch l {
	case JS:
		return "javascript"
	case Lua:
		return "lua"
	}
	return "both"
}

// Name is an identifier in both spellings.
type Name struct {
	Snake string // Lua
	Camel string // JavaScript
}

// N makes a Name from its snake case, deriving the camel case.
func N(snake string) Name { return Name{Snake: snake, Camel: Camel(snake)} }

// NameAs is N for names whose camel case cannot be derived from the snake
// case.
func NameAs(snake, camel string) Name { return Name{Snake: snake, Camel: camel} }

// In returns the spelling of a language.
func (n *Name) In(l Lang) string {
	if l == JS {
		return n.Camel
	}
	return n.Snake
}

var camels sync.Map // snake string -> camel string; the set of names is small and fixed

// Camel converts snake_case to camelCase. Results are cached.
func Camel(snake string) string {
	if c, ok := camels.Load(snake); ok {
		return c.(string)
	}
	var b strings.Builder
	up := false
	for i := 0; i < len(snake); i++ {
		ch := snake[i]
		switch {
		case ch == '_':
			up = true
		case up && 'a' <= ch && ch <= 'z':
			b.WriteByte(ch - 'a' + 'A')
			up = false
		default:
			b.WriteByte(ch)
			up = false
		}
	}
	camels.Store(snake, b.String())
	return b.String()
}
