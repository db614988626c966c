package test

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"kumi/server/servertest"
)

// TestSDK drives the server with the published JavaScript client, in both wire
// formats, with the modules of each script language.
func TestSDK(t *testing.T) {
	t.Parallel()
	dir := servertest.NodePackages(t)
	servertest.CopyFile(t, filepath.Join("testdata", "sdk.mjs"), dir)
	for language, options := range plainModules {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			drive(t, dir, "sdk.mjs", options...)
		})
	}
}

// TestSDKSocial drives chat, friends, groups, status, parties and the
// matchmaker with the published JavaScript client, on both databases.
func TestSDKSocial(t *testing.T) {
	t.Parallel()
	dir := servertest.NodePackages(t)
	servertest.CopyFile(t, filepath.Join("testdata", "social.mjs"), dir)
	servertest.CopyFile(t, filepath.Join("testdata", "players.mjs"), dir)
	for database, more := range map[string][]servertest.Option{"SQLite": nil, "PostgreSQL": {servertest.Postgres()}} {
		t.Run(database, func(t *testing.T) {
			t.Parallel()
			drive(t, dir, "social.mjs", append(more, socialModules...)...)
		})
	}
}

// TestSDKTogether drives the rest of what sockets do with the published client:
// parties with all their messages, streams that a module fills, and listings.
func TestSDKTogether(t *testing.T) {
	t.Parallel()
	dir := servertest.NodePackages(t)
	servertest.CopyFile(t, filepath.Join("testdata", "together.mjs"), dir)
	servertest.CopyFile(t, filepath.Join("testdata", "players.mjs"), dir)
	for language, options := range streamModules {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			drive(t, dir, "together.mjs", append(options, servertest.Flags("--matchmaker.interval_sec", "1"))...)
		})
	}
}

// TestSDKCluster drives three nodes behind a load balancer with the same scripts: the
// clients do not notice that there is more than one.
func TestSDKCluster(t *testing.T) {
	t.Parallel()
	dir := servertest.NodePackages(t)
	soon := servertest.Flags("--matchmaker.interval_sec", "1")
	for script, options := range map[string][]servertest.Option{
		"sdk.mjs": plainModules["typescript"], "social.mjs": socialModules, "together.mjs": append([]servertest.Option{soon}, streamModules["lua"]...),
	} {
		servertest.CopyFile(t, filepath.Join("testdata", script), dir)
		servertest.CopyFile(t, filepath.Join("testdata", "players.mjs"), dir)
		t.Run(script, func(t *testing.T) {
			t.Parallel()
			driveEach(t, dir, script, func(t *testing.T) *servertest.Server {
				return servertest.RoundRobin(t, servertest.Cluster(t, 3, options...))
			})
		})
	}
}

// drive runs a script against a server of its own in each wire format.
func drive(t *testing.T, dir, script string, options ...servertest.Option) {
	driveEach(t, dir, script, func(t *testing.T) *servertest.Server { return servertest.Start(t, options...) })
}

// driveEach is drive for servers that start starts.
func driveEach(t *testing.T, dir, script string, start func(t *testing.T) *servertest.Server) {
	for _, format := range []string{"json", "protobuf"} {
		t.Run(format, func(t *testing.T) {
			t.Parallel()
			srv := start(t)
			cmd := exec.CommandContext(t.Context(), "node", script, srv.URL[strings.LastIndex(srv.URL, ":")+1:], format)
			cmd.Dir = dir
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
		})
	}
}

// plainModules have no hooks: these would get in the way of plain calls.
var plainModules = map[string][]servertest.Option{
	"typescript": {servertest.Module("index.ts", `
		export function InitModule(ctx, logger, nk, initializer) {
			initializer.registerRpc("echo", (ctx, logger, nk, payload: string) => payload);
			initializer.registerRpc("fail", () => { throw { message: "no such thing", code: 5 }; });
			initializer.registerRpc("start", (ctx, logger, nk) => JSON.stringify(nk.matchCreate("counter")));
			initializer.registerMatch("counter", {
				matchInit: () => ({ state: { total: 10 }, tickRate: 20, label: "" }),
				matchJoinAttempt: (ctx, logger, nk, d, tick, state, presence, metadata) => ({ state, accept: metadata.key === "open" }),
				matchJoin: (ctx, logger, nk, d, tick, state) => ({ state }),
				matchLeave: (ctx, logger, nk, d, tick, state) => ({ state }),
				matchLoop: (ctx, logger, nk, d, tick, state, messages) => {
					for (const m of messages) d.broadcastMessage(2, String(state.total += Number(nk.binaryToString(m.data))));
					return { state };
				},
				matchTerminate: (ctx, logger, nk, d, tick, state) => ({ state }),
				matchSignal: (ctx, logger, nk, d, tick, state) => ({ state }),
			});
		}`)},
	"lua": {
		servertest.Module("main.lua", `
			local nk = require("nakama")
			nk.register_rpc(function(ctx, payload) return payload end, "echo")
			nk.register_rpc(function() error({ "no such thing", 5 }) end, "fail")
			nk.register_rpc(function() return nk.json_encode(nk.match_create("counter")) end, "start")`),
		servertest.Module("counter.lua", `
			local keep = function(ctx, d, tick, state) return state end
			return {
				match_init = function() return { total = 10 }, 20, "" end,
				match_join_attempt = function(ctx, d, tick, state, presence, metadata) return state, metadata.key == "open" end,
				match_join = keep, match_leave = keep, match_terminate = keep,
				match_signal = function(ctx, d, tick, state) return state, "" end,
				match_loop = function(ctx, d, tick, state, messages)
					for _, m in ipairs(messages) do
						state.total = state.total + tonumber(m.data)
						d.broadcast_message(2, tostring(state.total))
					end
					return state
				end,
			}`)},
}

// socialModules change what players say.
var socialModules = []servertest.Option{
	servertest.Flags("--matchmaker.interval_sec", "1"),
	servertest.Module("main.lua", `
		local nk = require("nakama")
		nk.register_rt_before(function(ctx, envelope)
			envelope.channel_message_send.content = envelope.channel_message_send.content:gsub("heck", "****")
			return envelope
		end, "ChannelMessageSend")`),
}

// streamModules put players on streams and make matches.
var streamModules = map[string][]servertest.Option{
	"typescript": {servertest.Module("index.ts", `
		export function InitModule(ctx, logger, nk, initializer) {
			const stream = (payload: string) => { const { mode, label } = JSON.parse(payload); return { mode, label }; };
			initializer.registerRpc("stream_join", (ctx, logger, nk, payload) => { nk.streamUserJoin(ctx.userId, ctx.sessionId, stream(payload), false, false, "here"); });
			initializer.registerRpc("stream_leave", (ctx, logger, nk, payload) => { nk.streamUserLeave(ctx.userId, ctx.sessionId, stream(payload)); });
			initializer.registerRpc("stream_say", (ctx, logger, nk, payload) => { nk.streamSend(stream(payload), JSON.parse(payload).data); });
			const keep = (ctx, logger, nk, d, tick, state) => ({ state });
			initializer.registerMatch("arena", {
				matchInit: (ctx, logger, nk, params) => ({ state: {}, tickRate: 1, label: JSON.stringify(params) }),
				matchJoinAttempt: (ctx, logger, nk, d, tick, state) => ({ state, accept: true }),
				matchJoin: keep, matchLeave: keep, matchLoop: keep, matchTerminate: keep, matchSignal: keep,
			});
			initializer.registerRpc("make", (ctx, logger, nk, payload) => JSON.stringify({ id: nk.matchCreate("arena", JSON.parse(payload)) }));
		}`)},
	"lua": {servertest.Module("main.lua", `
		local nk = require("nakama")
		local function stream(payload)
			local p = nk.json_decode(payload)
			return { mode = p.mode, label = p.label }, p.data
		end
		nk.register_rpc(function(ctx, payload) nk.stream_user_join(ctx.user_id, ctx.session_id, stream(payload), false, false, "here") end, "stream_join")
		nk.register_rpc(function(ctx, payload) nk.stream_user_leave(ctx.user_id, ctx.session_id, (stream(payload))) end, "stream_leave")
		nk.register_rpc(function(ctx, payload) nk.stream_send(stream(payload)) end, "stream_say")
		nk.register_rpc(function(ctx, payload) return nk.json_encode({ id = nk.match_create("arena", nk.json_decode(payload)) }) end, "make")`),
		servertest.Module("arena.lua", `
		local nk = require("nakama")
		local keep = function(ctx, d, tick, state) return state end
		return {
			match_init = function(ctx, params) return {}, 1, nk.json_encode(params) end,
			match_join_attempt = function(ctx, d, tick, state) return state, true end,
			match_join = keep, match_leave = keep, match_loop = keep, match_terminate = keep,
			match_signal = function(ctx, d, tick, state) return state, "" end,
		}`)},
}
