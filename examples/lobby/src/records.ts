// The players' records. Everybody may read them, only this code writes them.
// The objects' permissions ensure that for existing ones, keepRecords for new
// ones.

const COLLECTION = "ink";
const KEY = "record";

export interface Record {
  wins: number;
  losses: number;
  draws: number;
  rating: number;
}

const BLANK: Record = { wins: 0, losses: 0, draws: 0, rating: 1000 };

// STAKE is the maximum change of a rating per game.
const STAKE = 32;

export function readRecord(nk: nkruntime.Nakama, userId: string): Record {
  const [object] = nk.storageRead([{ collection: COLLECTION, key: KEY, userId }]);
  return { ...BLANK, ...object?.value };
}

// writeResult adds a game to both records and returns them in the same order.
// score is 1 if the first player won, 0 if the second did, 0.5 for a draw. If
// another game of theirs is written at the same time, it retries with the new
// records.
export function writeResult(nk: nkruntime.Nakama, userIds: [string, string], score: number): [Record, Record] {
  let after: [Record, Record] = [BLANK, BLANK];
  nk.storageWriteRetry(userIds.map((userId) => ({ collection: COLLECTION, key: KEY, userId })), (objects) => {
    const [a, b] = userIds.map((id) => ({ ...BLANK, ...objects.find((o) => o.userId === id)?.value }));
    const expected = 1 / (1 + 10 ** ((b.rating - a.rating) / 400));
    const change = Math.round(STAKE * (score - expected));
    after = [enter(a, score, change), enter(b, 1 - score, -change)];
    return after.map((value, i) => ({
      collection: COLLECTION, key: KEY, userId: userIds[i], value, permissionRead: 2, permissionWrite: 0,
    }));
  });
  return after;
}

// Before hook: clients may not write records. It is called for clients'
// writes, not for those of this code.
export const keepRecords: nkruntime.BeforeHookFunction<nkruntime.WriteStorageObjectsRequest> = (ctx, logger, nk, request) => {
  if (request.objects?.some((object) => object.collection === COLLECTION)) {
    throw { message: "records are the server's", code: 7 };
  }
  return request;
};

function enter(record: Record, score: number, change: number): Record {
  return {
    wins: record.wins + (score === 1 ? 1 : 0),
    losses: record.losses + (score === 0 ? 1 : 0),
    draws: record.draws + (score === 0.5 ? 1 : 0),
    rating: record.rating + change,
  };
}
