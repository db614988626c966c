package test

import (
	"net/http"
	"strings"
	"testing"

	"kumi/server/servertest"
)

// shop is the same HTTP routes in each script language.
var shop = map[string]servertest.Option{
	"javascript": servertest.Module("index.ts", `
		export function InitModule(ctx, logger, nk, initializer) {
			initializer.registerHttp("/shop/{item}", (ctx, logger, nk, r) => ({
				status: 201,
				headers: { "X-Item": r.params.item, "X-Many": ["a", "b"] },
				body: { item: r.params.item, size: r.query.size?.[0], agent: r.headers["X-Agent"]?.[0], body: r.body, method: r.method, path: r.path, mode: ctx.executionMode, user: ctx.userId ?? "nobody" },
			}), ["GET", "post"]);
			initializer.registerHttp("/mine", (ctx) => ctx.userId + " " + ctx.username, null, { auth: "session" });
			initializer.registerHttp("/server", () => "trusted", ["GET"], { auth: "http_key" });
			initializer.registerHttp("/bytes", async (ctx, logger, nk, r) => ({ body: new Uint8Array(r.body).reverse().buffer }), ["POST"], { binary: true });
			initializer.registerHttp("/nothing", () => {});
			initializer.registerHttp("/none", () => { throw { message: "no such thing", code: 5 }; });
			initializer.registerHttp("/broken", () => { throw new Error("a secret of the module"); });
			initializer.registerHttp("/status", () => ({ status: 42 }));
			initializer.registerHttp("/split", () => ({ headers: { "X-Split": "a\r\nX-Other: b" }, body: "" }));
			initializer.registerHttp("/number", () => 5);
			initializer.registerHttp("/slow", () => { for (;;); });
			initializer.registerHttp("/files/{path:.*}/", (ctx, logger, nk, r) => r.params.path);
		}`),
	"lua": servertest.Module("main.lua", `
		local nk = require("nakama")
		nk.register_http(function(ctx, r)
			return {
				status = 201,
				headers = { ["X-Item"] = r.params.item, ["X-Many"] = { "a", "b" } },
				body = { item = r.params.item, size = r.query.size and r.query.size[1], agent = r.headers["X-Agent"] and r.headers["X-Agent"][1], body = r.body, method = r.method, path = r.path, mode = ctx.execution_mode, user = ctx.user_id or "nobody" },
			}
		end, "/shop/{item}", { "GET", "post" })
		nk.register_http(function(ctx) return ctx.user_id .. " " .. ctx.username end, "/mine", nil, { auth = "session" })
		nk.register_http(function() return "trusted" end, "/server", { "GET" }, { auth = "http_key" })
		nk.register_http(function(ctx, r) return { headers = { ["content-type"] = "application/octet-stream" }, body = string.reverse(r.body) } end, "/bytes", { "POST" }, { binary = true })
		nk.register_http(function() end, "/nothing")
		nk.register_http(function() error({ "no such thing", 5 }) end, "/none")
		nk.register_http(function() error("a secret of the module") end, "/broken")
		nk.register_http(function() return { status = 42 } end, "/status")
		nk.register_http(function() return { headers = { ["X-Split"] = "a\r\nX-Other: b" }, body = "" } end, "/split")
		nk.register_http(function() return 5 end, "/number")
		nk.register_http(function() while true do end end, "/slow")
		nk.register_http(function(ctx, r) return r.params.path end, "/files/{path:.*}/")`),
}

func TestHTTPRoutes(t *testing.T) {
	t.Parallel()
	for lang, module := range shop {
		t.Run(lang, func(t *testing.T) {
			t.Parallel()
			srv := servertest.Start(t, module, servertest.Flags("--runtime.call_timeout_ms", "1000", "--socket.max_request_size_bytes", "4096"))
			ann := srv.User(t, "ann")

			a := srv.Do(t, http.MethodPost, "/shop/a%20b?size=4", "", "given")
			want := map[string]string{"item": "a b", "size": "4", "body": "given", "method": "POST", "path": "/shop/a b", "mode": "http", "user": "nobody"}
			for key, want := range want {
				if got := a.Get(key); got != want {
					t.Errorf("%s is %q, want %q in %d %s", key, got, want, a.Status, a.Body)
				}
			}
			if a.Status != 201 || a.Header.Get("X-Item") != "a b" || len(a.Header.Values("X-Many")) != 2 || a.Header.Get("Content-Type") != "application/json" {
				t.Errorf("the answer is %d with %v", a.Status, a.Header)
			}

			for _, c := range []struct {
				method, path, authorization, body string
				status                            int
				want                              string
			}{
				{"DELETE", "/shop/a", "", "", 404, `"code":5`},
				{"GET", "/mine", "", "", 401, `"code":16`},
				{"GET", "/mine", "Bearer x", "", 401, `"code":16`},
				{"GET", "/mine", "Bearer " + ann.Token, "", 200, ann.ID + " ann"},
				{"GET", "/server", "", "", 401, `"code":16`},
				{"GET", "/server?http_key=wrong", "", "", 401, `"code":16`},
				{"GET", "/server?http_key=defaulthttpkey", "", "", 200, "trusted"},
				{"POST", "/bytes", "", "\x00\xff\x01", 200, "\x01\xff\x00"},
				{"POST", "/bytes", "", strings.Repeat("x", 5000), 400, "too large"},
				{"GET", "/nothing", "", "", 204, ""},
				{"GET", "/none", "", "", 404, `{"code":5,"message":"no such thing"}`},
				{"GET", "/broken", "", "", 500, `"code":13`},
				{"GET", "/status", "", "", 500, "a number from 200 to 599"},
				{"GET", "/number", "", "", 500, "expected { status, headers, body }"},
				{"GET", "/slow", "", "", 504, `"code":4`},
				{"GET", "/files/a/b.txt/", "", "", 200, "a/b.txt"},
			} {
				a := srv.Do(t, c.method, c.path, c.authorization, c.body)
				if a.Status != c.status || !strings.Contains(a.Body, c.want) || c.want == "" && a.Body != "" {
					t.Errorf("%s %s: %d %q, want %d %q", c.method, c.path, a.Status, a.Body, c.status, c.want)
				}
			}
			if a := srv.Do(t, "GET", "/split", "", ""); a.Header.Get("X-Other") != "" {
				t.Errorf("a header was split: %v", a.Header)
			}
		})
	}
}

func TestHTTPRoutesRefused(t *testing.T) {
	t.Parallel()
	for source, want := range map[string]string{
		`registerHttp("shop", () => {})`:                              "must begin with a slash",
		`registerHttp("/{a", () => {})`:                               "a brace is not closed",
		`registerHttp("/{a:(b)}", () => {})`:                          "capturing groups",
		`registerHttp("/a", 5)`:                                       "expected a function",
		`registerHttp("/a", () => {}, ["GET"], { auth: "password" })`: `expected "session", "http_key" or "none"`,
		`registerHttp("/a", () => {}, "GET")`:                         "expected a list of strings",
	} {
		_, err := servertest.TryStart(t, servertest.Module("index.js", "function InitModule(c, l, n, i) {\n i."+source+"\n}"))
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "index.js:2") {
			t.Errorf("%s: %v, want %q", source, err, want)
		}
	}
}

// Chains of both languages run, Lua's first, before the hook of the slot; each
// sees what the one before made of the request.
func TestChainedHooks(t *testing.T) {
	t.Parallel()
	srv := servertest.Start(t,
		servertest.Module("index.js", `
			function InitModule(ctx, logger, nk, initializer) {
				const add = (text) => (ctx, logger, nk, r) => { if (r.displayName === "stop") return null; r.displayName += text; return r; };
				initializer.registerBeforeUpdateAccount(add("-slot"));
				initializer.registerBeforeChain("UpdateAccount", add("-js1"));
				initializer.registerBeforeChain("updateaccount", add("-js2"));
				initializer.registerAfterChain("UpdateAccount", () => { throw new Error("is only logged"); });
				initializer.registerAfterChain("UpdateAccount", (ctx, logger, nk, out, r) => { nk.storageWrite([{ collection: "log", key: "js", userId: ctx.userId, value: { name: r.displayName } }]); });
				initializer.registerRtBeforeChain("ChannelMessageSend", (ctx, logger, nk, e) => { throw { message: "be quiet", code: 7 }; });
			}`),
		servertest.Module("main.lua", `
			local nk = require("nakama")
			nk.register_req_before_chain(function(ctx, r) r.display_name = r.display_name .. "-lua"; return r end, "UpdateAccount")
			nk.register_req_before_chain(function(ctx) if ctx.username == "ben" then error({ "not you", 7 }) end end, "GetAccount")`))
	ann := srv.User(t, "ann")
	if a := ann.Do(t, http.MethodPut, "/v2/account", `{"display_name":"x"}`); a.Status != 200 {
		t.Fatalf("%d %s", a.Status, a.Body)
	}
	if got := ann.Do(t, http.MethodGet, "/v2/account", "").Get("user.display_name"); got != "x-lua-js1-js2-slot" {
		t.Errorf("the chain made %q", got)
	}
	if a := ann.Do(t, http.MethodPost, "/v2/storage", `{"object_ids":[{"collection":"log","key":"js","user_id":"`+ann.ID+`"}]}`); !strings.Contains(a.Body, "x-lua-js1-js2-slot") {
		t.Errorf("the chained after hook left %s", a.Body)
	}
	if e := ann.Socket(t).Call(t, "channel_message_send", `{"channel_id":"x","content":"{}"}`); !strings.Contains(string(e["error"]), "be quiet") {
		t.Errorf("realtime: %s", e)
	}
	device := srv.Do(t, http.MethodPost, "/v2/account/authenticate/device?create=true&username=ben", servertest.ServerKey, `{"id":"device-of-ben"}`)
	if a := srv.Do(t, http.MethodGet, "/v2/account", "Bearer "+device.Get("token"), ""); a.Status != 403 || !strings.Contains(a.Body, "not you") {
		t.Errorf("a call without a request that a chain refuses: %d %s", a.Status, a.Body)
	}
}
