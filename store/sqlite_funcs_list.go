package store

import (
	"database/sql/driver"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/gofrs/uuid/v5"
)

// Lists, PostgreSQL's arrays, are stored as JSON lists.

// maxSeries is the maximum number of rows that generate_series returns.
const maxSeries = 1_000_000

// listOf parses a list: JSON, or PostgreSQL's '{a,"b c",NULL}'.
func listOf(v driver.Value) ([]any, error) {
	s := strings.TrimSpace(text(v))
	if strings.HasPrefix(s, "[") {
		x, err := decodeJSON(s)
		items, ok := x.([]any)
		if err != nil || !ok {
			return nil, badInput("array", v)
		}
		return items, nil
	}
	if !strings.HasPrefix(s, "{") || !strings.HasSuffix(s, "}") {
		return nil, fmt.Errorf("malformed array literal: %q", s)
	}
	items := []any{}
	body := s[1 : len(s)-1]
	for body != "" {
		var item strings.Builder
		quoted := false
		i := 0
		for ; i < len(body) && body[i] != ','; i++ {
			switch body[i] {
			case '"':
				quoted = true
				for i++; i < len(body) && body[i] != '"'; i++ {
					if body[i] == '\\' && i+1 < len(body) {
						i++
					}
					item.WriteByte(body[i])
				}
			case '{', '}':
				return nil, fmt.Errorf("lists of lists are not available on the embedded database; use jsonb")
			case '\\':
				i++
				if i < len(body) {
					item.WriteByte(body[i])
				}
			default:
				item.WriteByte(body[i])
			}
		}
		x := item.String()
		switch {
		case quoted:
			items = append(items, x)
		case strings.EqualFold(strings.TrimSpace(x), "null"):
			items = append(items, nil)
		default:
			items = append(items, strings.TrimSpace(x))
		}
		if i >= len(body) {
			break
		}
		body = body[i+1:]
		if body == "" {
			return nil, fmt.Errorf("malformed array literal: %q", s)
		}
	}
	return items, nil
}

func registerLists(r registry) {
	convert := func(name string, item func(x any) (any, error)) {
		r.strict(name, 1, func(a []driver.Value) (driver.Value, error) {
			items, err := listOf(a[0])
			if err != nil {
				return nil, err
			}
			for i, x := range items {
				if x == nil || item == nil {
					continue
				}
				if items[i], err = item(x); err != nil {
					return nil, err
				}
			}
			return encodeJSON(items)
		})
	}
	convert("pg_array", nil)
	convert("pg_array_uuid", func(x any) (any, error) {
		id, err := uuid.FromString(fmt.Sprint(x))
		if err != nil {
			return nil, badInput("uuid", fmt.Sprint(x))
		}
		return id.String(), nil
	})
	convert("pg_array_int", func(x any) (any, error) {
		if s, ok := x.(string); ok {
			n, err := strconv.ParseInt(s, 10, 64)
			if err != nil {
				return nil, badInput("integer", s)
			}
			return n, nil
		}
		return x, nil
	})
	convert("pg_array_time", func(x any) (any, error) {
		t, err := castTime(fmt.Sprint(x))
		if err != nil {
			return nil, err
		}
		return formatTime(t)
	})
	r.strict("pg_array_get", 2, func(a []driver.Value) (driver.Value, error) {
		items, err := listOf(a[0])
		if err != nil {
			return nil, err
		}
		n, err := wholeNumber(a[1])
		if err != nil || n < 1 || n > int64(len(items)) {
			return nil, err
		}
		return listValue(items[n-1])
	})
	r.strict("pg_array_length", 2, func(a []driver.Value) (driver.Value, error) {
		items, err := listOf(a[0])
		if err != nil || len(items) == 0 || a[1] != int64(1) {
			return nil, err
		}
		return int64(len(items)), nil
	})
	r.strict("pg_array_to_string", atLeast(2), func(a []driver.Value) (driver.Value, error) {
		items, err := listOf(a[0])
		if err != nil {
			return nil, err
		}
		var parts []string
		for _, x := range items {
			v, err := jsonText(x)
			if err != nil {
				return nil, err
			}
			if v != nil {
				parts = append(parts, text(v))
			} else if len(a) > 2 {
				parts = append(parts, text(a[2]))
			}
		}
		return strings.Join(parts, text(a[1])), nil
	})
	r.strict("pg_string_to_array", 2, func(a []driver.Value) (driver.Value, error) {
		if text(a[0]) == "" {
			return "[]", nil
		}
		return encodeJSON(strings.Split(text(a[0]), text(a[1])))
	})
	r.strict("pg_regexp_split", 2, func(a []driver.Value) (driver.Value, error) {
		re, err := pattern(text(a[1]), "")
		if err != nil {
			return nil, err
		}
		return encodeJSON(re.Split(text(a[0]), -1))
	})
	edit := func(name string, fn func(items []any, x any) ([]any, error)) {
		r.strict(name, 2, func(a []driver.Value) (driver.Value, error) {
			items, err := listOf(a[0])
			if err != nil {
				return nil, err
			}
			s, err := asJSON(a[1])
			if err != nil {
				return nil, err
			}
			x, err := decodeJSON(s)
			if err != nil {
				return nil, err
			}
			if items, err = fn(items, x); err != nil {
				return nil, err
			}
			return encodeJSON(items)
		})
	}
	edit("pg_array_append", func(items []any, x any) ([]any, error) { return append(items, x), nil })
	edit("pg_array_remove", func(items []any, x any) ([]any, error) {
		return slices.DeleteFunc(items, func(y any) bool { return jsonEqual(x, y) }), nil
	})
	r.strict("pg_array_position", 2, func(a []driver.Value) (driver.Value, error) {
		items, err := listOf(a[0])
		if err != nil {
			return nil, err
		}
		for i, x := range items {
			v, err := jsonText(x)
			if err != nil {
				return nil, err
			}
			if v != nil && text(v) == castText(a[1]) {
				return int64(i + 1), nil
			}
		}
		return nil, nil
	})
	r.strict("pg_array_concat", 2, func(a []driver.Value) (driver.Value, error) {
		out := []any{}
		for _, v := range a {
			if s := strings.TrimSpace(text(v)); !strings.HasPrefix(s, "[") && !strings.HasPrefix(s, "{") {
				s, err := asJSON(v)
				if err != nil {
					return nil, err
				}
				x, err := decodeJSON(s)
				if err != nil {
					return nil, err
				}
				out = append(out, x)
				continue
			}
			items, err := listOf(v)
			if err != nil {
				return nil, err
			}
			out = append(out, items...)
		}
		return encodeJSON(out)
	})
	r.strict("pg_array_overlaps", 2, func(a []driver.Value) (driver.Value, error) {
		x, err := listOf(a[0])
		if err != nil {
			return nil, err
		}
		y, err := listOf(a[1])
		if err != nil {
			return nil, err
		}
		return fromBool(slices.ContainsFunc(x, func(v any) bool {
			return slices.ContainsFunc(y, func(w any) bool { return jsonEqual(v, w) })
		})), nil
	})
	r.strict("pg_series", atLeast(2), func(a []driver.Value) (driver.Value, error) { return series(a) })
}

func listValue(x any) (driver.Value, error) {
	switch x := x.(type) {
	case nil:
		return nil, nil
	case bool:
		return fromBool(x), nil
	case json.Number:
		if n, err := x.Int64(); err == nil {
			return n, nil
		}
		return x.Float64()
	case string:
		return x, nil
	}
	return encodeJSON(x)
}

// series returns the rows of generate_series, as a list.
func series(a []driver.Value) (driver.Value, error) {
	errTooMany := fmt.Errorf("generate_series returns at most %d rows on the embedded database", maxSeries)
	if len(a) < 2 {
		return nil, fmt.Errorf("generate_series expects a start and an end")
	}
	var out []any
	if _, isText := a[0].(string); isText && len(a) == 3 {
		t, err := castTime(a[0])
		if err != nil {
			return nil, err
		}
		end, err := castTime(a[1])
		if err != nil {
			return nil, err
		}
		step, err := parseInterval(text(a[2]))
		if err != nil {
			return nil, err
		}
		if step.order() == 0 {
			return nil, fmt.Errorf("step size cannot equal zero")
		}
		for up := step.order() > 0; up && !t.After(end) || !up && !t.Before(end); t = step.addTo(t) {
			s, err := formatTime(t)
			if err != nil {
				return nil, err
			}
			if out = append(out, s); len(out) > maxSeries {
				return nil, errTooMany
			}
		}
		return encodeJSON(slices.Concat([]any{}, out))
	}
	step := 1.0
	first, err := castFloat(a[0], "integer")
	if err != nil {
		return nil, err
	}
	last, err := castFloat(a[1], "integer")
	if err != nil {
		return nil, err
	}
	if len(a) > 2 {
		if step, err = castFloat(a[2], "integer"); err != nil {
			return nil, err
		}
	}
	if step == 0 {
		return nil, fmt.Errorf("step size cannot equal zero")
	}
	var b strings.Builder
	b.WriteByte('[')
	for i, x := 0, first; step > 0 && x <= last || step < 0 && x >= last; i++ {
		if i >= maxSeries {
			return nil, errTooMany
		}
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(castText(x))
		x = first + float64(i+1)*step
	}
	b.WriteByte(']')
	return b.String(), nil
}

// listLiteral formats a list as PostgreSQL shows an array.
func listLiteral(items []any) string {
	var b strings.Builder
	b.WriteByte('{')
	for i, x := range items {
		if i > 0 {
			b.WriteByte(',')
		}
		switch x := x.(type) {
		case nil:
			b.WriteString("NULL")
		case bool:
			b.WriteString(map[bool]string{true: "t", false: "f"}[x])
		case json.Number:
			b.WriteString(x.String())
		default:
			v, _ := jsonText(x)
			s := text(v)
			if s == "" || strings.EqualFold(s, "null") || strings.ContainsAny(s, "{},\"\\ \t\n") {
				s = `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
			}
			b.WriteString(s)
		}
	}
	b.WriteByte('}')
	return b.String()
}
