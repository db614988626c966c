-- Tic-tac-toe for two; the messages are those of the TypeScript sample
-- (src/tictactoe.ts). A match handler in Lua is a module that returns its
-- functions: nk.match_create("tictactoe_lua", {}) finds it by the file's name.
local nk = require("nakama")

local STATE, MOVE, REFUSED = 1, 2, 3
local TICK_RATE, IDLE_SECONDS = 5, 60

local LINES = {
  { 1, 2, 3 }, { 4, 5, 6 }, { 7, 8, 9 },
  { 1, 4, 7 }, { 2, 5, 8 }, { 3, 6, 9 },
  { 1, 5, 9 }, { 3, 5, 7 },
}

local function count(t)
  local n = 0
  for _ in pairs(t) do
    n = n + 1
  end
  return n
end

local function label(state)
  return nk.json_encode({ game = "tictactoe", open = count(state.marks) < 2 and 1 or 0 })
end

local function view(state)
  return nk.json_encode({ board = state.board, marks = state.marks, turn = state.turn, winner = state.winner })
end

local function won(board, mark)
  for _, line in ipairs(LINES) do
    if board[line[1]] == mark and board[line[2]] == mark and board[line[3]] == mark then
      return true
    end
  end
  return false
end

local function full(board)
  for _, mark in ipairs(board) do
    if mark == "" then
      return false
    end
  end
  return true
end

-- Plays a move, or returns why it is refused. Cells are counted from 0 on the
-- wire and from 1 here.
local function play(state, user_id, cell)
  if state.winner ~= "" then return "the game is over" end
  if count(state.marks) < 2 then return "wait for the other player" end
  if state.marks[user_id] ~= state.turn then return "it is not your turn" end
  if type(cell) ~= "number" or state.board[cell + 1] ~= "" then return "that cell is not free" end
  state.board[cell + 1] = state.turn
  if won(state.board, state.turn) then
    state.winner = state.turn
  elseif full(state.board) then
    state.winner = "draw"
  end
  state.turn = state.turn == "X" and "O" or "X"
  return nil
end

local M = {}

function M.match_init(ctx, params)
  local state = {
    board = { "", "", "", "", "", "", "", "", "" },
    marks = {}, -- user id -> mark
    present = {}, -- session id -> presence
    turn = "X",
    winner = "",
    idle_ticks = 0,
  }
  return state, TICK_RATE, label(state)
end

function M.match_join_attempt(ctx, dispatcher, tick, state, presence, metadata)
  if not state.marks[presence.user_id] then
    local players = count(state.marks)
    if players == 2 then
      return state, false, "the game is full"
    end
    state.marks[presence.user_id] = players == 0 and "X" or "O"
  end
  return state, true
end

function M.match_join(ctx, dispatcher, tick, state, presences)
  for _, p in ipairs(presences) do
    state.present[p.session_id] = p
  end
  dispatcher.match_label_update(label(state))
  dispatcher.broadcast_message(STATE, view(state))
  return state
end

function M.match_leave(ctx, dispatcher, tick, state, presences)
  for _, p in ipairs(presences) do
    state.present[p.session_id] = nil
  end
  return state
end

function M.match_loop(ctx, dispatcher, tick, state, messages)
  local changed = false
  for _, message in ipairs(messages) do
    if message.op_code == MOVE then
      local ok, move = pcall(nk.json_decode, message.data or "")
      local reason = "a move is {\"cell\": 0…8}"
      if ok and type(move) == "table" then
        reason = play(state, message.sender.user_id, move.cell)
      end
      if reason then
        dispatcher.broadcast_message(REFUSED, nk.json_encode({ reason = reason }), { message.sender })
      else
        changed = true
      end
    end
  end
  if changed then
    dispatcher.broadcast_message(STATE, view(state))
  end

  local empty = next(state.present) == nil
  state.idle_ticks = empty and state.idle_ticks + 1 or 0
  if (empty and state.winner ~= "") or state.idle_ticks > IDLE_SECONDS * TICK_RATE then
    return nil
  end
  return state
end

function M.match_terminate(ctx, dispatcher, tick, state, grace_seconds)
  return state
end

function M.match_signal(ctx, dispatcher, tick, state, data)
  return state, view(state)
end

return M
