package store

// concatJSON is PostgreSQL's || on JSONB: members of b join or replace those
// of a when both are objects; otherwise the two become one array, in which an
// argument that is an array gives its elements.
func concatJSON(a, b string) (string, error) {
	a, err := NormalizeJSON(a)
	if err != nil {
		return "", err
	}
	if b, err = NormalizeJSON(b); err != nil {
		return "", err
	}
	open, end := byte('{'), byte('}')
	if a[0] != '{' || b[0] != '{' {
		open, end = '[', ']'
		a, b = asArray(a), asArray(b)
	}
	a, b = a[1:len(a)-1], b[1:len(b)-1]
	sep := ", "
	if a == "" || b == "" {
		sep = ""
	}
	joined := string(open) + a + sep + b + string(end)
	if open == '[' {
		return joined, nil
	}
	// Last member wins, so normalising the joined text is the merge.
	return NormalizeJSON(joined)
}

func asArray(s string) string {
	if s[0] == '[' {
		return s
	}
	return "[" + s + "]"
}
