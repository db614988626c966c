-- The matches of bench restart: they count the numbered messages of their players, and
-- tell all of them the counts in each tick.
local nk = require("nakama")

local M = {}

function M.match_init()
  return { joins = 0, leaves = 0, players = {} }, 10, "restart"
end

function M.match_join_attempt(_, _, _, state)
  return state, true
end

-- Keeps players by user, who may come back with another session.
function M.match_join(_, _, _, state, presences)
  for _, p in ipairs(presences) do
    state.joins = state.joins + 1
    state.players[p.user_id] = state.players[p.user_id] or { counted = 0, last = 0, again = 0 }
  end
  return state
end

-- Ends the match when as many have left as have joined.
function M.match_leave(_, _, _, state, presences)
  state.leaves = state.leaves + #presences
  if state.leaves >= state.joins then
    return nil
  end
  return state
end

function M.match_loop(_, dispatcher, tick, state, messages)
  for _, m in ipairs(messages) do
    local player = state.players[m.sender.user_id]
    local number = tonumber(m.data)
    player.counted = player.counted + 1
    if number <= player.last then
      player.again = player.again + 1
    else
      player.last = number
    end
  end
  dispatcher.broadcast_message(1, nk.json_encode({ tick = tick, joins = state.joins, leaves = state.leaves, players = state.players }))
  return state
end

function M.match_terminate(_, _, _, state)
  return state
end

function M.match_signal(_, _, _, state, data)
  return state, data
end

return M
