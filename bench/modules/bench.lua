-- The load generator's functions in Lua. The match handler is bench_match.lua.
local nk = require("nakama")

local function echo(_, payload)
  return payload
end

-- Reads an object, increments its counter, adds a field and writes it.
local function bump_counter(_, payload)
  local value = nk.json_decode(payload)
  value.counter = (value.counter or 0) + 1
  value.seen = true
  return nk.json_encode(value)
end

local function fib(n)
  if n < 2 then
    return n
  end
  return fib(n - 1) + fib(n - 2)
end

local function fibonacci()
  return tostring(fib(20))
end

-- Takes {"maxTicks": n}: the match ends by itself after that many ticks, never
-- if n is 0 or missing.
local function create_match(_, payload)
  local params = {}
  if payload and payload ~= "" then
    params = nk.json_decode(payload)
  end
  return nk.match_create("bench_match", { max_ticks = params.maxTicks or 0 })
end

nk.register_rpc(echo, "echo_lua")
nk.register_rpc(bump_counter, "json_lua")
nk.register_rpc(fibonacci, "fib_lua")
nk.register_rpc(create_match, "create_match_lua")
