package bundle

import (
	"errors"
	"strings"
)

// moveMappings rewrites the mappings of a source map with one source, so that its lines
// become those of several sources. place returns the source of a line and the line in
// it, all counted from 0.
func moveMappings(mappings string, place func(line int) (source, inSource int)) (string, error) {
	var out strings.Builder
	line := 0                // of the one source
	var source, inSource int // as written last
	for i, part := range splitKeep(mappings) {
		if i%2 == 1 { // , or ;
			out.WriteString(part)
			continue
		}
		fields, err := decodeVLQ(part)
		if err != nil {
			return "", err
		}
		if len(fields) >= 4 {
			line += fields[2]
			s, l := place(line)
			fields[1], fields[2] = s-source, l-inSource
			source, inSource = s, l
		}
		for _, n := range fields {
			appendVLQ(&out, n)
		}
	}
	return out.String(), nil
}

// splitKeep splits mappings into segments and, between them, their separators.
func splitKeep(mappings string) (parts []string) {
	for {
		i := strings.IndexAny(mappings, ",;")
		if i < 0 {
			return append(parts, mappings)
		}
		parts = append(parts, mappings[:i], mappings[i:i+1])
		mappings = mappings[i+1:]
	}
}

const vlqDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

// decodeVLQ reads the numbers of a segment: base 64 with five bits in each digit, the
// lowest bit of a number is its sign.
func decodeVLQ(segment string) (fields []int, err error) {
	n, shift := 0, 0
	for i := range len(segment) {
		digit := strings.IndexByte(vlqDigits, segment[i])
		if digit < 0 || shift > 30 {
			return nil, errors.New("the compiler returned a damaged source map")
		}
		n |= digit & 31 << shift
		if shift += 5; digit&32 != 0 {
			continue
		}
		if n&1 != 0 {
			n = -n
		}
		fields = append(fields, n/2)
		n, shift = 0, 0
	}
	return fields, nil
}

func appendVLQ(out *strings.Builder, n int) {
	bits := n << 1
	if n < 0 {
		bits = -n<<1 | 1
	}
	for {
		digit := bits & 31
		if bits >>= 5; bits > 0 {
			digit |= 32
		}
		out.WriteByte(vlqDigits[digit])
		if bits == 0 {
			return
		}
	}
}
