package command

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"kumi/internal/testutil"
)

// everything is a test that uses most of the server, one call after the other, and fails
// with all that it got: answers, messages of all players, rows, the log, metrics.
const everything = `const out: string[] = [];
const say = (name: string, value: any) => out.push(name + " " + JSON.stringify(value));
test("everything", async () => {
  const players = await server.players(40);
  for (const p of players) say("player", [p.id, p.token, await p.rpc("store"), await p.rpc("draw")]);
  const { id } = await players[0].rpc("create");
  for (const p of players) say("joined", await p.joinMatch(id));
  for (const p of players) await p.sendMatchState(id, 1, { from: p.name });
  await clock.advance("1s");
  for (const p of players) say("ticket", await p.addMatchmaker("*", 2, 2));
  for (const p of players) say("matched", await p.received("matchmaker_matched"));
  const room = await players[0].joinChat("lobby", 1);
  for (const p of players) await p.joinChat("lobby", 1);
  for (const p of players) await p.writeChatMessage(room.id, { text: p.name });
  say("history", await players[0].listChannelMessages(room.id));
  const group = await players[0].createGroup({ name: "group", open: true });
  for (const p of players.slice(1)) await p.joinGroup(group.id);
  for (const p of players.slice(1)) await p.addFriends([players[0].id]);
  for (const p of players) await p.followUsers(players.map((p) => p.id));
  for (const p of players) await p.updateStatus("here");
  await players[3].drop();
  await players[4].disconnect();
  await players[3].reconnect();
  const { party_id } = await players[0].createParty(true, 8);
  for (const p of players.slice(6, 12)) await p.joinParty(party_id);
  await players[6].sendPartyData(party_id, 1, { x: 1 });
  await players[0].addMatchmakerParty(party_id, "*", 7, 7);
  await clock.advance("20s");
  for (const p of players) say("messages", p.messages());
  for (const p of players) say("account", await p.getAccount());
  say("friends", await players[0].listFriends());
  say("members", await players[0].listGroupUsers(group.id));
  say("matches", await players[0].listMatches(100, true));
  say("rows", await server.sql("SELECT * FROM users ORDER BY username"));
  say("objects", await server.sql("SELECT collection, key, user_id, value, version, create_time FROM storage ORDER BY user_id, key"));
  say("metrics", Object.entries(server.metrics).filter(([name]) => /messages|sessions|presences|matches/.test(name)));
  for (const line of server.log) say("log", line);
  throw new Error(out.join("\n"));
});`

// The same seed gives the same run to the byte: what tests see, what clients receive and the
// log, of a test that calls one thing after the other.
func TestTestSameRun(t *testing.T) {
	t.Parallel()
	if testutil.Race {
		t.Skip("the race detector makes goroutines take turns at random")
	}
	folder := t.TempDir()
	for name, text := range game {
		text = strings.Replace(text, "initializer.registerRpc(\"now\"", `initializer.registerMatchmakerMatched((ctx, logger, nk, players) => {
    logger.info("matched %s", JSON.stringify(players));
    return nk.matchCreate("answer", {});
  });
  initializer.registerRpc("draw", (ctx, logger, nk) => JSON.stringify([Math.random(), nk.uuidv4(), Date.now()]));
  initializer.registerRpc("store", (ctx, logger, nk) => JSON.stringify(nk.storageWrite([{ collection: "c", key: nk.uuidv4(), userId: ctx.userId, value: { n: Math.random() } }])));
  initializer.registerRpc("now"`, 1)
		writeFile(t, filepath.Join(folder, name), text)
	}
	writeFile(t, filepath.Join(folder, "all.test.ts"), everything)
	run := func() string {
		var out strings.Builder
		code := dispatch(t.Context(), []string{"test", folder, "--seed", "7", "--verbose"}, streams{&out, &out, os.Environ()})
		text := regexp.MustCompile(`  \S+s\n`).ReplaceAllString(out.String(), "\n") // how long it took
		if code != exitFailed || !strings.Contains(text, "\n    log {") {
			t.Fatalf("exit code %d\n%.5000s", code, text)
		}
		return text
	}
	first := run()
	again := strings.Split(run(), "\n")
	for i, line := range strings.Split(first, "\n") {
		if i >= len(again) || again[i] != line {
			t.Fatalf("line %d differs:\n%s\n%s", i, line, again[min(i, len(again)-1)])
		}
	}
}
