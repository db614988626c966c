package test

import (
	"strings"
	"testing"

	"kumi/server/servertest"
)

// scriptCase is one RPC body in both languages and what it answers.
type scriptCase struct{ js, lua, want string }

var addedCases = map[string]scriptCase{
	"gcm": {
		`const key = "0123456789abcdef", long = key + key;
		const sealed = nk.aesGcmEncrypt("a text", key);
		let bad = "";
		try { nk.aesGcmDecrypt(sealed.slice(0, 20) + (sealed[20] === "A" ? "B" : "A") + sealed.slice(21), key); } catch (e) { bad = e.message; }
		let extra = "";
		try { nk.aesGcmDecrypt(nk.aesGcmEncrypt("x", key, "ann"), key, "ben"); } catch (e) { extra = "refused"; }
		let short = "";
		try { nk.aesGcmEncrypt("x", "short"); } catch (e) { short = e.message.includes("16 or 32 bytes") ? "short" : e.message; }
		const bytes = new Uint8Array([0, 255, 128, 10]), back = nk.aesGcmDecryptBinary(nk.aesGcmEncrypt(bytes.buffer, key), key);
		return [back instanceof ArrayBuffer, new Uint8Array(back).join("-"), nk.aesGcmDecrypt(sealed, key), nk.aesGcmDecrypt(nk.aesGcmEncrypt("", long, "ann"), long, "ann"), sealed === nk.aesGcmEncrypt("a text", key), nk.base64Decode(sealed).byteLength, bad.includes("cannot be decrypted"), extra, short].join()`,
		`local key = "0123456789abcdef"
		local long = key .. key
		local sealed = nk.aes_gcm_encrypt("a text", key)
		local ok, bad = pcall(nk.aes_gcm_decrypt, sealed:sub(1, 14) .. string.char((sealed:byte(15) + 1) % 256) .. sealed:sub(16), key)
		local extra = pcall(nk.aes_gcm_decrypt, nk.aes_gcm_encrypt("x", key, "ann"), key, "ben") and "" or "refused"
		local _, short = pcall(nk.aes_gcm_encrypt, "x", "short")
		local back = nk.aes_gcm_decrypt(nk.aes_gcm_encrypt("\0\255\128\10", key), key)
		return table.concat({ tostring(type(back) == "string"), table.concat({ back:byte(1, -1) }, "-"), nk.aes_gcm_decrypt(sealed, key), nk.aes_gcm_decrypt(nk.aes_gcm_encrypt("", long, "ann"), long, "ann"), tostring(sealed == nk.aes_gcm_encrypt("a text", key)), #sealed, tostring(not ok and tostring(bad):find("cannot be decrypted") ~= nil), extra, tostring(short):find("16 or 32 bytes") and "short" or tostring(short) }, ",")`,
		"true,0-255-128-10,a text,,false,34,true,refused,short",
	},
	"localcache": {
		`const v = { list: [1, { a: "b" }], at: new Date(5), bytes: new Uint8Array([1, 2]).buffer, m: new Map([["k", new Set([{ n: 1 }])]]) };
		nk.localcachePut("k", v, 60);
		v.list[1].a = "changed";
		const got = nk.localcacheGet("k");
		got.list.push("mine");
		nk.localcachePut("fn", 1);
		let refused = "";
		try { nk.localcachePut("fn", () => 1); } catch (e) { refused = "refused"; }
		nk.localcacheDelete("fn");
		const again = nk.localcacheGet("k");
		return [got.list[1].a, [...again.m.get("k")][0].n, again.list.length, +again.at, again.bytes.byteLength, refused, nk.localcacheGet("fn", "gone")].join()`,
		`local v = { list = { 1, { a = "b" } }, at = 5 }
		nk.localcache_put("k", v, 60)
		v.list[2].a = "changed"
		local got = nk.localcache_get("k")
		got.list[3] = "mine"
		nk.localcache_put("fn", 1)
		local refused = pcall(nk.localcache_put, "fn", function() end) and "" or "refused"
		nk.localcache_delete("fn")
		local again = nk.localcache_get("k")
		return table.concat({ got.list[2].a, 1, #again.list, again.at, 2, refused, nk.localcache_get("fn", "gone") }, ",")`,
		"b,1,2,5,2,refused,gone",
	},
	"localcache keeps numbers": {
		`nk.localcachePut("n", [NaN, -Infinity, -0, 2 ** 53 - 1, 0.5, 12345678901234567890n, { u: undefined }]);
		const [nan, inf, zero, large, half, big, o] = nk.localcacheGet("n");
		return [Number.isNaN(nan), inf, Object.is(zero, -0), large, half, big === 12345678901234567890n, JSON.stringify(o)].join()`,
		`nk.localcache_put("n", { 0 / 0, -1 / 0, -0.0, 2 ^ 53 - 1, 0.5 })
		local nan, inf, zero, large, half = unpack(nk.localcache_get("n"))
		return table.concat({ tostring(nan ~= nan), inf == -1 / 0 and "-Infinity" or tostring(inf), "true", string.format("%d", large), half, "true", '{"u":null}' }, ",")`,
		"true,-Infinity,true,9007199254740991,0.5,true,{\"u\":null}",
	},
	"localcache is bounded": {
		`const text = "x".repeat(100000);
		for (let i = 0; i < 30; i++) nk.localcachePut("same", text);
		let n = 0, failure = "";
		try { for (; n < 30; n++) nk.localcachePut("more " + n, text); } catch (e) { failure = e.message + " " + e.code; }
		nk.localcacheDelete("same");
		nk.localcachePut("last", text);
		const kept = nk.localcacheGet("more 0") === text;
		nk.localcacheClear();
		nk.localcachePut("again", text.repeat(10));
		nk.localcacheClear();
		return [n, failure.includes("the local cache is full"), failure.endsWith(" 8"), kept].join()`,
		`local text = string.rep("x", 100000)
		for i = 1, 30 do nk.localcache_put("same", text) end
		local n, ok, failure = -1, true, ""
		while ok and n < 30 do
			n = n + 1
			ok, failure = pcall(nk.localcache_put, "more " .. n, text)
		end
		nk.localcache_delete("same")
		nk.localcache_put("last", text)
		local kept = nk.localcache_get("more 0") == text
		nk.localcache_clear()
		nk.localcache_put("again", text:rep(10))
		nk.localcache_clear()
		return table.concat({ n, tostring(tostring(failure):find("the local cache is full", 1, true) ~= nil), "true", tostring(kept) }, ",")`,
		"9,true,true,true",
	},
}

func TestAddedFunctions(t *testing.T) {
	t.Parallel()
	var js, lua strings.Builder
	js.WriteString("function InitModule(ctx, logger, nk, initializer) {\n")
	lua.WriteString("local nk = require(\"nakama\")\n")
	for id, c := range addedCases {
		js.WriteString("initializer.registerRpc('js_" + id + "', (ctx, logger, nk) => {" + c.js + "});\n")
		lua.WriteString("nk.register_rpc(function(ctx)" + c.lua + " end, 'lua_" + id + "')\n")
	}
	js.WriteString("}")
	srv := servertest.Start(t, servertest.Flags("--runtime.max_local_cache_mb", "1"), servertest.Module("index.js", js.String()), servertest.Module("main.lua", lua.String()))
	for id, c := range addedCases {
		for _, lang := range []string{"js_", "lua_"} {
			if got, a := srv.RPC(t, lang+id, ""); got != c.want {
				t.Errorf("%s%s: %q, want %q in %s", lang, id, got, c.want, a.Body)
			}
		}
	}
}

// Things that only Lua has: run_once counts per call site, coroutines, deep recursion
// and many values, and reading files, of the modules folder only.
func TestLuaAdded(t *testing.T) {
	t.Parallel()
	var log servertest.Journal
	srv := servertest.Start(t,
		log.Keep(), servertest.Flags("--runtime.lua_min_count", "3", "--shutdown_grace_sec", "1"),
		servertest.Module("data.json", `{"a":1}`),
		servertest.Module("part.inc", `return (...), "part", here`),
		servertest.Module("../outside.lua", `return "outside"`),
		servertest.Module("main.lua", `
			local nk = require("nakama")
			nk.run_once(function() nk.logger_info("said once, first") end)
			nk.run_once(function() nk.logger_info("said once, second") end)
			nk.register_shutdown(function() nk.logger_info("said at the end") end)
			local function rpc(id, fn) nk.register_rpc(fn, id) end
			rpc("coroutine", function()
				local out = {}
				local each = coroutine.wrap(function() for i = 1, 3 do coroutine.yield(nk.base64_encode(tostring(i))) end end)
				for v in each do out[#out + 1] = v end
				return table.concat(out, ",")
			end)
			rpc("deep", function()
				local function sum(n) if n == 0 then return 0 end return n + sum(n - 1) end
				return tostring(sum(100))
			end)
			rpc("wide", function()
				local t = {}
				for i = 1, 20000 do t[i] = i end
				return tostring(select("#", unpack(t)))
			end)
			rpc("read", function(_, path) return nk.file_read(path) end)
			rpc("dofile", function(_, path) return tostring(dofile(path)) end)
			rpc("loadfile", function(_, path)
				local fn, problem = loadfile(path)
				if not fn then return "no: " .. tostring(problem) end
				return tostring(fn("given"))
			end)
			local count = 0
			rpc("count", function() count = count + 1; return tostring(count) end)`))
	for id, c := range map[string][2]string{
		"coroutine": {"", "MQ==,Mg==,Mw=="}, "deep": {"", "5050"}, "wide": {"", "20000"},
		"read": {"data.json", `{"a":1}`}, "loadfile": {"part.inc", "given"},
	} {
		if got, a := srv.RPC(t, id, c[0]); got != c[1] {
			t.Errorf("%s: %q, want %q in %s", id, got, c[1], a.Body)
		}
	}
	for _, id := range []string{"read", "dofile", "loadfile"} {
		for _, path := range []string{"../outside.lua", "/etc/passwd", "gone.lua"} {
			if got, a := srv.RPC(t, id, path); a.Status == 200 && !strings.HasPrefix(got, "no: ") || strings.Contains(a.Body, "root:") {
				t.Errorf("%s of %s gave %q %s", id, path, got, a.Body)
			}
		}
	}
	if err := srv.Stop(t.Context()); err != nil {
		t.Error(err)
	}
	for _, once := range []string{"said once, first", "said once, second", "said at the end"} {
		if n := len(log.Lines(once)); n != 1 {
			t.Errorf("%q was logged %d times", once, n)
		}
	}
}
