package modules

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"kumi/store/fault"
)

// A fnCase is one function of nk, used the same way in both languages. The
// snippets are bodies of functions that return the result. In a snippet HTTP
// stands for the address of a test server, PKCS1 and PKCS8 for RSA keys.
type fnCase struct {
	name    string
	js, lua string
	want    string // JSON of the result
	luaWant string // where Lua says the same in another way
	code    fault.Code
	err     string // part of the error's text
	luaErr  string
}

var fnCases = []fnCase{
	{name: "base64", js: `return [nk.base64Encode("hi?>"), nk.base64Encode("hi", false), nk.binaryToString(nk.base64Decode("aGk=")), nk.binaryToString(nk.base64Decode("aGk"))]`,
		lua:  `return {nk.base64_encode("hi?>"), nk.base64_encode("hi", false), nk.base64_decode("aGk="), nk.base64_decode("aGk")}`,
		want: `["aGk/Pg==","aGk","hi","hi"]`},
	{name: "base64url", js: `return [nk.base64UrlEncode("hi?>"), nk.binaryToString(nk.base64UrlDecode("aGk_Pg==")), nk.binaryToString(nk.base64UrlDecode("aGk_Pg", false))]`,
		lua:  `return {nk.base64url_encode("hi?>"), nk.base64url_decode("aGk_Pg==", true), nk.base64url_decode("aGk_Pg")}`,
		want: `["aGk_Pg==","hi?>","hi?>"]`},
	{name: "base64 bad", js: `return nk.base64Decode("a")`, lua: `return nk.base64_decode("a")`, err: "base64"},
	{name: "base16", js: `return [nk.base16Encode("hi"), nk.binaryToString(nk.base16Decode("6869"))]`,
		lua: `return {nk.base16_encode("hi"), nk.base16_decode("6869")}`, want: `["6869","hi"]`},
	{name: "encode needs text", js: `return nk.base16Encode(12)`, lua: `return nk.base16_encode({})`, err: "expected a string or binary data"},
	{name: "hashes", js: `return [nk.md5Hash("hi"), nk.sha256Hash("hi"), nk.base16Encode(nk.hmacSha256Hash("hi", "k"))]`,
		lua:  `return {nk.md5_hash("hi"), nk.sha256_hash("hi"), nk.base16_encode(nk.hmac_sha256_hash("hi", "k"))}`,
		want: `["49f68a5c8493ec2c0bf489821c21fc3b","8f434346648f6b96df89dda901c5176b10a6d83961dd3c1ac88b59b2dc327aa4","233f8e9a13f278f19758a015d82f51e6e27966f1efc29d2cffb5d1a45ae9dc4c"]`},
	{name: "aes", js: `var k = "0123456789abcdef"; return [nk.aes128Decrypt(nk.aes128Encrypt("hello", k), k), nk.aes256Decrypt(nk.aes256Encrypt("hello world, a long text", k + k), k + k)]`,
		lua:  `local k = "0123456789abcdef"; return {nk.aes128_decrypt(nk.aes128_encrypt("hello", k), k), nk.aes256_decrypt(nk.aes256_encrypt("hello world, a long text", k .. k), k .. k)}`,
		want: `["hello   ","hello world, a long text"]`},
	{name: "aes key", js: `return nk.aes128Encrypt("hello", "short")`, lua: `return nk.aes128_encrypt("hello", "short")`, err: "16 bytes"},
	{name: "aes short", js: `return nk.aes128Decrypt("aGk=", "0123456789abcdef")`, lua: `return nk.aes128_decrypt("hi", "0123456789abcdef")`, err: "too short"},
	{name: "rsa", js: `return nk.rsaSha256Hash("hi", PKCS1).length`, lua: `return #nk.rsa_sha256_hash("hi", PKCS1)`, want: `128`},
	{name: "jwt", js: `return [nk.jwtGenerate("HS256", "key", {a: 1}), nk.jwtGenerate("RS256", PKCS8, {a: 1}).split(".").length]`,
		lua:  `local _, dots = nk.jwt_generate("RS256", PKCS8, {a = 1}):gsub("%.", ""); return {nk.jwt_generate("HS256", "key", {a = 1}), dots + 1}`,
		want: `["eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJhIjoxfQ.Z4rGK-v6a2sWAUQdmALR3aYbXZviLr8j26a9ndx_bM4",3]`},
	{name: "jwt method", js: `return nk.jwtGenerate("none", "key", {})`, lua: `return nk.jwt_generate("none", "key", {})`, err: "HS256 and RS256"},
	{name: "bcrypt", js: `var h = nk.bcryptHash("pw"); return [nk.bcryptCompare(h, "pw"), nk.bcryptCompare(h, "no"), nk.bcryptCompare("x", "pw")]`,
		lua:  `local h = nk.bcrypt_hash("pw"); return {nk.bcrypt_compare(h, "pw"), nk.bcrypt_compare(h, "no"), nk.bcrypt_compare("x", "pw")}`,
		want: `[true,false,false]`},
	{name: "random", js: `return nk.secureRandomBytes(12).byteLength`, lua: `return #nk.secure_random_bytes(12)`, want: `12`},
	{name: "random bounds", js: `return nk.secureRandomBytes(1001)`, lua: `return nk.secure_random_bytes(0)`, err: "from 1 to 1000"},
	{name: "uuid", js: `return nk.uuidv4().length`, lua: `return #nk.uuid_v4()`, want: `36`},
	{name: "uuid bytes", js: `return "00000000-0000-0000-0000-00000000000a"`,
		lua: `return nk.uuid_bytes_to_string(nk.uuid_string_to_bytes("00000000-0000-0000-0000-00000000000a"))`, want: `"00000000-0000-0000-0000-00000000000a"`},
	{name: "json", js: `return JSON.parse('{"a":[1,{"b":null}],"c":1.5}')`, lua: `return nk.json_decode('{"a":[1,{"b":null}],"c":1.5}')`,
		want: `{"a":[1,{"b":null}],"c":1.5}`, luaWant: `{"a":[1,{}],"c":1.5}`},
	{name: "json bad", js: `return JSON.parse("{")`, lua: `return nk.json_decode("{")`, err: "JSON"},
	{name: "time", js: `return Date.UTC(2020, 0, 2, 12)`, lua: `return nk.time({year = 2020, month = 1, day = 2})`, want: `1577966400000`},
	{name: "cron", js: `return [nk.cronNext("0 0 * * *", 1577966400), nk.cronPrev("@daily", 1577966400)]`,
		lua: `return {nk.cron_next("0 0 * * *", 1577966400), nk.cron_prev("@daily", 1577966400)}`, want: `[1578009600,1577923200]`},
	{name: "cron bad", js: `return nk.cronNext("nonsense", 1)`, lua: `return nk.cron_next("nonsense", 1)`, err: "cron expression"},
	{name: "cache", js: `nk.localcachePut("a", {z: 1, b: [1, 2]}); nk.localcachePut("t", 1, 100); var r = [nk.localcacheGet("a"), nk.localcacheGet("b", 7), nk.localcacheGet("t")]; nk.localcacheDelete("a"); r.push(nk.localcacheGet("a", null)); nk.localcacheClear(); r.push(nk.localcacheGet("t", null)); return r`,
		lua:  `nk.localcache_put("a", {z = 1, b = {1, 2}}); nk.localcache_put("t", 1, 100); local r = {nk.localcache_get("a"), nk.localcache_get("b", 7), nk.localcache_get("t")}; nk.localcache_delete("a"); r[4] = nk.localcache_get("a") == nil; nk.localcache_clear(); r[5] = nk.localcache_get("t") == nil; return r`,
		want: `[{"z":1,"b":[1,2]},7,1,null,null]`, luaWant: `[{"z":1,"b":[1,2]},7,1,true,true]`},
	{name: "cache ttl", js: `nk.localcachePut("a", 1, -1)`, lua: `nk.localcache_put("a", 1, -1)`, err: "0 or more"},
	{name: "file", js: `return nk.fileRead("note.txt")`, lua: `return nk.file_read("note.txt")`, want: `"a note"`},
	{name: "file outside", js: `return nk.fileRead("../secret")`, lua: `return nk.file_read("../secret")`, code: fault.InvalidArgument},
	{name: "http", js: `var r = nk.httpRequest(HTTP, "post", {"X-In": "1"}, "body"); return [r.code, r.headers["X-Out"], r.body]`,
		lua:  `local code, headers, body = nk.http_request(HTTP, "post", {["X-In"] = "1"}, "body"); return {code, {headers["X-Out"]}, body}`,
		want: `[201,["out"],"POST 1 body"]`},
	{name: "http method", js: `nk.httpRequest(HTTP, "jump")`, lua: `nk.http_request(HTTP, "jump", {})`, err: "expects method to be one of"},
	{name: "sql", js: `nk.sqlExec("CREATE TABLE IF NOT EXISTS things_js (a INT, b TEXT)"); var n = nk.sqlExec("INSERT INTO things_js VALUES ($1, $2), (2, NULL)", [1, "x"]); return [n, nk.sqlQuery("SELECT a, b FROM things_js WHERE a >= $1 ORDER BY a", [1])]`,
		lua:     `nk.sql_exec("CREATE TABLE IF NOT EXISTS things_lua (a INT, b TEXT)"); local n = nk.sql_exec("INSERT INTO things_lua VALUES ($1, $2), (2, NULL)", {1, "x"}); return {n, nk.sql_query("SELECT a, b FROM things_lua WHERE a >= $1 ORDER BY a", {1})}`,
		want:    `[{"rowsAffected":2},[{"a":1,"b":"x"},{"a":2,"b":null}]]`,
		luaWant: `[2,[{"a":1,"b":"x"},{"a":2}]]`},
	{name: "sql booleans", js: `return nk.sqlQuery("SELECT EXISTS (SELECT 1 FROM users WHERE id = $1) AS here, 1 = 2 AS no, true AS yes, count(*) FROM users WHERE id = ANY($2::uuid[])", [USER, [USER, USER2]])`,
		lua:  `local r = nk.sql_query("SELECT EXISTS (SELECT 1 FROM users WHERE id = $1) AS here, 1 = 2 AS no, true AS yes, count(*) FROM users WHERE id = ANY($2::uuid[])", {USER, {USER, USER2}}); if r[1].no then return "no is true" end return r`,
		want: `[{"here":true,"no":false,"yes":true,"count":2}]`},
	{name: "sql json", js: `const v = nk.sqlQuery("SELECT $1::jsonb AS v", [{a: [1, "é"]}])[0].v; return [Array.isArray(v), String.fromCharCode(...v.slice(0, 4)), JSON.parse(v).a, JSON.stringify(nk.sqlQuery("SELECT '[1]'::jsonb AS v")[0].v)]`,
		lua:     `return {nk.sql_query("SELECT $1::jsonb AS v", {{a = {1, "é"}}})[1].v}`,
		want:    `[true,"{\"a\"",[1,"é"],"[91,49,93]"]`,
		luaWant: `["{\"a\": [1, \"é\"]}"]`},
	{name: "sql time", js: `const r = nk.sqlQuery("SELECT to_timestamp(10) AS t, $1::timestamptz > now() AS later", ["2100-01-01T00:00:00Z"])[0]; return [r.t.getTime(), r.later]`,
		lua: `local r = nk.sql_query("SELECT to_timestamp(10) AS t, $1::timestamptz > now() AS later", {"2100-01-01T00:00:00Z"})[1]; return {r.t * 1000, r.later}`, want: `[10000,true]`},
	{name: "sql serial", js: `nk.sqlExec("CREATE TABLE serial_js (id SERIAL PRIMARY KEY, v TEXT)"); const n = nk.sqlExec("INSERT INTO serial_js (v) VALUES ($1), ($2)", ["a", "b"]).rowsAffected; return [n, nk.sqlQuery("SELECT id FROM serial_js ORDER BY id")]`,
		lua: `nk.sql_exec("CREATE TABLE serial_lua (id SERIAL PRIMARY KEY, v TEXT)"); local n = nk.sql_exec("INSERT INTO serial_lua (v) VALUES ($1), ($2)", {"a", "b"}); return {n, nk.sql_query("SELECT id FROM serial_lua ORDER BY id")}`, want: `[2,[{"id":1},{"id":2}]]`},
	{name: "sql not there", js: `nk.sqlQuery("SELECT nextval('x')")`, lua: `nk.sql_query("SELECT nextval('x')")`, err: "SERIAL PRIMARY KEY"},
	{name: "sql error", js: `nk.sqlQuery("SELECT * FROM nowhere")`, lua: `nk.sql_query("SELECT * FROM nowhere")`, err: "nowhere"},

	{name: "authenticate", js: `var a = nk.authenticateDevice("device-authenticate-js", "auth_js"), b = nk.authenticateCustom("custom-authenticate-js", null, true), c = nk.authenticateDevice("device-authenticate-js"); return [a.username, a.created, c.created, c.userId === a.userId, b.username.length]`,
		lua:  `local id, name, created = nk.authenticate_device("device-authenticate-lua", "auth_js2"); local _, name2 = nk.authenticate_custom("custom-authenticate-lua"); local id2, _, created2 = nk.authenticate_device("device-authenticate-lua"); return {"auth_js", created, created2, id == id2, #name2}`,
		want: `["auth_js",true,false,true,10]`},
	{name: "authenticate unknown", js: `nk.authenticateDevice("device-that-nobody-has", "", false)`, lua: `nk.authenticate_device("device-that-nobody-has", "", false)`, code: fault.NotFound},
	{name: "email", js: `var a = nk.authenticateEmail("Js@example.com", "password", "email_js"), b = nk.authenticateEmail("", "password", "email_js"); return a.userId === b.userId`,
		lua: `local a = nk.authenticate_email("lua@example.com", "password", "email_lua"); local b = nk.authenticate_email("", "password", "email_lua"); return a == b`, want: `true`},
	{name: "token", js: `var r = nk.authenticateTokenGenerate(USER, "name", 4102444800, {a: "b"}); return [r.token.split(".").length, r.exp]`,
		lua: `local token, exp = nk.authenticate_token_generate(USER, "name", 4102444800, {a = "b"}); local _, dots = token:gsub("%.", ""); return {dots + 1, exp}`, want: `[3,4102444800]`},
	{name: "token user", js: `nk.authenticateTokenGenerate("x", "name")`, lua: `nk.authenticate_token_generate("x", "name")`, err: "valid identifier"},
	{name: "account", js: `nk.accountUpdateId(USER, "acc_js", "Dis", "UTC", "here", "de", "http://a", {m: 1}); nk.accountUpdateId(USER, null, null, null, "", null, null, null); var a = nk.accountGetId(USER), u = a.user; return [u.username, u.displayName, u.timezone, u.location, u.langTag, u.avatarUrl, u.metadata, a.wallet, u.userId === USER, "email" in a, a.devices.length]`,
		lua:     `nk.account_update_id(USER, {m = 1}, "acc_lua", "Dis", "UTC", "here", "de", "http://a"); nk.account_update_id(USER, nil, nil, nil, nil, ""); local a = nk.account_get_id(USER); local u = a.user; return {u.username, a.display_name, u.timezone, u.location, a.lang_tag, u.avatar_url, u.metadata, a.wallet, a.user_id == USER, a.email ~= nil, #a.devices}`,
		want:    `["acc_js","Dis","UTC","","de","http://a",{"m":1},{},true,false,1]`,
		luaWant: `["acc_lua","Dis","UTC","here","de","http://a",{"m":1},{},true,false,1]`},
	{name: "accounts", js: `return nk.accountsGetId([USER]).length + nk.usersGetId([USER]).length + nk.usersGetUsername(["nobody"]).length + nk.usersGetId([]).length`,
		lua: `return #nk.accounts_get_id({USER}) + #nk.users_get_id({USER}) + #nk.users_get_username({"nobody"}) + #nk.users_get_id({})`, want: `2`},
	{name: "account unknown", js: `nk.accountGetId("00000000-0000-4000-8000-000000000000")`, lua: `nk.account_get_id("00000000-0000-4000-8000-000000000000")`, code: fault.NotFound},
	{name: "users random", js: `return nk.usersGetRandom(0).length`, lua: `return #nk.users_get_random(0)`, want: `0`},
	{name: "users random bounds", js: `nk.usersGetRandom(1001)`, lua: `nk.users_get_random(-1)`, err: "from 0 to 1000"},
	{name: "link", js: `nk.linkCustom(USER, "custom-link-js"); nk.linkEmail(USER, "linkjs@example.com", "password"); nk.linkDevice(USER, "second-device-js"); var a = nk.accountGetId(USER); nk.unlinkDevice(USER, "second-device-js"); nk.unlinkCustom(USER); nk.unlinkEmail(USER); var b = nk.accountGetId(USER); return [a.customId, a.email, a.devices.length, "customId" in b, b.devices.length]`,
		lua:     `nk.link_custom(USER, "custom-link-lua"); nk.link_email(USER, "linklua@example.com", "password"); nk.link_device(USER, "second-device-lua"); local a = nk.account_get_id(USER); nk.unlink_device(USER, "second-device-lua"); nk.unlink_custom(USER); nk.unlink_email(USER); local b = nk.account_get_id(USER); return {a.custom_id, a.email, #a.devices, b.custom_id ~= nil, #b.devices}`,
		want:    `["custom-link-js","linkjs@example.com",2,false,1]`,
		luaWant: `["custom-link-lua","linklua@example.com",2,false,1]`},
	{name: "delete account", js: `var id = nk.authenticateDevice("device-to-delete-js").userId; nk.accountDeleteId(id); return nk.usersGetId([id])`,
		lua: `local id = nk.authenticate_device("device-to-delete-lua"); nk.account_delete_id(id); return #nk.users_get_id({id})`, want: `[]`, luaWant: `0`},
	{name: "ban", js: `nk.usersBanId([USER2]); var on = "disableTime" in nk.accountGetId(USER2); nk.usersUnbanId([USER2]); return [on, "disableTime" in nk.accountGetId(USER2)]`,
		lua: `nk.users_ban_id({USER2}); local on = nk.account_get_id(USER2).disable_time ~= nil; nk.users_unban_id({USER2}); return {on, nk.account_get_id(USER2).disable_time ~= nil}`, want: `[true,false]`},
	{name: "logout", js: `nk.sessionLogout(USER); nk.sessionDisconnect(nk.uuidv4()); nk.sessionDisconnect(nk.uuidv4(), 3)`, lua: `nk.session_logout(USER); nk.session_disconnect(nk.uuid_v4()); nk.session_disconnect(nk.uuid_v4(), 3)`, want: `null`},
	{name: "disconnect reason", js: `nk.sessionDisconnect(nk.uuidv4(), 5)`, lua: `nk.session_disconnect(nk.uuid_v4(), -1)`, err: "presence reason"},
	{name: "export", js: `var t = nk.accountExportId(USER); nk.accountDeleteId(USER); var a = nk.accountImportId(t, USER); return a.user.userId === USER`,
		lua: `local t = nk.account_export_id(USER); nk.account_delete_id(USER); local a = nk.account_import_id(t, USER); return a.user_id == USER`, want: `true`},
	{name: "import bad", js: `nk.accountImportId("{")`, lua: `nk.account_import_id("{")`, code: fault.InvalidArgument},

	{name: "notifications", js: `nk.notificationSend(USER, "s", {a: 1}, 5, USER2, true); nk.notificationsSend([{userId: USER, subject: "t", content: {b: 2}, code: 6, persistent: true}]);
			var r = nk.notificationsList(USER), l = r.notifications; var first = l.filter(function (n) { return n.code === 5 })[0], second = l.filter(function (n) { return n.code === 6 })[0];
			nk.notificationsUpdate([{id: first.id, subject: "u"}]); var g = nk.notificationsGetId([first.id], USER)[0];
			nk.notificationsDelete([{userId: USER, notificationId: first.id}]); nk.notificationsDeleteId([second.id], USER);
			return [l.length, JSON.parse(first.content), first.senderId === USER2, first.createTime > 0, r.cursor, g.subject, g.content, g.code, g.userId === USER, nk.notificationsList(USER, 10).notifications.length]`,
		lua: `nk.notification_send(USER, "s", {a = 1}, 5, USER2, true); nk.notifications_send({{user_id = USER, subject = "t", content = {b = 2}, code = 6, persistent = true}})
			local l, cursor = nk.notifications_list(USER); local first, second = l[1], l[2]; if first.code == 6 then first, second = second, first end
			nk.notifications_update({{id = first.id, subject = "u"}}); local g = nk.notifications_get_id({first.id}, USER)[1]
			nk.notifications_delete({{user_id = USER, notification_id = first.id}}); nk.notifications_delete_id({second.id}, USER)
			return {#l, nk.json_decode(first.content), first.senderId == USER2, first.createTime > 0, cursor or "none", g.subject, g.content, g.code, g.user_id == USER, #nk.notifications_list(USER, 10)}`,
		want:    `[2,{"a":1},true,true,null,"u",{"a":1},5,true,0]`,
		luaWant: `[2,{"a":1},true,true,"none","u",{"a":1},5,true,0]`},
	{name: "notification code", js: `nk.notificationSend(USER, "s", {}, 0)`, lua: `nk.notification_send(USER, "s", {}, 0)`, code: fault.InvalidArgument},
	{name: "notification subject", js: `nk.notificationSendAll("", {}, 1)`, lua: `nk.notification_send_all("", {}, 1)`, err: "non-empty string"},

	{name: "storage", js: `var acks = nk.storageWrite([{collection: "js", key: "k", userId: USER, value: {z: 1, a: [true]}}, {collection: "js", key: "g", value: {}, permissionRead: 2, permissionWrite: 0}]);
			var objs = nk.storageRead([{collection: "js", key: "k", userId: USER}, {collection: "js", key: "none", userId: USER}]); var o = objs[0];
			nk.storageDelete([{collection: "js", key: "k", userId: USER, version: acks[0].version}]);
			return [acks.length, acks[0].key, objs.length, o.collection, o.userId === USER, o.value, o.version === acks[0].version, o.permissionRead, o.permissionWrite, o.createTime > 0, nk.storageRead([{collection: "js", key: "k", userId: USER}]).length, nk.storageRead([]).length]`,
		lua: `local acks = nk.storage_write({{collection = "lua", key = "k", user_id = USER, value = {z = 1, a = {true}}}, {collection = "lua", key = "g", value = {}, permission_read = 2, permission_write = 0}})
			local objs = nk.storage_read({{collection = "lua", key = "k", user_id = USER}, {collection = "lua", key = "none", user_id = USER}}); local o = objs[1]
			nk.storage_delete({{collection = "lua", key = "k", user_id = USER, version = acks[1].version}})
			return {#acks, acks[1].key, #objs, "js", o.user_id == USER, o.value, o.version == acks[1].version, o.permission_read, o.permission_write, o.create_time > 0, #nk.storage_read({{collection = "lua", key = "k", user_id = USER}}), #nk.storage_read({})}`,
		want: `[2,"k",1,"js",true,{"z":1,"a":[true]},true,1,1,true,0,0]`},
	{name: "storage list", js: `nk.storageWrite([1, 2, 3].map(function (i) { return {collection: "list-js", key: "k" + i, userId: USER, value: {i: i}} })); var a = nk.storageList(USER, "list-js", 2), b = nk.storageList(USER, "list-js", 2, a.cursor); return [a.objects.length, b.objects.length, b.cursor, nk.storageList(undefined, "list-js", 10, null, USER2).objects.length]`,
		lua:  `for i = 1, 3 do nk.storage_write({{collection = "list-lua", key = "k" .. i, user_id = USER, value = {i = i}}}) end local a, cursor = nk.storage_list(USER, "list-lua", 2); local b, cursor2 = nk.storage_list(USER, "list-lua", 2, cursor); return {#a, #b, cursor2 or "none", #nk.storage_list(nil, "list-lua", 10, nil, USER2)}`,
		want: `[2,1,null,0]`, luaWant: `[2,1,"none",0]`},
	{name: "storage version", js: `nk.storageWrite([{collection: "js", key: "v", userId: USER, value: {}, version: "nope"}])`, lua: `nk.storage_write({{collection = "lua", key = "v", user_id = USER, value = {}, version = "nope"}})`, err: "version"},
	{name: "storage no version", js: `nk.storageWrite([{collection: "js", key: "v", userId: USER, value: {}, version: ""}])`, lua: `nk.storage_write({{collection = "lua", key = "v", user_id = USER, value = {}, version = ""}})`, err: "[0].version"},
	{name: "storage value", js: `nk.storageWrite([{collection: "js", key: "v", value: "text"}])`, lua: `nk.storage_write({{collection = "js", key = "v", value = "text"}})`, err: "[0].value): expected an object", luaErr: "[0].value: expected an object"},
	{name: "storage retry", js: `nk.storageWrite([{collection: "retry-js", key: "k", userId: USER, value: {n: 1}}]); var id = {collection: "retry-js", key: "k", userId: USER}; nk.storageWriteRetry([id], function (objs) { var o = objs[0]; return [{collection: o.collection, key: o.key, userId: o.userId, value: {n: o.value.n + 1}, version: o.version}] }, 3); return [nk.storageRead([id])[0].value.n, nk.storageWriteRetry([id], function () { return null }, 0)]`,
		lua:  `nk.storage_write({{collection = "retry-lua", key = "k", user_id = USER, value = {n = 1}}}); local id = {collection = "retry-lua", key = "k", user_id = USER}; nk.storage_write_retry({id}, function (objs) local o = objs[1]; return {{collection = o.collection, key = o.key, user_id = o.user_id, value = {n = o.value.n + 1}, version = o.version}} end, 3); return {nk.storage_read({id})[1].value.n, nk.storage_write_retry({id}, function () return nil end, 0)}`,
		want: `[2,[]]`, luaWant: `[2,{}]`},
	{name: "wallet", js: `var r = nk.walletUpdate(USER, {gold: 5}, {why: "x"}, true); var l = nk.walletLedgerList(USER); return [r.updated, r.previous, r.userId === USER, l.items.length, l.items[0].changeset, l.items[0].metadata, nk.accountGetId(USER).wallet, nk.walletsUpdate([{userId: USER, changeset: {gold: -5}}])[0].updated]`,
		lua:  `local updated, previous = nk.wallet_update(USER, {gold = 5}, {why = "x"}, true); local items = nk.wallet_ledger_list(USER); return {updated, previous, true, #items, items[1].changeset, items[1].metadata, nk.account_get_id(USER).wallet, nk.wallets_update({{user_id = USER, changeset = {gold = -5}}})[1].updated}`,
		want: `[{"gold":5},{},true,1,{"gold":5},{"why":"x"},{"gold":5},{"gold":0}]`},
	{name: "wallet amounts", js: `nk.walletUpdate(USER, {gold: 1.5})`, lua: `nk.wallet_update(USER, {gold = 1.5})`, err: "whole numbers"},
	{name: "wallet below zero", js: `nk.walletUpdate(USER2, {gold: -1})`, lua: `nk.wallet_update(USER2, {gold = -1})`, err: "negative"},
	{name: "multi", js: `var r = nk.multiUpdate([{userId: USER, location: "multi"}], [{collection: "m-js", key: "k", userId: USER, value: {}}], null, [{userId: USER, changeset: {gem: 1}}], false); return [r.storageWriteAcks.length, r.walletUpdateAcks[0].updated.gem, nk.accountGetId(USER).user.location]`,
		lua: `local acks, wallets = nk.multi_update({{user_id = USER, location = "multi"}}, {{collection = "m-lua", key = "k", user_id = USER, value = {}}}, nil, {{user_id = USER, changeset = {gem = 1}}}, false); return {#acks, wallets[1].updated.gem, nk.account_get_id(USER).location}`, want: `[1,1,"multi"]`},

	{name: "match", js: `var id = nk.matchCreate("arena", {label: "js"}), m = nk.matchGet(id), l = nk.matchList(10, true, "js"); return [m.matchId === id, m.authoritative, m.label, m.size, l.length, nk.matchList(10, true, "other").length, nk.matchSignal(id, "hey"), nk.matchGet(nk.uuidv4() + ".elsewhere")]`,
		lua:     `local id = nk.match_create("arena", {label = "lua"}); local m = nk.match_get(id); local l = nk.match_list(10, true, "lua"); return {m.match_id == id, m.authoritative, m.label, m.size, #l, #nk.match_list(10, true, "other"), nk.match_signal(id, "hey"), nk.match_get(nk.uuid_v4() .. ".elsewhere") == nil}`,
		want:    `[true,true,"js",0,1,0,"js got hey",null]`,
		luaWant: `[true,true,"lua",0,1,0,"js got hey",true]`},
	{name: "match of Lua", js: `return nk.matchSignal(nk.matchCreate("games.pit"), "hey")`, lua: `return nk.match_signal(nk.match_create("games.pit"), "hey")`, want: `"lua got hey"`},
	{name: "match unknown", js: `nk.matchCreate("nothing")`, lua: `nk.match_create("nothing")`, code: fault.NotFound},
	{name: "match id", js: `nk.matchGet("x")`, lua: `nk.match_get("x")`, err: "match id invalid"},
	{name: "match list default", js: `return nk.matchList(0).length`, lua: `return #nk.match_list(0)`, want: `0`},

	{name: "stream", js: `var s = {mode: 8, subject: nk.uuidv4(), label: "js"}; var r = [nk.streamUserJoin(USER, SESSION, s), nk.streamUserJoin(USER, SESSION, s), nk.streamCount(s)]; var p = nk.streamUserList(s)[0]; r.push(p.userId === USER, p.sessionId === SESSION, p.node, p.nodeId, p.persistence, p.hidden); nk.streamUserUpdate(USER, SESSION, s, false, true, "busy"); r.push(nk.streamUserGet(USER, SESSION, s).status); nk.streamSend(s, "data"); nk.streamSendRaw(s, {streamData: {data: "raw"}}); nk.streamUserKick({userId: USER, sessionId: SESSION}, s); r.push(nk.streamCount(s), nk.streamUserGet(USER, SESSION, s)); nk.streamUserJoin(USER, SESSION, s); nk.streamUserLeave(USER, SESSION, s); nk.streamClose(s); return r`,
		lua:     `local s = {mode = 8, subject = nk.uuid_v4(), label = "lua"}; local r = {nk.stream_user_join(USER, SESSION, s), nk.stream_user_join(USER, SESSION, s), nk.stream_count(s)}; local p = nk.stream_user_list(s)[1]; for _, v in ipairs({p.user_id == USER, p.session_id == SESSION, p.node, p.node, p.persistence, p.hidden}) do r[#r + 1] = v end; nk.stream_user_update(USER, SESSION, s, false, true, "busy"); r[#r + 1] = nk.stream_user_get(USER, SESSION, s).status; nk.stream_send(s, "data"); nk.stream_send_raw(s, {stream_data = {data = "raw"}}); nk.stream_user_kick({user_id = USER, session_id = SESSION}, s); r[#r + 1] = nk.stream_count(s); r[#r + 1] = nk.stream_user_get(USER, SESSION, s) == nil; nk.stream_user_join(USER, SESSION, s); nk.stream_user_leave(USER, SESSION, s); nk.stream_close(s); return r`,
		want:    `[true,false,1,true,true,"node1","node1",true,false,"busy",0,null]`,
		luaWant: `[true,false,1,true,true,"node1","node1",true,false,"busy",0,true]`},
	{name: "stream mode", js: `nk.streamCount({mode: 256})`, lua: `nk.stream_count({mode = -1})`, err: "from 0 to 255"},
	{name: "stream envelope", js: `nk.streamSendRaw({mode: 8}, {streamData: {date: "raw"}})`, lua: `nk.stream_send_raw({mode = 8}, {stream_data = {date = "raw"}})`, err: "streamData.date", luaErr: "stream_data.date"},

	{name: "metrics", js: `nk.metricsCounterAdd("c", {a: "b"}, 1); nk.metricsGaugeSet("g", {}, 1.5); nk.metricsTimerRecord("t", null, 1000)`, lua: `nk.metrics_counter_add("c", {a = "b"}, 1); nk.metrics_gauge_set("g", nil, 1.5); nk.metrics_timer_record("t", {}, 1000)`, want: `null`},
	{name: "metrics tags", js: `nk.metricsCounterAdd("c", {a: 1}, 1)`, lua: `nk.metrics_counter_add("c", {a = 1}, 1)`, err: "(tags.a): expected a string", luaErr: "(tags.a: expected a string"},
	{name: "event", js: `nk.event("happened", {a: "b"}, 1577966400)`, lua: `nk.event("happened", {a = "b"})`, want: `null`},
	{name: "event time", js: `nk.event("happened", {}, 0)`, lua: `nk.event("happened", {}, 0)`, err: "Unix seconds"},
	{name: "context", js: `return [ctx.env, ctx.executionMode, ctx.node, ctx.version, "userId" in ctx, "headers" in ctx, (ctx.mine = 1, ctx.mine), Object.keys(ctx)]`,
		lua:     `ctx.mine = 1; return {ctx.env, ctx.execution_mode, ctx.node, ctx.version, ctx.user_id ~= nil, next(ctx.headers) ~= nil, ctx.mine, nk.get_context().execution_mode}`,
		want:    `[{"mood":"fine"},"rpc","node1","test",false,false,1,["env","executionMode","node","version","moduleVersion","mine"]]`,
		luaWant: `[{"mood":"fine"},"rpc","node1","test",false,false,1,"run_once"]`},
	{name: "config", js: `return CONFIG`, lua: `local c = nk.get_config(); return {c.name, c.runtime.env, c.session.single_socket, c.social.steam.app_id}`, want: `["node1",["mood=fine"],false,0]`},
	{name: "logger", js: `logger.info("said %s %d", "it", 5); logger.withField("k", "v").warn("field"); logger.withFields({n: 1}).withField("m", 2).error("fields"); return logger.withFields({n: 1}).getFields()`,
		lua: `nk.logger_info("said %s %d", "it", 5); nk.logger_warn("field", {k = "v"}); nk.logger_error("fields", {n = 1, m = 2}); return {n = 1, rpc_id = "js logger"}`, want: `{"n":1,"rpc_id":"js logger"}`},
	{name: "logger text", js: `logger.debug("plain", {a: 1}); return null`, lua: `return nk.logger_debug("a %d%%", 5)`, want: `null`, luaWant: `"a 5%"`},
	{name: "purchases list", js: `return nk.purchasesList(USER)`, lua: `return {nk.purchases_list(USER)}`, want: `{"validatedPurchases":[],"cursor":null,"prevCursor":null}`, luaWant: `[{}]`},
	{name: "purchase store", js: `return nk.purchaseValidateHuawei(USER, "{}", "x")`, lua: `return nk.purchase_validate_huawei(USER, "x", "{}")`, code: fault.FailedPrecondition, err: "Huawei IAP is not configured."},
	{name: "satori", js: `nk.getSatori().flagsList("x")`, lua: `nk.get_satori().flags_list("x")`, code: fault.FailedPrecondition, err: "satori configuration is invalid"},
	{name: "both spellings", js: `return [typeof nk.tournamentsRanksDisable, typeof nk.tournamentRanksDisable, typeof nk.nothing]`, lua: `return {type(nk.tournament_ranks_disable), "function", type(nk.nothing)}`,
		want: `["function","function","undefined"]`, luaWant: `["function","function","nil"]`},
	{name: "wrong type", js: `nk.storageRead("x")`, lua: `nk.storage_read("x")`, err: "expected a list"},
	{name: "wrong item", js: `nk.storageRead([{collection: "c"}])`, lua: `nk.storage_read({{collection = "c"}})`, err: "[0].key): expected a string", luaErr: "[0].key: expected a string"},
	{name: "coded error", js: `throw {message: "mine", code: 9}`, lua: `error({"mine", 9})`, code: fault.FailedPrecondition, err: "mine"},
	{name: "plain error", js: `throw new Error("oops")`, lua: `error("oops")`, code: fault.Internal, err: "oops"},
	{name: "caught", js: `try { nk.matchGet("x") } catch (e) { return e.message.indexOf("match id invalid") >= 0 }`, lua: `local ok, e = pcall(nk.match_get, "x"); return (not ok) and tostring(e):find("match id invalid", 1, true) ~= nil`, want: `true`},
}

// arenaJS and pitLua are matches that answer signals.
const arenaJS = `{
	matchInit: function (ctx, logger, nk, params) { return {state: {}, tickRate: 1, label: params.label || ""} },
	matchJoinAttempt: function (ctx, logger, nk, d, tick, state) { return {state: state, accept: true} },
	matchJoin: function (ctx, logger, nk, d, tick, state) { return {state: state} },
	matchLeave: function (ctx, logger, nk, d, tick, state) { return {state: state} },
	matchLoop: function (ctx, logger, nk, d, tick, state) { return {state: state} },
	matchTerminate: function (ctx, logger, nk, d, tick, state) { return null },
	matchSignal: function (ctx, logger, nk, d, tick, state, data) { return {state: state, data: "js got " + data} },
}`

const pitLua = `local M = {}
function M.match_init(ctx, params) return {}, 1, "" end
function M.match_join_attempt(ctx, d, tick, state) return state, true end
function M.match_join(ctx, d, tick, state) return state end
function M.match_leave(ctx, d, tick, state) return state end
function M.match_loop(ctx, d, tick, state) return state end
function M.match_terminate(ctx, d, tick, state) return nil end
function M.match_signal(ctx, d, tick, state, data) return state, "lua got " .. data end
return M`

func caseID(lang, name string) string { return lang + " " + strings.ToLower(name) }

// caseFiles makes modules with an RPC for each case.
func caseFiles(constants map[string]string) map[string]string {
	var js, lua strings.Builder
	lua.WriteString("local nk = require(\"nakama\")\n")
	for name, value := range constants {
		text, _ := json.Marshal(value)
		fmt.Fprintf(&js, "const %s = %s;\n", name, text)
		fmt.Fprintf(&lua, "local %s = %s\n", name, strings.ReplaceAll(string(text), `\/`, "/"))
	}
	js.WriteString("function InitModule(ctx, logger, nk, initializer) {\nconst c = initializer.getConfig(); const CONFIG = [c.name, c.runtime.env, c.session.single_socket, c.social.steam.app_id];\n")
	fmt.Fprintf(&js, "initializer.registerMatch('arena', %s);\n", arenaJS)
	for _, c := range fnCases {
		fmt.Fprintf(&js, "initializer.registerRpc(%q, (ctx, logger, nk, payload) => { const {USER, USER2, SESSION} = JSON.parse(payload); const r = (() => {%s})(); return JSON.stringify(r === undefined ? null : r) });\n", caseID("js", c.name), c.js)
		fmt.Fprintf(&lua, "nk.register_rpc(function (ctx, payload) local p = nk.json_decode(payload); local USER, USER2, SESSION = p.USER, p.USER2, p.SESSION; local r = (function () %s end)(); return nk.json_encode(r) end, %q)\n", c.lua, caseID("lua", c.name))
	}
	js.WriteString("}\n")
	return map[string]string{"index.js": js.String(), "cases.lua": lua.String(), "games/pit.lua": pitLua, "note.txt": "a note"}
}

func TestFunctions(t *testing.T) {
	t.Parallel()
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body := make([]byte, 4)
		_, _ = r.Body.Read(body)
		w.Header().Set("X-Out", "out")
		w.WriteHeader(http.StatusCreated)
		fmt.Fprintf(w, "%s %s %s", r.Method, r.Header.Get("X-In"), body)
	}))
	t.Cleanup(web.Close)
	key, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	w := newTestServer(t, caseFiles(map[string]string{
		"HTTP":  web.URL,
		"PKCS1": string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})),
		"PKCS8": string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})),
	}))
	for i, c := range fnCases {
		for _, lang := range []string{"js", "lua"} {
			t.Run(lang+"/"+c.name, func(t *testing.T) {
				who := w.connect(t, fmt.Sprintf("user_%s_%d", lang, i))
				other := w.connect(t, fmt.Sprintf("other_%s_%d", lang, i))
				payload, _ := json.Marshal(map[string]string{"USER": who.user.String(), "USER2": other.user.String(), "SESSION": who.id.String()})
				got, err := w.call(t, caseID(lang, c.name), string(payload))
				want, wantErr := c.want, c.err
				if lang == "lua" && c.luaWant != "" {
					want = c.luaWant
				}
				if lang == "lua" && c.luaErr != "" {
					wantErr = c.luaErr
				}
				if c.code != 0 || wantErr != "" {
					if err == nil {
						t.Fatalf("got %s, want an error", got)
					}
					if c.code != 0 && fault.CodeOf(err) != c.code {
						t.Errorf("got error code %d (%v), want %d", fault.CodeOf(err), err, c.code)
					}
					if msg := fault.Text(err); !strings.Contains(msg, wantErr) {
						t.Errorf("got the message %q, want it to say %q", msg, wantErr)
					}
					return
				}
				if err != nil {
					t.Fatalf("got the error %v, want %s", err, want)
				}
				wantJSON(t, c.name, got, want)
			})
		}
	}
	for _, want := range [][]string{
		{`"runtime":"javascript"`, `"rpc_id":"js logger"`, "said it 5"}, {`"runtime":"javascript"`, `"k":"v"`, "field"}, {`"level":"error"`, `"n":1`, `"m":2`, "fields"},
		{`"runtime":"lua"`, `"rpc_id":"lua logger"`, "said it 5"}, {`"runtime":"lua"`, `"k":"v"`, "field"},
		{`"runtime":"javascript"`, "script function failed", "oops", "index.js"}, {`"runtime":"lua"`, "script function failed", "oops", "cases"},
	} {
		if len(w.log.Lines(want...)) == 0 {
			t.Errorf("no log line with %q", want)
		}
	}
	if l := w.log.Lines("mine"); len(l) > 0 {
		t.Errorf("an error that the script raised with a code was logged: %s", l)
	}
}
