package httproute

import (
	"errors"
	"regexp"
	"strings"

	"kumi/store/fault"
)

// Compile converts the path pattern of a route to a regular expression for whole paths
// and the names of its variables, in order. {name} matches one segment,
// {name:expression} what the regular expression matches. It fails with
// InvalidArgument.
func Compile(pattern string) (path *regexp.Regexp, names []string, err error) {
	path, names, err = compilePath(pattern)
	if err != nil {
		err = fault.Newf(fault.InvalidArgument, "the pattern %q: %v", pattern, err)
	}
	return path, names, err
}

func compilePath(pattern string) (path *regexp.Regexp, names []string, err error) {
	if !strings.HasPrefix(pattern, "/") {
		return nil, nil, errors.New("a path must begin with a slash")
	}
	expr := strings.Builder{}
	expr.WriteByte('^')
	for rest := pattern; rest != ""; {
		start := strings.IndexByte(rest, '{')
		if start < 0 {
			expr.WriteString(regexp.QuoteMeta(rest))
			break
		}
		end := closingBrace(rest[start:])
		if end < 0 {
			return nil, nil, errors.New("a brace is not closed")
		}
		expr.WriteString(regexp.QuoteMeta(rest[:start]))
		name, inner, ok := strings.Cut(rest[start+1:start+end], ":")
		if !ok {
			inner = "[^/]+"
		}
		if name == "" || inner == "" {
			return nil, nil, errors.New("a variable has no name or an empty expression")
		}
		names = append(names, name)
		expr.WriteString("(" + groupless(inner) + ")")
		rest = rest[start+end+1:]
	}
	expr.WriteByte('$')
	if path, err = regexp.Compile(expr.String()); err != nil {
		return nil, nil, err
	}
	if path.NumSubexp() != len(names) {
		return nil, nil, errors.New("an expression may not have capturing groups; write (?:…)")
	}
	return path, names, nil
}

// groupless makes an expression a non-capturing group if it has alternatives.
func groupless(expr string) string {
	if strings.Contains(expr, "|") {
		return "(?:" + expr + ")"
	}
	return expr
}

// closingBrace returns the index of the brace that closes the one that s begins with,
// or a negative number. Expressions may contain braces.
func closingBrace(s string) int {
	depth := 0
	for i, c := range s {
		switch c {
		case '{':
			depth++
		case '}':
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return -1
}
