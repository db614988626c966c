package describe

import (
	"fmt"
	"slices"
	"strings"

	"kumi/hooks"
	"kumi/modules/script"
	"kumi/vm"
)

const luaHead = `---@meta nakama

-- Annotations of the module "nakama" for the Lua language server. Printed by
-- "kumi types --lua" from the table that is bound into the script engine; do not
-- edit. Nothing of it runs.

`

// LuaStubs prints annotations for the Lua language server.
func LuaStubs() (string, error) {
	d, err := Describe(vm.Lua)
	if err != nil {
		return "", err
	}
	p := &luaPrinter{}
	p.b.WriteString(luaHead)
	for i := range d.Types {
		p.typ(&d.Types[i])
	}
	for _, h := range d.Handlers {
		p.handler(&h)
	}
	p.names("ApiHookName", "The calls of the API that have hooks.", func() (names []string) {
		for i := range hooks.Methods {
			names = append(names, hooks.Methods[i].Name)
		}
		return names
	}())
	p.names("RtHookMessage", "The realtime messages that have hooks.", hooks.RealtimeNames)
	m := newHookMessages(d)
	for i := range m.list {
		p.typ(&m.list[i])
	}
	p.matchHandler()
	for _, o := range slices.Backward(d.Objects) {
		p.object(&o)
	}
	p.b.WriteString("return nk\n")
	return p.b.String(), nil
}

type luaPrinter struct{ b strings.Builder }

func (p *luaPrinter) line(format string, args ...any) {
	fmt.Fprintf(&p.b, format, args...)
	p.b.WriteByte('\n')
}

func (p *luaPrinter) doc(doc string) {
	if doc != "" {
		p.line("--- %s", doc)
	}
}

func (p *luaPrinter) names(name, doc string, values []string) {
	p.doc(doc)
	p.line("---@alias nakama.%s", name)
	for _, v := range values {
		p.line("---| %q", v)
	}
	p.line("")
}

func (p *luaPrinter) typ(t *TypeDecl) {
	p.doc(t.Doc)
	switch {
	case t.Alias != nil:
		p.line("---@alias nakama.%s %s", t.Name, luaType(*t.Alias))
	case t.Enum != nil:
		p.line("---@alias nakama.%s", t.Name)
		for _, m := range t.Enum {
			p.line("---| %s # %s", m.value, m.name)
		}
	default:
		p.line("---@class nakama.%s", t.Name)
		for _, f := range t.Fields {
			p.line("---@field %s%s %s%s", f.Name.Snake, optional(f.Optional || f.Sometimes), luaType(f.Type), luaComment(f.Doc))
		}
	}
	p.line("")
}

func luaComment(doc string) string {
	if doc == "" {
		return ""
	}
	return " # " + doc
}

func (p *luaPrinter) handler(h *HandlerDecl) {
	p.doc(h.Doc)
	var params []string
	if !h.Bare {
		params = append(params, "ctx: nakama.Context")
	}
	if h.Match && h.Name != "MatchInitFunction" {
		params = append(params, "dispatcher: nakama.MatchDispatcher", "tick: integer", "state: any")
	}
	for _, f := range h.Params {
		params = append(params, luaName(f)+optional(f.Optional)+": "+luaType(f.Type))
	}
	results := luaResults(h.Result, h.Results)
	if h.Match && len(results) > 0 {
		results[0] = "any" // the state
		for i := range results[1:] {
			results[i+1] += optional(!strings.HasSuffix(results[i+1], "?"))
		}
	}
	text := "fun(" + strings.Join(params, ", ") + ")"
	if len(results) > 0 {
		text += ": " + strings.Join(results, ", ")
	}
	p.line("---@alias nakama.%s %s", h.Name, text)
	p.line("")
}

// matchHandler declares the table that a match module returns.
func (p *luaPrinter) matchHandler() {
	p.doc("The functions of a match: a module that returns such a table is a match handler. The last one may be left out.")
	p.line("---@class nakama.MatchHandler")
	for i := range script.MatchFunctions {
		name := &script.MatchFunctions[i]
		p.line("---@field %s%s nakama.%sFunction", name.Snake, optional(i == script.MatchReload), strings.ToUpper(name.Camel[:1])+name.Camel[1:])
	}
	p.line("")
}

func (p *luaPrinter) object(o *Object) {
	local := strings.ToLower(o.Name[:1]) + o.Name[1:]
	if o.Name == "Nakama" {
		local = "nk"
	}
	p.doc(o.Doc)
	p.line("---@class nakama.%s", o.Name)
	p.line("local %s = {}", local)
	p.line("")
	for i := range o.Functions {
		p.function(local, &o.Functions[i])
	}
}

func (p *luaPrinter) function(on string, f *Function) {
	doc := f.Doc
	if f.Pending {
		doc += " Not available in this version of the server."
	}
	p.doc(doc)
	names := make([]string, len(f.Params))
	for i, param := range f.Params {
		if param.Rest {
			names[i] = "..."
			p.line("---@param ... %s", luaType(param.Type))
			continue
		}
		names[i] = luaName(param)
		p.line("---@param %s%s %s%s", names[i], optional(param.Optional), luaType(param.Type), luaComment(param.Doc))
	}
	switch {
	case f.Result != nil:
		if t := luaResults(f.Result, nil); len(t) > 0 {
			p.line("---@return %s", t[0])
		}
	default:
		for i, t := range luaResults(nil, f.Results) {
			p.line("---@return %s %s", t, f.Results[i].Name.Snake)
		}
	}
	p.line("function %s.%s(%s) end", on, f.Name, strings.Join(names, ", "))
	p.line("")
}

// luaName returns a parameter's name, changed if it is a keyword of Lua.
func luaName(f vm.Field) string {
	switch name := f.Name.Snake; name {
	case "end":
		return "end_time"
	case "function", "repeat", "then", "in", "or", "and", "not", "local":
		return name + "_"
	default:
		return name
	}
}

func luaResults(single *vm.Type, several []vm.Field) (list []string) {
	if single != nil {
		if single.Name == "void" {
			return nil
		}
		return []string{luaType(*single)}
	}
	for _, f := range several {
		t := luaType(f.Type)
		if f.Optional && !strings.HasSuffix(t, "?") {
			t += "?"
		}
		list = append(list, t)
	}
	return list
}

func luaType(t vm.Type) string {
	switch {
	case t.List != nil:
		return luaType(*t.List) + "[]"
	case t.Map != nil:
		return "table<string, " + luaType(*t.Map) + ">"
	case t.Any != nil:
		var parts []string
		nothing := false
		for _, x := range t.Any {
			switch s := luaType(x); {
			case s == "nil":
				nothing = true
			case !slices.Contains(parts, s):
				parts = append(parts, s)
			}
		}
		text := strings.Join(parts, "|")
		if len(parts) > 1 {
			text = "(" + text + ")"
		}
		return text + optional(nothing)
	case t.Object:
		if len(t.Fields) == 0 {
			return "table"
		}
		parts := make([]string, len(t.Fields))
		for i, f := range t.Fields {
			parts[i] = f.Name.Snake + optional(f.Optional) + ": " + luaType(f.Type)
		}
		return "{ " + strings.Join(parts, ", ") + " }"
	case t.Shape != nil:
		return luaType(vm.Type{Name: shapeName(t.Shape)})
	}
	switch t.Name {
	case "string", "number", "boolean", "any", "function":
		return t.Name
	case "bytes":
		return "string"
	case "null", "void":
		return "nil"
	case "T", "K":
		return "table"
	case "State":
		return "any"
	}
	if c := t.Name[0]; c == '"' || c >= '0' && c <= '9' {
		return t.Name
	}
	return "nakama." + t.Name
}
