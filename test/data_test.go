package test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"kumi/internal/testenv"
	"kumi/server/servertest"
)

// handOvers are the functions that pass a value from a script to the server, each with
// code that reads the stored value back.
var handOvers = map[string]struct{ js, lua string }{
	"storage": {
		`nk.storageWrite([{ collection: "c", key: "k", userId: u, value: v }]); return nk.storageRead([{ collection: "c", key: "k", userId: u }])[0].value`,
		`nk.storage_write({ { collection = "c", key = "k", user_id = u, value = v } }); return nk.storage_read({ { collection = "c", key = "k", user_id = u } })[1].value`,
	},
	"storage with retry": {
		`nk.storageWriteRetry([], () => [{ collection: "c", key: "r", userId: u, value: v }], 1); return nk.storageRead([{ collection: "c", key: "r", userId: u }])[0].value`,
		`nk.storage_write_retry({}, function() return { { collection = "c", key = "r", user_id = u, value = v } } end, 1); return nk.storage_read({ { collection = "c", key = "r", user_id = u } })[1].value`,
	},
	"account": {
		`nk.accountUpdateId(u, null, null, null, null, null, null, v); return nk.accountGetId(u).user.metadata`,
		`nk.account_update_id(u, v); return nk.account_get_id(u).user.metadata`,
	},
	"wallet": {
		`nk.walletUpdate(u, { coins: 1 }, v, true); return newest(nk.walletLedgerList(u, 100).items).metadata`,
		`nk.wallet_update(u, { coins = 1 }, v, true); return newest(nk.wallet_ledger_list(u, 100)).metadata`,
	},
	"wallets": {
		`nk.walletsUpdate([{ userId: u, changeset: { coins: 1 }, metadata: v }], true); return newest(nk.walletLedgerList(u, 100).items).metadata`,
		`nk.wallets_update({ { user_id = u, changeset = { coins = 1 }, metadata = v } }, true); return newest(nk.wallet_ledger_list(u, 100)).metadata`,
	},
	"wallet ledger": {
		`nk.walletUpdate(u, { coins: 1 }, {}, true); const id = newest(nk.walletLedgerList(u, 100).items).id; return nk.walletLedgerUpdate(id, v).metadata`,
		`nk.wallet_update(u, { coins = 1 }, {}, true); return nk.wallet_ledger_update(newest(nk.wallet_ledger_list(u, 100)).id, v).metadata`,
	},
	"notification": {
		`nk.notificationSend(u, "s", v, 1, null, true); return JSON.parse(newest(nk.notificationsList(u, 100).notifications).content)`,
		`nk.notification_send(u, "s", v, 1, nil, true); return nk.json_decode(newest(nk.notifications_list(u, 100)).content)`,
	},
	"notifications": {
		`nk.notificationsSend([{ userId: u, subject: "s", content: v, code: 1, persistent: true }]); return JSON.parse(newest(nk.notificationsList(u, 100).notifications).content)`,
		`nk.notifications_send({ { user_id = u, subject = "s", content = v, code = 1, persistent = true } }); return nk.json_decode(newest(nk.notifications_list(u, 100)).content)`,
	},
	"group": {
		`return nk.groupCreate(u, "g" + nk.uuidv4(), null, null, null, null, true, v, 5).metadata`,
		`return nk.group_create(u, "g" .. nk.uuid_v4(), nil, nil, nil, nil, true, v, 5).metadata`,
	},
	"group update": {
		`const g = nk.groupCreate(u, "g" + nk.uuidv4()); nk.groupUpdate(g.id, u, null, null, null, null, null, null, v); return nk.groupsGetId([g.id])[0].metadata`,
		`local g = nk.group_create(u, "g" .. nk.uuid_v4()); nk.group_update(g.id, u, nil, nil, nil, nil, nil, nil, v); return nk.groups_get_id({ g.id })[1].metadata`,
	},
	"channel message": {
		`const id = nk.channelIdBuild("", nk.uuidv4(), 1); nk.channelMessageSend(id, v, null, "x", true); return JSON.parse(nk.channelMessagesList(id, 1).messages[0].content)`,
		`local id = nk.channel_id_build("", nk.uuid_v4(), 1); nk.channel_message_send(id, v, nil, "x", true); return nk.json_decode(nk.channel_messages_list(id, 1)[1].content)`,
	},
	"multi update": {
		`nk.multiUpdate([{ userId: u, metadata: v }], [{ collection: "c", key: "m", userId: u, value: v }], [], [{ userId: u, changeset: { coins: 1 }, metadata: v }], true);
		const all = [nk.accountGetId(u).user.metadata, nk.storageRead([{ collection: "c", key: "m", userId: u }])[0].value, newest(nk.walletLedgerList(u, 100).items).metadata];
		if (new Set(all.map(x => JSON.stringify(x))).size !== 1) throw new Error("they differ: " + JSON.stringify(all));
		return all[0]`,
		`nk.multi_update({ { user_id = u, metadata = v } }, { { collection = "c", key = "m", user_id = u, value = v } }, {}, { { user_id = u, changeset = { coins = 1 }, metadata = v } }, true)
		return nk.storage_read({ { collection = "c", key = "m", user_id = u } })[1].value`,
	},
	"match parameters": {
		`return JSON.parse(nk.matchGet(nk.matchCreate("js_echo", v)).label)`,
		`return nk.json_decode(nk.match_get(nk.match_create("lua_echo", v)).label)`,
	},
}

// handedOver are values and what the server stores for them, as JSON; "refused: " is
// followed by a part of the expected error.
var handedOver = map[string]struct{ js, lua, want string }{
	"plain":           {`{ b: [1, "é<", true, null], a: { c: 0.5 } }`, `{ b = { 1, "é<", true }, a = { c = 0.5 } }`, ""},
	"bytes":           {js: `[new Uint8Array([255, 0]), new Uint8Array([1, 2]).buffer]`, want: `["/wA=","AQI="]`},
	"numbers":         {js: `new Float64Array([0.5, 2])`, want: `[0.5,2]`},
	"date":            {js: `new Date(5)`, want: `"1970-01-01T00:00:00.005Z"`},
	"map and set":     {js: `new Map([["k", new Set([1, { n: 1 }])], ["l", new Map()]])`, want: `[["k",[1,{"n":1}]],["l",[]]]`},
	"undefined":       {js: `[undefined, null, , { u: undefined, n: null }]`, want: `[null,null,null,{"n":null}]`},
	"toJSON":          {js: `{ f: { toJSON() { return [1] } }, g: new (class { constructor() { this.h = 1 } m() {} })() }`, want: `{"f":[1],"g":{"h":1}}`},
	"BigInt":          {js: `7n`, want: `7`},
	"holes":           {lua: `{ 1, nil, 3 }`, want: `[1,null,3]`},
	"sparse":          {lua: `{ [1000000] = "x" }`, want: `{"1000000":"x"}`},
	"keys of numbers": {lua: `{ [0] = "x", [1.5] = "y" }`, want: `{"0":"x","1.5":"y"}`},
	"NaN":             {`[1, { a: NaN }]`, `{ 1, { a = 0/0 } }`, `refused: x[1].a: NaN cannot be represented in JSON`},
	"infinity":        {`-Infinity`, `-1/0`, `refused: x: -Inf cannot be represented in JSON`},
	"cycle":           {`(() => { const l = []; l.push(l); return l })()`, `(function() local t = {}; t.t = t; return t end)()`, `refused: nested more than 1000 levels deep or contains itself`},
	"function":        {js: `{ f() {} }`, want: `refused: x.f: a function cannot be represented outside of JavaScript`},
	"promise":         {js: `(async () => 1)()`, want: `refused: x: a promise cannot be represented outside of JavaScript: await it`},
	"bad date":        {js: `new Date(NaN)`, want: `refused: x: an invalid date cannot be represented outside of JavaScript`},
	"coroutine":       {lua: `coroutine.create(print)`, want: `refused: x: a thread cannot be represented outside of Lua`},
	"shared": {`(() => { let v = {}; for (let i = 0; i < 60; i++) v = { a: v, b: v }; return v })()`,
		`(function() local v = {}; for i = 1, 60 do v = { a = v, b = v } end; return v end)()`, `refused: the value is larger than 16 MB`},
}

// All functions convert a value in the same way, or refuse it with the same error, which
// names the path.
func TestConversionOfScriptValues(t *testing.T) {
	t.Parallel()
	var js, lua strings.Builder
	js.WriteString(`const newest = (list) => list.reduce((a, b) => (b.createTime > a.createTime ? b : a)); // they are dated to the second
	function InitModule(ctx, logger, nk, initializer) {
		initializer.registerMatch("js_echo", {
			matchInit: (ctx, logger, nk, params) => ({ state: {}, tickRate: 1, label: JSON.stringify(params) }),
			matchJoinAttempt: (ctx, logger, nk, d, tick, state) => ({ state, accept: true }), matchJoin: (ctx, logger, nk, d, tick, state) => ({ state }),
			matchLeave: (ctx, logger, nk, d, tick, state) => ({ state }), matchLoop: (ctx, logger, nk, d, tick, state) => ({ state }),
			matchTerminate: (ctx, logger, nk, d, tick, state) => ({ state }), matchSignal: (ctx, logger, nk, d, tick, state) => ({ state }),
		});
		const run = (name, make, hand) => initializer.registerRpc("js " + name, (ctx, logger, nk) => {
			const u = nk.authenticateDevice(nk.uuidv4()).userId;
			let v = { x: make() };
			try { return JSON.stringify(hand(nk, u, v).x) } catch (e) { return "refused: " + (e.message || JSON.stringify(e)) }
		});
`)
	lua.WriteString(`local nk = require("nakama")
local function newest(list) local n = list[1]; for _, x in ipairs(list) do if (x.create_time or x.createTime) > (n.create_time or n.createTime) then n = x end end; return n end
local function run(name, make, hand)
	nk.register_rpc(function()
		local u = nk.authenticate_device(nk.uuid_v4())
		local ok, out = pcall(hand, u, { x = make() })
		return ok and nk.json_encode(out.x) or "refused: " .. tostring(out)
	end, "lua " .. name)
end
`)
	var ids []string
	for _, fn := range slices.Sorted(maps.Keys(handOvers)) {
		for _, value := range slices.Sorted(maps.Keys(handedOver)) {
			if value == "shared" && fn != "notification" && !(fn == "storage" && testenv.Strict()) {
				continue // counting to 16 MB takes a second; all functions convert with the same code
			}
			id := fn + ", " + value
			if c := handedOver[value]; c.js != "" {
				fmt.Fprintf(&js, "\t\trun(%q, () => (%s), (nk, u, v) => { %s });\n", id, c.js, handOvers[fn].js)
				ids = append(ids, "js "+id)
			}
			if c := handedOver[value]; c.lua != "" {
				fmt.Fprintf(&lua, "run(%q, function() return %s end, function(u, v) %s end)\n", id, c.lua, handOvers[fn].lua)
				ids = append(ids, "lua "+id)
			}
		}
	}
	js.WriteString("\t}\n")
	srv := servertest.Start(t, servertest.Module("index.js", js.String()), servertest.Module("main.lua", lua.String()), servertest.Module("lua_echo.lua", luaEcho),
		servertest.Flags("--runtime.call_timeout_ms", "50000")) // counting to 16 MB is slow under the race detector
	for _, id := range ids {
		value := id[strings.Index(id, ", ")+2:]
		want := handedOver[value].want
		if value == "plain" {
			want = `{"a":{"c":0.5},"b":[1,"é<",true]}`
			if strings.HasPrefix(id, "js ") {
				want = `{"a":{"c":0.5},"b":[1,"é<",true,null]}`
			}
		}
		got, a := srv.RPC(t, id, "")
		if strings.HasPrefix(want, "refused: ") {
			if !strings.HasPrefix(got, "refused: ") || !strings.Contains(strings.ReplaceAll(got, "):", ":"), strings.TrimPrefix(want, "refused: ")) {
				t.Errorf("%s: %.200s, want %s", id, got, want)
			}
			continue
		}
		if sorted(got) != want {
			t.Errorf("%s: %.200s, want %s in %.200s", id, got, want, a.Body)
		}
	}
}

// luaEcho is a match whose label is its parameters.
const luaEcho = `local nk = require("nakama")
return {
	match_init = function(ctx, params) return {}, 1, nk.json_encode(params) end,
	match_join_attempt = function(ctx, d, tick, state) return state, true end, match_join = function(ctx, d, tick, state) return state end,
	match_leave = function(ctx, d, tick, state) return state end, match_loop = function(ctx, d, tick, state) return state end,
	match_terminate = function(ctx, d, tick, state) return state end, match_signal = function(ctx, d, tick, state) return state end,
}`

// sorted is JSON with the keys of objects in order.
func sorted(text string) string {
	var x any
	if err := json.Unmarshal([]byte(text), &x); err != nil {
		return text
	}
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(x)
	return strings.TrimSpace(b.String())
}
