package command

import (
	"context"
	"encoding/xml"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"kumi/internal/testutil"
)

// game is a module folder to test, with a match that answers each message at its next tick.
var game = map[string]string{
	"index.ts": `import { double } from "./score";

const InitModule: nkruntime.InitModule = (ctx, logger, nk, initializer) => {
  initializer.registerRpc("now", () => JSON.stringify({ now: Date.now() }));
  initializer.registerRpc("echo", (ctx, logger, nk, payload) => { logger.info("echo %s", payload); return payload; });
  initializer.registerRpc("double", (ctx, logger, nk, payload) => String(double(Number(payload))));
  initializer.registerRpc("fail", () => { throw new Error("no way"); });
  initializer.registerRpc("spin", () => { for (;;) {} });
  initializer.registerRpc("fetch", (ctx, logger, nk) => nk.httpRequest("https://example.com/news", "get").body);
  initializer.registerRpc("create", (ctx, logger, nk) => JSON.stringify({ id: nk.matchCreate("answer", {}) }));
  initializer.registerMatch("answer", {
    matchInit: () => ({ state: {}, tickRate: 10, label: "" }),
    matchJoinAttempt: (ctx, logger, nk, dispatcher, tick, state) => ({ state, accept: true }),
    matchJoin: (ctx, logger, nk, dispatcher, tick, state) => ({ state }),
    matchLeave: (ctx, logger, nk, dispatcher, tick, state) => ({ state }),
    matchLoop: (ctx, logger, nk, dispatcher, tick, state, messages) => {
      for (const m of messages) {
        dispatcher.broadcastMessage(m.opCode + 1, JSON.stringify({ tick, got: nk.binaryToString(m.data) }));
      }
      return { state };
    },
    matchTerminate: (ctx, logger, nk, dispatcher, tick, state) => ({ state }),
    matchSignal: (ctx, logger, nk, dispatcher, tick, state) => ({ state }),
  });
  nk.leaderboardCreate("board", true);
};
`,
	"score.ts": "export function double(n: number): number { return 2 * n; }\n",
	"rules.lua": `local rules = {}
function rules.double(n) return 2 * n end
return rules
`,
}

// kumiTest writes a folder with the game and one test file, and runs kumi test on it.
func kumiTest(t *testing.T, file, source string, args ...string) (code int, out, folder string) {
	t.Helper()
	folder = t.TempDir()
	for name, text := range game {
		writeFile(t, filepath.Join(folder, name), text)
	}
	writeFile(t, filepath.Join(folder, file), source)
	var b strings.Builder
	code = dispatch(t.Context(), append([]string{"test", folder}, args...), streams{&b, &b, nil})
	return code, b.String(), folder
}

func writeFile(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// What tests can do, in both languages. Each test passes.
func TestTestsPass(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ ts, lua string }{
		"functions of modules": {
			`import { double } from "./score";
			test("double", () => { expect(double(2)).toBe(4); });`,
			`local rules = require("rules")
			test("double", function() expect(rules.double(2)).to_be(4) end)`,
		},
		"matchers": {
			`test("matchers", () => {
				expect({ a: [1, { b: null }] }).toEqual({ a: [1, { b: null }] });
				expect({ a: 1, b: 2 }).toMatchObject({ a: 1 });
				expect({ a: 1, b: 2 }).not.toEqual({ a: 1 });
				expect([1, 2, 3]).toContain(2);
				expect("abc").toContain("bc");
				expect([{ id: 1, x: 2 }]).toContainObject({ id: 1 });
				expect([1, 2]).toHaveLength(2);
				expect({ a: { b: 3 } }).toHaveProperty("a.b", 3);
				expect(null).toBeNull();
				expect(undefined).not.toBeDefined();
				expect(0).toBeFalsy();
				expect(0.1 + 0.2).toBeCloseTo(0.3);
				expect(3).toBeGreaterThan(2);
				expect("match 12").toMatch(/^match \d+$/);
				expect(() => { throw new Error("no way"); }).toThrow("no");
				const list = [1];
				expect(list).toBe(list);
				expect(list).not.toBe([1]);
			});`,
			`test("matchers", function()
				expect({a = {1, {b = 2}}}).to_equal({a = {1, {b = 2}}})
				expect({a = 1, b = 2}).to_match_object({a = 1})
				expect({a = 1, b = 2}).never.to_equal({a = 1})
				expect({1, 2, 3}).to_contain(2)
				expect("abc").to_contain("bc")
				expect({{id = 1, x = 2}}).to_contain_object({id = 1})
				expect({1, 2}).to_have_length(2)
				expect({a = {b = 3}}).to_have_property("a.b", 3)
				expect(nil).to_be_nil()
				expect(nil).never.to_be_defined()
				expect(false).to_be_falsy()
				expect(0.1 + 0.2).to_be_close_to(0.3)
				expect(3).to_be_greater_than(2)
				expect(function() error("no way") end).to_throw("no")
				local list = {1}
				expect(list).to_be(list)
				expect(list).never.to_be({1})
			end)`,
		},
		"players": {
			`test("players", async () => {
				const ann = await server.player("ann");
				expect(ann.username).toBe("ann");
				expect((await ann.getAccount()).user.id).toBe(ann.id);
				expect(await ann.rpc("echo", { a: 1 })).toEqual({ a: 1 });
				expect(await server.rpc("double", 4)).toBe(8);
				expect(server.log).toContainObject({ message: 'echo {"a":1}', user_id: ann.id });
				await expect(ann.rpc("fail")).rejects.toThrow("no way");
				await ann.writeStorageObjects([{ collection: "c", key: "k", value: { x: 1 } }]);
				const { objects } = await ann.readStorageObjects([{ collection: "c", key: "k", user_id: ann.id }]);
				expect(objects[0].value).toEqual({ x: 1 });
				expect(await server.sql("SELECT collection FROM storage WHERE user_id = $1", [ann.id])).toEqual([{ collection: "c" }]);
				const five = await server.players(5);
				expect(five).toHaveLength(5);
				await ann.addFriends([five[0].id]);
				const { notifications } = await five[0].received("notifications");
				expect(notifications[0].sender_id).toBe(ann.id);
				const { group } = { group: await ann.createGroup({ name: "g", open: true }) };
				await five[1].joinGroup(group.id);
				expect((await ann.listGroupUsers(group.id)).group_users).toHaveLength(2);
				expect(server.metrics["nakama_sessions"] ?? 6).toBeGreaterThan(5);
			});`,
			`test("players", function()
				local ann = server.player("ann")
				expect(ann.username).to_be("ann")
				expect(ann.get_account().user.id).to_be(ann.id)
				expect(ann:rpc("echo", {a = 1})).to_equal({a = 1})
				expect(server.rpc("double", 4)).to_be(8)
				expect(server.log).to_contain_object({message = 'echo {"a":1}', user_id = ann.id})
				expect(function() ann.rpc("fail") end).to_throw("no way")
				ann.write_storage_objects({{collection = "c", key = "k", value = {x = 1}}})
				local objects = ann.read_storage_objects({{collection = "c", key = "k", user_id = ann.id}}).objects
				expect(objects[1].value).to_equal({x = 1})
				expect(server.sql("SELECT collection FROM storage WHERE user_id = $1", {ann.id})).to_equal({{collection = "c"}})
				local five = server.players(5)
				expect(five).to_have_length(5)
				ann.add_friends({five[1].id})
				expect(five[1].received("notifications").notifications[1].sender_id).to_be(ann.id)
				local group = ann.create_group({name = "g", open = true})
				five[2].join_group(group.id)
				expect(ann.list_group_users(group.id).group_users).to_have_length(2)
			end)`,
		},
		"matches and virtual time": {
			`test("match", async () => {
				const [ann, bob] = await server.players(2);
				const { id } = await ann.rpc("create");
				for (const p of [ann, bob]) await p.joinMatch(id);
				await ann.sendMatchState(id, 1, { hello: "world" });
				expect(bob.messages("match_data")).toHaveLength(0);
				await clock.advance("100ms");
				const m = await bob.received("match_data", { op_code: 2 });
				expect(JSON.parse(m.json.got)).toEqual({ hello: "world" });
				await bob.drop();
				await ann.received("match_presence_event", { leaves: [{ username: bob.username }] });
				await bob.reconnect();
				await bob.joinMatch(id);
			});
			test("at the same time", async () => {
				const names = ["a", "b", "c", "d", "e", "f", "g", "h"];
				const players = await Promise.all(names.map((name) => server.player(name)));
				const echoes = await Promise.all(players.map((p) => p.rpc("echo", { of: p.id })));
				expect(echoes).toEqual(players.map((p) => ({ of: p.id })));
				server.player("late");
			});
			test("time", async () => {
				const ann = await server.player("ann");
				const before = Date.now();
				const a = await ann.rpc("now");
				await clock.advance("90d");
				const b = await ann.rpc("now");
				expect(b.now - a.now).toBe(90 * 86400_000);
				expect(Date.now() - before).toBe(90 * 86400_000);
				await clock.to("2026-04-02");
				expect(clock.now()).toBe(Date.UTC(2026, 3, 2));
				await expect(clock.to("2020-01-01")).rejects.toThrow("in the past");
			});`,
			`test("match", function()
				local players = server.players(2)
				local ann, bob = players[1], players[2]
				local id = ann.rpc("create").id
				for _, p in ipairs(players) do p.join_match(id) end
				ann.send_match_state(id, 1, {hello = "world"})
				expect(bob.messages("match_data")).to_have_length(0)
				clock.advance("100ms")
				local m = bob.received("match_data", {op_code = 2})
				expect(m.json.got).to_be('{"hello":"world"}')
				bob.drop()
				ann.received("match_presence_event", {leaves = {{username = bob.username}}})
				bob.reconnect()
				bob.join_match(id)
			end)
			test("time", function()
				local ann = server.player("ann")
				local before = os.time()
				local a = ann.rpc("now").now
				clock.advance("90d")
				expect(ann.rpc("now").now - a).to_be(90 * 86400000)
				expect(os.time() - before).to_be(90 * 86400)
				clock.to("2026-04-02")
				expect(clock.now()).to_be(1775088000000)
				expect(function() clock.to("2020-01-01") end).to_throw("in the past")
			end)`,
		},
		"answers without anything in them": {
			`test("empty", async () => {
				const ann = await server.player("ann");
				expect(await ann.listFriends()).toEqual({ friends: [] });
				expect(await ann.listGroups("none")).toEqual({ groups: [] });
				expect(await ann.listMatches()).toEqual({ matches: [] });
				expect(await ann.listParties()).toEqual({ parties: [] });
				expect(await ann.listTournaments()).toEqual({ tournaments: [] });
				expect(await ann.listNotifications()).toMatchObject({ notifications: [] });
				expect(await ann.listUserGroups(ann.id)).toEqual({ user_groups: [] });
				expect(await ann.listStorageObjects("c", ann.id)).toEqual({ objects: [] });
				expect(await ann.readStorageObjects([{ collection: "c", key: "k", user_id: ann.id }])).toEqual({ objects: [] });
				expect(await ann.listLeaderboardRecords("board")).toMatchObject({ records: [], owner_records: [] });
				expect(await ann.listLeaderboardRecordsAroundOwner("board", ann.id)).toMatchObject({ records: [] });
				expect(await ann.getUsers(["00000000-0000-4000-8000-000000000000"])).toEqual({ users: [] });
				expect(await ann.updateAccount({ lang_tag: "de" })).toBeUndefined();
			});`,
			`test("empty", function()
				local ann = server.player("ann")
				expect(ann.list_friends()).to_equal({friends = {}})
				expect(ann.list_groups("none")).to_equal({groups = {}})
				expect(ann.list_matches()).to_equal({matches = {}})
				expect(ann.list_parties()).to_equal({parties = {}})
				expect(ann.list_tournaments()).to_equal({tournaments = {}})
				expect(ann.list_notifications()).to_match_object({notifications = {}})
				expect(ann.list_user_groups(ann.id)).to_equal({user_groups = {}})
				expect(ann.list_storage_objects("c", ann.id)).to_equal({objects = {}})
				expect(ann.read_storage_objects({{collection = "c", key = "k", user_id = ann.id}})).to_equal({objects = {}})
				expect(ann.list_leaderboard_records("board")).to_match_object({records = {}, owner_records = {}})
				expect(ann.list_leaderboard_records_around_owner("board", ann.id)).to_match_object({records = {}})
				expect(ann.get_users({"00000000-0000-4000-8000-000000000000"})).to_equal({users = {}})
				expect(ann.update_account({lang_tag = "de"})).to_be_nil()
			end)`,
		},
		"chat, parties and the matchmaker": {
			`test("social", async () => {
				const [ann, bob] = await server.players(2);
				const room = await ann.joinChat("lobby", 1);
				await bob.joinChat("lobby", 1);
				await ann.writeChatMessage(room.id, { text: "hi" });
				expect((await bob.received("channel_message")).content).toEqual({ text: "hi" });
				const party = await ann.createParty(true, 4);
				await bob.joinParty(party.party_id);
				await bob.sendPartyData(party.party_id, 7, "x");
				expect((await ann.received("party_data")).data).toBe("x");
				await bob.followUsers([ann.id]);
				await ann.updateStatus("busy");
				await bob.received("status_presence_event", { joins: [{ status: "busy" }] });
				for (const p of [ann, bob]) await p.addMatchmaker("*", 2, 2);
				const [a, b] = [await ann.received("matchmaker_matched"), await bob.received("matchmaker_matched")];
				const match = await ann.joinMatch(undefined, a.token);
				expect((await bob.joinMatch(undefined, b.token)).match_id).toBe(match.match_id);
			});`,
			`test("social", function()
				local players = server.players(2)
				local ann, bob = players[1], players[2]
				local room = ann.join_chat("lobby", 1)
				bob.join_chat("lobby", 1)
				ann.write_chat_message(room.id, {text = "hi"})
				expect(bob.received("channel_message").content).to_equal({text = "hi"})
				local party = ann.create_party(true, 4)
				bob.join_party(party.party_id)
				bob.send_party_data(party.party_id, 7, "x")
				expect(ann.received("party_data").data).to_be("x")
				bob.follow_users({ann.id})
				ann.update_status("busy")
				bob.received("status_presence_event", {joins = {{status = "busy"}}})
				for _, p in ipairs(players) do p.add_matchmaker("*", 2, 2) end
				local a, b = ann.received("matchmaker_matched"), bob.received("matchmaker_matched")
				local match = ann.join_match(nil, a.token)
				expect(bob.join_match(nil, b.token).match_id).to_be(match.match_id)
			end)`,
		},
		"requests to other servers": {
			`test("http", async () => {
				http.stub("https://example.com/*", { status: 200, body: { news: "none" } });
				expect(await server.rpc("fetch")).toEqual({ news: "none" });
				expect(http.requests).toEqual([{ method: "GET", url: "https://example.com/news", headers: {}, body: "" }]);
			});
			test("not stubbed", async () => {
				await expect(server.rpc("fetch")).rejects.toThrow("not available");
				expect(server.log[0].error).toContain("is not stubbed");
			});`,
			`test("http", function()
				http.stub("https://example.com/*", {status = 200, body = {news = "none"}})
				expect(server.rpc("fetch")).to_equal({news = "none"})
				expect(http.requests).to_equal({{method = "GET", url = "https://example.com/news", headers = {}, body = ""}})
			end)
			test("not stubbed", function()
				expect(function() server.rpc("fetch") end).to_throw("not available")
				expect(server.log[1].error).to_contain("is not stubbed")
			end)`,
		},
		"groups of tests": {
			`let n = 0;
			beforeEach(() => { n = 1; });
			describe("outer", () => {
				beforeEach(async () => { n++; });
				describe("inner", () => {
					test("runs hooks", () => { expect(n).toBe(2); n = 7; });
					test("again", () => { expect(n).toBe(2); });
				});
			});`,
			`local n = 0
			before_each(function() n = 1 end)
			describe("outer", function()
				before_each(function() n = n + 1 end)
				describe("inner", function()
					test("runs hooks", function() expect(n).to_be(2); n = 7 end)
					test("again", function() expect(n).to_be(2) end)
				end)
			end)`,
		},
	} {
		for file, source := range map[string]string{"game.test.ts": c.ts, "game_test.lua": c.lua} {
			t.Run(name+"/"+file, func(t *testing.T) {
				t.Parallel()
				if code, out, _ := kumiTest(t, file, source, "--timeout", "5m"); code != exitOK {
					t.Errorf("exit code %d\n%s", code, out)
				}
			})
		}
	}
}

// What a failure says, in both languages.
func TestTestsFail(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		ts, lua string
		want    []string // in the output, of both
	}{
		"differences": {
			"test('scores', () => {\n  expect({ a: [1, 2], b: 'x' }).toEqual({ a: [1, 3], c: 'x' });\n});",
			"test('scores', function()\n  expect({a = {1, 2}, b = 'x'}).to_equal({a = {1, 3}, c = 'x'})\nend)",
			[]string{"✗ scores", "a[1]: expected 3, got 2", `c: expected "x", is missing`, `b: not expected, is "x"`, ":2\n", ">    2 |   expect("},
		},
		"an error of an RPC, with the log": {
			"test('calls', async () => {\n  const ann = await server.player('ann');\n  await ann.rpc('echo', 'before');\n  await ann.rpc('fail');\n});",
			"test('calls', function()\n  local ann = server.player('ann')\n  ann.rpc('echo', 'before')\n  ann.rpc('fail')\nend)",
			[]string{"Error: no way", ">    4 |   ", "log of the server:", "info  echo before", "at <anonymous> (index.ts:7:"},
		},
		"nothing received": {
			"test('waits', async () => {\n  const ann = await server.player('ann');\n  await ann.received('match_data', { op_code: 3 });\n});",
			"test('waits', function()\n  local ann = server.player('ann')\n  ann.received('match_data', {op_code = 3})\nend)",
			[]string{`ann received no match_data with {"op_code":3} within 20s; it received 1 status_presence_event`, ">    3 |   "},
		},
		"a kind that does not exist": {
			"test('waits', async () => {\n  const ann = await server.player('ann');\n  await ann.received('matchdata');\n});",
			"test('waits', function()\n  local ann = server.player('ann')\n  ann.received('matchdata')\nend)",
			[]string{`there is no kind "matchdata" of messages; did you mean "match_data"?`, ">    3 |   "},
		},
		"a kind that does not exist, in a list": {
			"test('lists', async () => {\n  const ann = await server.player('ann');\n  ann.messages('xyz');\n});",
			"test('lists', function()\n  local ann = server.player('ann')\n  ann.messages('xyz')\nend)",
			[]string{`there is no kind "xyz" of messages; there are channel_message, `, ">    3 |   "},
		},
		"a module that does not end": {
			"test('hangs', async () => {\n  await server.rpc('spin');\n});",
			"test('hangs', function()\n  server.rpc('spin')\nend)",
			[]string{"did not end within 5s of real time", ">    2 |   ", "index.ts:8:"},
		},
		"a test that does not end": {
			"test('hangs', () => {\n  for (;;) {}\n});\ntest('after', () => {});",
			"test('hangs', function()\n  while true do end\nend)\ntest('after', function() end)",
			[]string{"did not end within 5s of real time", "not run, since an earlier test of the file was stopped"},
		},
		"a wrong argument": {
			"test('argument', () => {\n  http.stub(7, 'x');\n});",
			"test('argument', function()\n  http.stub({}, 'x')\nend)",
			[]string{"expected a string", ">    2 |   "},
		},
		"a file that cannot be loaded": {
			"test('x', () => {\n",
			"test('x', function()\n",
			[]string{"1 of 1 files could not be run"},
		},
	} {
		for file, source := range map[string]string{"game.test.ts": c.ts, "game_test.lua": c.lua} {
			t.Run(name+"/"+file, func(t *testing.T) {
				t.Parallel()
				args := []string{"--seed", "42"}
				if strings.Contains(name, "does not end") {
					args = append(args, "--timeout", "5s")
				}
				code, out, _ := kumiTest(t, file, source, args...)
				if code != exitFailed {
					t.Errorf("exit code %d", code)
				}
				for _, want := range append(c.want, "repeat with --seed 42") {
					if !strings.Contains(out, want) {
						t.Errorf("%q is missing", want)
					}
				}
				if t.Failed() {
					t.Log(out)
				}
			})
		}
	}
}

// The filter and the reports for machines.
func TestTestReports(t *testing.T) {
	t.Parallel()
	const source = `describe("a", () => {
		test("passes", () => {});
		test("fails", () => { expect(1).toBe(2); });
		testSkip("is skipped", () => {});
	});`
	for _, c := range []struct {
		args []string
		code int
		want []string
	}{
		{[]string{"--filter", "^a > passes$"}, exitOK, []string{"1 passed, 1 skipped\n"}},
		{[]string{"--verbose"}, exitFailed, []string{"✓ a > passes", "✗ a > fails", "- a > is skipped", "1 passed, 1 failed, 1 skipped"}},
		{[]string{"--tap"}, exitFailed, []string{"TAP version 13\n", "ok 1 - game.test.ts > a > passes\n", "not ok 2 - game.test.ts > a > fails\n", "ok 3 - game.test.ts > a > is skipped # SKIP\n", "\n1..3\n"}},
		{[]string{"--filter", "("}, exitUsage, []string{"--filter"}},
		{[]string{"--timeout", "never"}, exitUsage, []string{"--timeout"}},
		{[]string{"--no.such.setting", "1"}, exitUsage, []string{"no.such.setting"}},
	} {
		t.Run(strings.Join(c.args, " "), func(t *testing.T) {
			t.Parallel()
			code, out, _ := kumiTest(t, "game.test.ts", source, c.args...)
			if code != c.code {
				t.Errorf("exit code %d, expected %d", code, c.code)
			}
			for _, want := range c.want {
				if !strings.Contains(out, want) {
					t.Errorf("%q is missing in\n%s", want, out)
				}
			}
		})
	}
	t.Run("junit", func(t *testing.T) {
		t.Parallel()
		file := filepath.Join(t.TempDir(), "report.xml")
		if code, out, _ := kumiTest(t, "game.test.ts", source, "--junit", file); code != exitFailed {
			t.Fatalf("exit code %d: %s", code, out)
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var got junitSuites
		if err := xml.Unmarshal(text, &got); err != nil {
			t.Fatal(err)
		}
		s := got.Suites[0]
		if s.Tests != 3 || s.Failures != 1 || s.Skipped != 1 || s.Cases[1].Failure == nil || !strings.Contains(s.Cases[1].Failure.Text, "game.test.ts:3") {
			t.Errorf("%s", text)
		}
	})
}

// The tests of the samples pass.
func TestTestSamples(t *testing.T) {
	t.Parallel()
	for _, folder := range []string{"../../data/modules", "../../examples/lobby"} {
		var out strings.Builder
		if code := dispatch(t.Context(), []string{"test", folder, "--timeout", "5m"}, streams{&out, &out, nil}); code != exitOK {
			t.Errorf("%s: exit code %d\n%s", folder, code, out.String())
		}
	}
}

// Ids and random numbers follow from the seed.
func TestTestSeed(t *testing.T) {
	t.Parallel()
	const source = `test("random", async () => {
		const ann = await server.player("ann");
		const { id } = await ann.rpc("create");
		await ann.rpc("echo", [ann.id, id, Math.random(), crypto.randomUUID(), ann.token]);
		expect(server.log.filter((l) => l.message.startsWith("echo"))[0].message).toBe("");
	});`
	drawn := regexp.MustCompile(`got "echo.*`)
	run := func(seed string) string {
		_, out, _ := kumiTest(t, "game.test.ts", source, "--seed", seed)
		got := drawn.FindString(out)
		if got == "" {
			t.Fatal(out)
		}
		return got
	}
	first := run("7")
	if again := run("7"); again != first {
		t.Errorf("the same seed gave\n%s\nand\n%s", first, again)
	}
	if other := run("8"); other == first {
		t.Errorf("another seed gave the same: %s", first)
	}
}

// In watch mode a changed test is run again, and all tests when a module has changed.
func TestTestWatch(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	const testing = `import { n } from "./n"; test("n", () => { expect(n).toBe(1); });`
	for name, text := range map[string]string{"index.ts": "function InitModule() {}", "n.ts": "export const n = 1;", "a.test.ts": testing, "b.test.ts": testing} {
		writeFile(t, filepath.Join(folder, name), text)
	}
	save := func(name, text string) { // at once, so that no half of it is seen
		path := filepath.Join(folder, name)
		writeFile(t, path+".new", text)
		if err := os.Rename(path+".new", path); err != nil {
			t.Fatal(err)
		}
	}
	ctx, stop := context.WithCancel(t.Context())
	out := &buffer{}
	ended := make(chan int, 1)
	go func() { ended <- dispatch(ctx, []string{"test", folder, "--watch"}, streams{out, out, nil}) }()
	expect := func(runs int, want ...string) {
		t.Helper()
		testutil.Eventually(t, "the tests to run", func() bool { return strings.Count(out.String(), "waiting for a change") == runs })
		parts := strings.Split(out.String(), "waiting for a change")
		for _, text := range want {
			if !strings.Contains(parts[runs-1], text) {
				t.Errorf("%q is missing in\n%s", text, parts[runs-1])
			}
		}
	}
	expect(1, "2 passed")
	save("a.test.ts", testing+"\n")
	expect(2, "a.test.ts  1 passed", "\n1 passed")
	save("n.ts", "export const n = 2;")
	expect(3, "a.test.ts  1 failed", "b.test.ts  1 failed")
	stop()
	if code := <-ended; code != exitOK {
		t.Errorf("exit code %d", code)
	}
}

// Test files are no modules: the server does not load them.
func TestTestsAreNoModules(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	for name, text := range map[string]string{
		"main.lua": `require("nakama").register_rpc(function() return "" end, "a")`, "main_test.lua": `error("loaded")`,
		"index.ts": "function InitModule() {}", "other.test.ts": "this is not TypeScript",
		"tsconfig.json": `{"compilerOptions": {"outFile": "x.js"}, "include": ["*"]}`,
	} {
		writeFile(t, filepath.Join(folder, name), text)
	}
	var out strings.Builder
	if code := dispatch(t.Context(), []string{"check", "--runtime.path", folder}, streams{&out, &out, nil}); code != exitOK {
		t.Errorf("exit code %d: %s", code, out.String())
	}
}
