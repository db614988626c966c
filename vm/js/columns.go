package js

import (
	"encoding/base64"
	"encoding/json"
	"strings"
)

// Source maps count columns from 0, users and goja from 1, and goja reports the
// columns of a source map unchanged. So 1 is added to the original columns of a map
// before goja reads it. Each is stored as the difference to the one before, so
// changing the first is enough.

const mapComment = "//# sourceMappingURL="

// moveInline is moveColumns for the inline source map of a text.
func moveInline(source string) string {
	at := strings.LastIndex(source, mapComment+"data:")
	if at < 0 {
		return source
	}
	comment, rest, _ := strings.Cut(source[at:], "\n")
	head, data, ok := strings.Cut(comment, ";base64,")
	if !ok {
		return source
	}
	text, err := base64.StdEncoding.DecodeString(strings.TrimSpace(data))
	if err != nil {
		return source
	}
	return source[:at] + head + ";base64," + base64.StdEncoding.EncodeToString(moveColumns(text)) + "\n" + rest
}

// moveColumns returns a source map with 1 added to its original columns, also in
// its sections. Text that is not a source map is returned unchanged.
func moveColumns(text []byte) []byte {
	var m map[string]json.RawMessage
	if json.Unmarshal(text, &m) != nil {
		return text
	}
	var sections []map[string]json.RawMessage
	if json.Unmarshal(m["sections"], &sections) == nil {
		for _, s := range sections {
			s["map"] = moveColumns(s["map"])
		}
		m["sections"], _ = json.Marshal(sections)
		if out, err := json.Marshal(m); err == nil {
			return out
		}
		return text
	}
	var mappings string
	if json.Unmarshal(m["mappings"], &mappings) != nil {
		return text
	}
	for at := 0; at < len(mappings); {
		end := at + strings.IndexAny(mappings[at:]+";", ",;")
		if segment := mappings[at:end]; len(segment) > 1 {
			// The fields: column in the text, file, line, column in the file.
			pos, field := 0, 0
			for ; field < 3 && pos < len(segment); field++ {
				_, pos = readVLQ(segment, pos)
			}
			if field == 3 && pos < len(segment) {
				n, next := readVLQ(segment, pos)
				moved := mappings[:at] + segment[:pos] + writeVLQ(n+1) + segment[next:] + mappings[end:]
				m["mappings"], _ = json.Marshal(moved)
				out, err := json.Marshal(m)
				if err != nil {
					return text
				}
				return out
			}
		}
		at = end + 1
	}
	return text
}

const vlqDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

// readVLQ reads the number at a position and returns the position after it.
func readVLQ(s string, at int) (n, next int) {
	shift := 0
	for ; at < len(s); at++ {
		d := strings.IndexByte(vlqDigits, s[at])
		if d < 0 {
			break
		}
		n |= (d & 31) << shift
		shift += 5
		if d&32 == 0 {
			at++
			break
		}
	}
	if n&1 != 0 {
		return -(n >> 1), at
	}
	return n >> 1, at
}

func writeVLQ(n int) string {
	x := n << 1
	if n < 0 {
		x = -n<<1 | 1
	}
	var b strings.Builder
	for {
		d := x & 31
		if x >>= 5; x > 0 {
			d |= 32
		}
		b.WriteByte(vlqDigits[d])
		if x == 0 {
			return b.String()
		}
	}
}
