-- The load generator's match: ten ticks per second, one input per player and
-- tick, one state of about 190 bytes to all players per tick.
local nk = require("nakama")

local M = {}

function M.match_init(_, params)
  local state = { max_ticks = params and params.max_ticks or 0, order = {}, players = {} }
  return state, 10, ""
end

function M.match_join_attempt(_, _, _, state)
  return state, true
end

function M.match_join(_, _, _, state, presences)
  for _, presence in ipairs(presences) do
    state.players[presence.session_id] = { x = 500, y = 500 }
    table.insert(state.order, presence.session_id)
  end
  return state
end

-- Ends the match when its last player leaves, so that runs leave nothing
-- behind.
function M.match_leave(_, _, _, state, presences)
  for _, presence in ipairs(presences) do
    state.players[presence.session_id] = nil
    for i, id in ipairs(state.order) do
      if id == presence.session_id then
        table.remove(state.order, i)
        break
      end
    end
  end
  if #state.order == 0 then
    return nil
  end
  return state
end

-- Keeps coordinates three digits long, so that every state has the same size.
local function keep_inside(v)
  if v < 100 then
    return 999
  elseif v > 999 then
    return 100
  end
  return v
end

function M.match_loop(_, dispatcher, tick, state, messages)
  if state.max_ticks > 0 and tick >= state.max_ticks then
    return nil
  end
  if #state.order == 0 then
    return state
  end
  for _, message in ipairs(messages) do
    local input = nk.json_decode(message.data)
    local player = state.players[message.sender.session_id]
    if player then
      player.x = keep_inside(player.x + input.x)
      player.y = keep_inside(player.y + input.y)
    end
  end
  local players = {}
  for i, id in ipairs(state.order) do
    players[i] = state.players[id]
  end
  local view = { tick = tick, room = "bench arena", players = players }
  dispatcher.broadcast_message(1, nk.json_encode(view))
  return state
end

function M.match_terminate(_, _, _, state)
  return state
end

function M.match_signal(_, _, _, state, data)
  return state, data
end

return M
