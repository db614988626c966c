package js_test

import (
	"context"
	"strings"
	"testing"

	"kumi/vm/js"
)

// Operators are compiled as calls only if both operands may be a BigInt. The stack of
// an error made while the operator runs shows which.
func TestOperatorsThatAreChecked(t *testing.T) {
	t.Parallel()
	for checked, expressions := range map[bool][]string{
		true: {`x << y`, `x >> y`, `x ** y`, `x <<= y`, `x << (y - y)`, `x << f()`, `x << -y`, `x << (y ? 1 : y)`, `x << (y || 1)`, `(1, x) << y`, "x << tag`1`"},
		false: {`x << 5`, `x >> 5`, `x ** 2`, `x <<= 3`, `2 ** x`, `x >>> y`, `(x | 0) << y`, `x << (y & 31)`, `x << (32 - y)`, `x << +y`, `x << (y >>> 0)`, `x << -1`, `x << ~1`,
			`x << (y ? 1 : 2)`, `x << (y < 1)`, `x << !y`, `x << "1"`, `x << ((y << 1) % 8)`, `x + y`},
	} {
		for _, e := range expressions {
			got, err := eval(t, `
				let stack, y = 1; const f = () => 1, tag = () => 1, BigInt = 0;
				let x = { valueOf() { stack = new Error().stack; return 1 } };
				`+e+`;
				return stack`, js.Options{})
			if err != nil || strings.Contains(got, "valueOf") && strings.Contains(got, "(operators:") != checked || !strings.Contains(got, "valueOf") {
				t.Errorf("%s: checked is not %t: %s %v", e, checked, got, err)
			}
		}
	}
}

// BenchmarkHash runs hash functions in a program without BigInt ("plain") and in one
// that uses it ("bigint"). FNV takes the same time in both; the rotation by a variable
// number of bits is a call in the second.
func BenchmarkHash(b *testing.B) {
	const hashes = `
		function fnv() { let h = 2166136261; for (let i = 0; i < 1000; i++) { h ^= i & 255; h += (h << 1) + (h << 4) + (h << 7) + (h << 8) + (h << 24) } return h >>> 0 }
		function rotate() { let h = 1; for (let i = 0; i < 1000; i++) { const n = i & 31; h = (h << n) | (h >>> (32 - n)) } return h }`
	for name, source := range map[string]string{"plain": hashes, "bigint": hashes + `
		const big = 10n;`} {
		v := load(b, source, js.Options{})
		for _, fn := range []string{"fnv", "rotate"} {
			b.Run(fn+"/"+name, func(b *testing.B) {
				for b.Loop() {
					if _, err := v.Invoke(context.Background(), v.Global(fn)); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
