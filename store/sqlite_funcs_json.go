package store

import (
	"bytes"
	"database/sql/driver"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"modernc.org/sqlite"

	kumijson "kumi/internal/json"
)

// jsonMark precedes JSON text in the arguments of functions that build JSON, in which
// other text is a string.
const jsonMark = "\x01\x02json:"

func decodeJSON(s string) (any, error) {
	d := json.NewDecoder(strings.NewReader(s))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil || d.More() {
		return nil, badInput("json", s)
	}
	return v, nil
}

func encodeJSON(v any) (driver.Value, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return NormalizeJSON(b.String())
}

// asJSON converts an argument of a function that builds JSON to JSON text.
func asJSON(v driver.Value) (string, error) {
	switch v := v.(type) {
	case nil:
		return "null", nil
	case int64:
		return strconv.FormatInt(v, 10), nil
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return quoteJSON(castText(v)), nil
		}
		return castText(v), nil
	}
	s := text(v)
	if marked, ok := strings.CutPrefix(s, jsonMark); ok {
		return marked, nil
	}
	return quoteJSON(s), nil
}

func quoteJSON(s string) string {
	b, _ := kumijson.AppendString(make([]byte, 0, len(s)+2), s)
	return string(b)
}

// jsonText returns the result of ->>.
func jsonText(v any) (driver.Value, error) {
	switch v := v.(type) {
	case nil:
		return nil, nil
	case string:
		return v, nil
	case bool:
		return strconv.FormatBool(v), nil
	case json.Number:
		return NormalizeJSON(v.String())
	}
	return encodeJSON(v)
}

// jsonStep looks up one member or element; ok is false if there is none.
func jsonStep(v any, key driver.Value) (any, bool) {
	switch v := v.(type) {
	case map[string]any:
		if _, number := key.(int64); number {
			return nil, false
		}
		x, ok := v[text(key)]
		return x, ok
	case []any:
		i, ok := listIndex(key, len(v))
		if !ok {
			return nil, false
		}
		return v[i], true
	}
	return nil, false
}

func first(keys []driver.Value) (int64, bool) {
	if len(keys) == 0 {
		return 0, false
	}
	i, ok := keys[0].(int64)
	return i, ok
}

func isScalar(v any) bool {
	switch v.(type) {
	case map[string]any, []any:
		return false
	}
	return true
}

// listIndex parses the index of an element; negative ones count from the end.
func listIndex(key driver.Value, length int) (int, bool) {
	i, err := strconv.Atoi(text(key))
	if err != nil {
		return 0, false
	}
	if i < 0 {
		i += length
	}
	return i, i >= 0 && i < length
}

// path parses a list of keys: '{a,b,0}' or a JSON list.
func path(v driver.Value) ([]driver.Value, error) {
	items, err := listOf(v)
	if err != nil {
		return nil, err
	}
	out := make([]driver.Value, len(items))
	for i, x := range items {
		if out[i], err = jsonText(x); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func walk(v any, keys []driver.Value) (any, bool) {
	for _, k := range keys {
		var ok bool
		if v, ok = jsonStep(v, k); !ok {
			return nil, false
		}
	}
	return v, true
}

func registerJSON(r registry) {
	// lookup finds a part of a[0] and shows it as JSON or as text.
	lookup := func(name string, args int32, asText bool, keys func(a []driver.Value) ([]driver.Value, error)) {
		r.strict(name, args, func(a []driver.Value) (driver.Value, error) {
			v, err := decodeJSON(text(a[0]))
			if err != nil {
				return nil, err
			}
			k, err := keys(a)
			if err != nil {
				return nil, err
			}
			part, ok := walk(v, k)
			if i, number := first(k); number && len(k) == 1 && (i == 0 || i == -1) && isScalar(v) {
				part, ok = v, true // as on PostgreSQL, which treats a scalar as a list of one
			}
			switch {
			case !ok:
				return nil, nil
			case asText:
				return jsonText(part)
			}
			return encodeJSON(part)
		})
	}
	one := func(a []driver.Value) ([]driver.Value, error) { return a[1:2], nil }
	list := func(a []driver.Value) ([]driver.Value, error) { return path(a[1]) }
	all := func(a []driver.Value) ([]driver.Value, error) { return a[1:], nil }
	lookup("pg_json_get", 2, false, one)
	lookup("pg_json_text", 2, true, one)
	lookup("pg_json_path", 2, false, list)
	lookup("pg_json_path_text", 2, true, list)
	lookup("pg_json_extract", atLeast(1), false, all)
	lookup("pg_json_extract_text", atLeast(1), true, all)

	r.strict("pg_contains", 2, func(a []driver.Value) (driver.Value, error) {
		x, err := decodeAny(a[0])
		if err != nil {
			return nil, err
		}
		y, err := decodeAny(a[1])
		if err != nil {
			return nil, err
		}
		return fromBool(jsonContains(x, y, true)), nil
	})
	r.strict("pg_jsonb_exists", 2, func(a []driver.Value) (driver.Value, error) { return jsonExists(a[0], a[1:2], false) })
	r.strict("pg_jsonb_exists_any", 2, func(a []driver.Value) (driver.Value, error) {
		keys, err := path(a[1])
		if err != nil {
			return nil, err
		}
		return jsonExists(a[0], keys, false)
	})
	r.strict("pg_jsonb_exists_all", 2, func(a []driver.Value) (driver.Value, error) {
		keys, err := path(a[1])
		if err != nil {
			return nil, err
		}
		return jsonExists(a[0], keys, true)
	})
	r.strict("pg_json_typeof", 1, func(a []driver.Value) (driver.Value, error) {
		v, err := decodeJSON(text(a[0]))
		switch v.(type) {
		case nil:
			return "null", err
		case map[string]any:
			return "object", nil
		case []any:
			return "array", nil
		case string:
			return "string", nil
		case bool:
			return "boolean", nil
		}
		return "number", nil
	})
	r.strict("pg_jsonb_strip_nulls", 1, func(a []driver.Value) (driver.Value, error) {
		v, err := decodeJSON(text(a[0]))
		if err != nil {
			return nil, err
		}
		return encodeJSON(stripNulls(v))
	})
	registerJSONChanges(r)
	registerJSONBuilders(r)
}

func stripNulls(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k, x := range v {
			if x == nil {
				delete(v, k)
				continue
			}
			v[k] = stripNulls(x)
		}
	case []any:
		for i, x := range v {
			v[i] = stripNulls(x)
		}
	}
	return v
}

// decodeAny parses JSON, or a list in PostgreSQL's form.
func decodeAny(v driver.Value) (any, error) {
	s := text(v)
	x, err := decodeJSON(s)
	if err != nil && strings.HasPrefix(s, "{") {
		if items, err := listOf(v); err == nil {
			return items, nil
		}
	}
	return x, err
}

// jsonContains is PostgreSQL's a @> b.
func jsonContains(a, b any, top bool) bool {
	switch b := b.(type) {
	case map[string]any:
		m, ok := a.(map[string]any)
		if !ok {
			return false
		}
		for k, y := range b {
			x, ok := m[k]
			if !ok || !jsonContains(x, y, false) {
				return false
			}
		}
		return true
	case []any:
		l, ok := a.([]any)
		if !ok {
			return false
		}
		for _, y := range b {
			if !slices.ContainsFunc(l, func(x any) bool { return jsonContains(x, y, false) }) {
				return false
			}
		}
		return true
	}
	if l, ok := a.([]any); ok && top { // a list contains a value that is one of its elements
		return slices.ContainsFunc(l, func(x any) bool { return jsonEqual(x, b) })
	}
	return jsonEqual(a, b)
}

func jsonEqual(a, b any) bool {
	x, ok := a.(json.Number)
	y, ok2 := b.(json.Number)
	if ok && ok2 {
		s, err := NormalizeJSON(x.String())
		t, err2 := NormalizeJSON(y.String())
		if s == t || err != nil || err2 != nil {
			return s == t
		}
		f, _ := x.Float64()
		g, _ := y.Float64()
		return f == g
	}
	switch a.(type) {
	case map[string]any, []any:
		return jsonContains(a, b, false) && jsonContains(b, a, false)
	}
	switch b.(type) {
	case map[string]any, []any:
		return false
	}
	return a == b
}

func jsonExists(doc driver.Value, keys []driver.Value, all bool) (driver.Value, error) {
	v, err := decodeJSON(text(doc))
	if err != nil {
		return nil, err
	}
	for _, k := range keys {
		found := false
		switch v := v.(type) {
		case map[string]any:
			_, found = v[text(k)]
		case []any:
			found = slices.ContainsFunc(v, func(x any) bool { return x == text(k) })
		case string:
			found = v == text(k)
		}
		if found != all {
			return fromBool(found), nil
		}
	}
	return fromBool(all), nil
}

func registerJSONChanges(r registry) {
	change := func(name string, insert bool) {
		r.strict(name, atLeast(3), func(a []driver.Value) (driver.Value, error) {
			doc, err := decodeJSON(text(a[0]))
			if err != nil {
				return nil, err
			}
			keys, err := path(a[1])
			if err != nil {
				return nil, err
			}
			value, err := decodeJSON(castText(a[2]))
			if err != nil {
				return nil, err
			}
			flag := !insert // jsonb_set's create_if_missing, jsonb_insert's insert_after
			if len(a) > 3 {
				b, err := castBool(a[3])
				if err != nil {
					return nil, err
				}
				flag = b == int64(1)
			}
			doc, err = setPath(doc, keys, value, insert, flag)
			if err != nil {
				return nil, err
			}
			return encodeJSON(doc)
		})
	}
	change("pg_jsonb_set", false)
	change("pg_jsonb_insert", true)
	r.strict("pg_jsonb_delete", 2, func(a []driver.Value) (driver.Value, error) {
		doc, err := decodeJSON(text(a[0]))
		if err != nil {
			return nil, err
		}
		keys := []driver.Value{a[1]}
		if s, ok := a[1].(string); ok && (strings.HasPrefix(s, "[") || strings.HasPrefix(s, "{")) {
			if keys, err = path(a[1]); err != nil {
				return nil, err
			}
		}
		for _, k := range keys {
			doc = deleteKey(doc, k)
		}
		return encodeJSON(doc)
	})
	r.strict("pg_jsonb_delete_path", 2, func(a []driver.Value) (driver.Value, error) {
		doc, err := decodeJSON(text(a[0]))
		if err != nil {
			return nil, err
		}
		keys, err := path(a[1])
		if err != nil || len(keys) == 0 {
			return a[0], err
		}
		return encodeJSON(deletePath(doc, keys))
	})
}

// setPath implements jsonb_set, or jsonb_insert if insert is true.
func setPath(doc any, keys []driver.Value, value any, insert, flag bool) (any, error) {
	if len(keys) == 0 {
		return doc, nil
	}
	last := len(keys) == 1
	switch v := doc.(type) {
	case map[string]any:
		key := text(keys[0])
		old, ok := v[key]
		switch {
		case last && insert && ok:
			return nil, fmt.Errorf("cannot replace existing key")
		case last && (insert || ok || flag):
			v[key] = value
		case !last && ok:
			x, err := setPath(old, keys[1:], value, insert, flag)
			if err != nil {
				return nil, err
			}
			v[key] = x
		}
		return v, nil
	case []any:
		i, ok := listIndex(keys[0], len(v))
		if _, err := strconv.Atoi(text(keys[0])); err != nil {
			return nil, fmt.Errorf("path element is not an integer: %q", text(keys[0]))
		}
		switch {
		case last && insert:
			if !ok {
				i = min(max(i, 0), len(v))
			} else if flag {
				i++
			}
			return slices.Insert(v, i, value), nil
		case last && ok:
			v[i] = value
		case last && flag:
			if i < 0 {
				return slices.Insert(v, 0, value), nil
			}
			return append(v, value), nil
		case !last && ok:
			x, err := setPath(v[i], keys[1:], value, insert, flag)
			if err != nil {
				return nil, err
			}
			v[i] = x
		}
		return v, nil
	}
	return doc, nil
}

func deleteKey(doc any, key driver.Value) any {
	switch v := doc.(type) {
	case map[string]any:
		delete(v, text(key))
	case []any:
		if _, number := key.(int64); number {
			if i, ok := listIndex(key, len(v)); ok {
				return slices.Delete(v, i, i+1)
			}
			return v
		}
		return slices.DeleteFunc(v, func(x any) bool { return x == text(key) })
	}
	return doc
}

func deletePath(doc any, keys []driver.Value) any {
	if len(keys) == 1 {
		if l, ok := doc.([]any); ok {
			if i, ok := listIndex(keys[0], len(l)); ok {
				return slices.Delete(l, i, i+1)
			}
			return doc
		}
		return deleteKey(doc, keys[0])
	}
	switch v := doc.(type) {
	case map[string]any:
		if x, ok := v[text(keys[0])]; ok {
			v[text(keys[0])] = deletePath(x, keys[1:])
		}
	case []any:
		if i, ok := listIndex(keys[0], len(v)); ok {
			v[i] = deletePath(v[i], keys[1:])
		}
	}
	return doc
}

func registerJSONBuilders(r registry) {
	r.pure("pg_json_bool", 1, func(a []driver.Value) (driver.Value, error) {
		if a[0] == nil {
			return nil, nil
		}
		b, err := castBool(a[0])
		return jsonMark + strconv.FormatBool(b == int64(1)), err
	})
	r.strict("pg_json_value", 1, func(a []driver.Value) (driver.Value, error) { return jsonMark + castText(a[0]), nil })
	r.strict("pg_json_time", 1, func(a []driver.Value) (driver.Value, error) {
		t, err := castTime(a[0])
		return t.Format("2006-01-02T15:04:05.999999-07:00"), err
	})
	r.strict("pg_to_json", 1, func(a []driver.Value) (driver.Value, error) {
		s, err := asJSON(a[0])
		if err != nil {
			return nil, err
		}
		return NormalizeJSON(s)
	})
	r.pure("pg_json_array", -1, func(a []driver.Value) (driver.Value, error) { return jsonList(a) })
	r.pure("pg_json_object", -1, func(a []driver.Value) (driver.Value, error) { return jsonObject(a) })
	r.pure("pg_json_item", 2, func(a []driver.Value) (driver.Value, error) { return jsonItem(a[0], text(a[1])) })
	r.pure("pg_json_item_text", 2, func(a []driver.Value) (driver.Value, error) {
		switch typ := text(a[1]); {
		case a[0] == nil:
			return nil, nil
		case typ == "true" || typ == "false":
			return typ, nil
		}
		return castText(a[0]), nil
	})
	r.MustRegisterFunction("pg_json_agg", &sqlite.FunctionImpl{NArgs: 1, MakeAggregate: func(sqlite.FunctionContext) (sqlite.AggregateFunction, error) {
		return &jsonAggregate{build: jsonList}, nil
	}})
	r.MustRegisterFunction("pg_json_object_agg", &sqlite.FunctionImpl{NArgs: 2, MakeAggregate: func(sqlite.FunctionContext) (sqlite.AggregateFunction, error) {
		return &jsonAggregate{build: jsonObject}, nil
	}})
}

// jsonItem converts a value from json_each to JSON.
func jsonItem(v driver.Value, typ string) (driver.Value, error) {
	switch typ {
	case "null", "true", "false":
		return typ, nil
	case "text":
		return quoteJSON(text(v)), nil
	}
	return NormalizeJSON(castText(v))
}

func jsonList(items []driver.Value) (driver.Value, error) {
	parts := make([]string, len(items))
	for i, v := range items {
		s, err := asJSON(v)
		if err != nil {
			return nil, err
		}
		parts[i] = s
	}
	return NormalizeJSON("[" + strings.Join(parts, ",") + "]")
}

func jsonObject(items []driver.Value) (driver.Value, error) {
	if len(items)%2 != 0 {
		return nil, fmt.Errorf("argument list must have even number of elements")
	}
	parts := make([]string, 0, len(items)/2)
	for i := 0; i < len(items); i += 2 {
		if items[i] == nil {
			return nil, fmt.Errorf("null value not allowed for object key")
		}
		s, err := asJSON(items[i+1])
		if err != nil {
			return nil, err
		}
		parts = append(parts, quoteJSON(castText(items[i]))+":"+s)
	}
	return NormalizeJSON("{" + strings.Join(parts, ",") + "}")
}

// jsonAggregate collects the arguments of its rows.
type jsonAggregate struct {
	items []driver.Value
	width int
	build func([]driver.Value) (driver.Value, error)
}

func (g *jsonAggregate) Step(_ *sqlite.FunctionContext, args []driver.Value) error {
	g.width = len(args)
	g.items = append(g.items, args...)
	return nil
}

func (g *jsonAggregate) WindowInverse(*sqlite.FunctionContext, []driver.Value) error {
	g.items = g.items[min(g.width, len(g.items)):]
	return nil
}

func (g *jsonAggregate) WindowValue(*sqlite.FunctionContext) (driver.Value, error) {
	if len(g.items) == 0 {
		return nil, nil
	}
	return g.build(g.items)
}

func (g *jsonAggregate) Final(*sqlite.FunctionContext) {}
