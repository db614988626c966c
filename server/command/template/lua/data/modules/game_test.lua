-- Run by kumi test: the rules alone, and whole games against a server.
local rules = require("rules")

local STATE, TAKE, REFUSED = 1, 2, 3

describe("the rules", function()
  local game

  before_each(function()
    game = rules.new()
    game.players = { "ann", "bob" }
  end)

  test("whoever takes the last stone wins", function()
    for i = 1, rules.STONES / 3 do
      expect(rules.take(game, i % 2 == 1 and "ann" or "bob", 3)).to_be_nil()
    end
    expect(game).to_match_object({ stones = 0, winner = "ann" })
    expect(rules.take(game, "bob", 1)).to_be("the game is over")
  end)

  test("a player takes one to three", function()
    for _, count in ipairs({ 0, 4, 1.5, "2" }) do
      expect(rules.take(game, "ann", count)).to_be("take 1 to 3 stones")
    end
    expect(rules.take(game, "ann", nil)).to_be("take 1 to 3 stones")
  end)
end)

describe("a match", function()
  local ann, bob, id

  before_each(function()
    ann, bob = server.player("ann"), server.player("bob")
    id = ann.rpc("create_game").match_id
    ann.join_match(id)
    bob.join_match(id)
  end)

  -- Takes stones, and waits for the tick that handles it.
  local function take(player, count)
    player.send_match_state(id, TAKE, { take = count })
    clock.advance("200ms")
  end

  test("both see each move, and the winner's wins are counted", function()
    for i = 1, rules.STONES / 3 do
      take(i % 2 == 1 and ann or bob, 3)
    end
    local over = bob.received("match_data", { op_code = STATE, json = { stones = 0 } })
    expect(over.json.winner).to_be(ann.id)
    expect(bob.list_leaderboard_records("wins").records).to_contain_object({ username = "ann", score = 1 })
  end)

  test("a player waits for the turn", function()
    take(bob, 1)
    local refused = bob.received("match_data", { op_code = REFUSED })
    expect(refused.json.reason).to_be("it is not your turn")
    expect(ann.messages("match_data", { op_code = REFUSED })).to_have_length(0)
  end)

  test("a third player is turned away, a lost one may come back", function()
    local eve = server.player("eve")
    expect(function() eve.join_match(id) end).to_throw("the game is full")
    bob.drop()
    bob.reconnect()
    bob.join_match(id)
    take(ann, 2)
    local states = bob.messages("match_data", { op_code = STATE })
    expect(states[#states].json.stones).to_be(rules.STONES - 2)
  end)
end)

test("the matchmaker starts a game", function()
  local players = server.players(2)
  for _, player in ipairs(players) do
    player.add_matchmaker("*", 2, 2)
  end
  for _, player in ipairs(players) do
    player.join_match(player.received("matchmaker_matched").match_id)
  end
  players[2].received("match_data", { op_code = STATE, json = { stones = rules.STONES } })
end)
