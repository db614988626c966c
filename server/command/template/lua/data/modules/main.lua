-- The server loads every .lua file of the folder, and this one registers functions.
local nk = require("nakama")

nk.leaderboard_create("wins", true, "desc", "incr")

-- Clients call this to play with a friend, who joins by the id of the match.
nk.register_rpc(function(ctx, payload)
  return nk.json_encode({ match_id = nk.match_create("stones", {}) })
end, "create_game")

-- Players whom the matchmaker brought together join the match that this returns.
nk.register_matchmaker_matched(function(ctx, users)
  return nk.match_create("stones", {})
end)
