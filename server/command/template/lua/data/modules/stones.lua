-- The match that plays the game. A module that returns such functions is a match handler:
-- nk.match_create("stones", {}) finds it by the file's name. Its messages, all of them JSON:
--
--   op 1  server → players  {stones, players, turn, winner}
--   op 2  player → server   {take: 1…3}
--   op 3  server → player   {reason}, why a move was refused
local nk = require("nakama")
local rules = require("rules")

local STATE, TAKE, REFUSED = 1, 2, 3
local TICK_RATE, IDLE_SECONDS = 5, 60

local function label(game)
  return nk.json_encode({ open = #game.players < 2 and 1 or 0 })
end

local function includes(list, value)
  for _, v in ipairs(list) do
    if v == value then return true end
  end
  return false
end

-- What a player wants to take, or nil if the message is not JSON.
local function taken(message)
  local ok, move = pcall(nk.json_decode, message.data or "")
  return ok and type(move) == "table" and move.take or nil
end

local M = {}

function M.match_init(ctx, params)
  local game = rules.new()
  return { game = game, present = 0, idle_ticks = 0 }, TICK_RATE, label(game)
end

-- Two players may join; one who lost the connection may come back.
function M.match_join_attempt(ctx, dispatcher, tick, state, presence, metadata)
  local players = state.game.players
  if not includes(players, presence.user_id) then
    if #players == 2 then return state, false, "the game is full" end
    table.insert(players, presence.user_id)
  end
  return state, true
end

function M.match_join(ctx, dispatcher, tick, state, presences)
  state.present = state.present + #presences
  dispatcher.match_label_update(label(state.game))
  dispatcher.broadcast_message(STATE, nk.json_encode(state.game))
  return state
end

function M.match_leave(ctx, dispatcher, tick, state, presences)
  state.present = state.present - #presences
  return state
end

function M.match_loop(ctx, dispatcher, tick, state, messages)
  local game = state.game
  for _, message in ipairs(messages) do
    if message.op_code == TAKE then
      local reason = rules.take(game, message.sender.user_id, taken(message))
      if reason then
        dispatcher.broadcast_message(REFUSED, nk.json_encode({ reason = reason }), { message.sender })
      else
        dispatcher.broadcast_message(STATE, nk.json_encode(game))
        if game.winner ~= "" then
          nk.leaderboard_record_write("wins", game.winner, message.sender.username, 1)
        end
      end
    end
  end
  -- Returning nil ends the match: some time after everybody has left.
  state.idle_ticks = state.present > 0 and 0 or state.idle_ticks + 1
  if state.idle_ticks > IDLE_SECONDS * TICK_RATE then return nil end
  return state
end

function M.match_terminate(ctx, dispatcher, tick, state, grace_seconds)
  return state
end

function M.match_signal(ctx, dispatcher, tick, state, data)
  return state, nk.json_encode(state.game)
end

return M
