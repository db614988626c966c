package modules

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/heroiclabs/nakama-common/api"
	"github.com/heroiclabs/nakama-common/rtapi"
	"github.com/heroiclabs/nakama-common/runtime"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"kumi/core"
	"kumi/hooks"
	"kumi/store/fault"
)

// hookServer loads one language's hooks.
func hookServer(t *testing.T, lang, text string) *testServer {
	t.Helper()
	if lang == "lua" {
		return newTestServer(t, map[string]string{"hooks.lua": "local nk = require(\"nakama\")\n" + text})
	}
	return newTestServer(t, map[string]string{"index.js": "function InitModule(ctx, logger, nk, initializer) {\n" + text + "\n}"})
}

// A before hook sees the request and may change it; what it returns goes on.
func TestBeforeHook(t *testing.T) {
	t.Parallel()
	write := func(collection string) *api.WriteStorageObjectsRequest {
		return &api.WriteStorageObjectsRequest{Objects: []*api.WriteStorageObject{
			{Collection: collection, Key: "k", Value: `{"a":1}`, PermissionRead: wrapperspb.Int32(2)}}}
	}
	for lang, text := range map[string]string{
		"javascript": `initializer.registerBeforeWriteStorageObjects(function (ctx, logger, nk, request) {
			const o = request.objects[0];
			switch (o.collection) {
			case "change": o.key = o.key + JSON.stringify([o.permissionRead, o.permissionWrite, o.version, ctx.userId, ctx.executionMode]); request.objects.push({collection: "added", permission_write: 0}); return request;
			case "same": return request;
			case "new": return {objects: [{collection: "new"}]};
			case "none": return null;
			case "nothing": return;
			case "unknown": request.objects[0].colour = "red"; return request;
			case "text": return "text";
			case "coded": throw {message: "no", code: 7};
			case "plain": throw new Error("broken");
			}
		});`,
		"lua": `nk.register_req_before(function (ctx, request)
			local o = request.objects[1]
			if o.collection == "change" then o.key = o.key .. nk.json_encode({o.permission_read, "null", "", ctx.user_id, ctx.execution_mode}):gsub('"null"', tostring(o.permission_write == nil and "null"), 1); request.objects[2] = {collection = "added", permissionWrite = 0}; return request end
			if o.collection == "same" then return request end
			if o.collection == "new" then return {objects = {{collection = "new"}}} end
			if o.collection == "none" then return nil end
			if o.collection == "nothing" then return end
			if o.collection == "unknown" then o.colour = "red"; return request end
			if o.collection == "text" then return "text" end
			if o.collection == "coded" then error({"no", 7}) end
			error("broken")
		end, "writestorageobjects")`,
	} {
		t.Run(lang, func(t *testing.T) {
			w := hookServer(t, lang, text)
			pair := w.Hooks.API("WriteStorageObjects")
			if pair == nil || pair.Before == nil {
				t.Fatal("the hook is not registered under its exact name")
			}
			if pair.Before.Runtime != lang {
				t.Errorf("the hook is of runtime %q, want %q", pair.Before.Runtime, lang)
			}
			s := w.scope("00000000-0000-4000-8000-000000000001", "me")
			run := func(collection string) (proto.Message, error) {
				return pair.Before.Call(core.WithMode(t.Context(), s, "before"), write(collection))
			}
			changed := write("change")
			changed.Objects[0].Key = `k[2,null,"","` + s.UserID + `","before"]`
			changed.Objects = append(changed.Objects, &api.WriteStorageObject{Collection: "added", PermissionWrite: wrapperspb.Int32(0)})
			for collection, want := range map[string]proto.Message{
				"change": changed, "same": write("same"),
				"new":  &api.WriteStorageObjectsRequest{Objects: []*api.WriteStorageObject{{Collection: "new"}}},
				"none": nil, "nothing": nil,
			} {
				got, err := run(collection)
				if err != nil {
					t.Errorf("%s: %v", collection, err)
				} else if diff := cmp.Diff(want, got, protocmp.Transform()); diff != "" {
					t.Errorf("%s: got another request:\n%s", collection, diff)
				}
			}
			for collection, want := range map[string]struct {
				code fault.Code
				text string
			}{
				"unknown": {fault.Internal, "objects[0].colour: there is no such field"},
				"text":    {fault.Internal, "expected an object"},
				"coded":   {fault.PermissionDenied, "no"},
				"plain":   {fault.Internal, "broken"},
			} {
				_, err := run(collection)
				if fault.CodeOf(err) != want.code || !strings.Contains(fault.MessageOf(err, ""), want.text) {
					t.Errorf("%s: got the error %d %v, want %d with %q", collection, fault.CodeOf(err), err, want.code, want.text)
				}
			}
			if len(w.log.Lines("broken", s.UserID, lang, "stack")) == 0 {
				t.Error("no log line tells of the failed hook, its user and where it happened")
			}
		})
	}
}

// An after hook gets the answer and the request; where there is none, null or an
// empty table.
func TestAfterHook(t *testing.T) {
	t.Parallel()
	for lang, text := range map[string]string{
		"javascript": `initializer.registerAfterAuthenticateDevice((ctx, logger, nk, out, request) => { logger.info("said %s", JSON.stringify([out.token, out.created, request.account.id, request.create, request.username])) });
			initializer.registerAfterDeleteAccount((ctx, logger, nk, out, request) => { logger.info("said %s", JSON.stringify([out, request])) });
			initializer.registerBeforeDeleteAccount((ctx, logger, nk, request) => { logger.info("before %s", JSON.stringify(request)) });`,
		"lua": `nk.register_req_after(function (ctx, out, request) nk.logger_info("said " .. nk.json_encode({out.token, out.created, request.account.id, request.create == nil, request.username})) end, "AuthenticateDevice")
			nk.register_req_after(function (ctx, out, request) nk.logger_info("said " .. nk.json_encode({out, request})) end, "DeleteAccount")
			nk.register_req_before(function (ctx, request) nk.logger_info("before " .. type(request)) end, "DeleteAccount")`,
	} {
		t.Run(lang, func(t *testing.T) {
			w := hookServer(t, lang, text)
			ctx := core.WithMode(t.Context(), w.scope("", ""), "after")
			err := w.Hooks.API("AuthenticateDevice").After.Call(ctx, &api.Session{Token: "t", Created: true},
				&api.AuthenticateDeviceRequest{Account: &api.AccountDevice{Id: "d"}, Username: "u"})
			if err != nil {
				t.Fatal(err)
			}
			if err := w.Hooks.API("DeleteAccount").After.Call(ctx, nil, nil); err != nil {
				t.Fatal(err)
			}
			if out, err := w.Hooks.API("DeleteAccount").Before.Call(ctx, nil); out != nil || err != nil {
				t.Errorf("the before hook of a call without a body gave %v, %v", out, err)
			}
			want := map[string][]string{
				"javascript": {`said [\"t\",true,\"d\",null,\"u\"]`, `said [null,null]`, `before null`},
				"lua":        {`said [\"t\",true,\"d\",true,\"u\"]`, `said [{},{}]`, `before table`},
			}[lang]
			for _, text := range want {
				if len(w.log.Lines(text)) != 1 {
					t.Errorf("no log line %q in %s", text, w.log.String())
				}
			}
			if len(w.log.Lines("api_id", "AuthenticateDevice", `"mode":"after"`)) == 0 {
				t.Error("the hook's log lines do not say whose they are")
			}
		})
	}
}

func TestRealtimeHook(t *testing.T) {
	t.Parallel()
	in := &rtapi.Envelope{Cid: "7", Message: &rtapi.Envelope_MatchDataSend{MatchDataSend: &rtapi.MatchDataSend{MatchId: "m", OpCode: 5, Data: []byte("hi")}}}
	want := proto.Clone(in).(*rtapi.Envelope)
	want.GetMatchDataSend().OpCode = 6
	for lang, text := range map[string]string{
		"javascript": `initializer.registerRtBefore("MatchDataSend", (ctx, logger, nk, e) => { e.matchDataSend.opCode = String(Number(e.matchDataSend.opCode) + 1); if (e.cid !== "7" || e.matchDataSend.data !== nk.base64Encode("hi") || Object.keys(e).length !== 2) throw new Error(JSON.stringify(e)); return e });
			initializer.registerRtAfter("matchdatasend", (ctx, logger, nk, out, e) => { logger.info("after %s %s", out === null, e.cid) });`,
		"lua": `nk.register_rt_before(function (ctx, e) e.match_data_send.op_code = tostring(tonumber(e.match_data_send.op_code) + 1); if e.cid ~= "7" or e.match_data_send.data ~= nk.base64_encode("hi") then error(nk.json_encode(e)) end return e end, "MatchDataSend")
			nk.register_rt_after(function (ctx, out, e) nk.logger_info("after " .. tostring(next(out) == nil) .. " " .. e.cid) end, "matchdatasend")`,
	} {
		t.Run(lang, func(t *testing.T) {
			w := hookServer(t, lang, text)
			pair := w.Hooks.Realtime("MatchDataSend")
			if pair == nil || pair.Before == nil || pair.After == nil {
				t.Fatal("the hooks are not registered under their exact name")
			}
			got, err := pair.Before.Call(core.WithMode(t.Context(), w.scope("u", "n"), "before"), in)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got, protocmp.Transform()); diff != "" {
				t.Errorf("got another envelope:\n%s", diff)
			}
			if err := pair.After.Call(core.WithMode(t.Context(), w.scope("u", "n"), "after"), nil, in); err != nil {
				t.Fatal(err)
			}
			if len(w.log.Lines("after true 7")) == 0 {
				t.Error("the after hook did not run as expected")
			}
		})
	}
}

// Every hook can be registered and is called with messages of its own type.
func TestEveryHook(t *testing.T) {
	t.Parallel()
	var js, lua strings.Builder
	for i := range hooks.Methods {
		name := hooks.Methods[i].Name
		fmt.Fprintf(&js, "initializer.registerBefore%s((ctx, logger, nk, r) => { return r }); initializer.registerAfter%s(() => {});\n", name, name)
		fmt.Fprintf(&lua, "nk.register_req_before(function (ctx, r) return r end, %q); nk.register_req_after(function () end, %q)\n", name, name)
	}
	for _, name := range hooks.RealtimeNames {
		fmt.Fprintf(&js, "initializer.registerRtBefore(%q, (ctx, logger, nk, r) => r); initializer.registerRtAfter(%q, () => {});\n", name, name)
		fmt.Fprintf(&lua, "nk.register_rt_before(function (ctx, r) return r end, %q); nk.register_rt_after(function () end, %q)\n", name, name)
	}
	for lang, text := range map[string]string{"javascript": js.String(), "lua": lua.String()} {
		t.Run(lang, func(t *testing.T) {
			w := hookServer(t, lang, text)
			for i := range hooks.Methods {
				m := &hooks.Methods[i]
				p := w.Hooks.API(m.Name)
				if p == nil || p.Before == nil || p.After == nil {
					t.Fatalf("%s is not hooked", m.Name)
				}
				var in, out proto.Message
				if m.In != nil {
					in = m.In()
				}
				if m.Out != nil {
					out = m.Out()
				}
				got, err := p.Before.Call(t.Context(), in)
				if err != nil || (in == nil) != (got == nil) {
					t.Errorf("before %s gave %v, %v", m.Name, got, err)
				} else if in != nil && !proto.Equal(in, got) {
					t.Errorf("before %s made another request: %v", m.Name, got)
				}
				if err := p.After.Call(t.Context(), out, in); err != nil {
					t.Errorf("after %s: %v", m.Name, err)
				}
			}
			for _, name := range hooks.RealtimeNames {
				if p := w.Hooks.Realtime(name); p == nil || p.Before == nil || p.After == nil {
					t.Errorf("realtime %s is not hooked", name)
				}
			}
		})
	}
}

func TestUnknownHook(t *testing.T) {
	t.Parallel()
	for name, files := range map[string]map[string]string{
		`there is no API call named "AddFriend" to hook; did you mean "AddFriends"?`:    {"a.lua": `require("nakama").register_req_before(function () end, "AddFriend")`},
		`there is no realtime message named "MatchJoined" to hook; did you mean "Match`: {"index.js": `function InitModule(ctx, logger, nk, initializer) { initializer.registerRtAfter("MatchJoined", () => {}) }`},
		`there is no realtime message named "Rpc" to hook`:                              {"a.lua": `require("nakama").register_rt_before(function () end, "Rpc")`},
		`expected a function`:                             {"index.js": `function InitModule(ctx, logger, nk, initializer) { initializer.registerRpc("x", 5) }`},
		`no global function`:                              {"index.js": `function InitModule(ctx, logger, nk, initializer) { initializer.registerRpc("x", "missing") }`},
		`a storage index named "i" is already registered`: {"a.lua": `local nk = require("nakama"); nk.register_storage_index("i", "c", "", {"f"}, {}, 5); nk.register_storage_index("i", "c", "", {"f"}, {}, 5)`},
	} {
		if err := emptyTestServer(t, files).load(); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("got the error %v, want it to say %q", err, name)
		}
	}
}

func TestRegisterAfterLoad(t *testing.T) {
	t.Parallel()
	w := newTestServer(t, map[string]string{
		"index.js": `function InitModule(ctx, logger, nk, initializer) { initializer.registerRpc("js", () => { initializer.registerRpc("late", () => "") }) }`,
		"a.lua":    `local nk = require("nakama"); nk.register_rpc(function () nk.register_rpc(function () end, "late") end, "lua")`,
	})
	for _, id := range []string{"js", "lua"} {
		if _, err := w.call(t, id, ""); err == nil || !strings.Contains(err.Error(), "only be registered while modules load") {
			t.Errorf("%s: got %v, want an error that says when to register", id, err)
		}
	}
}

func TestRPCResults(t *testing.T) {
	t.Parallel()
	w := newTestServer(t, map[string]string{
		"index.js": `function globalEcho(ctx, logger, nk, payload) { return payload }
			function InitModule(ctx, logger, nk, initializer) {
				initializer.registerRpc("js null", () => null); initializer.registerRpc("js nothing", () => {}); initializer.registerRpc("js number", () => 5);
				initializer.registerRpc("JS Name", "globalEcho"); initializer.registerRpc("js promise", async () => "later"); }`,
		"a.lua": `local nk = require("nakama"); nk.register_rpc(function () return nil end, "lua null"); nk.register_rpc(function () end, "lua nothing")
			nk.register_rpc(function () return 5 end, "lua number"); nk.register_rpc(function (_, p) return p end, "LUA Name"); nk.register_rpc(function () return "a", "b" end, "lua two")
			nk.register_rpc(function () return nil, "why not" end, "lua nil and text"); nk.register_rpc(function () return "a", nil end, "lua text and nil")`,
	})
	for id, want := range map[string]string{"js null": "", "js nothing": "", "js name": "payload", "JS NAME": "payload", "js promise": "later", "lua null": "", "lua nothing": "", "lua name": "payload",
		"lua two": "b", "lua nil and text": "why not", "lua text and nil": "a"} {
		if got, err := w.call(t, id, "payload"); err != nil || got != want {
			t.Errorf("%s: got %q, %v, want %q", id, got, err, want)
		}
	}
	for _, id := range []string{"js number", "lua number"} {
		if _, err := w.call(t, id, ""); fault.CodeOf(err) != fault.Internal || !strings.Contains(err.Error(), "only allowed one return value of type string.") {
			t.Errorf("%s: got %v, want an error about the type of the result", id, err)
		}
	}
}

// entry is one player of a formed match.
type entry struct{ ticket, user string }

func (e entry) GetPresence() runtime.Presence { return entryPresence{user: e.user} }
func (e entry) GetTicket() string             { return e.ticket }
func (e entry) GetProperties() map[string]any {
	return map[string]any{"rank": 5.0, "region": "eu"}
}
func (e entry) GetPartyId() string   { return "" }
func (e entry) GetCreateTime() int64 { return 1 }

type entryPresence struct {
	runtime.Presence
	user string
}

func (p entryPresence) GetUserId() string    { return p.user }
func (p entryPresence) GetSessionId() string { return "session of " + p.user }
func (p entryPresence) GetUsername() string  { return "name of " + p.user }
func (p entryPresence) GetNodeId() string    { return testNode }

func TestSinglesAndEvents(t *testing.T) {
	t.Parallel()
	for lang, text := range map[string]string{
		"javascript": `
			initializer.registerMatchmakerMatched((ctx, logger, nk, entries) => { logger.info("matched %s", JSON.stringify([entries.length, entries[0].presence.userId, entries[0].properties.region, ctx.executionMode])); return entries.length > 1 ? "id." + ctx.node : undefined });
			initializer.registerMatchmakerOverride((ctx, logger, nk, candidates) => candidates.filter((c) => c.length > 1));
			initializer.registerMatchmakerProcessor((ctx, logger, nk, entries) => [[entries[1], entries[0]]]);
			initializer.registerTournamentEnd((ctx, logger, nk, t, end, reset) => { logger.info("end %s", JSON.stringify([t.id, t.sortOrder, end, reset, t.metadata.a])) });
			initializer.registerTournamentReset(() => 5);
			initializer.registerLeaderboardReset((ctx, logger, nk, l, reset) => { logger.info("reset %s", JSON.stringify([l.id, l.operator, l.prevReset, reset])) });
			initializer.registerShutdown((ctx, logger) => { logger.info("bye %s", ctx.executionMode) });
			initializer.registerEvent((ctx, logger, nk, e) => { logger.info("event one %s", JSON.stringify([e.name, e.properties, e.external])) });
			initializer.registerEvent(() => { throw new Error("event broke") });
			initializer.registerEventSessionStart((ctx, logger, nk, e) => { logger.info("start %s", ctx.userId) });
			initializer.registerEventSessionEnd((ctx, logger, nk, e) => { logger.info("end of %s", e.properties.reason) });
			initializer.registerStorageIndex("i", "c", null, ["f"], [], 10, false);
			initializer.registerPurchaseNotificationApple(() => {});`,
		"lua": `
			nk.register_matchmaker_matched(function (ctx, entries) nk.logger_info("matched " .. nk.json_encode({#entries, entries[1].presence.user_id, entries[1].properties.region, ctx.execution_mode})); if #entries > 1 then return "id." .. ctx.node end end)
			nk.register_matchmaker_override(function (ctx, candidates) local out = {}; for _, c in ipairs(candidates) do if #c > 1 then out[#out + 1] = c end end return out end)
			nk.register_matchmaker_processor(function (ctx, entries) return {{entries[2], entries[1]}} end)
			nk.register_tournament_end(function (ctx, t, en, reset) nk.logger_info("end " .. nk.json_encode({t.id, tonumber(t.sort_order), en, reset, t.metadata.a})) end)
			nk.register_tournament_reset(function () return 5 end)
			nk.register_leaderboard_reset(function (ctx, l, reset) nk.logger_info("reset " .. nk.json_encode({l.id, l.operator, l.prev_reset, reset})) end)
			nk.register_shutdown(function (ctx) nk.logger_info("bye " .. ctx.execution_mode) end)
			nk.register_event(function (ctx, e) nk.logger_info("event one " .. nk.json_encode({e.name, e.properties, e.external})) end)
			nk.register_event(function () error("event broke") end)
			nk.register_event_session_start(function (ctx, e) nk.logger_info("start " .. ctx.user_id) end)
			nk.register_event_session_end(function (ctx, e) nk.logger_info("end of " .. e.properties.reason) end)
			nk.register_storage_index("i", "c", "", {"f"}, {}, 10)
			nk.register_purchase_notification_apple(function () end)`,
	} {
		t.Run(lang, func(t *testing.T) {
			w := hookServer(t, lang, text)
			ctx, s := t.Context(), &w.Hooks.Single
			two := []runtime.MatchmakerEntry{entry{"t1", "u1"}, entry{"t2", "u2"}}
			if id, err := s.MatchmakerMatched.Call(ctx, two); err != nil || id != "id."+testNode {
				t.Errorf("matched gave %q, %v", id, err)
			}
			if id, err := s.MatchmakerMatched.Call(ctx, two[:1]); err != nil || id != "" {
				t.Errorf("matched without a match gave %q, %v", id, err)
			}
			if got := s.MatchmakerOverride.Call(ctx, [][]runtime.MatchmakerEntry{two[:1], two}); len(got) != 1 || len(got[0]) != 2 || got[0][0] != two[0] {
				t.Errorf("override gave %v, want the match of two", got)
			}
			if got := s.MatchmakerProcessor.Call(ctx, two); len(got) != 1 || len(got[0]) != 2 || got[0][0] != two[1] {
				t.Errorf("processor gave %v, want both in the other order", got)
			}
			if err := s.TournamentEnd.Call(ctx, &api.Tournament{Id: "t", SortOrder: 1, Metadata: `{"a":"b"}`}, 10, 20); err != nil {
				t.Error(err)
			}
			if err := s.TournamentReset.Call(ctx, &api.Tournament{}, 1, 2); err == nil || !strings.Contains(err.Error(), "must return nothing") {
				t.Errorf("a handler that returns something gave %v", err)
			}
			if err := s.LeaderboardReset.Call(ctx, &api.Leaderboard{Id: "l", PrevReset: 3, Operator: api.Operator_SET}, 4); err != nil {
				t.Error(err)
			}
			s.Shutdown.Call(ctx)
			if len(w.Hooks.Events.Custom) != 2 || len(w.Hooks.Events.SessionStart) != 1 || len(w.Hooks.Events.SessionEnd) != 1 {
				t.Fatalf("the events are not all there: %v", w.Hooks.Events)
			}
			if len(w.Indexes) != 1 || w.Indexes[0].Name != "i" || w.Indexes[0].MaxEntries != 10 {
				t.Errorf("the storage indexes are %+v", w.Indexes)
			}
			for _, e := range w.Hooks.Events.Custom {
				e.Call(ctx, &api.Event{Name: "n", Properties: map[string]string{"a": "b"}, External: true})
			}
			w.Hooks.Events.SessionStart[0].Call(core.WithScope(ctx, w.scope("user-1", "n")), &api.Event{})
			w.Hooks.Events.SessionEnd[0].Call(ctx, &api.Event{Properties: map[string]string{"reason": "3"}})
			for _, want := range []string{
				`matched [2,\"u1\",\"eu\",\"matchmaker\"]`, `end [\"t\",1,10,20,\"b\"]`, `reset [\"l\",\"set\",3,4]`, "bye shutdown",
				`event one [\"n\",{\"a\":\"b\"},true]`, "event broke", "start user-1", "end of 3",
			} {
				if len(w.log.Lines(want)) == 0 {
					t.Errorf("no log line with %q", want)
				}
			}
		})
	}
}
