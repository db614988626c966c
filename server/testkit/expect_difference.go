package testkit

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"kumi/vm"
)

// maxDifferences is how many differences are listed.
const maxDifferences = 10

// differences lists where two values as data differ: "score[2]: expected 3, got 4".
func differences(path string, want, got any) []string { return diff(path, want, got, true) }

// missing lists where got does not have what want has. Lists must have the same length.
func missing(path string, want, got any) []string { return diff(path, want, got, false) }

func diff(path string, want, got any, exact bool) (out []string) {
	differ := func() []string {
		if path == "" {
			return []string{""} // the values themselves are shown
		}
		return []string{fmt.Sprintf("%s: expected %s, got %s", path, show(want), show(got))}
	}
	if a, ok := number(want); ok {
		if b, ok := number(got); !ok || a != b {
			return differ()
		}
		return nil
	}
	switch w := want.(type) {
	case map[string]any:
		g, ok := asObject(got)
		if !ok {
			return differ()
		}
		for _, key := range slices.Sorted(maps.Keys(w)) {
			v, ok := g[key]
			if !ok && w[key] != nil {
				out = append(out, fmt.Sprintf("%s: expected %s, is missing", join(path, key), show(w[key])))
				continue
			}
			out = append(out, diff(join(path, key), w[key], v, exact)...)
		}
		if exact {
			for _, key := range slices.Sorted(maps.Keys(g)) {
				if _, ok := w[key]; !ok && g[key] != nil {
					out = append(out, fmt.Sprintf("%s: not expected, is %s", join(path, key), show(g[key])))
				}
			}
		}
		return out
	case []any:
		g, ok := asList(got)
		if !ok {
			return differ()
		}
		for i := range min(len(w), len(g)) {
			out = append(out, diff(path+"["+strconv.Itoa(i)+"]", w[i], g[i], exact)...)
		}
		for i := len(g); i < len(w); i++ {
			out = append(out, fmt.Sprintf("%s[%d]: expected %s, is missing", path, i, show(w[i])))
		}
		for i := len(w); i < len(g); i++ {
			out = append(out, fmt.Sprintf("%s[%d]: not expected, is %s", path, i, show(g[i])))
		}
		return out
	case []byte:
		if g, ok := got.([]byte); ok && bytes.Equal(w, g) {
			return nil
		}
		return differ()
	case time.Time:
		if g, ok := got.(time.Time); ok && g.Equal(w) {
			return nil
		}
		return differ()
	case nil, string, bool:
		if want == got {
			return nil
		}
		return differ()
	}
	if show(want) == show(got) {
		return nil
	}
	return differ()
}

// asObject and asList also take what the other would be, if it is empty: the empty table
// of Lua is both.
func asObject(x any) (map[string]any, bool) {
	if l, ok := x.([]any); ok && len(l) == 0 {
		return nil, true
	}
	m, ok := x.(map[string]any)
	return m, ok
}

func asList(x any) ([]any, bool) {
	if m, ok := x.(map[string]any); ok && len(m) == 0 {
		return nil, true
	}
	l, ok := x.([]any)
	return l, ok
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// lines formats differences to be appended to a message.
func lines(found []string) string {
	var b strings.Builder
	for i, line := range found {
		if line == "" {
			continue
		}
		if i == maxDifferences {
			fmt.Fprintf(&b, "\n  … %d more differences", len(found)-i)
			break
		}
		b.WriteString("\n  " + line)
	}
	return b.String()
}

// maxShow is the maximum length of a value in a message, in bytes.
const maxShow = 400

// show formats data.
func show(x any) string {
	switch v := x.(type) {
	case nil:
		return "null"
	case time.Time:
		return v.UTC().Format(time.RFC3339Nano)
	case []byte:
		return fmt.Sprintf("%d bytes %q", len(v), shorten(string(v), maxShow))
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(x); err != nil {
		return shorten(fmt.Sprint(x), maxShow)
	}
	return shorten(strings.TrimSpace(b.String()), maxShow)
}

// showRef formats a value of a script.
func showRef(e vm.Engine, v vm.Ref) string {
	switch {
	case v == nil || e.IsNil(v):
		if e.Lang() == vm.Lua {
			return "nil"
		}
		if s, ok := v.(fmt.Stringer); ok {
			return s.String()
		}
		return "null"
	case e.IsFunc(v):
		return "a function"
	}
	x, err := vm.Export(e, v)
	if err != nil {
		return "a value that is no data"
	}
	return show(x)
}
