-- The Lua sample: RPCs, hooks on storage writes, custom SQL and run_once.
local nk = require("nakama")
local rude = require("words.rude")

-- Runs once per start of the server, whatever the number of script VMs.
nk.run_once(function(ctx)
  nk.sql_exec([[
    CREATE TABLE IF NOT EXISTS sample_visit (
      user_id VARCHAR(36) PRIMARY KEY,
      visits  INT NOT NULL
    )]])
end)

nk.register_rpc(function(ctx, payload)
  if payload == "" then
    error({ "nothing to clean", 3 })
  end
  return rude.clean(payload)
end, "clean_text_lua")

-- Counts how often a player calls it, in a table of our own.
nk.register_rpc(function(ctx)
  if not ctx.user_id then
    error({ "only players visit", 7 })
  end
  nk.sql_exec([[
    INSERT INTO sample_visit (user_id, visits) VALUES ($1, 1)
    ON CONFLICT (user_id) DO UPDATE SET visits = sample_visit.visits + 1]], { ctx.user_id })
  local rows = nk.sql_query("SELECT visits FROM sample_visit WHERE user_id = $1", { ctx.user_id })
  return nk.json_encode({ visits = rows[1].visits })
end, "visit")

-- Before storage writes: the collection "player" belongs to the server.
nk.register_req_before(function(ctx, request)
  for _, object in ipairs(request.objects or {}) do
    if object.collection == "player" then
      error({ "the collection player is written by the server only", 7 })
    end
  end
  return request
end, "WriteStorageObjects")

-- After storage writes: what was written shows in the metrics.
nk.register_req_after(function(ctx, acks, request)
  nk.metrics_counter_add("objects_written", {}, #(acks.acks or {}))
end, "WriteStorageObjects")

nk.logger_info("the Lua sample is ready")
