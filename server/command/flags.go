package command

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"kumi/config"
	"kumi/internal/suggest"
)

var flagNames = regexp.MustCompile(`(?m)^\s*--([a-z-]+)`)

// misspelled returns an error for a flag that is no setting of the server, and resembles one
// of a command's own flags, which are those that help lists.
func misspelled(name, help string) error {
	name = strings.TrimLeft(name, "-")
	if slices.ContainsFunc(config.Default().Entries(), func(e config.Entry) bool { return e.Path == name }) {
		return nil
	}
	var own []string
	for _, m := range flagNames.FindAllStringSubmatch(help, -1) {
		own = append(own, m[1])
	}
	if near := suggest.Nearest(name, own); near != "" {
		return fmt.Errorf("unknown flag --%s: did you mean --%s?", name, near)
	}
	return nil
}
