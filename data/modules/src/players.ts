// Custom SQL, which runs unchanged on the embedded database and on PostgreSQL,
// behind an RPC for players and behind an HTTP route for everybody else.

function newest(nk: nkruntime.Nakama, limit: number) {
  const rows = nk.sqlQuery(
    "SELECT username, edge_count FROM users WHERE username <> '' ORDER BY create_time DESC LIMIT $1",
    [Math.min(limit || 10, 100)],
  );
  return rows.map((row) => ({ username: row.username, friends: row.edge_count }));
}

export const newestPlayers: nkruntime.RpcFunction = (ctx, logger, nk, payload) => JSON.stringify(newest(nk, Number(payload)));

// GET /sample/players?limit=5
export const playersPage: nkruntime.HttpFunction = (ctx, logger, nk, request) => ({
  headers: { "Cache-Control": "max-age=10" },
  body: newest(nk, Number(request.query.limit?.[0])),
});
