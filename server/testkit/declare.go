package testkit

import (
	_ "embed"
	"strings"

	"kumi/vm"
)

//go:embed kumi-test.d.ts
var typeScript string

//go:embed kumi-test.lua
var luaStubs string

// TypeScript returns declarations of what tests can use, for editors.
func TypeScript() (string, error) {
	return declarations(typeScript, "    // CALLS\n", func(b *strings.Builder, name string, params []string) {
		b.WriteString("    " + vm.Camel(name) + "(" + strings.Join(params, ", ") + "): Promise<any>;\n")
	}, tsTypes, vm.Camel), nil
}

// LuaStubs is the same for Lua.
func LuaStubs() (string, error) {
	return declarations(luaStubs, "-- CALLS\n", func(b *strings.Builder, name string, params []string) {
		b.WriteString("---@field " + name + " fun(" + strings.Join(params, ", ") + "): any\n")
	}, luaTypes, func(s string) string { return s }), nil
}

// declarations replaces a mark by the calls of a player, and KINDS by the kinds of messages.
func declarations(text, mark string, write func(b *strings.Builder, name string, params []string), types map[string]string, spell func(string) string) string {
	var b strings.Builder
	for line := range strings.Lines(restCalls + realtimeCalls) {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		name, params, _ := rowOf(line)
		list := make([]string, len(params))
		for i, p := range params {
			typ := types[p.name]
			if typ == "" {
				typ = "string"
			}
			list[i] = spell(p.name)
			if p.optional {
				list[i] += "?"
			}
			list[i] += ": " + typ
		}
		write(&b, name, list)
	}
	union := `"` + strings.Join(strings.Fields(kinds), `" | "`) + `"`
	return strings.NewReplacer(mark, b.String(), "KINDS", union).Replace(text)
}

// The types of arguments by their names; others are texts.
var (
	tsTypes = argumentTypes("number", "boolean", "string[]", "object[]", "object", "any", "{ [name: string]: string }", "{ [name: string]: number }")

	luaTypes = argumentTypes("number", "boolean", "string[]", "table[]", "table", "any", "table<string, string>", "table<string, number>")
)

func argumentTypes(number, boolean, texts, objects, object, anything, textMap, numberMap string) map[string]string {
	m := map[string]string{}
	for typ, names := range map[string]string{
		number:    "state limit op_code type min_count max_count max_size min_size category_start category_end start_time end_time expiry",
		boolean:   "open persistence hidden forward authoritative",
		texts:     "ids usernames user_ids owner_ids",
		objects:   "objects object_ids presences",
		object:    "account group record presence event",
		anything:  "data content payload",
		textMap:   "metadata string_properties",
		numberMap: "numeric_properties",
	} {
		for name := range strings.FieldsSeq(names) {
			m[name] = typ
		}
	}
	return m
}
