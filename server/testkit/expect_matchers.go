package testkit

import (
	"fmt"
	"math"
	"strings"

	"kumi/vm"
)

// check is the function of a matcher.
type check = func(e vm.Engine, got vm.Ref, args []vm.Ref) (bool, string, error)

func one(name string) []param { return []param{{name: name}} }

// matchers are the matchers of expect, except to_throw.
var matchers = []matcher{
	{"to_be", one("expected"), func(e vm.Engine, got vm.Ref, args []vm.Ref) (bool, string, error) {
		return same(e, got, args[0]), showRef(e, args[0]) + ", got " + showRef(e, got), nil
	}},
	{"to_equal", one("expected"), compare(differences)},
	{"to_match_object", one("expected"), compare(missing)},
	{"to_contain", one("item"), func(e vm.Engine, got vm.Ref, args []vm.Ref) (bool, string, error) {
		text := showRef(e, got) + " to contain " + showRef(e, args[0])
		if e.IsStr(got) {
			return e.IsStr(args[0]) && strings.Contains(e.Str(got), e.Str(args[0])), text, nil
		}
		return contains(e, got, args[0], text, func(a, b any) bool { return len(differences("", a, b)) == 0 })
	}},
	{"to_contain_object", one("item"), func(e vm.Engine, got vm.Ref, args []vm.Ref) (bool, string, error) {
		return contains(e, got, args[0], showRef(e, got)+" to contain an object with "+showRef(e, args[0]), func(a, b any) bool { return len(missing("", a, b)) == 0 })
	}},
	{"to_have_length", one("length"), func(e vm.Engine, got vm.Ref, args []vm.Ref) (bool, string, error) {
		n := -1
		switch {
		case e.IsStr(got):
			n = len([]rune(e.Str(got)))
		case e.IsList(got):
			n = e.Len(got)
		default:
			return false, "", fmt.Errorf("to_have_length expects a list or text, not %s", showRef(e, got))
		}
		want, ok := e.Int(args[0])
		if !ok {
			return false, "", fmt.Errorf("to_have_length expects a whole number, not %s", showRef(e, args[0]))
		}
		return int64(n) == want, fmt.Sprintf("the length %d, got %d: %s", want, n, showRef(e, got)), nil
	}},
	{"to_have_property", []param{{name: "path"}, {name: "expected", optional: true}}, hasProperty},
	{"to_be_null", nil, isNothing},
	{"to_be_nil", nil, isNothing},
	{"to_be_undefined", nil, isNothing},
	{"to_be_defined", nil, func(e vm.Engine, got vm.Ref, _ []vm.Ref) (bool, string, error) {
		return !e.IsNil(got), "a value, got " + showRef(e, got), nil
	}},
	{"to_be_truthy", nil, func(e vm.Engine, got vm.Ref, _ []vm.Ref) (bool, string, error) {
		return truthy(e, got), "something true, got " + showRef(e, got), nil
	}},
	{"to_be_falsy", nil, func(e vm.Engine, got vm.Ref, _ []vm.Ref) (bool, string, error) {
		return !truthy(e, got), "something false, got " + showRef(e, got), nil
	}},
	{"to_be_greater_than", one("number"), ordered("more than", func(a, b float64) bool { return a > b })},
	{"to_be_greater_than_or_equal", one("number"), ordered("at least", func(a, b float64) bool { return a >= b })},
	{"to_be_less_than", one("number"), ordered("less than", func(a, b float64) bool { return a < b })},
	{"to_be_less_than_or_equal", one("number"), ordered("at most", func(a, b float64) bool { return a <= b })},
	{"to_be_close_to", []param{{name: "number"}, {name: "digits", optional: true}}, func(e vm.Engine, got vm.Ref, args []vm.Ref) (bool, string, error) {
		digits := int64(2)
		if !e.IsNil(args[1]) {
			digits, _ = e.Int(args[1])
		}
		return ordered(fmt.Sprintf("within %d digits of", digits), func(a, b float64) bool {
			return math.Abs(a-b) < math.Pow(10, -float64(digits))/2
		})(e, got, args)
	}},
	{"to_match", one("pattern"), func(e vm.Engine, got vm.Ref, args []vm.Ref) (bool, string, error) {
		if !e.IsStr(got) {
			return false, "a text, got " + showRef(e, got), nil
		}
		ok, text, err := matchText(e, e.Str(got), args[0])
		return ok, "a text " + text + ", got " + showRef(e, got), err
	}},
}

// same is equality by identity for objects, and by value for everything else.
func same(e vm.Engine, a, b vm.Ref) bool {
	if a == b {
		return true
	}
	if e.IsNil(a) || e.IsNil(b) {
		return e.IsNil(a) && e.IsNil(b)
	}
	if e.IsStr(a) || e.IsNum(a) || e.IsBool(a) {
		x, err1 := vm.Export(e, a)
		y, err2 := vm.Export(e, b)
		return err1 == nil && err2 == nil && len(differences("", x, y)) == 0
	}
	return false
}

// compare makes a check of a function that lists differences.
func compare(list func(path string, want, got any) []string) check {
	return func(e vm.Engine, got vm.Ref, args []vm.Ref) (bool, string, error) {
		want, err := vm.Export(e, args[0])
		if err != nil {
			return false, "", err
		}
		have, err := vm.Export(e, got)
		if err != nil {
			return false, "", err
		}
		found := list("", want, have)
		return len(found) == 0, showRef(e, args[0]) + ", got " + showRef(e, got) + lines(found), nil
	}
}

func contains(e vm.Engine, got, item vm.Ref, text string, equal func(want, got any) bool) (bool, string, error) {
	have, err := vm.Export(e, got)
	if err != nil {
		return false, "", err
	}
	want, err := vm.Export(e, item)
	if err != nil {
		return false, "", err
	}
	list, ok := asList(have)
	if !ok {
		return false, "", fmt.Errorf("expected a list or text, not %s", show(have))
	}
	for _, x := range list {
		if equal(want, x) {
			return true, text, nil
		}
	}
	return false, text, nil
}

func hasProperty(e vm.Engine, got vm.Ref, args []vm.Ref) (bool, string, error) {
	if !e.IsStr(args[0]) {
		return false, "", fmt.Errorf("to_have_property expects a path such as a.b")
	}
	path := e.Str(args[0])
	v := got
	for key := range strings.SplitSeq(path, ".") {
		if e.IsNil(v) || !e.IsObject(v) {
			v = e.Nil()
			break
		}
		v = e.FieldNamed(v, key)
	}
	if v == nil || e.IsNil(v) {
		return false, fmt.Sprintf("the property %s in %s", path, showRef(e, got)), nil
	}
	if args[1] == nil || e.IsNil(args[1]) {
		return true, fmt.Sprintf("the property %s in %s", path, showRef(e, got)), nil
	}
	ok, text, err := compare(differences)(e, v, args[1:])
	return ok, "the property " + path + " to be " + text, err
}

func isNothing(e vm.Engine, got vm.Ref, _ []vm.Ref) (bool, string, error) {
	return e.IsNil(got), "nothing, got " + showRef(e, got), nil
}

func truthy(e vm.Engine, v vm.Ref) bool {
	switch {
	case e.IsNil(v):
		return false
	case e.IsBool(v):
		return e.Bool(v)
	case e.Lang() == vm.Lua:
		return true
	case e.IsStr(v):
		return e.Str(v) != ""
	case e.IsNum(v):
		f := e.Float(v)
		return f != 0 && !math.IsNaN(f)
	}
	return true
}

func ordered(words string, holds func(a, b float64) bool) check {
	return func(e vm.Engine, got vm.Ref, args []vm.Ref) (bool, string, error) {
		if !e.IsNum(args[0]) {
			return false, "", fmt.Errorf("expected a number to compare with, not %s", showRef(e, args[0]))
		}
		text := fmt.Sprintf("a number %s %s, got %s", words, showRef(e, args[0]), showRef(e, got))
		return e.IsNum(got) && holds(e.Float(got), e.Float(args[0])), text, nil
	}
}

// matchText matches a text with another one that it must contain, or with a regular
// expression of JavaScript.
func matchText(e vm.Engine, text string, want vm.Ref) (bool, string, error) {
	if e.IsStr(want) {
		return strings.Contains(text, e.Str(want)), "that contains " + showRef(e, want), nil
	}
	r, isScript := e.(interface {
		MatchRegExp(x vm.Ref, text string) (matches, ok bool)
	})
	if isScript {
		if matches, ok := r.MatchRegExp(want, text); ok {
			return matches, "that matches " + e.(promises).Message(want), nil
		}
	}
	return false, "", fmt.Errorf("expected a text or a regular expression, not %s", showRef(e, want))
}
