package test

import (
	"testing"

	"kumi/server/servertest"
)

// ending are matches that end by a signal: "end" with an answer, "quiet"
// without, "fail" by an error.
var ending = map[string][]servertest.Option{
	"javascript": {servertest.Module("index.js", `
		function InitModule(ctx, logger, nk, i) {
			const same = (ctx, logger, nk, d, tick, state) => ({ state });
			i.registerMatch("m", {
				matchInit: () => ({ state: {}, tickRate: 1, label: "" }), matchJoin: same, matchLeave: same, matchLoop: same, matchTerminate: same,
				matchJoinAttempt: (ctx, logger, nk, d, tick, state) => ({ state, accept: true }),
				matchSignal: (ctx, logger, nk, d, tick, state, data) => {
					if (data === "fail") throw new Error("broken");
					return data === "end" ? { state: null, data: "bye" } : null;
				},
			});
			i.registerRpc("create", (ctx, logger, nk) => nk.matchCreate("m"));
			i.registerRpc("signal", (ctx, logger, nk, payload) => {
				const { id, data } = JSON.parse(payload);
				return "answer: " + nk.matchSignal(id, data);
			});
		}`)},
	"lua": {servertest.Module("m.lua", `
		local M = {}
		function M.match_init() return {}, 1, "" end
		function M.match_join_attempt(c, d, t, state) return state, true end
		function M.match_join(c, d, t, state) return state end
		M.match_leave, M.match_loop, M.match_terminate = M.match_join, M.match_join, M.match_join
		function M.match_signal(c, d, t, state, data)
			if data == "fail" then error("broken") end
			if data == "end" then return nil, "bye" end
		end
		return M`), servertest.Module("main.lua", `
		local nk = require("nakama")
		nk.register_rpc(function() return nk.match_create("m") end, "create")
		nk.register_rpc(function(ctx, payload)
			local p = nk.json_decode(payload)
			return "answer: " .. nk.match_signal(p.id, p.data)
		end, "signal")`)},
}

// A signal whose handler ends the match is answered.
func TestMatchEndsBySignal(t *testing.T) {
	t.Parallel()
	for language, options := range ending {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			srv := servertest.Start(t, options...)
			for data, want := range map[string]string{"end": "answer: bye", "quiet": "answer: "} {
				id, _ := srv.RPC(t, "create", "")
				if got, a := srv.RPC(t, "signal", `{"id":"`+id+`","data":"`+data+`"}`); got != want {
					t.Errorf("%s: %q, want %q: %s", data, got, want, a.Body)
				}
				if _, a := srv.RPC(t, "signal", `{"id":"`+id+`","data":""}`); a.Code() != 5 {
					t.Errorf("%s: the match is still there: %s", data, a.Body)
				}
			}
			id, _ := srv.RPC(t, "create", "")
			if _, a := srv.RPC(t, "signal", `{"id":"`+id+`","data":"fail"}`); a.Code() != 13 || a.Get("message") != "the match has ended by an error of its signal handler" {
				t.Errorf("a signal whose handler fails: %s", a.Body)
			}
		})
	}
}

// A setting decides whether a match that fails closes its players' sockets.
func TestMatchOnError(t *testing.T) {
	t.Parallel()
	for language, options := range ending {
		for _, setting := range []string{"", "disconnect", "leave"} {
			t.Run(language+" "+setting, func(t *testing.T) {
				t.Parallel()
				with := options[:len(options):len(options)]
				if setting != "" {
					with = append(with, servertest.Flags("--match.on_error", setting))
				}
				srv := servertest.Start(t, with...)
				id, _ := srv.RPC(t, "create", "")
				ann := srv.User(t, "ann").Socket(t)
				bob := srv.User(t, "bob").Socket(t)
				for _, s := range []*servertest.Socket{ann, bob} {
					if e := s.Call(t, "match_join", `{"match_id":"`+id+`"}`); e["match"] == nil {
						t.Fatalf("join: %s", e)
					}
				}
				srv.RPC(t, "signal", `{"id":"`+id+`","data":"fail"}`)
				if setting != "leave" {
					ann.Closed(t)
					bob.Closed(t)
					return
				}
				if e := ann.Call(t, "ping", `{}`); e["pong"] == nil {
					t.Errorf("the socket does not go on: %s", e)
				}
				if e := ann.Call(t, "match_join", `{"match_id":"`+id+`"}`); e["error"] == nil {
					t.Errorf("the match is still there: %s", e)
				}
				// It can be in another one at once.
				other, _ := srv.RPC(t, "create", "")
				if e := ann.Call(t, "match_join", `{"match_id":"`+other+`"}`); e["match"] == nil {
					t.Errorf("join another match: %s", e)
				}
			})
		}
	}
}
