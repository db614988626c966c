package describe

import (
	_ "embed"
	"fmt"
	"strings"
	"sync"

	"kumi/vm"
)

// notesText has descriptions and types that the tables do not have. Its first lines
// explain its format.
//
//go:embed functions.txt
var notesText string

// note is one entry of notesText.
type note struct {
	lang    vm.Lang
	kind    string // "", "handler", "callback", "match", "type", "alias" or "enum"
	section string
	name    string
	generic string // "<T>" behind the name of a handler
	params  []vm.Field
	results []vm.Field
	result  *vm.Type // a single result that is the value itself
	as      string   // name of the object that JavaScript gets of several results
	fields  []noteField
	alias   vm.Type
	members []member
	raw     bool // keys are the same in both languages
	doc     string
	line    int
}

type noteField struct {
	vm.Field
	lang vm.Lang
}

// member is one value of an enum, in either language.
type member struct{ name, value string }

var notes = sync.OnceValues(parseNotes)

func parseNotes() ([]*note, error) {
	var list []*note
	section := ""
	for i, line := range strings.Split(notesText, "\n") {
		text := strings.TrimSpace(line)
		var err error
		switch {
		case text == "" || line[0] == '#':
		case strings.HasPrefix(line, "== "):
			section = line[3:]
		case line[0] == '\t':
			if len(list) == 0 {
				err = fmt.Errorf("a property without a type")
			} else {
				err = list[len(list)-1].parseField(text)
			}
		default:
			n := &note{section: section, line: i + 1}
			if err = n.parse(text); err == nil {
				list = append(list, n)
			}
		}
		if err != nil {
			return nil, fmt.Errorf("functions.txt:%d: %w", i+1, err)
		}
	}
	return list, nil
}

// takeLang splits the language off the front of a line.
func takeLang(text string) (vm.Lang, string) {
	if rest, ok := strings.CutPrefix(text, "js "); ok {
		return vm.JS, rest
	}
	if rest, ok := strings.CutPrefix(text, "lua "); ok {
		return vm.Lua, rest
	}
	return vm.Both, text
}

func (n *note) parse(text string) (err error) {
	text, n.doc, _ = strings.Cut(text, " -- ")
	n.lang, text = takeLang(text)
	if rest, ok := strings.CutPrefix(text, "raw "); ok {
		n.raw, text = true, rest
	}
	for _, kind := range []string{"handler", "callback", "match", "type", "alias", "enum"} {
		if rest, ok := strings.CutPrefix(text, kind+" "); ok {
			n.kind, text = kind, rest
		}
	}
	p := &typeParser{text: text}
	n.name = p.word()
	switch n.kind {
	case "type", "enum":
		return p.end()
	case "alias":
		p.expect("=")
		n.alias = p.typ()
		return p.end()
	}
	if p.accept("<") {
		n.generic = "<" + p.until('>') + ">"
	}
	if p.accept("(") {
		n.params = p.fields(")")
	}
	if p.accept(":") {
		if p.accept("(") {
			n.results = p.fields(")")
			if p.accept("as ") {
				n.as = p.word()
			}
		} else {
			t := p.typ()
			n.result = &t
		}
	}
	return p.end()
}

func (n *note) parseField(text string) error {
	f := noteField{}
	text, f.Doc, _ = strings.Cut(text, " -- ")
	f.lang, text = takeLang(text)
	if n.kind == "enum" {
		name, value, ok := strings.Cut(text, " = ")
		if !ok {
			return fmt.Errorf("expected name = value")
		}
		n.members = append(n.members, member{name, value})
		return nil
	}
	doc := f.Doc
	p := &typeParser{text: text}
	f.Field = p.field()
	f.Doc = doc
	if n.raw {
		f.Name.Camel = f.Name.Snake
	}
	n.fields = append(n.fields, f)
	return p.end()
}

// typeParser parses types in TypeScript's notation.
type typeParser struct {
	text string
	err  error
}

func (p *typeParser) skip() { p.text = strings.TrimLeft(p.text, " ") }

func (p *typeParser) accept(s string) bool {
	p.skip()
	rest, ok := strings.CutPrefix(p.text, s)
	if ok {
		p.text = rest
	}
	return ok
}

func (p *typeParser) expect(s string) {
	if !p.accept(s) {
		p.fail("expected " + s)
	}
}

func (p *typeParser) fail(what string) {
	if p.err == nil {
		p.err = fmt.Errorf("%s before %q", what, p.text)
	}
	p.text = ""
}

func (p *typeParser) end() error {
	p.skip()
	if p.err == nil && p.text != "" {
		p.fail("expected the end")
	}
	return p.err
}

func (p *typeParser) until(end byte) string {
	i := strings.IndexByte(p.text, end)
	if i < 0 {
		p.fail("expected " + string(end))
		return ""
	}
	s := p.text[:i]
	p.text = p.text[i+1:]
	return s
}

func (p *typeParser) word() string {
	p.skip()
	i := 0
	for i < len(p.text) && (p.text[i] == '_' || p.text[i]|0x20 >= 'a' && p.text[i]|0x20 <= 'z' || p.text[i] >= '0' && p.text[i] <= '9') {
		i++
	}
	if i == 0 {
		p.fail("expected a name")
		return ""
	}
	w := p.text[:i]
	p.text = p.text[i:]
	return w
}

// field reads name?: type.
func (p *typeParser) field() (f vm.Field) {
	if p.accept("[") {
		f.Name = vm.NameAs("["+p.until(']')+"]", "[key: string]")
	} else {
		f.Rest = p.accept("...")
		f.Name = vm.N(p.word())
	}
	f.Optional = p.accept("?")
	p.expect(":")
	f.Type = p.typ()
	return f
}

func (p *typeParser) fields(end string) (list []vm.Field) {
	for p.err == nil && !p.accept(end) {
		list = append(list, p.field())
		if !p.accept(",") && !strings.HasPrefix(p.text, end) {
			p.fail("expected , or " + end)
		}
	}
	return list
}

func (p *typeParser) typ() vm.Type {
	t := p.postfix()
	if !p.accept("|") {
		return t
	}
	u := vm.Type{Any: []vm.Type{t}}
	for {
		u.Any = append(u.Any, p.postfix())
		if !p.accept("|") {
			return u
		}
	}
}

func (p *typeParser) postfix() vm.Type {
	t := p.primary()
	for p.accept("[]") {
		t = vm.ListType(t)
	}
	return t
}

func (p *typeParser) primary() vm.Type {
	switch {
	case p.accept("{["):
		p.until(':')
		p.expect("string]:")
		t := vm.MapType(p.typ())
		p.expect("}")
		return t
	case p.accept("("):
		t := p.typ()
		p.expect(")")
		return t
	case p.accept("'"):
		return vm.Type{Name: `"` + p.until('\'') + `"`}
	case p.accept(`"`):
		return vm.Type{Name: `"` + p.until('"') + `"`}
	}
	name := p.word()
	if name == "object" {
		return vm.MapType(vm.TypeAny)
	}
	return vm.Type{Name: name}
}

// Enums returns the values of the declared enums by their full names, as literals:
// "nkruntime.Codes.NOT_FOUND" is "5". TypeScript compilers replace such constants,
// because nkruntime does not exist at run time.
func Enums() map[string]string {
	list, err := notes()
	if err != nil {
		return nil
	}
	values := map[string]string{"nkruntime.SystemUserId": `"00000000-0000-0000-0000-000000000000"`}
	for _, n := range list {
		for _, m := range n.members {
			values["nkruntime."+n.name+"."+m.name] = m.value
		}
	}
	return values
}
