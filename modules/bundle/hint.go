package bundle

import (
	"fmt"
	"os"
	"regexp"
	"slices"

	"kumi/modules/source"
)

// Hint returns advice for an error about an unknown name, if another file of the
// folder declares it; otherwise an empty string.
func (p *Project) Hint(name string) string {
	declares := regexp.MustCompile(`(?m)^\s*(?:export\s+)?(?:async\s+)?(?:function\*?|const|let|var|class|enum|namespace)\s+` + regexp.QuoteMeta(name) + `\b`)
	loaded := p.Sources()
	found := ""
	_ = source.Walk(p.Root, func(file, path string) error {
		if found != "" || slices.Contains(loaded, path) {
			return nil
		}
		if text, err := os.ReadFile(file); err == nil && declares.Match(text) {
			found = path
		}
		return nil
	}, ".ts", ".js")
	if found == "" {
		return ""
	}
	return fmt.Sprintf("%s is declared in %s, which is not loaded: import it, or make both files one program with a tsconfig.json that lists them in \"files\" or \"include\"", name, found)
}
