package vm_test

import (
	"errors"
	"strings"
	"testing"

	"kumi/vm"
)

// A dry run of a body yields its arguments in order, with types and whether they are
// required, also those within objects.
func TestDescribe(t *testing.T) {
	t.Parallel()
	key, value, extra := vm.N("key"), vm.N("some_value"), vm.N("extra")
	table := []vm.Func[struct{}]{{Name: vm.N("f"), Body: func(_ struct{}, c *vm.Call) error {
		c.UUID("user_id")
		c.OptInt("limit", 10)
		if c.E.IsNil(c.Any("needed")) {
			c.Invalid("needed", "expected a value")
		}
		c.Any("free")
		vm.ListOf(c, "items", func(o vm.Obj) int {
			o.Str(&key)
			if o.OptMap(&value); !o.Has(&value) {
				o.Invalid(&value, "expected an object")
			}
			return int(o.OptInt(&extra, 0))
		})
		if err := c.Err(); err != nil {
			return err
		}
		panic("it acts")
	}}, {Name: vm.N("g"), Body: func(struct{}, *vm.Call) error { panic("it acts") }}}
	for _, lang := range []vm.Lang{vm.JS, vm.Lua} {
		lib := vm.Bind(lang, struct{}{}, table)
		params, err := vm.Describe(lib.Lookup("f"), lang)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, f := range append(params, params[len(params)-1].Type.List.Fields...) {
			name := f.Name.Snake
			if f.Optional {
				name += "?"
			}
			got = append(got, name)
		}
		if want := "user_id limit? needed free? items key some_value extra?"; strings.Join(got, " ") != want {
			t.Errorf("%s: %s, want %s", lang, got, want)
		}
		if _, err := vm.Describe(lib.Lookup("g"), lang); !errors.Is(err, vm.ErrNotReached) {
			t.Errorf("%s: a body that acts before it checks Err: %v", lang, err)
		}
	}
}
