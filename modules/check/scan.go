package check

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"kumi/modules/bundle"
	"kumi/modules/script/describe"
	"kumi/modules/source"
	"kumi/vm"
)

// The scan finds calls of unknown functions in the sources, including code
// that is not run while modules load. It recognizes nk and the like by the names of
// parameters, by declared types and, in Lua, by the result of require.

// callee is a call in a source file: object.function(.
type callee struct {
	object, function string
	argument         string // the source of the first argument, if it is a single string literal
	line, column     int
}

// Scan reports calls of unknown functions in the Lua files of a folder and in its
// JavaScript program, which may be nil. r may be nil.
func (r *Report) Scan(folder string, program *bundle.Project) {
	if r == nil || folder == "" {
		return
	}
	if program != nil {
		for _, path := range program.Sources() {
			r.scan(folder, path)
		}
	}
	_ = source.Walk(folder, func(_, path string) error {
		r.scan(folder, path)
		return nil
	}, ".lua")
}

// scan reads a file and reports its calls of unknown functions, and its SQL that needs
// PostgreSQL.
func (r *Report) scan(root, path string) {
	content, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(path)))
	if err != nil {
		return
	}
	lang, text := vm.JS, string(content)
	if strings.EqualFold(filepath.Ext(path), ".lua") {
		lang = vm.Lua
	}
	objects := objectsOf(lang, text)
	for _, c := range calls(lang, text) {
		kind := objects[c.object]
		if kind == "" {
			continue
		}
		if near, ok := describe.Known(lang, kind, c.function); !ok {
			what := c.object + " has no function " + strconv.Quote(c.function)
			if near != "" {
				what += "; did you mean " + strconv.Quote(near) + "?"
			}
			r.Add(fmt.Sprintf("%s:%d:%d", path, c.line, c.column), what)
		}
		if kind == "Nakama" && c.argument != "" && slices.Contains(sqlFunctions, c.function) {
			r.sql(fmt.Sprintf("%s:%d:%d", path, c.line, c.column), lang, c.argument)
		}
	}
}

var (
	luaRequire  = regexp.MustCompile(`(?m)^\s*(?:local\s+)?(\w+)\s*=\s*require\s*\(?\s*["']nakama["']`)
	typed       = regexp.MustCompile(`\b(\w+)\s*:\s*nkruntime\.(Nakama|Initializer|Logger|MatchDispatcher)\b`)
	usualNames  = map[string]string{"nk": "Nakama", "initializer": "Initializer", "logger": "Logger", "dispatcher": "MatchDispatcher"}
	ownVariable = regexp.MustCompile(`\b(?:const|let|var|function|class|import|local)\s+(?:\*\s+as\s+)?(\w+)\b`)
)

// objectsOf returns the types of the names in a source file that refer to nk and the
// like.
func objectsOf(lang vm.Lang, text string) map[string]string {
	objects := map[string]string{}
	if lang == vm.Lua {
		objects["dispatcher"] = "MatchDispatcher"
	} else {
		for name, kind := range usualNames {
			objects[name] = kind
		}
	}
	for _, m := range ownVariable.FindAllStringSubmatch(text, -1) {
		delete(objects, m[1]) // defined by the module itself
	}
	for _, m := range typed.FindAllStringSubmatch(text, -1) {
		objects[m[1]] = m[2]
	}
	if lang == vm.Lua {
		for _, m := range luaRequire.FindAllStringSubmatch(text, -1) {
			objects[m[1]] = "Nakama"
		}
	}
	return objects
}

var (
	jsToken = regexp.MustCompile("(?s)" + strings.Join([]string{
		`//[^\n]*`, `/\*.*?(?:\*/|$)`, // comments
		`"(?:\\.|[^"\\\n])*"?`, `'(?:\\.|[^'\\\n])*'?`, // strings
		"`", `[A-Za-z_$][\w$]*`, `\d[\w.]*`, `\?\.`, `\s+`, `.`,
	}, "|"))
	jsPattern = regexp.MustCompile(`^/(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\[\n])+/[a-z]*`)
	luaToken  = regexp.MustCompile("(?s)" + strings.Join([]string{
		`--\[\[.*?(?:\]\]|$)`, `--\[=\[.*?(?:\]=\]|$)`, `--[^\n]*`,
		`\[\[.*?(?:\]\]|$)`, `\[=\[.*?(?:\]=\]|$)`,
		`"(?:\\.|[^"\\\n])*"?`, `'(?:\\.|[^'\\\n])*'?`,
		`[A-Za-z_]\w*`, `\d[\w.]*`, `\.\.+`, `\s+`, `.`,
	}, "|"))
	word = regexp.MustCompile(`^[A-Za-z_$][\w$]*$`)
)

// calls returns all calls of the form object.function(, outside of strings and
// comments.
func calls(lang vm.Lang, text string) (found []callee) {
	type token struct {
		text string
		at   int
	}
	var tokens []token
	var templates []int // open braces in each ${ } being read
	for i := 0; i < len(text); {
		var t string
		switch {
		case lang == vm.Lua:
			t = luaToken.FindString(text[i:])
		case text[i] == '/' && regexpMayFollow(func() string {
			if len(tokens) == 0 {
				return ""
			}
			return tokens[len(tokens)-1].text
		}()) && jsPattern.MatchString(text[i:]):
			t = jsPattern.FindString(text[i:])
			i += len(t)
			continue
		default:
			t = jsToken.FindString(text[i:])
		}
		if t == "" {
			break
		}
		start := i
		i += len(t)
		if lang == vm.JS {
			switch {
			case t == "{" && len(templates) > 0:
				templates[len(templates)-1]++
			case t == "}" && len(templates) > 0 && templates[len(templates)-1] == 0:
				templates = templates[:len(templates)-1]
				i = templateEnd(text, i, &templates)
				continue
			case t == "}" && len(templates) > 0:
				templates[len(templates)-1]--
			case t == "`":
				i = templateEnd(text, i, &templates)
				tokens = append(tokens, token{text[start:i], start})
				continue
			}
		}
		if strings.TrimSpace(t) == "" || isComment(lang, t) {
			continue
		}
		tokens = append(tokens, token{t, start})
	}
	for i := 0; i+3 < len(tokens); i++ {
		object, dot, function, open := tokens[i], tokens[i+1], tokens[i+2], tokens[i+3]
		if dot.text != "." && dot.text != "?." || open.text != "(" && !(lang == vm.JS && open.text == "<") ||
			!word.MatchString(object.text) || !word.MatchString(function.text) {
			continue
		}
		if i > 0 && (tokens[i-1].text == "." || tokens[i-1].text == "?.") {
			continue // a property of another object with the same name
		}
		line := 1 + strings.Count(text[:function.at], "\n")
		column := function.at - strings.LastIndexByte(text[:function.at], '\n')
		c := callee{object: object.text, function: function.text, line: line, column: column}
		if open.text == "(" && i+5 < len(tokens) && (tokens[i+5].text == "," || tokens[i+5].text == ")") {
			c.argument = tokens[i+4].text
		}
		found = append(found, c)
	}
	return found
}

func isComment(lang vm.Lang, t string) bool {
	if lang == vm.Lua {
		return strings.HasPrefix(t, "--")
	}
	return strings.HasPrefix(t, "//") || strings.HasPrefix(t, "/*")
}

// templateEnd returns the position after the text of a template, at its end or its
// next ${.
func templateEnd(text string, i int, templates *[]int) int {
	for ; i < len(text); i++ {
		switch {
		case text[i] == '\\':
			i++
		case text[i] == '`':
			return i + 1
		case strings.HasPrefix(text[i:], "${"):
			*templates = append(*templates, 0)
			return i + 2
		}
	}
	return i
}

// regexpMayFollow reports whether a / after a token begins a regular expression rather
// than a division.
func regexpMayFollow(before string) bool {
	if before == "" || strings.ContainsAny(before[:1], "(,=:[!&|?{};+-*%<>~^") {
		return true
	}
	return slices.Contains([]string{"return", "typeof", "case", "in", "of", "do", "else", "void", "delete"}, before)
}
