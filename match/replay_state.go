package match

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// CompareStates returns how two states differ, as Handler.State describes them: at most max
// differences, each with the path of a value, such as "state.players[2].score".
func CompareStates(want, got string, max int) []Difference {
	w, errWant := parseState(want)
	g, errGot := parseState(got)
	if errWant != nil || errGot != nil {
		if want == got {
			return nil
		}
		return []Difference{shownDifference("state", want, got, shownState)}
	}
	c := stateComparison{max: max}
	c.compare("state", w, g)
	return c.all
}

func parseState(text string) (v any, err error) {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	err = d.Decode(&v)
	return v, err
}

type stateComparison struct {
	all []Difference
	max int
}

func (c *stateComparison) add(path string, want, got any, hasWant, hasGot bool) {
	if len(c.all) >= c.max {
		return
	}
	d := Difference{What: path}
	if hasWant {
		d.Want = showState(want)
	}
	if hasGot {
		d.Got = showState(got)
	}
	c.all = append(c.all, shownDifference(d.What, d.Want, d.Got, shownState))
}

func (c *stateComparison) compare(path string, want, got any) {
	switch w := want.(type) {
	case map[string]any:
		g, ok := got.(map[string]any)
		if !ok {
			break
		}
		keys := slices.Sorted(maps.Keys(w))
		for k := range g {
			if _, ok := w[k]; !ok {
				keys = append(keys, k)
			}
		}
		slices.Sort(keys)
		for _, k := range keys {
			x, hasWant := w[k]
			y, hasGot := g[k]
			if hasWant && hasGot {
				c.compare(path+property(k), x, y)
			} else {
				c.add(path+property(k), x, y, hasWant, hasGot)
			}
		}
		return
	case []any:
		g, ok := got.([]any)
		if !ok {
			break
		}
		for i := range max(len(w), len(g)) {
			at := path + "[" + strconv.Itoa(i) + "]"
			switch {
			case i >= len(g):
				c.add(at, w[i], nil, true, false)
			case i >= len(w):
				c.add(at, nil, g[i], false, true)
			default:
				c.compare(at, w[i], g[i])
			}
		}
		return
	default:
		if want == got {
			return
		}
	}
	c.add(path, want, got, true, true)
}

// property returns the access of a property by its name.
func property(key string) string {
	plain := key != "" && (key[0] < '0' || key[0] > '9')
	for _, r := range key {
		plain = plain && (r == '_' || r == '$' || '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z')
	}
	if plain {
		return "." + key
	}
	return "[" + strconv.Quote(key) + "]"
}

// shownState is how many bytes of a value in a state are shown.
const shownState = 200

func showState(v any) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(v) // it was JSON
	return strings.TrimSpace(b.String())
}
