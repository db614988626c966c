package describe

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"kumi/internal/testenv"
	"kumi/modules/script"
	"kumi/vm"
)

// The reference that is checked in is the one the table gives.
func TestFunctionReference(t *testing.T) {
	t.Parallel()
	want, err := Docs()
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile("../../../docs/functions.md")
	if err != nil || string(got) != want {
		t.Errorf("docs/functions.md is not what the table says (%v); print it anew with: go run . types --docs docs", err)
	}
}

// Every function of both languages can be described, and every word of
// functions.txt belongs to one.
func TestDescribe(t *testing.T) {
	t.Parallel()
	for _, lang := range []vm.Lang{vm.JS, vm.Lua} {
		d, err := Describe(lang)
		if err != nil {
			t.Errorf("%s: %v", lang, err)
			continue
		}
		for _, o := range d.Objects {
			for _, f := range o.Functions {
				if f.Doc == "" && f.Hook == "" {
					t.Errorf("%s: %s.%s has no description", lang, o.Name, f.Name)
				}
				for _, p := range f.Params {
					if p.Type.Object {
						t.Errorf("%s: argument %s of %s is an object without a name; give it one in functions.txt", lang, p.Name.Snake, f.Name)
					}
				}
			}
		}
	}
}

// The declared ctx is the one that functions get.
func TestContextDeclared(t *testing.T) {
	t.Parallel()
	d, err := Describe(vm.JS)
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(d.Types, func(x TypeDecl) bool { return x.Name == "Context" })
	var declared, real []string
	for _, f := range d.Types[i].Fields {
		declared = append(declared, f.Name.Snake)
	}
	for _, name := range script.ContextNames() {
		real = append(real, name.Snake)
	}
	slices.Sort(declared)
	slices.Sort(real)
	if !slices.Equal(declared, real) {
		t.Errorf("ctx has\n%v, declared are\n%v", real, declared)
	}
}

// published reads the declarations that modules have been written with.
func published(t *testing.T) string {
	t.Helper()
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/heroiclabs/nakama-common").Output()
	if err != nil {
		testenv.Skip(t, "go cannot say where the published declarations are")
	}
	text, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(out)), "index.d.ts"))
	if err != nil {
		testenv.Skip(t, "the published declarations are not there")
	}
	return regexp.MustCompile(`(?s)/\*.*?\*/`).ReplaceAllString(string(text), "")
}

var (
	publishedInterface = `(?s)interface %s \{(.*?)\n    \}`
	publishedFunction  = regexp.MustCompile(`(?s)\b(\w+)(?:<[^(]*>)?\(([^)]*(?:\([^)]*\)[^)]*)*)\)\s*:`)
)

// arity counts the arguments of a published signature, and those required.
func arity(params string) (all, required int) {
	depth, parts, from := 0, []string{}, 0
	for i, c := range params {
		switch c {
		case '{', '[', '(':
			depth++
		case '}', ']', ')':
			depth--
		case ',':
			if depth == 0 {
				parts = append(parts, params[from:i])
				from = i + 1
			}
		}
	}
	for _, p := range append(parts, params[from:]) {
		name, _, _ := strings.Cut(strings.TrimSpace(p), ":")
		if name == "" {
			continue
		}
		all++
		if !strings.HasSuffix(name, "?") && !strings.HasPrefix(name, "...") {
			required++
		}
	}
	return all, required
}

// Everything that was published is there and can be called the same way.
func TestPublishedFunctions(t *testing.T) {
	t.Parallel()
	text := published(t)
	d, err := Describe(vm.JS)
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range d.Objects {
		if o.Name == "FleetManager" {
			continue // Nakama has it in Go only
		}
		m := regexp.MustCompile(strings.Replace(publishedInterface, "%s", o.Name, 1)).FindStringSubmatch(text)
		if m == nil {
			t.Errorf("%s is not published", o.Name)
			continue
		}
		ours := map[string]*Function{}
		for i := range o.Functions {
			ours[o.Functions[i].Name] = &o.Functions[i]
		}
		count := 0
		for _, theirs := range publishedFunction.FindAllStringSubmatch(m[1], -1) {
			count++
			f := ours[theirs[1]]
			if f == nil {
				t.Errorf("%s.%s is not there", o.Name, theirs[1])
				continue
			}
			if f.Hook != "" {
				continue
			}
			all, _ := arity(theirs[2])
			required := 0
			for i, p := range f.Params {
				if !p.Optional && !p.Rest {
					required = i + 1
				}
			}
			_, least := arity(theirs[2])
			if len(f.Params) < all && !f.Params[len(f.Params)-1].Rest || required > least {
				t.Errorf("%s.%s takes %d arguments, %d at least; published are %d, %d at least (%s)", o.Name, f.Name, len(f.Params), required, all, least, theirs[2])
			}
		}
		if count == 0 {
			t.Errorf("no published functions of %s were found", o.Name)
		}
	}
}

func TestTypes(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"string[][]":             "string[][]",
		"('a' | 1)[]":            `("a" | 1)[]`,
		"{[key: string]: bytes}": "{[key: string]: ArrayBuffer}",
		"object | null":          "{[key: string]: any} | null",
		"{[key: string]: {[key: string]: any}[]}": "{[key: string]: {[key: string]: any}[]}",
	} {
		p := &typeParser{text: text}
		got := p.typ()
		if err := p.end(); err != nil || tsType(got) != want {
			t.Errorf("%s: %s, %v; want %s", text, tsType(got), err, want)
		}
	}
	for _, text := range []string{"", "[]", "{[key: string] any}", "string string", "(string", "|"} {
		p := &typeParser{text: text}
		p.typ()
		if p.end() == nil {
			t.Errorf("%q is not a type, and no error", text)
		}
	}
}
