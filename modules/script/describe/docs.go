package describe

import (
	"fmt"
	"strings"

	"kumi/hooks"
	"kumi/vm"
)

const docsHead = `# Functions

All functions that scripts can call. This page is generated from the tables that
are bound into the script engines (` + "`kumi types --docs`" + `); do not edit it.
` + "`kumi types`" + ` prints declarations for TypeScript and annotations for Lua, with
all the types that are named here.

Optional arguments have a question mark; null, nil and undefined count as omitted.
Times are in Unix seconds unless stated otherwise. Errors are thrown: in JavaScript
with a code and a message, in Lua as a string.
`

// Docs prints the function reference in Markdown.
func Docs() (string, error) {
	js, err := Describe(vm.JS)
	if err != nil {
		return "", err
	}
	lua, err := Describe(vm.Lua)
	if err != nil {
		return "", err
	}
	p := &docsPrinter{lua: map[string]*Function{}}
	p.b.WriteString(docsHead)
	luaOnly := map[string][]*Function{} // by section
	jsNames := map[string]bool{}
	for _, o := range js.Objects {
		for i := range o.Functions {
			jsNames[o.Functions[i].Native.Snake] = true
		}
	}
	for _, o := range lua.Objects {
		for i := range o.Functions {
			f := &o.Functions[i]
			if p.lua[f.Native.Snake] == nil {
				p.lua[f.Native.Snake] = f
				if !jsNames[f.Native.Snake] {
					luaOnly[f.Section] = append(luaOnly[f.Section], f)
				}
			}
		}
	}
	list, err := notes()
	if err != nil {
		return "", err
	}
	printed := map[string]bool{}
	for _, n := range list {
		if n.kind != "" || printed[n.section] {
			continue
		}
		printed[n.section] = true
		fmt.Fprintf(&p.b, "\n## %s\n\n", n.section)
		if lead := docsLead[n.section]; lead != "" {
			fmt.Fprintf(&p.b, "%s\n\n", lead)
		}
		for _, o := range js.Objects {
			for i := range o.Functions {
				if f := &o.Functions[i]; f.Section == n.section && f.Hook == "" {
					p.function(f, p.lua[f.Native.Snake])
				}
			}
		}
		for _, f := range luaOnly[n.section] {
			p.function(nil, f)
		}
	}
	p.types(js, lua)
	p.hooks()
	return p.b.String(), nil
}

// docsLead introduces the sections that are not about nk.
var docsLead = map[string]string{
	"Registration": "Methods of the `initializer` that `InitModule` gets in JavaScript, and of `nk` in Lua. In JavaScript each API call has its own functions to register hooks; they are listed at the end.",
	"Dispatcher":   "Methods of the `dispatcher` that match functions get.",
	"Logger":       "Methods of the `logger` that JavaScript functions get. Lua has `nk.logger_info` and the like.",
	"Fleet":        "Methods of the object that `nk.getFleetManager()` and `nk.get_fleet_manager()` return; see [Fleet](fleet.md).",
	"Satori":       "Methods of the object that `nk.getSatori()` and `nk.get_satori()` return.",
}

type docsPrinter struct {
	b   strings.Builder
	lua map[string]*Function
}

func (p *docsPrinter) function(js, lua *Function) {
	f := js
	if f == nil {
		f = lua
	}
	if js != nil && js.Name != js.Native.Camel {
		return // another spelling
	}
	name := f.Name
	if js != nil && lua != nil && js.Name != lua.Name {
		name = js.Name + " / " + lua.Name
	}
	fmt.Fprintf(&p.b, "### %s\n\n", name)
	if f.Doc != "" {
		fmt.Fprintf(&p.b, "%s\n\n", f.Doc)
	}
	if js != nil {
		generic := ""
		if js.Native.Snake == "register_match" {
			generic = "<State>"
		}
		fmt.Fprintf(&p.b, "```ts\n%s%s(%s): %s\n```\n\n", js.Name, generic, strings.TrimPrefix(docsParams(js.Params), ", "), tsResult(js))
	}
	if lua != nil {
		fmt.Fprintf(&p.b, "```lua\n%s\n```\n\n", luaSignature(lua))
	}
}

// docsParams prints parameters without the null that optional ones accept.
func docsParams(params []vm.Field) string { return tsParams(params, true) }

func luaSignature(f *Function) string {
	names := make([]string, len(f.Params))
	for i, param := range f.Params {
		names[i] = luaName(param) + optional(param.Optional) + ": " + luaType(param.Type)
		if param.Rest {
			names[i] = "...: " + luaType(param.Type)
		}
	}
	text := f.Name + "(" + strings.Join(names, ", ") + ")"
	if r := luaResults(f.Result, f.Results); len(r) > 0 {
		text += ": " + strings.Join(r, ", ")
	}
	return text
}

// hooks lists the API calls with the arguments of their hooks.
func (p *docsPrinter) hooks() {
	d, err := Describe(vm.JS)
	if err != nil {
		return
	}
	m := newHookMessages(d)
	p.b.WriteString("\n## Hooks of the API\n\n")
	p.b.WriteString("`registerBefore…` and `registerAfter…` exist for each of these; in Lua the name is an argument of `register_req_before` and `register_req_after`.\n\n")
	p.b.WriteString("| Call | Request | Answer |\n| --- | --- | --- |\n")
	cell := func(name string) string {
		if name == "void" {
			return ""
		}
		return "`" + name + "`"
	}
	for i := range hooks.Methods {
		h := &hooks.Methods[i]
		fmt.Fprintf(&p.b, "| %s | %s | %s |\n", h.Name, cell(m.of(h.In).name), cell(m.of(h.Out).name))
	}
	p.b.WriteString("\nRealtime messages: ")
	p.b.WriteString(strings.Join(hooks.RealtimeNames, ", "))
	p.b.WriteString(".\n")
}
