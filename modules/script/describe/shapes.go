package describe

import (
	"slices"

	"kumi/modules/script"
	"kumi/modules/script/nk"
	"kumi/vm"
)

var namedShapes = slices.Concat(script.Shapes, nk.Shapes)

// shapesOf returns the shapes of a declared type.
func shapesOf(name string, lang vm.Lang) []script.Described {
	for _, s := range namedShapes {
		switch {
		case s.Name != name:
		case lang == vm.Lua:
			return s.Lua
		default:
			return s.JS
		}
	}
	return nil
}

// shapeName returns the name of the type of a shape.
func shapeName(shape any) string {
	is := func(x script.Described) bool { return any(x) == shape }
	for _, s := range namedShapes {
		if slices.ContainsFunc(s.JS, is) || slices.ContainsFunc(s.Lua, is) {
			return s.Name
		}
	}
	return "any"
}
