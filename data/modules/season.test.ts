// The weekly season of the sample: its leaderboard is reset on Monday, and the
// best are paid.

test("the best of a week are paid on Monday", async () => {
  const players = await server.players(4);
  for (const [i, player] of players.entries()) {
    await player.rpc("season_points", 10 - i);
  }
  await clock.to("2026-01-05T00:00:01"); // the first Monday of the tests' time

  const message = await players[0].received("notifications", { notifications: [{ subject: "Season over" }] });
  expect(message.notifications[0].content).toEqual({ place: 1, coins: 100 });
  const coins = [];
  for (const player of players) {
    coins.push((await player.getAccount()).wallet.coins ?? 0);
  }
  expect(coins).toEqual([100, 50, 25, 0]);
});

test("points are checked", async () => {
  const ann = await server.player("ann");
  await expect(ann.rpc("season_points", 11)).rejects.toThrow("0 to 10 points");
  await expect(server.rpc("season_points", 1)).rejects.toThrow("expects a player");
});
