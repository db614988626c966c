// The TypeScript sample. Kumi takes it as it is: nothing to compile, plain
// imports between files, any function can be registered.
import { cleanChat, cleanDisplayName, cleanText } from "./src/filter";
import { createGame, ticTacToe } from "./src/tictactoe";
import { newestPlayers, playersPage } from "./src/players";
import { addPoints, openSeason, payOut } from "./src/season";
import { refuseReservedNames, welcome } from "./src/welcome";

export function InitModule(
  ctx: nkruntime.Context,
  logger: nkruntime.Logger,
  nk: nkruntime.Nakama,
  initializer: nkruntime.Initializer,
) {
  initializer.registerRpc("hello", (ctx, logger, nk, payload) => `Hello, ${payload || ctx.username || "stranger"}!`);
  initializer.registerRpc("clean_text", cleanText);
  initializer.registerRpc("newest_players", newestPlayers);

  initializer.registerHttp("/sample/players", playersPage, ["GET"]);

  initializer.registerBeforeAuthenticateDevice(refuseReservedNames);
  initializer.registerAfterAuthenticateDevice(welcome);
  initializer.registerBeforeUpdateAccount(cleanDisplayName);
  initializer.registerRtBefore("ChannelMessageSend", cleanChat);

  openSeason(nk);
  initializer.registerRpc("season_points", addPoints);
  initializer.registerLeaderboardReset(payOut);

  initializer.registerMatch("tictactoe", ticTacToe);
  initializer.registerRpc("tictactoe_create", createGame);

  logger.info("the TypeScript sample is ready on node %s", ctx.node);
}
