-- A word filter for chat, in Lua, to measure what a hook costs.
local nk = require("nakama")

local rude = { darn = "****", heck = "****", blast = "****" }

local function filter(_, envelope)
  local message = envelope.channel_message_send
  message.content = string.gsub(message.content, "%a+", rude)
  return envelope
end

nk.register_rt_before(filter, "ChannelMessageSend")
