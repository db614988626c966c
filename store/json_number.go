package store

import (
	"strconv"
	"strings"
)

// PostgreSQL's numeric type holds this many digits before and after the point.
const (
	maxIntDigits  = 131072
	maxFracDigits = 16383
)

// number writes a JSON number as PostgreSQL prints a numeric: without exponent, with
// the trailing zeros of the fraction, zero without a sign.
func (n *normalizer) number(text string) {
	digits, negative := strings.CutPrefix(text, "-")
	exp := 0
	if i := strings.IndexAny(digits, "eE"); i >= 0 {
		e, err := strconv.Atoi(digits[i+1:])
		if err != nil || e > 1<<30 || e < -1<<30 {
			n.Fail("number out of range")
			return
		}
		exp, digits = e, digits[:i]
	}
	whole, frac, _ := strings.Cut(digits, ".")

	zero := strings.Trim(whole, "0") == "" && strings.Trim(frac, "0") == ""
	if exp == 0 && !zero && len(whole) <= maxIntDigits && len(frac) <= maxFracDigits {
		if negative {
			n.out = append(n.out, '-')
		}
		n.out = append(n.out, digits...)
		return
	}
	scale := max(0, len(frac)-exp)
	if scale > maxFracDigits {
		n.Fail("number out of range")
		return
	}
	if negative && !zero {
		n.out = append(n.out, '-')
	}
	if zero {
		n.out = append(n.out, '0')
		if scale > 0 {
			n.out = append(n.out, '.')
			n.zeros(scale)
		}
		return
	}
	all := whole + frac
	point := len(whole) + exp // position of the point in all digits
	if lead := len(all) - len(strings.TrimLeft(all, "0")); point-lead > maxIntDigits {
		n.Fail("number out of range")
		return
	}
	n.shifted(all, point, scale)
}

// shifted writes digits with the decimal point before digits[point], which may be
// outside of them on either side, and scale digits after it.
func (n *normalizer) shifted(digits string, point, scale int) {
	whole := ""
	if point > 0 {
		whole = strings.TrimLeft(digits[:min(point, len(digits))], "0")
	}
	switch {
	case whole == "":
		n.out = append(n.out, '0')
	default:
		n.out = append(n.out, whole...)
		n.zeros(max(0, point-len(digits)))
	}
	if scale == 0 {
		return
	}
	n.out = append(n.out, '.')
	lead := min(scale, max(0, -point))
	n.zeros(lead)
	rest := ""
	if point < len(digits) {
		rest = digits[max(0, point):]
	}
	n.out = append(n.out, rest...)
	n.zeros(scale - lead - len(rest))
}

func (n *normalizer) zeros(count int) {
	for range count {
		n.out = append(n.out, '0')
	}
}
