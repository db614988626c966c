package index

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gofrs/uuid/v5"

	"kumi/store/query"
)

// model is the index as a plain list.
type model struct {
	options Options
	objects map[ID]*Object
}

func (m *model) put(o *Object) {
	var all map[string]any
	if err := json.Unmarshal([]byte(o.Value), &all); err != nil {
		panic(err)
	}
	delete(m.objects, o.ID)
	for _, f := range m.options.Fields {
		if _, ok := all[f]; ok {
			m.objects[o.ID] = o
		}
	}
	for len(m.objects) > m.options.MaxEntries {
		var oldest *Object
		for _, o := range m.objects {
			if oldest == nil || byTime(o, oldest) < 0 {
				oldest = o
			}
		}
		delete(m.objects, oldest.ID)
	}
}

func byTime(a, b *Object) int {
	return cmp.Or(a.Updated.Compare(b.Updated), strings.Compare(a.Key, b.Key), bytes.Compare(a.Owner[:], b.Owner[:]))
}

// sortValue is the first number of a field, or else its first date or text.
func sortValue(v any) (kind int, num float64, text string) {
	list, ok := v.([]any)
	if !ok {
		list = []any{v}
	}
	kind = 3
	for _, v := range list {
		switch v := v.(type) {
		case float64:
			return 0, v, ""
		case string:
			if d, ok := query.ParseDate(v); ok && kind == 3 {
				kind, num = 1, float64(d.Unix())
			} else if kind == 3 {
				kind, text = 2, v
			}
		case bool:
			if kind == 3 {
				kind, text = 2, map[bool]string{true: "T", false: "F"}[v]
			}
		}
	}
	return kind, num, text
}

// list returns the whole list, from which pages are taken.
func (m *model) list(q *query.Query, order []string, caller uuid.UUID) []string {
	type scored struct {
		*Object
		score  float64
		fields map[string]any
	}
	var found []scored
	for _, o := range m.objects {
		if caller != uuid.Nil && o.Read != 2 && (o.Read != 1 || o.Owner != caller) {
			continue
		}
		var all map[string]any
		_ = json.Unmarshal([]byte(o.Value), &all)
		fields := map[string]any{}
		for _, f := range m.options.Fields {
			if v, ok := all[f]; ok {
				fields[f] = v
			}
		}
		text, _ := json.Marshal(fields)
		doc := query.NewDoc()
		if err := doc.AddJSON("value", string(text)); err != nil {
			panic(err)
		}
		doc.AddKeyword("key", o.Key)
		doc.AddKeyword("collection", m.options.Collection)
		doc.AddKeyword("user_id", o.Owner.String())
		doc.AddKeyword("version", o.Version)
		doc.AddNumber("read", float64(o.Read))
		doc.AddNumber("write", float64(o.Write))
		doc.AddDate("create_time", o.Created)
		doc.AddDate("update_time", o.Updated)
		if score, ok := q.Match(doc); ok {
			found = append(found, scored{o, score, fields})
		}
	}
	down := false
	slices.SortFunc(found, func(a, b scored) int {
		if len(order) == 0 {
			return cmp.Or(cmp.Compare(b.score, a.score), byTime(a.Object, b.Object))
		}
		for i, name := range order {
			field, desc := strings.CutPrefix(name, "-")
			down = down || i == 0 && desc && field != "_score"
			c := 0
			switch field {
			case "_score":
				c = cmp.Compare(b.score, a.score)
			case "update_time":
				c = a.Updated.Compare(b.Updated)
			case "create_time":
				c = a.Created.Compare(b.Created)
			case "key":
				c = strings.Compare(a.Key, b.Key)
			case "user_id":
				c = strings.Compare(a.Owner.String(), b.Owner.String())
			default:
				ka, na, ta := sortValue(a.fields[strings.TrimPrefix(field, "value.")])
				kb, nb, tb := sortValue(b.fields[strings.TrimPrefix(field, "value.")])
				if c = cmp.Or(cmp.Compare(ka, kb), cmp.Compare(na, nb), strings.Compare(ta, tb)); ka != kb && (ka == 3 || kb == 3) {
					return c // without a value: last
				}
			}
			if desc {
				c = -c
			}
			if c != 0 {
				return c
			}
		}
		if down {
			return byTime(b.Object, a.Object)
		}
		return byTime(a.Object, b.Object)
	})
	var ids []string
	for _, o := range found {
		ids = append(ids, o.Key+"/"+o.Owner.String()+"/"+o.Version)
	}
	return ids
}

func randomOwner(r *rand.Rand) (u uuid.UUID) {
	u[15] = byte(r.IntN(8))
	return u
}

// randomValue makes values of all kinds, with few distinct ones.
func randomValue(r *rand.Rand) string {
	level := func() string { return strconv.Itoa(r.IntN(12) - 2) }
	parts := []string{}
	add := func(chance float64, name, value string) {
		if r.Float64() < chance {
			parts = append(parts, fmt.Sprintf("%q:%s", name, value))
		}
	}
	add(.9, "level", level())
	add(.1, "level2", "null")
	add(.8, "region", []string{`"eu"`, `"us"`, `"asia"`, `"5"`, `5`}[r.IntN(5)])
	add(.5, "tags", []string{`["a","b","a"]`, `["b",3,4]`, `[]`, `[7,1]`, `"a"`, `true`}[r.IntN(6)])
	add(.5, "name", strconv.Quote("name "+strconv.Itoa(r.IntN(1000))))
	add(.4, "mixed", []string{`1`, `-1.5`, `"x"`, `"y"`, `"2024-05-06"`, `"2024-05-07T10:00:00Z"`, `true`, `{}`, `null`}[r.IntN(9)])
	add(.4, "stats", `{"wins":`+level()+`,"deep":{"list":[{"n":`+level()+`},{"n":1}]}}`)
	add(.5, "other", `"not indexed"`)
	return "{" + strings.Join(parts, ",") + "}"
}

var modelQueries = []string{
	"", "*", "value.region:eu", "+value.region:eu", "+value.region:eu +value.level:>=3", "+value.level:>=3 +value.level:<6",
	"-value.region:eu", "+value.level:5", "value.region:5", "+value.region:us value.level:>5^2", "value.level:>2 value.region:asia^3",
	"+value.tags:a", "+value.tags:>3", "+value.tags:b +value.region:eu", "+value.name:/name 1.*/", "+value.name:name\\ 17*", "+value.mixed:*",
	"+value.mixed:>\"2024-05-06T12:00:00Z\"", "+value.stats.wins:>=2", "+value.stats.deep.list.n:1 +value.level:>0", "+value.nothing:1",
	"+value.other:x", "+key:k3", "+user_id:00000000-0000-0000-0000-000000000003", "+user_id:nobody", "+collection:things", "+collection:else",
	"+read:2", "-write:0 +value.level:<=4", "+update_time:>\"2024-01-01T00:01:00Z\"",
	"+update_time:>=\"2024-01-01T00:00:20Z\" +update_time:<\"2024-01-01T00:00:40Z\" +value.level:>3", "update_time:<=\"2024-01-01T00:00:30Z\"", "value.level:>100", "+value.mixed:1", "+value.tags:T", "text",
}

var modelOrders = [][]string{
	nil, {"value.level"}, {"-value.level"}, {"-value.mixed"}, {"value.mixed", "-value.level"}, {"-value.region", "value.level"}, {"region"},
	{"update_time"}, {"-update_time"}, {"key", "-user_id"}, {"-create_time"}, {"_score", "-value.level"}, {"value.name"}, {"-value.tags", "value.name"},
}

// An index answers as a filtered and sorted list of all objects does, page by page,
// under random writes, deletes and evictions.
func TestModel(t *testing.T) {
	t.Parallel()
	fields := []string{"level", "level2", "region", "tags", "name", "mixed", "stats"}
	for seed := range uint64(3) {
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
			t.Parallel()
			r := rand.New(rand.NewPCG(seed, 1))
			o := Options{Collection: "things", Fields: fields, Sortable: []string{"level", "mixed", "region"}, MaxEntries: []int{40, 300, 5000}[seed%3], Keep: seed%2 == 0}
			x, m := New(o), &model{o, map[ID]*Object{}}
			clock := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)
			for step := range 1500 {
				clock = clock.Add(time.Duration(r.IntN(3)) * 50 * time.Millisecond) // often the same
				id := ID{Key: "k" + strconv.Itoa(r.IntN(60)), Owner: randomOwner(r)}
				if r.IntN(4) == 0 {
					x.Remove(id)
					delete(m.objects, id)
				} else {
					w := &Object{ID: id, Value: randomValue(r), Version: strconv.Itoa(step), Read: int32(r.IntN(3)), Write: int32(r.IntN(2)),
						Created: clock.Add(-time.Duration(r.IntN(1000)) * time.Second), Updated: clock}
					if err := x.add(w); err != nil {
						t.Fatal(err)
					}
					m.put(w)
				}
				if step%40 != 0 {
					continue
				}
				if x.Len() != len(m.objects) {
					t.Fatalf("%d entries, want %d", x.Len(), len(m.objects))
				}
				text, order := modelQueries[r.IntN(len(modelQueries))], modelOrders[r.IntN(len(modelOrders))]
				caller := uuid.Nil
				if r.IntN(2) == 0 {
					caller = randomOwner(r)
				}
				q, err := query.Parse(text)
				if err != nil {
					t.Fatal(text, err)
				}
				want := m.list(q, order, caller)
				got := allPages(t, x, Request{Query: q, Order: order, Limit: 1 + r.IntN(30), Caller: caller})
				if !slices.Equal(got, want) {
					t.Fatalf("step %d: query %q order %q caller %s:\n%d: %q\nwant\n%d: %q", step, text, order, caller, len(got), got, len(want), want)
				}
			}
			for id := range m.objects {
				x.Remove(id)
			}
			if x.Len() != 0 || len(x.terms.ids) != 0 || len(x.paths.ids) != len(fields) || x.byTime.between(place{}, x.byTime.end()) != 0 {
				t.Fatalf("an empty index has %d entries, %d texts and the paths %v", x.Len(), len(x.terms.ids), x.paths.ids)
			}
		})
	}
}

// add parses and puts an object.
func (x *Index) add(o *Object) error {
	f, err := x.Parse(o.Value)
	if err == nil {
		x.Put(o, f)
	}
	return err
}

// allPages reads all pages of a list.
func allPages(t *testing.T, x *Index, r Request) (ids []string) {
	t.Helper()
	for {
		objects, next, err := x.List(r)
		if err != nil {
			t.Fatal(err)
		}
		if len(objects) > r.Limit || next != nil && len(objects) < r.Limit {
			t.Fatalf("a page of %d objects; the limit is %d", len(objects), r.Limit)
		}
		for _, o := range objects {
			ids = append(ids, o.Key+"/"+o.Owner.String()+"/"+o.Version)
		}
		if next == nil {
			return ids
		}
		if len(ids) > x.Len() {
			t.Fatalf("the pages repeat objects: %q", ids)
		}
		text, err := json.Marshal(next)
		if err == nil {
			r.After = &Position{}
			err = json.Unmarshal(text, r.After)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// Pages are complete in the order of long texts, whose sorted part may end within a
// character.
func TestPagesByLongTexts(t *testing.T) {
	t.Parallel()
	x := New(Options{Collection: "c", Fields: []string{"n"}, Sortable: []string{"n"}, MaxEntries: 5})
	text := strings.Repeat("a", maxSorted-1) + "é"
	for _, digit := range []string{"1", "2", "3"} {
		if err := x.add(&Object{ID: ID{Key: digit}, Value: `{"n":"` + text + digit + `"}`}); err != nil {
			t.Fatal(err)
		}
	}
	for _, order := range []string{"n", "-n"} {
		got := allPages(t, x, Request{Query: must(t, ""), Order: []string{order}, Limit: 1})
		slices.Sort(got)
		if len(got) != 3 || len(slices.Compact(got)) != 3 {
			t.Errorf("order %s: the pages have %q, want three objects", order, got)
		}
	}
}

// A list that gave up going along its order has the whole budget for the candidates.
func TestBudgetOfSecondWay(t *testing.T) {
	t.Parallel()
	text := strings.Repeat("x", 4000)
	q := must(t, "+value.region:eu +value.text:/y.*z.*/")
	doc, steps := query.NewDoc(), query.ListSteps
	doc.AddKeyword("value.region", "eu")
	doc.AddKeyword("value.text", text)
	q.MatchWithin(doc, &steps)
	n := query.ListSteps * 3 / 4 / (query.ListSteps - steps) // candidates that take most of the budget
	x := New(Options{Collection: "c", Fields: []string{"level", "region", "text"}, Sortable: []string{"level"}, MaxEntries: 2 * n})
	for i := range 2 * n {
		region := "eu" // of the first ones in the order
		if i >= n {
			region = "us"
		}
		if err := x.add(&Object{ID: ID{Key: strconv.Itoa(i)}, Value: fmt.Sprintf(`{"level":%d,"region":%q,"text":%q}`, i, region, text)}); err != nil {
			t.Fatal(err)
		}
	}
	if list, _, err := x.List(Request{Query: q, Order: []string{"level"}, Limit: 1}); err != nil || len(list) > 0 {
		t.Errorf("%d objects, %v", len(list), err)
	}
}

// Kept values have only the fields, with numbers as they were written.
func TestKeep(t *testing.T) {
	t.Parallel()
	x := New(Options{Collection: "c", Fields: []string{"a", "b", "c"}, MaxEntries: 5, Keep: true})
	if err := x.add(&Object{ID: ID{Key: "k"}, Value: `{"z": 1, "b": [1, {"x": "é\"", "y": null}, true], "a": 12345678901234567890.50, "q": {"a": [1]}}`}); err != nil {
		t.Fatal(err)
	}
	list, _, err := x.List(Request{Query: must(t, ""), Limit: 10})
	if err != nil || len(list) != 1 || list[0].Value != `{"b":[1,{"x":"é\"","y":null},true],"a":12345678901234567890.50}` {
		t.Fatalf("%+v, %v", list, err)
	}
	if _, _, err := x.List(Request{Query: must(t, ""), Order: []string{"-value.zz"}, Limit: 10}); err == nil || !strings.Contains(err.Error(), `cannot sort by "-value.zz": the fields of the index are value.a, value.b, value.c`) {
		t.Fatal(err)
	}
}

func must(t testing.TB, text string) *query.Query {
	t.Helper()
	q, err := query.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return q
}

// What an object may add to an index is bounded, whatever its client wrote.
func TestBounds(t *testing.T) {
	t.Parallel()
	x := New(Options{Collection: "c", Fields: []string{"a"}, MaxEntries: 5})
	for _, value := range []string{
		`{"a":[` + strings.Repeat("1,", 100_000) + `1]}`,
		`{"a":"` + strings.Repeat("x", 100_000) + `"}`,
		`{"a":{"` + strings.Repeat("x", 1000) + `":1}}`,
		`{"a":` + strings.Repeat(`{"b":1,"a":`, 900) + `1` + strings.Repeat("}", 901),
	} {
		if err := x.add(&Object{ID: ID{Key: "k"}, Value: value}); err != nil {
			t.Fatal(err)
		}
		size := len(x.entries.at(0).data)
		for name := range x.paths.ids {
			size += len(name)
		}
		for k := range x.terms.ids {
			size += len(k.text)
		}
		if size > 100_000 || x.Len() != 1 {
			t.Errorf("%.30s: %d bytes, %d entries", value, size, x.Len())
		}
	}
	if f, err := x.Parse("[1]"); err == nil {
		t.Errorf("a list has the fields %+v", f)
	}
}
