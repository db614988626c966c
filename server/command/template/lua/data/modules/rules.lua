-- The rules of the game: two players take one to three stones in turn, and whoever
-- takes the last one wins. They know nothing of the server, so tests can call them.
local rules = { STONES = 15 }
local MOST = 3

function rules.new()
  return {
    stones = rules.STONES,
    players = {}, -- user ids; the first one begins
    turn = 1, -- an index into players
    winner = "", -- a user id
  }
end

-- Takes stones, or returns why that is not allowed.
function rules.take(game, user_id, count)
  if game.winner ~= "" then return "the game is over" end
  if #game.players < 2 then return "wait for the other player" end
  if game.players[game.turn] ~= user_id then return "it is not your turn" end
  local most = math.min(MOST, game.stones)
  if type(count) ~= "number" or count % 1 ~= 0 or count < 1 or count > most then
    return "take 1 to " .. most .. " stones"
  end
  game.stones = game.stones - count
  if game.stones == 0 then game.winner = user_id end
  game.turn = 3 - game.turn
  return nil
end

return rules
