package command

import (
	"path/filepath"
	"strings"
	"testing"
)

// A check notes state that is shared by mistake, with its place in the source,
// and does not fail for it.
func TestCheckNotesSharedState(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "index.ts"), `import { hit } from "./lib/count";
const greeting: string = "hi";
export function InitModule(ctx, logger, nk, initializer: nkruntime.Initializer) {
  initializer.registerRpc("hit", () => greeting + hit());
}`)
	write(t, filepath.Join(dir, "lib", "count.ts"), `let hits: number = 0;

export function hit(): number {
  hits++;
  hits += 0;
  return hits;
}`)
	write(t, filepath.Join(dir, "main.lua"), "local nk = require(\"nakama\")\nlocal seen = {}\nnk.register_rpc(function(ctx) seen[ctx.user_id or 1] = true end, \"see\")\n")
	var out buffer
	if code := dispatch(t.Context(), []string{"check", "--runtime.path", dir}, streams{&out, &out, nil}); code != exitOK {
		t.Errorf("exit %d", code)
	}
	for _, want := range []string{"count.ts:4:3: note: a function changes hits", "main.lua:3: note: a function changes seen"} {
		if strings.Count(filepath.ToSlash(out.String()), want) != 1 {
			t.Errorf("not once: %s\nin:\n%s", want, out.String())
		}
	}
	if n := strings.Count(out.String(), "note:"); n != 2 {
		t.Errorf("%d notes in:\n%s", n, out.String())
	}
}
