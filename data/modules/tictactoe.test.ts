// Tests of the sample, for kumi test. They play as game clients do, against a
// whole server; time passes only when a test waits or advances the clock.

const STATE = 1;
const MOVE = 2;
const REFUSED = 3;

for (const handler of ["tictactoe", "tictactoe_lua"]) {
  describe(handler, () => {
    let ann: kumitest.Player, bob: kumitest.Player, id: string;

    beforeEach(async () => {
      [ann, bob] = [await server.player("ann"), await server.player("bob")];
      id = (await ann.rpc("tictactoe_create", { handler })).match_id;
      await ann.joinMatch(id);
      await bob.joinMatch(id);
    });

    const play = async (who: kumitest.Player, cell: unknown) => {
      await who.sendMatchState(id, MOVE, { cell });
      await clock.advance("200ms"); // a tick
    };
    const board = () => ann.messages("match_data", { op_code: STATE }).at(-1).json;

    test("three in a row win", async () => {
      await play(ann, 0);
      await play(bob, 3);
      await play(ann, 1);
      await play(bob, 4);
      expect(board().winner).toBe("");
      await play(ann, 2);
      expect(board()).toMatchObject({ winner: "X", board: ["X", "X", "X", "O", "O", "", "", "", ""] });
    });

    test("only a player whose turn it is may move, to a free cell", async () => {
      await play(bob, 0);
      expect((await bob.received("match_data", { op_code: REFUSED })).json.reason).toBe("it is not your turn");
      await play(ann, 0);
      await play(bob, 0);
      await bob.received("match_data", { op_code: REFUSED, json: { reason: "that cell is not free" } });
      expect(ann.messages("match_data", { op_code: REFUSED })).toHaveLength(0);
    });

    test("a third player is turned away, a lost one may come back", async () => {
      const eve = await server.player("eve");
      await expect(eve.joinMatch(id)).rejects.toThrow("the game is full");
      await bob.drop();
      await bob.reconnect();
      await bob.joinMatch(id);
    });

    test("a game that everybody left ends after a minute", async () => {
      const games = async () => (await ann.listMatches(10, true))?.matches ?? [];
      expect(await games()).toHaveLength(1);
      await ann.leaveMatch(id);
      await bob.leaveMatch(id);
      await clock.advance("59s");
      expect(await games()).toHaveLength(1);
      await clock.advance("3s");
      expect(await games()).toHaveLength(0);
    });
  });
}
