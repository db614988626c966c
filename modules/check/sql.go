package check

import (
	"strings"

	"kumi/store/translate"
	"kumi/vm"
)

// sqlFunctions are the functions of nk whose first argument is an SQL statement.
var sqlFunctions = []string{"sqlQuery", "sqlExec", "sql_query", "sql_exec"}

// sql notes what the embedded database does not support in a statement that is a
// string literal. With PostgreSQL it is no problem, so it is only a note.
func (r *Report) sql(at string, lang vm.Lang, literal string) {
	query, ok := unquote(lang, literal)
	if !ok {
		return
	}
	if _, err := translate.Translate(query, nil); err != nil {
		r.Note(at, "the statement needs PostgreSQL: "+err.Error())
	}
}

// unquote returns the value of a string literal; ok is false for anything else.
func unquote(lang vm.Lang, literal string) (value string, ok bool) {
	if lang == vm.Lua && strings.HasPrefix(literal, "[") {
		open := strings.Index(literal[1:], "[") + 2
		if open < 2 || len(literal) < 2*open {
			return "", false
		}
		return literal[open : len(literal)-open], true
	}
	if len(literal) < 2 || strings.IndexByte("'\"`", literal[0]) < 0 || literal[len(literal)-1] != literal[0] {
		return "", false
	}
	body := literal[1 : len(literal)-1]
	if literal[0] == '`' && strings.Contains(body, "${") {
		return "", false
	}
	var b strings.Builder
	for i := 0; i < len(body); i++ {
		if body[i] != '\\' || i+1 == len(body) {
			b.WriteByte(body[i])
			continue
		}
		i++
		switch body[i] {
		case 'n':
			b.WriteByte('\n')
		case 't':
			b.WriteByte('\t')
		case 'r', '\n': // line continuation
		default:
			b.WriteByte(body[i])
		}
	}
	return b.String(), true
}
