-- Tests may be written in Lua, too, whatever the modules are written in.

test("players are greeted", function()
  local ann = server.player("ann")
  expect(ann.rpc("hello")).to_be("Hello, ann!")
  expect(ann.rpc("hello", "you")).to_be("Hello, you!")
end)

test("rude words are starred out in chat", function()
  local players = server.players(2)
  local room = players[1].join_chat("lobby", 1)
  players[2].join_chat("lobby", 1)
  players[1].write_chat_message(room.id, { text = "what the heck" })
  expect(players[2].received("channel_message").content.text).to_be("what the ****")
end)
