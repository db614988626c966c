// Run by kumi test: whole games against a server with the Go module compiled in.

const STONES = 15;
const STATE = 1;
const TAKE = 2;
const REFUSED = 3;

describe("a match", () => {
  let ann: kumitest.Player, bob: kumitest.Player, id: string;

  beforeEach(async () => {
    [ann, bob] = [await server.player("ann"), await server.player("bob")];
    id = (await ann.rpc("create_game")).match_id;
    await ann.joinMatch(id);
    await bob.joinMatch(id);
  });

  // Takes stones, and waits for the tick that handles it.
  const take = async (player: kumitest.Player, count: unknown) => {
    await player.sendMatchState(id, TAKE, { take: count });
    await clock.advance("200ms");
  };

  test("both see each move, and the winner's wins are counted", async () => {
    for (let i = 0; i < STONES / 3; i++) await take(i % 2 === 0 ? ann : bob, 3);
    const over = await bob.received("match_data", { op_code: STATE, json: { stones: 0 } });
    expect(over.json.winner).toBe(ann.id);
    const { records } = await bob.listLeaderboardRecords("wins");
    expect(records).toContainObject({ username: "ann", score: 1 });
  });

  test("a player waits for the turn", async () => {
    await take(bob, 1);
    const refused = await bob.received("match_data", { op_code: REFUSED });
    expect(refused.json.reason).toBe("it is not your turn");
    expect(ann.messages("match_data", { op_code: REFUSED })).toHaveLength(0);
  });

  test("a third player is turned away, a lost one may come back", async () => {
    const eve = await server.player("eve");
    await expect(eve.joinMatch(id)).rejects.toThrow("the game is full");
    await bob.drop();
    await bob.reconnect();
    await bob.joinMatch(id);
    await take(ann, 2);
    expect(bob.messages("match_data", { op_code: STATE }).at(-1).json.stones).toBe(STONES - 2);
  });
});

test("the matchmaker starts a game", async () => {
  const players = await server.players(2);
  for (const player of players) await player.addMatchmaker("*", 2, 2);
  for (const player of players) {
    const { match_id } = await player.received("matchmaker_matched");
    await player.joinMatch(match_id);
  }
  await players[1].received("match_data", { op_code: STATE, json: { stones: STONES } });
});
