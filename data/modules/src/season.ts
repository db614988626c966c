// A weekly season: players collect points, and on Monday the best three are
// paid from the server's pocket. The leaderboard is all the state there is.
const board = "season";
const prizes = [100, 50, 25];

/** Creates the board; one that exists is left as it is. Only the server writes to it. */
export function openSeason(nk: nkruntime.Nakama) {
  nk.leaderboardCreate(board, true, nkruntime.SortOrder.DESCENDING, nkruntime.Operator.INCREMENTAL, "0 0 * * 1", {}, true);
}

/** RPC: adds the points of a finished game to the caller's score and returns its place. */
export function addPoints(ctx: nkruntime.Context, logger: nkruntime.Logger, nk: nkruntime.Nakama, payload: string): string {
  const points = Number(payload);
  if (!ctx.userId || payload === "" || !Number.isInteger(points) || points < 0 || points > 10) {
    throw { message: "expects a player and 0 to 10 points", code: nkruntime.Codes.INVALID_ARGUMENT };
  }
  const record = nk.leaderboardRecordWrite(board, ctx.userId, ctx.username, points);
  return JSON.stringify({ rank: record.rank, score: record.score });
}

/** Pays the best of the season that is over. Its records expired at the time of the reset. */
export function payOut(ctx: nkruntime.Context, logger: nkruntime.Logger, nk: nkruntime.Nakama, l: nkruntime.Leaderboard, reset: number) {
  if (l.id !== board) {
    return;
  }
  const best = nk.leaderboardRecordsList(board, [], prizes.length, undefined, reset).records ?? [];
  best.forEach((record, place) => {
    nk.walletUpdate(record.ownerId, { coins: prizes[place] }, { season: reset, place: place + 1 }, true);
    nk.notificationSend(record.ownerId, "Season over", { place: place + 1, coins: prizes[place] }, 101, null, true);
  });
  logger.info("paid %d players of the season that ended at %d", best.length, reset);
}
