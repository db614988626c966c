package store

import (
	"database/sql/driver"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"unicode"

	"kumi/internal/random"
)

// maxText is the maximum size of a text that functions make by repeating or padding,
// in bytes.
const maxText = 16 << 20

func registerText(r registry) {
	str := func(name string, args int32, fn func(a []driver.Value) (string, error)) {
		r.strict(name, args, func(a []driver.Value) (driver.Value, error) {
			s, err := fn(a)
			if err != nil {
				return nil, err
			}
			return s, nil
		})
	}
	str("pg_upper", 1, func(a []driver.Value) (string, error) { return strings.ToUpper(castText(a[0])), nil })
	str("pg_initcap", 1, func(a []driver.Value) (string, error) {
		prev := ' '
		return strings.Map(func(c rune) rune {
			first := !unicode.IsLetter(prev) && !unicode.IsDigit(prev)
			prev = c
			if first {
				return unicode.ToUpper(c)
			}
			return unicode.ToLower(c)
		}, castText(a[0])), nil
	})
	str("pg_reverse", 1, func(a []driver.Value) (string, error) {
		runes := []rune(castText(a[0]))
		for i, j := 0, len(runes)-1; i < j; i, j = i+1, j-1 {
			runes[i], runes[j] = runes[j], runes[i]
		}
		return string(runes), nil
	})
	str("pg_substr", atLeast(2), func(a []driver.Value) (string, error) {
		runes := []rune(castText(a[0]))
		from, err := wholeNumber(a[1])
		if err != nil {
			return "", err
		}
		end := int64(len(runes)) + 1
		if len(a) > 2 {
			n, err := wholeNumber(a[2])
			if err != nil {
				return "", err
			}
			if n < 0 {
				return "", fmt.Errorf("negative substring length not allowed")
			}
			end = min(end, from+n)
		}
		from = max(from, 1)
		if from >= end {
			return "", nil
		}
		return string(runes[from-1 : end-1]), nil
	})
	str("pg_left", 2, func(a []driver.Value) (string, error) {
		runes := []rune(castText(a[0]))
		n, err := wholeNumber(a[1])
		if n < 0 {
			n = max(0, int64(len(runes))+n)
		}
		return string(runes[:min(n, int64(len(runes)))]), err
	})
	str("pg_right", 2, func(a []driver.Value) (string, error) {
		runes := []rune(castText(a[0]))
		n, err := wholeNumber(a[1])
		if n < 0 {
			n = max(0, int64(len(runes))+n)
		}
		return string(runes[int64(len(runes))-min(n, int64(len(runes))):]), err
	})
	pad := func(left bool) func(a []driver.Value) (string, error) {
		return func(a []driver.Value) (string, error) {
			runes, fill := []rune(castText(a[0])), []rune(" ")
			if len(a) > 2 {
				fill = []rune(castText(a[2]))
			}
			n, err := wholeNumber(a[1])
			if err != nil {
				return "", err
			}
			if n > maxText {
				return "", fmt.Errorf("requested length too large")
			}
			if n <= int64(len(runes)) {
				return string(runes[:max(n, 0)]), nil
			}
			if len(fill) == 0 {
				return string(runes), nil
			}
			extra := make([]rune, n-int64(len(runes)))
			for i := range extra {
				extra[i] = fill[i%len(fill)]
			}
			if left {
				return string(extra) + string(runes), nil
			}
			return string(runes) + string(extra), nil
		}
	}
	str("pg_lpad", atLeast(2), pad(true))
	str("pg_rpad", atLeast(2), pad(false))
	str("pg_repeat", 2, func(a []driver.Value) (string, error) {
		s := castText(a[0])
		n, err := wholeNumber(a[1])
		if err == nil && n > 0 && int64(len(s)) > maxText/n {
			err = fmt.Errorf("requested length too large")
		}
		if err != nil {
			return "", err
		}
		return strings.Repeat(s, int(max(n, 0))), nil
	})
	str("pg_split_part", 3, func(a []driver.Value) (string, error) {
		parts := strings.Split(castText(a[0]), castText(a[1]))
		if castText(a[1]) == "" {
			parts = []string{castText(a[0])}
		}
		n, err := wholeNumber(a[2])
		switch {
		case err != nil:
			return "", err
		case n == 0:
			return "", fmt.Errorf("field position must not be zero")
		case n < 0:
			n += int64(len(parts)) + 1
		}
		if n < 1 || n > int64(len(parts)) {
			return "", nil
		}
		return parts[n-1], nil
	})
	str("pg_translate", 3, func(a []driver.Value) (string, error) {
		from, to := []rune(castText(a[1])), []rune(castText(a[2]))
		return strings.Map(func(c rune) rune {
			for i, f := range from {
				if f == c {
					if i < len(to) {
						return to[i]
					}
					return -1
				}
			}
			return c
		}, castText(a[0])), nil
	})
	str("pg_to_hex", 1, func(a []driver.Value) (string, error) {
		n, err := wholeNumber(a[0])
		return strconv.FormatUint(uint64(n), 16), err
	})
	str("pg_encode", 2, func(a []driver.Value) (string, error) {
		b := []byte(text(a[0]))
		switch strings.ToLower(text(a[1])) {
		case "hex":
			return hex.EncodeToString(b), nil
		case "base64":
			return base64.StdEncoding.EncodeToString(b), nil
		}
		return "", fmt.Errorf("unrecognized encoding: %q", text(a[1]))
	})
	r.strict("pg_decode", 2, func(a []driver.Value) (driver.Value, error) {
		switch strings.ToLower(text(a[1])) {
		case "hex":
			return hex.DecodeString(text(a[0]))
		case "base64":
			return base64.StdEncoding.DecodeString(text(a[0]))
		}
		return nil, fmt.Errorf("unrecognized encoding: %q", text(a[1]))
	})
	r.strict("pg_starts_with", 2, func(a []driver.Value) (driver.Value, error) {
		return fromBool(strings.HasPrefix(castText(a[0]), castText(a[1]))), nil
	})
	registerPatterns(r, str)
	registerNumbers(r)
}

func registerPatterns(r registry, str func(string, int32, func([]driver.Value) (string, error))) {
	r.strict("pg_regexp", atLeast(2), func(a []driver.Value) (driver.Value, error) {
		flags := ""
		if len(a) > 2 {
			flags = text(a[2])
		}
		re, err := pattern(text(a[1]), flags)
		if err != nil {
			return nil, err
		}
		return fromBool(re.MatchString(castText(a[0]))), nil
	})
	r.strict("pg_regexp_substr", 2, func(a []driver.Value) (driver.Value, error) {
		re, err := pattern(text(a[1]), "")
		if err != nil {
			return nil, err
		}
		m := re.FindStringSubmatch(castText(a[0]))
		switch len(m) {
		case 0:
			return nil, nil
		case 1:
			return m[0], nil
		}
		return m[1], nil
	})
	str("pg_regexp_replace", atLeast(3), func(a []driver.Value) (string, error) {
		flags := ""
		if len(a) > 3 {
			flags = text(a[3])
		}
		re, err := pattern(text(a[1]), strings.ReplaceAll(flags, "g", ""))
		if err != nil {
			return "", err
		}
		s, to := castText(a[0]), groupReference.ReplaceAllString(strings.ReplaceAll(text(a[2]), "$", "$$"), "$${$1}")
		if strings.Contains(flags, "g") {
			return re.ReplaceAllString(s, to), nil
		}
		loc := re.FindStringSubmatchIndex(s)
		if loc == nil {
			return s, nil
		}
		return s[:loc[0]] + string(re.ExpandString(nil, to, s, loc)) + s[loc[1]:], nil
	})
}

var groupReference = regexp.MustCompile(`\\(\d)`)

// patterns caches compiled regular expressions, at most maxPatterns.
var (
	patterns    sync.Map
	patternsLen int
	patternsMu  sync.Mutex
)

const maxPatterns = 256

func pattern(s, flags string) (*regexp.Regexp, error) {
	mode := "(?s"
	for _, f := range flags {
		switch f {
		case 'i':
			mode += "i"
		case 'n', 'm':
			mode = strings.ReplaceAll(mode, "s", "") + "m"
		case 'c':
		default:
			return nil, fmt.Errorf("invalid regular expression option: %q", string(f))
		}
	}
	key := mode + ")" + s
	if re, ok := patterns.Load(key); ok {
		return re.(*regexp.Regexp), nil
	}
	re, err := regexp.Compile(key)
	if err != nil {
		return nil, fmt.Errorf("invalid regular expression %q", s)
	}
	patternsMu.Lock()
	defer patternsMu.Unlock()
	if patternsLen >= maxPatterns {
		patterns.Clear()
		patternsLen = 0
	}
	patterns.Store(key, re)
	patternsLen++
	return re, nil
}

func registerNumbers(r registry) {
	r.MustRegisterScalarFunction("pg_random", 0, nothing(func() driver.Value { return random.Float64() }))
	r.strict("pg_trunc", atLeast(1), func(a []driver.Value) (driver.Value, error) {
		f, err := castFloat(a[0], "numeric")
		if err != nil || len(a) == 1 {
			return math.Trunc(f), err
		}
		n, err := wholeNumber(a[1])
		p := math.Pow(10, float64(n))
		return math.Trunc(f*p) / p, err
	})
	r.strict("pg_xor", 2, func(a []driver.Value) (driver.Value, error) {
		x, err := wholeNumber(a[0])
		if err != nil {
			return nil, err
		}
		y, err := wholeNumber(a[1])
		return x ^ y, err
	})
	divide := func(name string, ints func(x, y int64) driver.Value, floats func(x, y float64) driver.Value) {
		r.strict(name, 2, func(a []driver.Value) (driver.Value, error) {
			x, isInt := a[0].(int64)
			y, isInt2 := a[1].(int64)
			if isInt && isInt2 {
				switch y {
				case 0:
					return nil, errDivision
				case -1:
					return ints(x, -1), nil
				}
				return ints(x, y), nil
			}
			f, err := castFloat(a[0], "numeric")
			if err != nil {
				return nil, err
			}
			g, err := castFloat(a[1], "numeric")
			if err == nil && g == 0 {
				err = errDivision
			}
			return floats(f, g), err
		})
	}
	divide("pg_divide", func(x, y int64) driver.Value { return x / y }, func(x, y float64) driver.Value { return x / y })
	divide("pg_div", func(x, y int64) driver.Value { return x / y }, func(x, y float64) driver.Value { return math.Trunc(x / y) })
	divide("pg_mod", func(x, y int64) driver.Value { return x % y }, func(x, y float64) driver.Value { return math.Mod(x, y) })
}

var errDivision = fmt.Errorf("division by zero")

func wholeNumber(v driver.Value) (int64, error) {
	n, err := castInt(v, "integer", math.MinInt64, math.MaxInt64)
	if err != nil {
		return 0, err
	}
	return n.(int64), nil
}
