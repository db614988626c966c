package describe

import (
	"fmt"
	"slices"
	"strings"

	"kumi/vm"
)

// types lists the properties of the objects that functions take and return.
func (p *docsPrinter) types(js, lua *Declarations) {
	p.b.WriteString("\n## Types\n\n")
	p.b.WriteString("The types named above. In Lua the names of properties are in snake case. Properties with a question mark are optional; empty ones may be absent.\n")
	for i := range js.Types {
		t := &js.Types[i]
		if t.Alias != nil || t.Enum != nil {
			continue
		}
		fields := slices.Clone(t.Fields)
		if k := slices.IndexFunc(lua.Types, func(x TypeDecl) bool { return x.Name == t.Name }); k >= 0 {
			fields = append(fields, luaOnlyFields(t.Fields, lua.Types[k].Fields)...)
		}
		if len(fields) == 0 {
			continue
		}
		fmt.Fprintf(&p.b, "\n### %s\n\n", t.Name)
		if t.Doc != "" {
			fmt.Fprintf(&p.b, "%s\n\n", t.Doc)
		}
		p.b.WriteString("| Property | Type | |\n| --- | --- | --- |\n")
		for _, f := range fields {
			fmt.Fprintf(&p.b, "| `%s%s` | `%s` | %s |\n", f.Name.Camel, optional(f.Optional),
				strings.ReplaceAll(tsType(f.Type), "|", "\\|"), f.Doc)
		}
	}
}

// luaOnlyFields returns the properties that an object has only in Lua.
func luaOnlyFields(js, lua []vm.Field) (only []vm.Field) {
	for _, f := range lua {
		if slices.ContainsFunc(js, func(x vm.Field) bool { return x.Name.Camel == f.Name.Camel }) {
			continue
		}
		f.Name.Camel = f.Name.Snake
		f.Doc = strings.TrimSuffix("in Lua; "+f.Doc, "; ")
		only = append(only, f)
	}
	return only
}
