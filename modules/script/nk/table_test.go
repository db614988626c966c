package nk

import (
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/heroiclabs/nakama-common/runtime"
	"github.com/rs/zerolog"

	"kumi/core"
	"kumi/hooks"
	"kumi/internal/testenv"
	"kumi/modules/script"
	"kumi/vm"
)

// goNames are the methods whose script name does not follow from theirs.
var goNames = map[string]string{"ReadFile": "file_read", "LinkGameCenter": "link_gamecenter", "UnlinkGameCenter": "unlink_gamecenter"}

func TestTableHasEveryGoMethod(t *testing.T) {
	t.Parallel()
	js, lua := Library(vm.JS, nil), Library(vm.Lua, nil)
	module := reflect.TypeFor[runtime.NakamaModule]()
	for i := range module.NumMethod() {
		method := module.Method(i).Name
		name := goNames[method]
		if name == "" {
			name = snake(method)
		}
		fn := lua.Lookup(name)
		if fn == nil {
			t.Errorf("Lua has no function %s for the Go method %s", name, method)
			continue
		}
		if js.Lookup(fn.Name.Camel) == nil {
			t.Errorf("JavaScript has no function %s for the Go method %s", fn.Name.Camel, method)
		}
	}
}

// luaOnlyNames and bothNames are the functions that the Go interface lacks.
var (
	luaOnlyNames = strings.Fields(`register_rpc register_req_before register_req_after register_rt_before register_rt_after
		register_matchmaker_matched register_tournament_end register_tournament_reset register_leaderboard_reset
		register_shutdown register_storage_index register_storage_index_filter run_once get_context get_config time
		json_encode json_decode uuid_bytes_to_string uuid_string_to_bytes logger_debug logger_info logger_warn logger_error`)
	bothNames = strings.Fields(`uuid_v4 sql_exec sql_query http_request jwt_generate base64_encode base64_decode
		base64url_encode base64url_decode base16_encode base16_decode aes128_encrypt aes128_decrypt aes256_encrypt
		aes256_decrypt md5_hash sha256_hash hmac_sha256_hash rsa_sha256_hash bcrypt_hash bcrypt_compare
		secure_random_bytes localcache_get localcache_put localcache_delete localcache_clear`)
)

func TestTableHasScriptFunctions(t *testing.T) {
	t.Parallel()
	js, lua := Library(vm.JS, nil), Library(vm.Lua, nil)
	for _, name := range slices.Concat(luaOnlyNames, bothNames) {
		fn := lua.Lookup(name)
		if fn == nil {
			t.Errorf("Lua has no function %s", name)
			continue
		}
		inJS := js.Lookup(fn.Name.Camel) != nil
		if want := slices.Contains(bothNames, name); inJS != want {
			t.Errorf("JavaScript has a function %s: %v, want %v", fn.Name.Camel, inJS, want)
		}
	}
	for _, name := range []string{"binaryToString", "stringToBinary", "tournamentsRanksDisable", "tournamentRanksDisable", "uuidv4", "base64UrlEncode", "base64UrlDecode", "subscriptionsList"} {
		if js.Lookup(name) == nil {
			t.Errorf("JavaScript has no function %s", name)
		}
	}
	if n := len(lua.Names()); n < 194 {
		t.Errorf("Lua has %d functions, fewer than the 194 that are known", n)
	}
	if n := len(js.Names()); n < 172 {
		t.Errorf("JavaScript has %d functions, fewer than the 172 that are known", n)
	}
}

// TestTableNamesOnce finds rows that hide each other.
func TestTableNamesOnce(t *testing.T) {
	t.Parallel()
	for _, lang := range []vm.Lang{vm.JS, vm.Lua} {
		seen := map[string]bool{}
		for i := range table {
			if f := &table[i]; f.Only == vm.Both || f.Only == lang {
				name := f.Name.In(lang)
				if seen[name] {
					t.Errorf("%s has two rows named %s", lang, name)
				}
				seen[name] = true
			}
		}
	}
}

// declarations reads the published TypeScript declarations, wherever the Go
// tool keeps the module that has them.
func declarations(t *testing.T) string {
	t.Helper()
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/heroiclabs/nakama-common").Output()
	if err != nil {
		testenv.Skip(t, "the folder of nakama-common is not known: the go command cannot be run")
	}
	text, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(out)), "index.d.ts"))
	if err != nil {
		testenv.Skip(t, "nakama-common is here without its TypeScript declarations: "+err.Error())
	}
	return string(text)
}

// members lists the methods that an interface of the declarations has.
func members(t *testing.T, text, name string) []string {
	t.Helper()
	at := strings.Index(text, "interface "+name+" {")
	if at < 0 {
		t.Fatalf("the declarations have no interface %s", name)
	}
	body := text[at:]
	if end := strings.Index(body, "\n    }"); end > 0 {
		body = body[:end]
	}
	var names []string
	for _, m := range regexp.MustCompile(`(?m)^\s+([a-zA-Z0-9]+)\s*(?:<[^>]*>)?\(`).FindAllStringSubmatch(body, -1) {
		names = append(names, m[1])
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func TestTableHasDeclaredFunctions(t *testing.T) {
	t.Parallel()
	text := declarations(t)
	for _, c := range []struct {
		name  string
		lib   *vm.Library
		least int
	}{
		{"Nakama", Library(vm.JS, nil), 160},
		{"Initializer", script.Initializer(vm.JS, nil), 160},
		{"Logger", vm.Bind(vm.JS, core.NewLogger(zerolog.Nop()), script.LoggerTable), 4},
		{"MatchDispatcher", vm.Bind(vm.JS, struct{}{}, script.DispatcherTable), 4},
		{"Satori", SatoriLibrary(vm.JS, nil), 10},
	} {
		names := members(t, text, c.name)
		if len(names) < c.least {
			t.Errorf("only %d functions found in interface %s; has the file another form?", len(names), c.name)
		}
		for _, n := range names {
			if c.lib.Lookup(n) == nil {
				t.Errorf("interface %s declares %s, which scripts do not have", c.name, n)
			}
		}
	}
}

func TestInitializerHasEveryHook(t *testing.T) {
	t.Parallel()
	lib := script.Initializer(vm.JS, nil)
	initializer := reflect.TypeFor[runtime.Initializer]()
	// What only Go code can give: handlers of HTTP requests and fleets.
	goOnly := []string{"registerHttp", "registerFleetManager", "registerBeforeRt", "registerAfterRt"}
	for i := range initializer.NumMethod() {
		name := initializer.Method(i).Name
		name = strings.ToLower(name[:1]) + name[1:]
		if lib.Lookup(name) == nil && !slices.Contains(goOnly, name) {
			t.Errorf("the initializer of JavaScript has no %s", name)
		}
	}
	for i := range hooks.Methods {
		for _, prefix := range []string{"registerBefore", "registerAfter"} {
			if name := prefix + hooks.Methods[i].Name; lib.Lookup(name) == nil {
				t.Errorf("the initializer of JavaScript has no %s", name)
			}
		}
	}
}

// snake converts the name of a Go method to snake case.
func snake(name string) string {
	var b strings.Builder
	for i, r := range name {
		if unicode.IsUpper(r) {
			if i > 0 {
				b.WriteByte('_')
			}
			r = unicode.ToLower(r)
		}
		b.WriteRune(r)
	}
	return b.String()
}
