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

// number reads a JSON number and writes it the way numeric prints it: the
// exponent applied, trailing zeros of the fraction kept, zero without a sign.
func (n *normalizer) number() error {
	start := n.pos
	digits := func() string {
		from := n.pos
		for n.pos < len(n.in) && n.in[n.pos] >= '0' && n.in[n.pos] <= '9' {
			n.pos++
		}
		return n.in[from:n.pos]
	}
	negative := n.peek() == '-'
	if negative {
		n.pos++
	}
	whole := digits()
	if whole == "" || len(whole) > 1 && whole[0] == '0' {
		return n.fail("malformed number")
	}
	var frac string
	if n.peek() == '.' {
		n.pos++
		if frac = digits(); frac == "" {
			return n.fail("malformed number")
		}
	}
	exp, plain := 0, n.pos
	if c := n.peek(); c == 'e' || c == 'E' {
		n.pos++
		sign := 1
		if c := n.peek(); c == '+' || c == '-' {
			if c == '-' {
				sign = -1
			}
			n.pos++
		}
		d := digits()
		if d == "" {
			return n.fail("malformed number")
		}
		e, err := strconv.Atoi(d)
		if err != nil || e > 1<<30 {
			return n.fail("number out of range")
		}
		exp = sign * e
	}

	zero := strings.Trim(whole, "0") == "" && strings.Trim(frac, "0") == ""
	if exp == 0 && !zero && len(whole) <= maxIntDigits && len(frac) <= maxFracDigits {
		n.out = append(n.out, n.in[start:plain]...) // without an exponent of zero
		return nil
	}
	scale := max(0, len(frac)-exp)
	if scale > maxFracDigits {
		return n.fail("number out of range")
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
		return nil
	}
	all := whole + frac
	point := len(whole) + exp // where the point falls in all
	if lead := len(all) - len(strings.TrimLeft(all, "0")); point-lead > maxIntDigits {
		return n.fail("number out of range")
	}
	n.shifted(all, point, scale)
	return nil
}

// shifted writes digits with the decimal point before digits[point], which may
// lie outside of them on either side, and scale digits after it.
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
