package modules

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rs/zerolog"
)

// The declared enums are constants of TypeScript: their values are in the
// program, in plain scripts and in bundles.
func TestEnumsAreValues(t *testing.T) {
	t.Parallel()
	for name, source := range map[string]string{
		"script": "function InitModule() { throw new Error(`${nkruntime.Codes.NOT_FOUND} ${nkruntime.Operator.BEST}`) }",
		"bundle": "export function InitModule() { throw new Error(`${nkruntime.Codes.NOT_FOUND} ${nkruntime.Operator.BEST}`) }",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, "index.ts"), []byte(source), 0o644); err != nil {
				t.Fatal(err)
			}
			_, err := Load(t.Context(), Options{Path: dir, Logger: zerolog.Nop()})
			if err == nil || !strings.Contains(err.Error(), "5 best") {
				t.Errorf("InitModule says %v, want 5 best", err)
			}
		})
	}
}
