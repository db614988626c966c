// Tests of Ink, for kumi test: the rules alone, and whole matches.
import { Arena } from "./src/arena";

const VIEW = 1;
const STEP = 2;
const TURN = 3;
const GIVE_UP = 4;

describe("the rules", () => {
  test("runners leave ink where they go", () => {
    const arena = new Arena();
    const before = arena.score();
    arena.turn(0, 0);
    for (let tick = 0; tick < 4; tick++) arena.step(tick);
    expect(arena.score()[0]).toBe(before[0] + 4);
    expect(arena.score()[1]).toBe(before[1]);
  });

  test("enclosed cells become the player's, too", () => {
    const arena = new Arena();
    for (const direction of [0, 1, 2, 3]) {
      arena.turn(0, direction);
      for (let tick = 0; tick < 3; tick++) arena.step(tick);
    }
    expect(arena.score()[0]).toBe(16); // the edge of a square of four by four, and what is inside
  });
});

describe("a match", () => {
  let ann: kumitest.Player, bob: kumitest.Player, id: string;

  beforeEach(async () => {
    [ann, bob] = [await server.player("ann"), await server.player("bob")];
    for (const player of [ann, bob]) await player.addMatchmaker("*", 2, 2);
    for (const player of [ann, bob]) {
      const { match_id } = await player.received("matchmaker_matched");
      await player.joinMatch(match_id);
      id = match_id;
    }
    await clock.advance("3s"); // the countdown
  });

  const view = (player: kumitest.Player) => player.messages("match_data", { op_code: VIEW }).at(-1).json;

  test("lasts for a minute, and the score decides", async () => {
    await ann.received("match_data", { op_code: VIEW, json: { phase: "playing" } });
    const seat = view(ann).players.findIndex((p: any) => p.userId === ann.id);
    await ann.sendMatchState(id, TURN, { turn: seat === 0 ? 0 : 2 });
    await clock.advance("61s");
    expect(view(bob)).toMatchObject({ phase: "over", result: { winner: ann.id, why: "score" } });
    expect(view(bob).result.records[seat].rating).toBeGreaterThan(view(bob).result.records[1 - seat].rating);
  });

  test("goes on while a player reloads the page", async () => {
    await bob.drop();
    expect(view(ann).players).toContainObject({ username: "bob", here: false });
    await bob.reconnect();
    await bob.joinMatch(id);
    await bob.received("match_data", { op_code: STEP });
    expect(view(bob).phase).toBe("playing");
  });

  test("ends when a player gives up", async () => {
    await bob.sendMatchState(id, GIVE_UP);
    await clock.advance("100ms");
    expect(view(ann).result).toMatchObject({ winner: ann.id, why: "gave up" });
  });

  test("is between the two that were matched", async () => {
    const eve = await server.player("eve");
    await expect(eve.joinMatch(id)).rejects.toThrow("between others");
  });
});
