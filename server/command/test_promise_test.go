package command

import (
	"strings"
	"testing"
)

// A promise that is rejected and that nobody awaits fails its test, and no other.
func TestTestOfLostPromise(t *testing.T) {
	t.Parallel()
	const hint = "Nothing handled this rejected promise"
	for name, c := range map[string]struct {
		body string
		want []string
	}{
		"a call":                   {"\nserver.rpc('nope');", []string{"RPC function not found", hint, ">    2 | server.rpc("}},
		"a matcher":                {"\nexpect(server.rpc('nope')).resolves.toBe(1);", []string{"expected a promise that resolves", hint, ">    2 | expect("}},
		"functions in forEach":     {"[1, 2].forEach(async () => {\nthrow new Error('x'); });", []string{"Error: x", hint + " (and 1 more)", ">    2 | throw"}},
		"a function of then":       {"Promise.resolve().then(() =>\nexpect(1).toBe(2));", []string{"expected 2, got 1", hint, ">    2 | expect"}},
		"after a timer and a call": {"(async () => { await new Promise((r) => setTimeout(r, 100)); await server.rpc('echo', 1);\nexpect(1).toBe(2); })();", []string{"expected 2, got 1", hint, ">    2 | expect"}},
		"a timer":                  {"setTimeout(() => {\nthrow new Error('late'); }, 10);", []string{"Error: late", ">    2 | throw"}},
		"what is not received":     {"server.player('ann').then((ann) => { \nann.received('match_data'); });", []string{"ann received no match_data within 20s", hint, ">    2 | ann"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			code, out, _ := kumiTest(t, "game.test.ts", "test('lost', () => { "+c.body+"\n});\ntest('next', async () => { await server.rpc('echo', 1); });")
			for _, want := range append(c.want, "✗ lost", "1 passed, 1 failed") {
				if !strings.Contains(out, want) {
					t.Errorf("%q is missing", want)
				}
			}
			if code != exitFailed || t.Failed() {
				t.Errorf("exit code %d\n%s", code, out)
			}
		})
	}
	t.Run("at the top level", func(t *testing.T) {
		t.Parallel()
		code, out, _ := kumiTest(t, "game.test.ts", "describe('group', async () => {\nthrow new Error('x'); });")
		if code != exitFailed || !strings.Contains(out, "Error: x") || !strings.Contains(out, ">    2 | throw") {
			t.Errorf("exit code %d\n%s", code, out)
		}
	})
	t.Run("handled", func(t *testing.T) {
		t.Parallel()
		code, out, _ := kumiTest(t, "game.test.ts", `test("handled", async () => {
			const p = server.rpc("nope");
			await clock.advance("1s");
			await expect(p).rejects.toThrow("not found");
			server.rpc("fail").catch(() => {});
			setInterval(() => {}, 10);
			setTimeout(() => { throw new Error("in an hour"); }, 3600_000);
			const poll = () => { setTimeout(poll, 1000); };
			poll();
			const ann = await server.player("ann");
			await Promise.race([ann.received("match_data"), clock.advance("1s")]);
		});`)
		if code != exitOK {
			t.Errorf("exit code %d\n%s", code, out)
		}
	})
}
