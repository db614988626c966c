package config

import (
	"fmt"
	"reflect"
	"sort"
	"strconv"
	"strings"
)

// leaf is one key: a scalar or list field of Config. The leaves are collected
// by reflection once, so that files, variables, flags and usage share one
// list.
type leaf struct {
	path  string
	usage string
	field reflect.Value
}

// tree lists all keys of one Config in the order of its fields.
type tree struct {
	leaves   []*leaf
	byPath   map[string]*leaf
	sections map[string]string // path of each section to its description
}

func newTree(cfg *Config) *tree {
	t := &tree{byPath: map[string]*leaf{}, sections: map[string]string{}}
	t.walk(reflect.ValueOf(cfg).Elem(), "")
	return t
}

func (t *tree) walk(section reflect.Value, prefix string) {
	for i := range section.NumField() {
		field := section.Type().Field(i)
		name := field.Tag.Get("yaml")
		if name == "" {
			continue
		}
		path := prefix + name
		if field.Type.Kind() == reflect.Struct {
			t.sections[path] = field.Tag.Get("usage")
			t.walk(section.Field(i), path+".")
			continue
		}
		l := &leaf{path: path, usage: field.Tag.Get("usage"), field: section.Field(i)}
		t.leaves = append(t.leaves, l)
		t.byPath[path] = l
	}
}

func (l *leaf) isList() bool { return l.field.Kind() == reflect.Slice }
func (l *leaf) isBool() bool { return l.field.Kind() == reflect.Bool }
func (l *leaf) isEnv() bool  { return l.field.Type() == reflect.TypeFor[EnvList]() }

// typeName returns the name of the key's type for messages and usage.
func (l *leaf) typeName() string {
	switch l.field.Kind() {
	case reflect.Bool:
		return "true or false"
	case reflect.Int, reflect.Int64:
		return "an integer"
	case reflect.Slice:
		return "a list"
	default:
		return "text"
	}
}

// text returns the current value for display, with secrets redacted.
func (l *leaf) text() string {
	switch v := l.field.Interface().(type) {
	case Secret:
		return v.Redacted()
	case EnvList:
		return strings.Join(v.Redacted(), ",")
	case AddressList:
		return strings.Join(v.Redacted(), ",")
	case []string:
		return strings.Join(v, ",")
	default:
		return fmt.Sprint(v)
	}
}

// set sets a scalar.
func (l *leaf) set(text string) error {
	switch l.field.Kind() {
	case reflect.Bool:
		v, ok := parseBool(text)
		if !ok {
			return fmt.Errorf("%s: %q is not true or false", l.path, text)
		}
		l.field.SetBool(v)
	case reflect.Int, reflect.Int64:
		v, err := strconv.ParseInt(text, 0, l.field.Type().Bits())
		if err != nil {
			return fmt.Errorf("%s: %q is not an integer", l.path, text)
		}
		l.field.SetInt(v)
	default:
		l.field.SetString(text)
	}
	return nil
}

// setList sets a list, or extends it if more is true. An EnvList is always
// merged by key, with the newer value taking precedence, and kept sorted.
func (l *leaf) setList(values []string, more bool) error {
	old, _ := l.field.Convert(reflect.TypeFor[[]string]()).Interface().([]string)
	if !l.isEnv() {
		list := append([]string(nil), values...)
		if more {
			list = append(append([]string(nil), old...), values...)
		}
		l.field.Set(reflect.ValueOf(list).Convert(l.field.Type()))
		return nil
	}
	merged := map[string]string{}
	for _, entry := range append(append([]string(nil), old...), values...) {
		key, value, ok := strings.Cut(entry, "=")
		if !ok || key == "" {
			// Do not show the entry: it may be a secret.
			return fmt.Errorf("%s: an entry is not of the form KEY=VALUE", l.path)
		}
		merged[key] = value
	}
	list := make(EnvList, 0, len(merged))
	for key, value := range merged {
		list = append(list, key+"="+value)
	}
	sort.Strings(list)
	l.field.Set(reflect.ValueOf(list))
	return nil
}

// parseBool accepts the spellings of YAML 1.1 and of the flag package.
func parseBool(text string) (value, ok bool) {
	switch strings.ToLower(text) {
	case "true", "t", "1", "yes", "on":
		return true, true
	case "false", "f", "0", "no", "off":
		return false, true
	}
	return false, false
}

// Entry is one setting for display, with secrets redacted.
type Entry struct {
	Path    string // dotted key
	Value   string
	Default string
	Origin  string // file:line:column, variable or flag that set it; empty for the default
	Usage   string
}

// Entries lists all settings in documentation order.
func (c *Config) Entries() []Entry {
	defaults := newTree(Default()).byPath
	var entries []Entry
	for _, l := range newTree(c).leaves {
		entries = append(entries, Entry{
			Path: l.path, Value: l.text(), Default: defaults[l.path].text(), Origin: c.origin[l.path], Usage: l.usage,
		})
	}
	return entries
}

// String lists the settings that differ from their defaults, one per line,
// secrets redacted.
func (c *Config) String() string {
	var b strings.Builder
	for _, e := range c.Entries() {
		if e.Value != e.Default || e.Origin != "" {
			fmt.Fprintf(&b, "%s=%s\n", e.Path, e.Value)
		}
	}
	return b.String()
}
