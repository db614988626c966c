package command

import (
	"path/filepath"
	"strings"
	"testing"
)

// A call of a function that does not exist does not hide what comes after it, also
// where the sources do not show it; asking whether one exists is no call.
func TestCheckGoesOnAfterUnknownFunctions(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "index.ts"), `export function InitModule(ctx: any, logger: any, nk: any, initializer: any) {
  const alias = nk, name = "nott" + "here", { alsoNotThere } = nk;
  alias.accountGetIdd("x");
  nk[name](1);
  alsoNotThere();
  initializer.registerRpcc("a", () => "");
  logger.informm("x");
  if ("newer" in nk) throw new Error("newer");
  JSON.stringify({ nk, text: String(logger) });
  nk.accountGetId(1);
}`)
	write(t, filepath.Join(dir, "main.lua"), `local nk = require("nakama")
local alias = nk
alias.account_get_idd("x")
nk["not_" .. "here"]()
nk.users_get_id({ "x" })`)
	var out buffer
	if code := dispatch(t.Context(), []string{"check", "--runtime.path", dir}, streams{&out, &out, nil}); code != exitFailed {
		t.Errorf("exit %d", code)
	}
	for _, want := range []string{
		`index.ts:3: nk has no function "accountGetIdd"; did you mean "accountGetId"?`, `index.ts:4: nk has no function "notthere"`,
		`index.ts:5: nk has no function "alsoNotThere"`, `index.ts:6: initializer has no function "registerRpcc"`, `index.ts:7: logger has no function "informm"`,
		`index.ts:10: accountGetId: argument 1`,
		`main.lua:3: nk has no function "account_get_idd"; did you mean "account_get_id"?`, `main.lua:4: nk has no function "not_here"`, `main.lua:5: users_get_id: argument 1`,
		"9 problems",
	} {
		found := false
		for line := range strings.Lines(out.String()) {
			rest := strings.TrimPrefix(strings.TrimSpace(line), dir+string(filepath.Separator))
			found = found || strings.HasPrefix(withoutColumn(filepath.ToSlash(rest)), want)
		}
		if !found {
			t.Errorf("not found: %s", want)
		}
	}
	if t.Failed() {
		t.Log(out.String())
	}
}
