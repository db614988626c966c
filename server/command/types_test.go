package command

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"kumi/internal/testenv"
)

func TestTypesCommand(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		args string
		code int
		want string
	}{
		{"types --ts", 0, "storageRead(objectIds: StorageReadRequest[]): StorageObject[];"},
		{"types --lua", 0, "function nk.storage_read(object_ids) end"},
		{"types --docs", 0, "### storageRead / storage_read"},
		{"types", 2, "types needs"},
		{"types --java", 2, "--java"},
		{"types a b", 2, "b"},
	} {
		var out buffer
		code := dispatch(t.Context(), strings.Fields(c.args), streams{&out, &out, nil})
		if code != c.code || !strings.Contains(out.String(), c.want) {
			t.Errorf("%s: exit %d, want %d with %q", c.args, code, c.code, c.want)
		}
	}
	dir := filepath.Join(t.TempDir(), "modules")
	var out buffer
	if code := dispatch(t.Context(), []string{"types", dir}, streams{&out, &out, nil}); code != exitOK {
		t.Fatalf("exit %d: %s", code, out.String())
	}
	for _, name := range []string{"nkruntime.d.ts", "nakama.lua", "tsconfig.json"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			t.Error(err)
		}
	}
	// Declarations for tests belong to those for modules if there are tests.
	for file, flag := range map[string]string{"a.test.ts": "--ts", "a_test.lua": "--lua"} {
		dir := t.TempDir()
		write(t, filepath.Join(dir, file), "")
		var out buffer
		if code := dispatch(t.Context(), []string{"types", flag, dir}, streams{&out, &out, nil}); code != exitOK {
			t.Fatalf("exit %d: %s", code, out.String())
		}
		for _, name := range []string{"kumi-test.d.ts", "kumi-test.lua"} {
			_, err := os.Stat(filepath.Join(dir, name))
			if want := strings.HasSuffix(name, ".ts") == (flag == "--ts"); (err == nil) != want {
				t.Errorf("%s: %s is written: %v", flag, name, err == nil)
			}
		}
	}
	// What is written beside modules is no module.
	write(t, filepath.Join(dir, "main.lua"), `local nk = require("nakama") nk.register_rpc(function() end, "a")`)
	out = buffer{}
	if code := dispatch(t.Context(), []string{"check", "--runtime.path", dir}, streams{&out, &out, nil}); code != exitOK || strings.Contains(out.String(), "skipped: the module") {
		t.Errorf("exit %d: %s", code, out.String())
	}
}

func TestTypeScript(t *testing.T) {
	t.Parallel()
	base := testenv.NodeModules(t, "server/command/testdata/types")
	for name, test := range map[string]func(*testing.T, string){
		"samples": testSamples, "module": testModule, "globals": testGlobals, "as before": testUnchanged, "published": testPublished,
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(base, name)
			if err := os.Mkdir(dir, 0o755); err != nil {
				t.Fatal(err)
			}
			test(t, dir)
		})
	}
}

// The samples pass the compiler's strictest checks against the declarations.
func testSamples(t *testing.T, dir string) {
	declare(t, dir, "nkruntime.d.ts")
	if err := os.CopyFS(filepath.Join(dir, "modules"), os.DirFS("../../data/modules")); err != nil {
		t.Fatal(err)
	}
	files := []string{"nkruntime.d.ts", "modules/index.ts"}
	entries, err := filepath.Glob("../../examples/*/index.ts")
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		from := filepath.Dir(entry)
		if err := os.CopyFS(filepath.Join(dir, filepath.Base(from)), os.DirFS(from)); err != nil {
			t.Fatal(err)
		}
		files = append(files, filepath.Base(from)+"/index.ts")
	}
	compile(t, dir, files...)
}

// A module that uses everything in ways of its own.
func testModule(t *testing.T, dir string) {
	declare(t, dir, "nkruntime.d.ts")
	write(t, filepath.Join(dir, "module.ts"), typedModule)
	compile(t, dir, "nkruntime.d.ts", "module.ts")
	write(t, filepath.Join(dir, "wrong.ts"), `
export const a: nkruntime.RpcFunction = (ctx, logger, nk) => nk.storageReed([]);
export const b: nkruntime.RpcFunction = (ctx, logger, nk) => nk.matchCreate(1);
export const c: nkruntime.MatchHandler = { matchInit: () => ({ state: {}, tickRate: 1 }) };
export const d: nkruntime.InitModule = (ctx, logger, nk, init) => init.registerRtBefore("ChannelJion", () => {});
`)
	out := tsc(t, dir, "nkruntime.d.ts", "wrong.ts")
	for line := 2; line <= 5; line++ {
		if !strings.Contains(out, fmt.Sprintf("wrong.ts(%d,", line)) {
			t.Errorf("line %d is wrong and no error:\n%s", line, out)
		}
	}
}

const typedModule = `
type State = { left: number };

const handler: nkruntime.MatchHandler<State> = {
  matchInit: (ctx, logger, nk, params) => ({ state: { left: Number(params.left) }, tickRate: 1, label: "" }),
  matchJoinAttempt: (ctx, logger, nk, dispatcher, tick, state, presence) => ({ state, accept: presence.userId !== "" }),
  matchJoin: (ctx, logger, nk, dispatcher, tick, state, presences) => (dispatcher.broadcastMessage(1, "x", presences), { state }),
  matchLeave: (ctx, logger, nk, dispatcher, tick, state) => ({ state }),
  matchLoop: (ctx, logger, nk, dispatcher, tick, state, messages) => {
    for (const m of messages) logger.info("%d %s", m.opCode, nk.binaryToString(m.data));
    return --state.left > 0 ? { state } : null;
  },
  matchTerminate: (ctx, logger, nk, dispatcher, tick, state, grace) => ({ state }),
  matchSignal: (ctx, logger, nk, dispatcher, tick, state, data) => ({ state, data }),
  matchReload: (ctx, logger, nk, dispatcher, tick, state) => ({ state }),
};

export const InitModule: nkruntime.InitModule = (ctx, logger, nk, initializer) => {
  initializer.registerMatch("m", handler);
  initializer.registerRpc("async", async (ctx, logger, nk, payload) => {
    const [a, b] = await Promise.all([nk.httpRequestAsync("http://a", "get"), nk.httpRequestAsync("http://b", "post")]);
    return a.body + b.code;
  });
  initializer.registerRtBefore("MatchmakerAdd", (ctx, logger, nk, envelope) => {
    envelope.matchmakerAdd.query = "*";
    return envelope;
  });
  initializer.registerRtBefore<nkruntime.EnvelopeMatchJoin>("MatchJoin", (ctx, logger, nk, e) => void e.matchJoin.metadata);
  initializer.registerAfterGetAccount((ctx, logger, nk, account) => logger.info(account.user.username));
  initializer.registerBeforeUpdateAccount((ctx, logger, nk, request) => (request.displayName ? request : undefined));
  initializer.registerBeforeAuthenticateCustom((ctx, logger, nk, data) => {
    if (!data.account?.id) throw { message: "no", code: nkruntime.Codes.INVALID_ARGUMENT };
    return data;
  });
  initializer.registerShutdown((ctx, logger, nk) => {});
  const { objects, cursor } = nk.storageList(null, "c", 10, undefined);
  nk.storageWrite(objects.map((o) => ({ ...o, value: { n: 1 } })));
  nk.metricsCounterAdd("n", {}, 1);
  nk.accountUpdateId(ctx.userId!, null, "name");
  logger.withField("cursor", cursor).info("%v", nk.sqlQuery("select 1").length);
};
`

// The globals are declared without those of browsers, do not contradict them, and
// are no more than there are.
func testGlobals(t *testing.T, dir string) {
	ours := declare(t, dir, "nkruntime.d.ts")
	write(t, filepath.Join(dir, "globals.ts"), typedGlobals)
	compile(t, dir, "nkruntime.d.ts", "globals.ts")
	compile(t, dir, "--lib", "es2022,dom", "nkruntime.d.ts", "globals.ts")
	write(t, filepath.Join(dir, "absent.ts"), "fetch('http://a');\ndocument.title;\nprocess.exit(1);\n")
	out := tsc(t, dir, "nkruntime.d.ts", "absent.ts")
	for line := 1; line <= 3; line++ {
		if !strings.Contains(out, fmt.Sprintf("absent.ts(%d,", line)) {
			t.Errorf("line %d names what is not there and no error:\n%s", line, out)
		}
	}
	for _, m := range regexp.MustCompile(`(?m)^declare (?:var|function) (\w+)`).FindAllStringSubmatch(ours, -1) {
		if !strings.Contains(typedGlobals, m[1]) {
			t.Errorf("the test does not use %s", m[1])
		}
	}
	// The same module runs.
	modules := filepath.Join(dir, "modules")
	write(t, filepath.Join(modules, "index.ts"), typedGlobals)
	var text buffer
	if code := dispatch(t.Context(), []string{"check", "--runtime.path", modules}, streams{&text, &text, nil}); code != exitOK {
		t.Errorf("check: exit %d: %s", code, text.String())
	}
}

const typedGlobals = `
const mode: string | undefined = process.env.MODE;
export const InitModule: nkruntime.InitModule = async (ctx, logger, nk, initializer) => {
  for (const level of ["debug", "error", "info", "log", "trace", "warn"] as const) console[level]("a", 1, {});
  const once = setTimeout((a: number) => console.log(a), 1, 2);
  const each = setInterval(() => {}, 5);
  clearTimeout(once);
  clearInterval(each);
  queueMicrotask(() => {});
  const copy: { at: Date } = structuredClone({ at: new Date() });
  const text: string = atob(btoa("x"));
  const bytes: Uint8Array = new TextEncoder().encode("é");
  const { read, written } = new TextEncoder().encodeInto("é", new Uint8Array(4));
  const back: string = new TextDecoder("utf-8", { fatal: true }).decode(bytes) + new TextDecoder().decode(bytes.buffer);
  const url = new URL("/a?b=c", "http://d");
  url.searchParams.append("e", String(read + written + text.length + back.length + copy.at.getTime()));
  for (const [k, v] of new URLSearchParams([["a", "b"]])) url.searchParams.set(k, v);
  const all: string[] = [...new URLSearchParams({ a: "b" }).keys(), ...url.searchParams.getAll("a"), url.host, url.toString()];
  if (!URL.canParse("http://x") || URL.parse("") !== null && url.searchParams.has("q") || new URLSearchParams("a=b").size !== 1) throw new Error(all.join());
  const id: string = crypto.randomUUID();
  const random: Uint8Array = crypto.getRandomValues(new Uint8Array(4));
  const sum: ArrayBuffer = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(id + random.length));
  if (sum.byteLength !== 32) throw new Error("digest");
};
`

// What modules were written like before: a script whose InitModule is global,
// with everything named by the namespace.
func testUnchanged(t *testing.T, dir string) {
	declare(t, dir, "nkruntime.d.ts")
	write(t, filepath.Join(dir, "before.ts"), moduleAsBefore)
	compile(t, dir, "nkruntime.d.ts", "before.ts")
}

const moduleAsBefore = `
let InitModule: nkruntime.InitModule = function (ctx: nkruntime.Context, logger: nkruntime.Logger, nk: nkruntime.Nakama, initializer: nkruntime.Initializer) {
  initializer.registerRpc("healthcheck", rpcHealth);
  initializer.registerMatch<BeforeState>("before", { matchInit, matchJoinAttempt, matchJoin, matchLeave, matchLoop, matchTerminate, matchSignal });
  initializer.registerBeforeAuthenticateEmail(beforeEmail);
  initializer.registerMatchmakerMatched(matched);
  logger.debug("loaded %s", nkruntime.SystemUserId);
};

interface BeforeState extends nkruntime.MatchState { presences: { [userId: string]: nkruntime.Presence }; empty: number }

function rpcHealth(ctx: nkruntime.Context, logger: nkruntime.Logger, nk: nkruntime.Nakama, payload: string): string {
  if (!ctx.userId) throw { message: "no user", code: nkruntime.Codes.UNAUTHENTICATED } as nkruntime.Error;
  let objects: nkruntime.StorageObject[];
  try {
    objects = nk.storageRead([{ collection: "c", key: "k", userId: ctx.userId }]);
    const write: nkruntime.StorageWriteRequest = { collection: "c", key: "k", userId: ctx.userId, value: { n: objects.length }, permissionRead: 1, permissionWrite: 0 };
    nk.storageWrite([write]);
    nk.leaderboardCreate("id", true, nkruntime.SortOrder.DESCENDING, nkruntime.Operator.BEST);
  } catch (error: any) {
    logger.error(error.message);
    throw error;
  }
  return JSON.stringify({ count: objects.length });
}

const beforeEmail: nkruntime.BeforeHookFunction<nkruntime.AuthenticateEmailRequest> = function (ctx, logger, nk, data) {
  return data.username ? data : null!;
};

const matched: nkruntime.MatchmakerMatchedFunction = function (ctx, logger, nk, matches): string | void {
  matches.forEach((m) => logger.info("%s %v", m.presence.userId, m.properties));
  return nk.matchCreate("before", { invited: matches });
};

const matchInit: nkruntime.MatchInitFunction<BeforeState> = function (ctx: nkruntime.Context, logger: nkruntime.Logger, nk: nkruntime.Nakama, params: { [key: string]: string }) {
  return { state: { presences: {}, empty: 0 }, tickRate: 1, label: "" };
};
const matchJoinAttempt: nkruntime.MatchJoinAttemptFunction<BeforeState> = function (ctx, logger, nk, dispatcher, tick, state, presence, metadata: { [key: string]: any }) {
  return { state, accept: true, rejectMessage: "" };
};
const matchJoin: nkruntime.MatchJoinFunction<BeforeState> = function (ctx, logger, nk, dispatcher, tick, state, presences: nkruntime.Presence[]) {
  presences.forEach(function (p) { state.presences[p.userId] = p; });
  return { state };
};
const matchLeave: nkruntime.MatchLeaveFunction<BeforeState> = function (ctx, logger, nk, dispatcher, tick, state, presences) {
  return { state };
};
const matchLoop: nkruntime.MatchLoopFunction<BeforeState> = function (ctx, logger, nk, dispatcher: nkruntime.MatchDispatcher, tick: number, state, messages: nkruntime.MatchMessage[]) {
  if (state.empty++ > 10) return null;
  messages.forEach((m) => dispatcher.broadcastMessage(m.opCode, m.data, null, m.sender));
  return { state };
};
const matchTerminate: nkruntime.MatchTerminateFunction<BeforeState> = function (ctx, logger, nk, dispatcher, tick, state, graceSeconds) {
  return { state };
};
const matchSignal: nkruntime.MatchSignalFunction<BeforeState> = function (ctx, logger, nk, dispatcher, tick, state, data) {
  return { state, data };
};
`

// Whatever was declared for modules before can be used as it was: each type of
// ours stands where the published one is expected, each function takes what was
// published for it, each hook the published handler.
func testPublished(t *testing.T, dir string) {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/heroiclabs/nakama-common").Output()
	if err != nil {
		testenv.Skip(t, "go cannot say where the published declarations are")
	}
	text, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(out)), "index.d.ts"))
	if err != nil {
		testenv.Skip(t, "the published declarations are not there")
	}
	theirs := regexp.MustCompile(`(?s)/\*.*?\*/`).ReplaceAllString(string(text), "")
	theirs = strings.Replace(theirs, "namespace nkruntime", "namespace published", 1)
	theirs = strings.ReplaceAll(theirs, "| void,", "| undefined,")
	for mistake, right := range mistakes {
		if !strings.Contains(theirs, mistake) {
			t.Errorf("the mistake is not published any more: %s", mistake)
		}
		theirs = strings.ReplaceAll(theirs, mistake, right)
	}
	theirs = regexp.MustCompile(`\| void([,)])`).ReplaceAllString(theirs, "| undefined$1")
	ours := declare(t, dir, "unused.d.ts")
	// Enums of different namespaces are never the same type.
	numbers := regexp.MustCompile(`: (PresenceReason|GroupUserState|ChanType|Codes)\b`)
	words := regexp.MustCompile(`: (SortOrder|Operator|OverrideOperator)\b`)
	same := func(s string) string {
		return words.ReplaceAllString(numbers.ReplaceAllString(s, ": number"), ": string")
	}
	write(t, filepath.Join(dir, "ours.d.ts"), same(ours))
	write(t, filepath.Join(dir, "published.d.ts"), same(theirs))

	var b strings.Builder
	seen := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^ *(?:export )?(?:interface|type) (\w+)`).FindAllStringSubmatch(theirs, -1) {
		name := m[1]
		if seen[name] || differs[name] || strings.HasSuffix(name, "Function") || strings.HasPrefix(name, "MatchHandler") {
			continue
		}
		seen[name] = true
		fmt.Fprintf(&b, "declare const ours_%s: nkruntime.%s; export const published_%s: published.%s = ours_%s;\n", name, name, name, name, name)
	}
	functions := regexp.MustCompile(`(?m)^\s*(\w+)\(`)
	of := func(name string) string {
		return regexp.MustCompile(`(?s)interface ` + name + ` \{(.*?)\n    \}`).FindStringSubmatch(theirs)[1]
	}
	b.WriteString("declare const nk: nkruntime.Nakama;\n")
	for _, m := range functions.FindAllStringSubmatch(of("Nakama"), -1) {
		if f := m[1]; !seen["()"+f] && !differs[f] {
			seen["()"+f] = true
			fmt.Fprintf(&b, "export const f_%s: (...a: Parameters<published.Nakama[%q]>) => ReturnType<published.Nakama[%q]> = nk.%s;\n", f, f, f, f)
		}
	}
	types := regexp.MustCompile(`\b([A-Z]\w+)`)
	for _, m := range regexp.MustCompile(`(?m)^\s*(register(?:Before|After)\w+)\(fn: ([^)]*)\)`).FindAllStringSubmatch(of("Initializer"), -1) {
		fmt.Fprintf(&b, "declare const h_%s: %s; export const r_%s = (i: nkruntime.Initializer) => i.%s(h_%s);\n",
			m[1], types.ReplaceAllString(m[2], "nkruntime.$1"), m[1], m[1], m[1])
	}
	write(t, filepath.Join(dir, "compare.ts"), b.String())
	if len(seen) < 300 {
		t.Errorf("only %d published names were found", len(seen))
	}
	compile(t, dir, "ours.d.ts", "published.d.ts", "compare.ts")
}

// mistakes are published types that never were those of the values.
var mistakes = map[string]string{
	"interface FlagOverride {\n        \"name\": string\n        \"type\": string": "interface FlagOverride {\n        \"name\": string\n        \"type\": number",
	`{"messages": MessagesList[]}`: `{"messages": Message[]}`,
}

// differs are the published names of which ours are not the same, on purpose.
var differs = map[string]bool{
	"InitModule": true, "Initializer": true, "Nakama": true, // one by one, below
	"Logger":              true,                                                            // gives nothing, where a string was published
	"streamUserGet":       true,                                                            // says that it may be null
	"RtHookMessage":       true,                                                            // has PartyUpdate too
	"Envelope":            true,                                                            // has more kinds
	"RequestMethod":       true,                                                            // in capitals too
	"StorageObjects":      true,                                                            // a hook's: with texts and times as they are sent
	"ApiNotificationList": true,                                                            // likewise
	"Users":               true,                                                            // was published as a list of lists of itself
	"StorageReadRequest":  true, "StorageWriteRequest": true, "StorageDeleteRequest": true, // userId may be left out
	"NotificationRequest": true,
	"friendsAdd":          true, "friendsDelete": true, "friendsBlock": true, // give nothing, where a list was published
	"storageWriteRetry": true, // takes functions that give nothing too
}

// declare prints the declarations into a folder.
func declare(t *testing.T, dir, name string) string {
	t.Helper()
	var out, errs buffer
	if code := dispatch(t.Context(), []string{"types", "--ts"}, streams{&out, &errs, nil}); code != exitOK {
		t.Fatal(errs.String())
	}
	write(t, filepath.Join(dir, name), out.String())
	return out.String()
}

func compile(t *testing.T, dir string, files ...string) {
	t.Helper()
	if out := tsc(t, dir, files...); out != "" {
		t.Errorf("the compiler says:\n%s", out)
	}
}

// tsc gives what the compiler has to say, empty when all is well.
func tsc(t *testing.T, dir string, files ...string) string {
	t.Helper()
	args := append([]string{"../node_modules/typescript/bin/tsc", "--noEmit", "--strict", "--target", "es2022", "--lib", "es2022",
		"--module", "esnext", "--moduleResolution", "bundler", "--types", ""}, files...)
	cmd := exec.CommandContext(t.Context(), "node", args...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil && len(out) == 0 {
		t.Fatal(err)
	}
	return string(out)
}
