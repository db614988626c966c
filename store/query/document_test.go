package query_test

import (
	"cmp"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"kumi/store/fault"
	"kumi/store/query"
)

func TestAddJSONRefuses(t *testing.T) {
	t.Parallel()
	for _, text := range []string{``, `plain`, `"text"`, `[1]`, `null`, `{"a":`, `{"a":1e999}`, `{} {}`} {
		doc := query.NewDoc()
		err := doc.AddJSON("label", text)
		if fault.CodeOf(err) != fault.InvalidArgument || err == nil {
			t.Errorf("%s: error %v, want code %d", text, err, fault.InvalidArgument)
		}
		if _, ok := mustParse(t, `label:* label.a:*`).Match(doc); ok {
			t.Errorf("%s: refused but indexed", text)
		}
	}
}

func TestTerms(t *testing.T) {
	t.Parallel()
	doc := label(t, `{"b":["x","y",["z"]],"a":{"c":true,"n":3},"d":"2020-01-01"}`)
	doc.AddKeyword("node", "n1")
	want := []query.Term{
		{Field: "label.a.c", Text: "T"},
		{Field: "label.b", Text: "x"}, {Field: "label.b", Text: "y"}, {Field: "label.b", Text: "z"},
		{Field: "node", Text: "n1"},
	}
	got := slices.SortedFunc(doc.Terms(), func(a, b query.Term) int {
		return cmp.Or(strings.Compare(a.Field, b.Field), strings.Compare(a.Text, b.Text))
	})
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Errorf("terms (-want +got):\n%s", diff)
	}
	for term := range doc.Terms() {
		if !slices.Contains(want, term) {
			t.Errorf("first term %v, want one of %v", term, want)
		}
		break
	}
}

// TestDeepNesting holds building a document from hostile nesting to work that
// grows with the text, not with its square.
func TestDeepNesting(t *testing.T) {
	t.Parallel()
	const depth = 5000
	doc := label(t, strings.Repeat(`{"a":`, depth)+`"x"`+strings.Repeat(`}`, depth))
	if _, ok := mustParse(t, `+label`+strings.Repeat(".a", depth)+`:x`).Match(doc); !ok {
		t.Error("the innermost value is not found")
	}
}
