package describe

import (
	"kumi/modules/script"

	_ "embed"
	"fmt"
	"kumi/hooks"
	"kumi/vm" // for the globals
	"slices"
	"strings"
)

const typeScriptHead = `// Declarations of the functions and types that modules in TypeScript and
// JavaScript have. Printed by "kumi types --ts" from the table that is bound into
// the script engine; do not edit.
//
// Properties that are absent when they are empty are declared as if they were
// always there, as modules expect; their comment says so.

declare namespace nkruntime {
    const SystemUserId = "00000000-0000-0000-0000-000000000000";
`

//go:embed globals.d.ts
var typeScriptGlobals string

// TypeScript prints declarations for modules in TypeScript and JavaScript: the
// namespace nkruntime and the globals that are not part of the language.
func TypeScript() (string, error) {
	d, err := Describe(vm.JS)
	if err != nil {
		return "", err
	}
	p := &tsPrinter{messages: newHookMessages(d)}
	p.b.WriteString(typeScriptHead)
	for i := range d.Types {
		p.typ(&d.Types[i])
	}
	for _, o := range d.Objects {
		for _, f := range o.Functions {
			p.result(&f)
		}
	}
	p.handlers(d)
	p.envelopes()
	p.calls()
	for i := range p.messages.list {
		p.typ(&p.messages.list[i])
	}
	for _, o := range d.Objects {
		p.object(&o)
	}
	p.line("/** The function that the server calls once, with what to register with. */")
	p.line("export interface InitModule {")
	p.line("    (ctx: Context, logger: Logger, nk: Nakama, initializer: Initializer): void;")
	p.line("}")
	p.b.WriteString("}\n")
	p.b.WriteString(typeScriptGlobals)
	return p.b.String(), nil
}

type tsPrinter struct {
	b        strings.Builder
	messages *hookMessages
	printed  map[string]bool
}

func (p *tsPrinter) line(format string, args ...any) {
	p.b.WriteString("    ")
	fmt.Fprintf(&p.b, format, args...)
	p.b.WriteByte('\n')
}

func (p *tsPrinter) doc(indent, doc string) {
	if doc != "" {
		p.line("%s/** %s */", indent, doc)
	}
}

func (p *tsPrinter) typ(t *TypeDecl) {
	p.doc("", t.Doc)
	switch {
	case t.Alias != nil:
		p.line("export type %s = %s;", t.Name, tsType(*t.Alias))
	case t.Enum != nil:
		p.line("const enum %s {", t.Name)
		for _, m := range t.Enum {
			p.line("    %s = %s,", m.name, m.value)
		}
		p.line("}")
	default:
		p.line("export interface %s {", t.Name)
		for _, f := range t.Fields {
			p.property(f)
		}
		p.line("}")
	}
}

func (p *tsPrinter) property(f vm.Field) {
	doc := f.Doc
	if f.Sometimes && !f.Optional {
		doc = strings.TrimPrefix(doc+"; absent when it is not set", "; ")
	}
	p.doc("    ", doc)
	p.line("    %s%s: %s;", f.Name.Camel, optional(f.Optional), tsType(f.Type))
}

func optional(yes bool) string {
	if yes {
		return "?"
	}
	return ""
}

// result declares the object that a function with several results returns.
func (p *tsPrinter) result(f *Function) {
	if f.As == "" || p.printed[f.As] {
		return
	}
	if p.printed == nil {
		p.printed = map[string]bool{}
	}
	p.printed[f.As] = true
	p.typ(&TypeDecl{Name: f.As, Fields: f.Results})
}

func (p *tsPrinter) handlers(d *Declarations) {
	for _, h := range d.Handlers {
		p.doc("", h.Doc)
		generic := h.Generic
		if strings.HasPrefix(h.Name, "Rt") {
			generic = "<T extends Envelope>"
		}
		before := "ctx: Context, logger: Logger, nk: Nakama"
		if h.Match {
			generic = "<State = MatchState>"
			if h.Name != "MatchInitFunction" {
				before += ", dispatcher: MatchDispatcher, tick: number, state: State"
			}
		}
		result := "void"
		switch {
		case h.Result != nil:
			result = tsType(*h.Result)
		case h.Match:
			result = tsObject(h.Results)
			if h.Name != "MatchInitFunction" {
				result += " | null | void"
			}
		}
		p.line("export interface %s%s {", h.Name, generic)
		if h.Bare {
			p.line("    (%s): %s;", strings.TrimPrefix(tsParams(h.Params, true), ", "), result)
		} else {
			p.line("    (%s%s): %s | Promise<%s>;", before, tsParams(h.Params, true), result, result)
		}
		p.line("}")
	}
	p.doc("", "The functions of a match. All are required but the last, which takes over a running match when the modules are reloaded.")
	p.line("export interface MatchHandler<State = MatchState> {")
	for i := range script.MatchFunctions {
		name := script.MatchFunctions[i].Camel
		p.line("    %s%s: %sFunction<State>;", name, optional(i == script.MatchReload), strings.ToUpper(name[:1])+name[1:])
	}
	p.line("}")
}

// envelopes declares the realtime messages, one type for each kind.
func (p *tsPrinter) envelopes() {
	var all []string
	byHook := map[string]string{}
	for _, f := range p.messages.envelopes() {
		name := "Envelope" + string(f.Message().Name())
		if f.Message().Name() == "MatchCreate" {
			name = "EnvelopeMatchCreateMessage"
		}
		all = append(all, name)
		byHook[string(f.Message().Name())] = name
		p.line("export interface %s {", name)
		p.line("    /** Comes back with the answer. */")
		p.line("    cid?: string;")
		p.line("    %s: %s;", f.JSONName(), p.messages.name(f.Message()))
		p.line("}")
	}
	p.line("export type Envelope = %s;", strings.Join(all, " | "))
	p.doc("", "The realtime messages that have hooks, with what a before hook gets.")
	p.line("export interface RtEnvelopes {")
	for _, name := range hooks.RealtimeNames {
		p.line("    %s: %s;", name, byHook[name])
	}
	p.line("}")
	p.line("export type RtHookMessage = keyof RtEnvelopes;")
}

// calls declares the requests and responses of the API calls, by name.
func (p *tsPrinter) calls() {
	p.doc("", "The calls of the API that have hooks, with their requests.")
	p.line("export interface ApiRequests {")
	for i := range hooks.Methods {
		p.line("    %s: %s;", hooks.Methods[i].Name, p.messages.of(hooks.Methods[i].In).name)
	}
	p.line("}")
	p.doc("", "The answers of the calls of the API that have hooks.")
	p.line("export interface ApiAnswers {")
	for i := range hooks.Methods {
		p.line("    %s: %s;", hooks.Methods[i].Name, p.messages.of(hooks.Methods[i].Out).name)
	}
	p.line("}")
	p.line("export type ApiHookName = keyof ApiRequests;")
}

func (p *tsPrinter) object(o *Object) {
	p.doc("", o.Doc)
	p.line("export interface %s {", o.Name)
	for i := range o.Functions {
		p.function(&o.Functions[i])
	}
	p.line("}")
}

func (p *tsPrinter) function(f *Function) {
	doc := f.Doc
	if f.Pending {
		doc += " Not available in this version of the server."
	}
	p.doc("    ", doc)
	switch name := f.Native.Snake; {
	case f.Hook != "":
		p.hook(f)
		return
	case name == "register_rt_before" || name == "register_rt_after":
		handler := "Rt" + strings.TrimPrefix(vm.Camel(name), "registerRt") + "HookFunction"
		p.line("    %s<K extends RtHookMessage>(name: K, fn: %s<RtEnvelopes[K]>): void;", f.Name, handler)
		p.line("    %s<T extends Envelope>(name: RtHookMessage, fn: %s<T>): void;", f.Name, handler)
		return
	case name == "register_rt_before_chain" || name == "register_rt_after_chain":
		handler := "Rt" + strings.TrimSuffix(strings.TrimPrefix(vm.Camel(name), "registerRt"), "Chain") + "HookFunction"
		p.line("    %s<K extends RtHookMessage>(name: K, fn: %s<RtEnvelopes[K]>): void;", f.Name, handler)
		return
	case name == "register_before_chain":
		p.line("    %s<K extends ApiHookName>(name: K, fn: BeforeHookFunction<ApiRequests[K]>): void;", f.Name)
		return
	case name == "register_after_chain":
		p.line("    %s<K extends ApiHookName>(name: K, fn: AfterHookFunction<ApiAnswers[K], ApiRequests[K]>): void;", f.Name)
		return
	case name == "register_match":
		p.line("    %s<State = MatchState>(name: string, handlers: MatchHandler<State>): void;", f.Name)
		return
	}
	p.line("    %s(%s): %s;", f.Name, strings.TrimPrefix(tsParams(f.Params, false), ", "), tsResult(f))
}

// hook declares the function that registers the hook of one call, with the types of
// that call and those that existing modules may use.
func (p *tsPrinter) hook(f *Function) {
	m, ok := hooks.LookupMethod(f.Hook)
	if !ok {
		return
	}
	in, out := p.messages.of(m.In), p.messages.of(m.Out)
	if strings.HasPrefix(f.Name, "registerBefore") {
		p.line("    %s(fn: BeforeHookFunction<%s>): void;", f.Name, in.name)
		if in.also != in.name {
			p.line("    %s(fn: BeforeHookFunction<%s>): void;", f.Name, in.also)
		}
		return
	}
	p.line("    %s(fn: AfterHookFunction<%s, %s>): void;", f.Name, out.name, in.name)
	if in.also != in.name || out.also != out.name {
		p.line("    %s(fn: AfterHookFunction<%s, %s>): void;", f.Name, out.also, in.also)
	}
}

func tsResult(f *Function) (result string) {
	switch {
	case f.Result != nil:
		result = tsType(*f.Result)
	case f.As != "":
		result = f.As
	case len(f.Results) == 1:
		result = tsType(f.Results[0].Type)
	case len(f.Results) > 1:
		result = tsObject(f.Results)
	default:
		result = "void"
	}
	if f.Async {
		return "Promise<" + result + ">"
	}
	return result
}

func tsObject(fields []vm.Field) string {
	parts := make([]string, len(fields))
	for i, f := range fields {
		parts[i] = f.Name.Camel + optional(f.Optional) + ": " + tsType(f.Type)
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

// tsParams lists parameters, each after a comma. Optional ones accept null as well,
// unless the server passes them.
func tsParams(params []vm.Field, given bool) string {
	var b strings.Builder
	for i, f := range params {
		name, typ, nullable := f.Name.Camel, tsType(f.Type), f.Optional && !given && tsType(f.Type) != "any"
		switch name {
		case "default":
			name = "fallback" // a word of the language
		case "arguments":
			name = "args"
		}
		if f.Rest {
			fmt.Fprintf(&b, ", ...%s: %s[]", name, typ)
			continue
		}
		if nullable {
			typ += " | null"
		}
		last := !slices.ContainsFunc(params[i:], func(x vm.Field) bool { return !x.Optional && !x.Rest })
		switch {
		case f.Optional && last:
			name += "?"
		case nullable:
			typ += " | undefined"
		}
		fmt.Fprintf(&b, ", %s: %s", name, typ)
	}
	return b.String()
}

func tsType(t vm.Type) string {
	switch {
	case t.List != nil:
		item := tsType(*t.List)
		if t.List.Any != nil || t.List.Func != nil {
			item = "(" + item + ")"
		}
		return item + "[]"
	case t.Map != nil:
		return "{[key: string]: " + tsType(*t.Map) + "}"
	case t.Any != nil:
		parts := make([]string, len(t.Any))
		for i, x := range t.Any {
			parts[i] = tsType(x)
		}
		return strings.Join(parts, " | ")
	case t.Object:
		return tsObject(t.Fields)
	case t.Shape != nil:
		return shapeName(t.Shape)
	}
	switch t.Name {
	case "bytes":
		return "ArrayBuffer"
	case "function":
		return "(...args: any[]) => any"
	}
	return t.Name
}
