package test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"kumi/server/servertest"
)

// TestHTTPHosts has scripts ask hosts that the rules refuse, by every function
// that makes requests.
func TestHTTPHosts(t *testing.T) {
	t.Parallel()
	target := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if to := r.URL.Query().Get("to"); to != "" {
			http.Redirect(w, r, to, http.StatusFound)
			return
		}
		_, _ = w.Write([]byte("reached"))
	}))
	t.Cleanup(target.Close)
	number := target.URL // http://127.0.0.1:port
	name := strings.Replace(number, "127.0.0.1", "localhost", 1)
	const script = `
		const text = (get) => { try { return get().body } catch (e) { return e.code + " " + e.message } };
		function InitModule(ctx, logger, nk, initializer) {
			initializer.registerRpc("js_plain", (ctx, logger, nk, url) => text(() => nk.httpRequest(url, "get")));
			initializer.registerRpc("js_insecure", (ctx, logger, nk, url) => text(() => nk.httpRequest(url, "get", {}, "", 5000, true)));
			initializer.registerRpc("js_async", async (ctx, logger, nk, url) => {
				try { return (await nk.httpRequestAsync(url, "get")).body } catch (e) { return e.code + " " + e.message }
			});
			initializer.registerRpc("js_uncaught", (ctx, logger, nk, url) => nk.httpRequest(url, "get").body);
		}`
	const lua = `
		local nk = require("nakama")
		nk.register_rpc(function(_, url)
			local ok, code, _, body = pcall(nk.http_request, url, "get")
			return ok and body or "7 " .. tostring(code) -- an error caught in Lua is its text
		end, "lua_plain")
		nk.register_rpc(function(_, url)
			local r = nk.http_requests({ { url = url } })[1]
			return r.error and (r.error_code .. " " .. r.error) or r.body
		end, "lua_several")`
	for what, tc := range map[string]struct {
		flags   []string
		url     string
		refused string // empty: it is reached
	}{
		"no rules":           {nil, name, ""},
		"a name":             {[]string{"--runtime.http_deny", "localhost"}, name, `requests to localhost are not allowed: runtime.http_deny has "localhost"`},
		"by its address":     {[]string{"--runtime.http_deny", "localhost"}, number, ""},
		"a redirect":         {[]string{"--runtime.http_deny", "localhost"}, number + "/?to=" + name, `requests to localhost are not allowed: runtime.http_deny has "localhost"`},
		"where a name leads": {[]string{"--runtime.http_deny", "private"}, name, `runtime.http_deny has "private"`},
		"a network":          {[]string{"--runtime.http_deny", "10.0.0.0/8", "--runtime.http_deny", "127.0.0.0/8"}, number, `requests to 127.0.0.1 are not allowed: runtime.http_deny has "127.0.0.0/8"`},
		"not allowed":        {[]string{"--runtime.http_allow", "*.example.com"}, number, `requests to 127.0.0.1 are not allowed: runtime.http_allow does not have it`},
		"allowed":            {[]string{"--runtime.http_allow", "localhost", "--runtime.http_allow", "127.0.0.1"}, number + "/?to=" + name, ""},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			flags := append([]string{"--runtime.js_min_count", "1", "--runtime.lua_min_count", "1"}, tc.flags...)
			srv := servertest.Start(t, servertest.Flags(flags...), servertest.Module("index.js", script), servertest.Module("main.lua", lua))
			for _, id := range []string{"js_plain", "js_insecure", "js_async", "lua_plain", "lua_several"} {
				got, a := srv.RPC(t, id, tc.url)
				switch {
				case tc.refused == "" && got != "reached":
					t.Errorf("%s: got %q %s", id, got, a.Body)
				case tc.refused != "" && (!strings.Contains(got, tc.refused) || !strings.Contains(got, "7 ")):
					t.Errorf("%s: got %q, want code 7 and %q in %s", id, got, tc.refused, a.Body)
				}
			}
			if _, a := srv.RPC(t, "js_uncaught", tc.url); tc.refused != "" && (a.Status != http.StatusForbidden || a.Get("message") != "Permission denied.") {
				t.Errorf("uncaught: %d %s", a.Status, a.Body)
			}
		})
	}
}
