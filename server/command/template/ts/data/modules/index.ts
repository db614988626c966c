// The server loads this file and calls InitModule.

import { stones } from "./match";

export const InitModule: nkruntime.InitModule = (ctx, logger, nk, initializer) => {
  nk.leaderboardCreate("wins", true, nkruntime.SortOrder.DESCENDING, nkruntime.Operator.INCREMENTAL);
  initializer.registerMatch("stones", stones);
  initializer.registerRpc("create_game", createGame);
  initializer.registerMatchmakerMatched(createMatch);
};

// Clients call this to play with a friend, who joins by the id of the match.
const createGame: nkruntime.RpcFunction = (ctx, logger, nk) => JSON.stringify({ match_id: nk.matchCreate("stones", {}) });

// Players whom the matchmaker brought together join the match that this returns.
const createMatch: nkruntime.MatchmakerMatchedFunction = (ctx, logger, nk) => nk.matchCreate("stones", {});
