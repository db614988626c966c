package config

import "strings"

// Shown returns the settings as they may be shown to operators: by section and key,
// secrets masked. Its values are encoded by encoding/json.
func (c *Config) Shown() map[string]any {
	root := map[string]any{}
	for _, l := range newTree(c).leaves {
		at := root
		keys := strings.Split(l.path, ".")
		for _, key := range keys[:len(keys)-1] {
			section, ok := at[key].(map[string]any)
			if !ok {
				section = map[string]any{}
				at[key] = section
			}
			at = section
		}
		at[keys[len(keys)-1]] = l.shown()
	}
	return root
}

// shown returns a value with secrets masked.
func (l *leaf) shown() any {
	switch v := l.field.Interface().(type) {
	case Secret:
		return v.Redacted()
	case EnvList:
		return v.Redacted()
	case AddressList:
		return v.Redacted()
	default:
		return v
	}
}

// Warning is something that an operator should change. Field is the key, empty if it is
// about several.
type Warning struct{ Field, Message string }

// Warnings returns what an operator should change.
func (c *Config) Warnings() []Warning {
	var all []Warning
	for _, path := range append(c.defaultSecrets(), c.consoleSecrets()...) {
		all = append(all, Warning{path, "The default is in place, which everybody knows. Change it before others can reach the server."})
	}
	for _, text := range c.otherWarnings() {
		all = append(all, Warning{Message: text})
	}
	return all
}
