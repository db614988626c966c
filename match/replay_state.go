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
		if g, ok := got.(map[string]any); ok {
			c.compareObjects(path, w, g)
			return
		}
	case []any:
		if g, ok := got.([]any); ok {
			c.compareLists(path, w, g)
			return
		}
	default:
		if want == got {
			return
		}
	}
	c.add(path, want, got, true, true)
}

func (c *stateComparison) compareObjects(path string, want, got map[string]any) {
	keys := slices.AppendSeq(slices.Collect(maps.Keys(want)), maps.Keys(got))
	slices.Sort(keys)
	for _, key := range slices.Compact(keys) {
		w, hasWant := want[key]
		g, hasGot := got[key]
		c.compareIn(path+property(key), w, g, hasWant, hasGot)
	}
}

func (c *stateComparison) compareLists(path string, want, got []any) {
	for i := range max(len(want), len(got)) {
		var w, g any
		hasWant, hasGot := i < len(want), i < len(got)
		if hasWant {
			w = want[i]
		}
		if hasGot {
			g = got[i]
		}
		c.compareIn(path+"["+strconv.Itoa(i)+"]", w, g, hasWant, hasGot)
	}
}

// compareIn compares what two objects or lists have in the same place, which may be nothing.
func (c *stateComparison) compareIn(path string, want, got any, hasWant, hasGot bool) {
	if hasWant && hasGot {
		c.compare(path, want, got)
	} else {
		c.add(path, want, got, hasWant, hasGot)
	}
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
