package lua

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// maxSource is the maximum size of source for load and loadstring, in bytes. The
// compiler recurses as deep as the source is nested, and an overflow of the Go stack
// ends the process.
const maxSource = 256 << 10

func loadString(L *lua.LState) int { return loadText(L, L.CheckString(1), L.OptString(2, "<string>")) }

func load(L *lua.LState) int {
	fn, name := L.CheckFunction(1), L.OptString(2, "<string>")
	var text strings.Builder
	for text.Len() <= maxSource {
		L.Push(fn)
		L.Call(0, 1)
		piece := L.Get(-1)
		L.Pop(1)
		if piece == lua.LNil || piece == lua.LValue(lua.LString("")) {
			break
		}
		if !lua.LVCanConvToString(piece) {
			return failed(L, "reader function must return a string")
		}
		text.WriteString(piece.String())
	}
	return loadText(L, text.String(), name)
}

func loadText(L *lua.LState, source, name string) int {
	if len(source) > maxSource {
		return failed(L, fmt.Sprintf("source of more than %d bytes cannot be compiled", maxSource))
	}
	proto, err := compile(name, source)
	if err != nil {
		return failed(L, err.Error())
	}
	L.Push(L.NewFunctionFromProto(proto))
	return 1
}

// failed returns nil and a message to the script.
func failed(L *lua.LState, message string) int {
	L.Push(lua.LNil)
	L.Push(lua.LString(message))
	return 2
}

// loadfile and dofile read only files in the modules folder.

func (v *VM) read(L *lua.LState, name string) (*lua.LFunction, error) {
	if v.o.Root == "" {
		return nil, fmt.Errorf("cannot open %s: there is no modules folder", name)
	}
	root, err := os.OpenRoot(v.o.Root)
	if err != nil {
		return nil, fmt.Errorf("cannot open %s: the modules folder cannot be read", name)
	}
	defer root.Close()
	path := filepath.Clean(name)
	if rel, err := filepath.Rel(v.o.Root, path); filepath.IsAbs(path) && err == nil {
		path = rel
	}
	source, err := root.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("cannot open %s: it is not a readable file of the modules folder", name)
	}
	proto, err := compile(filepath.ToSlash(path), string(source))
	if err != nil {
		return nil, err
	}
	return L.NewFunctionFromProto(proto), nil
}

func (v *VM) loadfile(L *lua.LState) int {
	fn, err := v.read(L, L.CheckString(1))
	if err != nil {
		return failed(L, err.Error())
	}
	L.Push(fn)
	return 1
}

func (v *VM) dofile(L *lua.LState) int {
	fn, err := v.read(L, L.CheckString(1))
	if err != nil {
		L.RaiseError("%s", err.Error())
	}
	top := L.GetTop()
	L.Push(fn)
	L.Call(0, lua.MultRet)
	return L.GetTop() - top
}
