package api

import (
	"encoding/json"
	"regexp"
	"strconv"
	"strings"
)

// place is where protojson says that something is wrong: the line and the character in it.
var place = regexp.MustCompile(`\(line (\d+):(\d+)\)`)

// fieldOf names the field of a JSON text that an error of protojson is about, as what is said
// after the error; empty if that is unknown.
func fieldOf(text string, err error) string {
	found := place.FindStringSubmatch(err.Error())
	if found == nil {
		return ""
	}
	line, _ := strconv.Atoi(found[1])
	column, _ := strconv.Atoi(found[2])
	if path := pathAt(text, offsetOf(text, line, column)); path != "" {
		return " (in " + path + ")"
	}
	return ""
}

// offsetOf returns the offset in bytes of a line and a character in it, both from 1.
func offsetOf(text string, line, column int) int {
	at := 0
	for ; line > 1; line-- {
		end := strings.IndexByte(text[at:], '\n')
		if end < 0 {
			return len(text)
		}
		at += end + 1
	}
	for i := range text[at:] {
		if column--; column == 0 {
			return at + i
		}
	}
	return len(text)
}

// pathAt names the value at an offset of a JSON text, such as account.vars or ids[1].
func pathAt(text string, offset int) string {
	f := finder{Decoder: json.NewDecoder(strings.NewReader(text)), offset: offset}
	f.find("")
	return f.path
}

// finder reads a text until it has come to an offset.
type finder struct {
	*json.Decoder
	offset int
	path   string // of what is there
}

// find reads the value at a path. It returns true when the offset was in it, or the text
// cannot be read any further.
func (f *finder) find(path string) bool {
	f.path = path
	t, err := f.Token()
	if f.passed(err) {
		return true
	}
	switch t {
	case json.Delim('{'):
		for f.More() {
			name, err := f.Token()
			if err == nil {
				f.path = inside(path, "."+name.(string))
			}
			if f.passed(err) || f.find(f.path) {
				return true
			}
			f.path = path
		}
	case json.Delim('['):
		for i := 0; f.More(); i++ {
			if f.find(inside(path, "["+strconv.Itoa(i)+"]")) {
				return true
			}
			f.path = path
		}
	default:
		return false
	}
	_, err = f.Token() // the end of the object or list
	return f.passed(err)
}

func (f *finder) passed(err error) bool { return err != nil || f.InputOffset() > int64(f.offset) }

// maxPath is how many bytes of a path are shown.
const maxPath = 200

func inside(path, part string) string {
	if len(path) > maxPath {
		return path
	}
	return strings.TrimPrefix(path+part, ".")
}
