package store

// concatJSON is PostgreSQL's || on JSONB: if both are objects, the members of b are
// added to a or replace those of a; otherwise the result is an array of the elements
// of both, where a value that is not an array counts as one element.
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
	// The last member of a name counts, so normalizing the joined text merges them.
	return NormalizeJSON(joined)
}

func asArray(s string) string {
	if s[0] == '[' {
		return s
	}
	return "[" + s + "]"
}
