local nk = require("nakama")

nk.register_rpc(function() return nk.match_create("bench_restart", {}) end, "create_restart")
