package config

import (
	"fmt"
	"io"
	"strings"
)

// Usage prints every setting as a flag with its type, default and description,
// by section. The defaults are those in the code, not the values of c.
func (c *Config) Usage(w io.Writer) {
	t := newTree(Default())
	group := ""
	fmt.Fprintf(w, "Settings, as flags. In a YAML file (--config) the dots are nesting; as environment\nvariables they are %s and the name in capitals, as in %s.\n\nGeneral\n", envPrefix, envName("socket.port"))
	for _, l := range t.leaves {
		if section, _, nested := strings.Cut(l.path, "."); nested && section != group {
			group = section
			fmt.Fprintf(w, "\n%s\n", t.sections[section])
		}
		fmt.Fprintf(w, "  --%s%s\n        %s%s\n", l.path, flagValue(l), l.usage+effectNote(l), defaultNote(l))
	}
}

func flagValue(l *leaf) string {
	switch {
	case l.isBool():
		return ""
	case l.isList():
		return " VALUE ..."
	case l.field.CanInt():
		return " N"
	default:
		return " TEXT"
	}
}

func effectNote(l *leaf) string {
	reason, ok := withoutEffect[l.path]
	if !ok {
		return ""
	}
	return " No effect: " + reason + "."
}

func defaultNote(l *leaf) string {
	text := l.text()
	if s, ok := l.field.Interface().(Secret); ok {
		text = string(s) // a default is no secret
	}
	if text == "" {
		return ""
	}
	return " (default " + text + ")"
}
