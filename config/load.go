package config

import (
	"fmt"
	"slices"
	"strings"

	"kumi/internal/suggest"
)

// loader applies the sources to a Config, one after the other, and collects
// the problems of all of them.
type loader struct {
	cfg      *Config
	tree     *tree
	problems *Problems
	warnings []string
	// flagSeen marks list flags that were used: the first use replaces the list,
	// further ones append.
	flagSeen map[string]bool
}

func newLoader(cfg *Config) *loader {
	cfg.origin = map[string]string{}
	return &loader{cfg: cfg, tree: newTree(cfg), problems: &Problems{}, flagSeen: map[string]bool{}}
}

// assignment is a value for a key, from a variable or a flag.
type assignment struct {
	leaf   *leaf
	value  string
	origin string
}

func (l *loader) warnf(format string, args ...any) {
	l.warnings = append(l.warnings, fmt.Sprintf(format, args...))
}

func (l *loader) assign(a assignment) {
	if err := a.leaf.set(a.value); err != nil {
		l.problems.addf("%s: %v", a.origin, err)
		return
	}
	l.cfg.origin[a.leaf.path] = a.origin
}

func (l *loader) assignValues(leaf *leaf, values []string, more bool, origin string) {
	if err := leaf.setList(values, more); err != nil {
		l.problems.addf("%s: %v", origin, err)
		return
	}
	l.cfg.origin[leaf.path] = origin
}

// assignVar applies a variable. A list is separated by line breaks if there
// are any, otherwise by commas.
func (l *loader) assignVar(a assignment) {
	if !a.leaf.isList() {
		l.assign(a)
		return
	}
	l.assignValues(a.leaf, splitList(a.value), false, a.origin)
}

func (l *loader) assignFlag(a assignment) {
	if !a.leaf.isList() {
		l.assign(a)
		return
	}
	l.assignValues(a.leaf, []string{a.value}, l.flagSeen[a.leaf.path], a.origin)
	l.flagSeen[a.leaf.path] = true
}

func splitList(text string) []string {
	separator := ","
	if strings.Contains(text, "\n") {
		separator = "\n"
	}
	var list []string
	for part := range strings.SplitSeq(text, separator) {
		if part = strings.TrimSpace(part); part != "" {
			list = append(list, part)
		}
	}
	return list
}

const configPath = "config"

// configFiles returns the YAML files to read, from flags and variables, before
// these are applied.
func configFiles(flags, vars []assignment) []string {
	var files []string
	for _, f := range flags {
		if f.leaf.path == configPath {
			files = append(files, f.value)
		}
	}
	if files != nil {
		return files
	}
	for _, v := range vars {
		if v.leaf.path == configPath {
			files = splitList(v.value)
		}
	}
	return files
}

const envPrefix = "KUMI_"

// scanEnv finds the variables that name a key, in the order of the keys. An
// unknown KUMI_ variable is only warned about, and only if it looks like a
// misspelt key: other programs set such variables too (Kubernetes does for a
// service named kumi).
func (l *loader) scanEnv(env []string) []assignment {
	byName := make(map[string]*leaf, len(l.tree.leaves))
	names := make([]string, 0, len(l.tree.leaves))
	for _, leaf := range l.tree.leaves {
		name := envName(leaf.path)
		byName[name] = leaf
		names = append(names, name)
	}
	var found []assignment
	for _, entry := range env {
		name, value, _ := strings.Cut(entry, "=")
		if !strings.HasPrefix(name, envPrefix) {
			continue
		}
		leaf, ok := byName[name]
		if !ok {
			if near := suggest.Nearest(name, names); near != "" {
				l.warnf("environment variable %s is not a setting and ignored: did you mean %s?", name, near)
			}
			continue
		}
		found = append(found, assignment{leaf: leaf, value: value, origin: "environment variable " + name})
	}
	slices.SortStableFunc(found, func(a, b assignment) int { return strings.Compare(a.leaf.path, b.leaf.path) })
	return found
}

func envName(path string) string {
	return envPrefix + strings.ToUpper(strings.ReplaceAll(path, ".", "_"))
}

// scanFlags finds the flags. Each is -name or --name, with "=value" or the
// value as the next argument; a boolean flag needs no value.
func (l *loader) scanFlags(args []string) (found []assignment, help bool) {
	bare := "" // the boolean flag without a value before the argument
	for i := 0; i < len(args); i++ {
		arg, before := args[i], bare
		bare = ""
		name, ok := strings.CutPrefix(arg, "-")
		name = strings.TrimPrefix(name, "-")
		switch {
		case (!ok || name == "") && before != "":
			l.problems.addf("unexpected argument %q: --%s is on or off, and its value comes after an equals sign: --%s=%s", arg, before, before, arg)
			continue
		case !ok || name == "":
			l.problems.addf("unexpected argument %q: settings are given as --name value or --name=value", arg)
			continue
		}
		name, value, hasValue := strings.Cut(name, "=")
		if name == "help" || name == "h" {
			return nil, true
		}
		leaf, ok := l.tree.byPath[name]
		if !ok {
			l.unknownFlag(name)
			// What follows is probably its value; do not report it as a second
			// mistake.
			if !hasValue && i+1 < len(args) && !strings.HasPrefix(args[i+1], "-") {
				i++
			}
			continue
		}
		switch {
		case hasValue:
		case leaf.isBool():
			value, bare = "true", name
		case i+1 < len(args):
			i++
			value = args[i]
		default:
			l.problems.addf("flag --%s needs a value", name)
			continue
		}
		found = append(found, assignment{leaf: leaf, value: value, origin: "flag --" + name})
	}
	return found, false
}

func (l *loader) unknownFlag(name string) {
	if near := l.tree.suggest(name); near != "" {
		l.problems.addf("unknown flag --%s: did you mean --%s?", name, near)
		return
	}
	if _, ok := l.tree.sections[name]; ok {
		l.problems.addf("unknown flag --%s: it is a group of settings, see --help", name)
		return
	}
	l.problems.addf("unknown flag --%s: see --help", name)
}
