// Package json reads and writes JSON where the standard library is too slow or
// too lenient: messages of sockets and REST, values of scripts, and JSON columns
// of the database.
//
// The Append functions append one value to a buffer, [Writer] writes messages in
// the format of protojson, and [Reader] parses a text without building values.
// Strings that need escapes are written by go-json-experiment/json/jsontext.
// Nothing here is safe for concurrent use.
package json

import (
	"encoding/base64"
	"math"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// AppendString appends s in quotes, with as few escapes as JSON allows. Bytes
// that are not valid UTF-8 are written as U+FFFD, and valid is then false.
func AppendString(b []byte, s string) (_ []byte, valid bool) {
	// Most strings are ASCII and need no escapes except for quotes and backslashes.
	// jsontext takes three times as long for those.
	begin := len(b)
	b = append(b, '"')
	run := 0
	for i := range len(s) {
		c := s[i]
		if plain[c] && c < utf8.RuneSelf {
			continue
		}
		if c != '"' && c != '\\' {
			b, err := jsontext.AppendQuote(b[:begin], s)
			return b, err == nil
		}
		b = append(b, s[run:i]...)
		b = append(b, '\\')
		run = i
	}
	b = append(b, s[run:]...)
	return append(b, '"'), true
}

// AppendNumber appends a number in the shortest form that reads back as the
// same number, like JavaScript and encoding/json, except that -0 becomes 0.
// Infinities and NaN, which JSON does not have, become null.
func AppendNumber(b []byte, f float64) []byte {
	if n := int64(f); float64(n) == f && -1<<53 <= n && n <= 1<<53 {
		return strconv.AppendInt(b, n, 10)
	}
	abs := math.Abs(f)
	switch {
	case math.IsInf(f, 0) || math.IsNaN(f):
		return append(b, "null"...)
	case abs >= 1e-6 && abs < 1e21:
		return strconv.AppendFloat(b, f, 'f', -1, 64)
	}
	b = strconv.AppendFloat(b, f, 'e', -1, 64)
	// An exponent has no leading zero: 1e-7, not 1e-07.
	if n := len(b); n >= 4 && b[n-4] == 'e' && b[n-3] == '-' && b[n-2] == '0' {
		b[n-2] = b[n-1]
		b = b[:n-1]
	}
	return b
}

// AppendBytes appends binary data as a string of standard base64.
func AppendBytes(b, data []byte) []byte {
	b = append(b, '"')
	b = base64.StdEncoding.AppendEncode(b, data)
	return append(b, '"')
}

// AppendDate appends a time in the format of JavaScript's Date.toISOString: in
// UTC and with milliseconds, 2006-01-02T15:04:05.000Z.
func AppendDate(b []byte, t time.Time) []byte {
	b = append(b, '"')
	b = t.UTC().AppendFormat(b, dateLayout)
	return append(b, '"')
}

// Date returns the text that AppendDate writes, without quotes.
func Date(t time.Time) string { return t.UTC().Format(dateLayout) }

const dateLayout = "2006-01-02T15:04:05.000Z"

// AppendTimestamp appends a time in the format of protojson: in UTC, with 0, 3, 6
// or 9 fractional digits.
func AppendTimestamp(b []byte, t time.Time) []byte {
	layout := "2006-01-02T15:04:05.000000000Z"
	switch nanos := t.Nanosecond(); {
	case nanos == 0:
		layout = "2006-01-02T15:04:05Z"
	case nanos%1e6 == 0:
		layout = dateLayout
	case nanos%1e3 == 0:
		layout = "2006-01-02T15:04:05.000000Z"
	}
	b = append(b, '"')
	b = t.UTC().AppendFormat(b, layout)
	return append(b, '"')
}

// Compact removes the white space between the tokens of b[from:], which must be
// JSON, in place. protojson adds some on purpose, differently in each build.
func Compact(b []byte, from int) []byte {
	out := b[:from]
	inString := false
	for i := from; i < len(b); i++ {
		c := b[i]
		switch {
		case inString && c == '\\':
			out = append(out, c)
			i++
			c = b[i]
		case c == '"':
			inString = !inString
		case !inString && (c == ' ' || c == '\n'):
			continue
		}
		out = append(out, c)
	}
	return out
}
