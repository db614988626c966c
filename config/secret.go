package config

import (
	"fmt"
	"io"
	"strings"
)

const redacted = "<redacted>"

// Secret is a setting that must never be printed. fmt, JSON and text encoding
// show only whether it is set; string(s) is the value.
type Secret string

// Redacted returns a fixed placeholder, or "" if s is empty.
func (s Secret) Redacted() string {
	if s == "" {
		return ""
	}
	return redacted
}

// Format prints the placeholder for every verb, %#v and %x included.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.Redacted()) }

// MarshalText makes JSON and other encoders use the placeholder.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.Redacted()), nil }

// EnvList is a list of KEY=VALUE whose values are not printed.
type EnvList []string

// Redacted returns the list with every value replaced by a placeholder.
func (l EnvList) Redacted() []string {
	out := make([]string, len(l))
	for i, entry := range l {
		key, _, _ := strings.Cut(entry, "=")
		out[i] = key + "=" + redacted
	}
	return out
}

// Format prints keys only.
func (l EnvList) Format(f fmt.State, _ rune) { _, _ = fmt.Fprint(f, l.Redacted()) }

// MarshalText prints keys only.
func (l EnvList) MarshalText() ([]byte, error) {
	return []byte(strings.Join(l.Redacted(), ",")), nil
}

// AddressList is a list of database addresses whose passwords are not printed.
type AddressList []string

// Redacted returns the list without passwords and query options, which may
// contain a password too.
func (l AddressList) Redacted() []string {
	out := make([]string, len(l))
	for i, address := range l {
		out[i] = redactAddress(address)
	}
	return out
}

// Format prints addresses without passwords.
func (l AddressList) Format(f fmt.State, _ rune) { _, _ = fmt.Fprint(f, l.Redacted()) }

// MarshalText prints addresses without passwords.
func (l AddressList) MarshalText() ([]byte, error) {
	return []byte(strings.Join(l.Redacted(), ",")), nil
}

// redactAddress works on the text instead of a parsed URL, since an address
// that does not parse must not show its password either.
func redactAddress(address string) string {
	head, query, hasQuery := strings.Cut(address, "?")
	scheme, rest, hasScheme := strings.Cut(head, "://")
	if !hasScheme {
		scheme, rest = "", head
	}
	if at := strings.LastIndex(rest, "@"); at >= 0 {
		if user, _, hasPassword := strings.Cut(rest[:at], ":"); hasPassword {
			rest = user + ":" + redacted + rest[at:]
		}
	}
	if hasScheme {
		rest = scheme + "://" + rest
	}
	if hasQuery && query != "" {
		rest += "?" + redacted
	}
	return rest
}
