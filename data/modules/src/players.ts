// Custom SQL. It runs unchanged on the embedded database and on PostgreSQL.

export const newestPlayers: nkruntime.RpcFunction = (ctx, logger, nk, payload) => {
  const limit = Math.min(Number(payload) || 10, 100);
  const rows = nk.sqlQuery(
    "SELECT username, edge_count FROM users WHERE username <> '' ORDER BY create_time DESC LIMIT $1",
    [limit],
  );
  return JSON.stringify(rows.map((row) => ({ username: row.username, friends: row.edge_count })));
};
