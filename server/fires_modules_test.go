package server_test

import (
	"context"
	"database/sql"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"github.com/heroiclabs/nakama-common/runtime"
	"google.golang.org/protobuf/proto"

	"kumi/hooks"
	"kumi/modules/golang"
	"kumi/modules/script"
	"kumi/modules/script/nk"
	"kumi/server/servertest"
	"kumi/vm"
)

// The same module in each language registers everything that can be registered,
// and says in the log when something fires: "fired" and a name. The names are the
// same in each language: "before GetAccount", "rt after chain Ping", "event".

// singles are the registrations without a name, as scripts know them.
var singles = []string{
	"event", "event_session_start", "event_session_end", "shutdown",
	"matchmaker_matched", "matchmaker_override", "matchmaker_processor",
	"tournament_end", "tournament_reset", "leaderboard_reset",
	"purchase_notification_apple", "purchase_notification_google", "subscription_notification_apple", "subscription_notification_google",
}

// hooked visits every hook that there is: its name, the function in Lua and
// JavaScript that registers it, and the call it is for.
func hooked(visit func(fires, lua, js, name string, before bool)) {
	for i := range hooks.Methods {
		name := hooks.Methods[i].Name
		visit("before "+name, "register_req_before", "registerBefore"+name, name, true)
		visit("after "+name, "register_req_after", "registerAfter"+name, name, false)
		visit("before chain "+name, "register_req_before_chain", "registerBeforeChain", name, true)
		visit("after chain "+name, "register_req_after_chain", "registerAfterChain", name, false)
	}
	for _, name := range hooks.RealtimeNames {
		visit("rt before "+name, "register_rt_before", "registerRtBefore", name, true)
		visit("rt after "+name, "register_rt_after", "registerRtAfter", name, false)
		visit("rt before chain "+name, "register_rt_before_chain", "registerRtBeforeChain", name, true)
		visit("rt after chain "+name, "register_rt_after_chain", "registerRtAfterChain", name, false)
	}
}

// registrar counts what a module was made to register, to find out what it was
// not.
type registrar struct{ used map[string]bool }

func (r *registrar) use(name string) string {
	r.used[name] = true
	return name
}

func (r *registrar) missing(t *testing.T, names []string, prefix string) {
	t.Helper()
	for _, name := range names {
		if strings.HasPrefix(name, prefix) && !r.used[name] {
			t.Errorf("%s is a way to register something, and nothing here tries it", name)
		}
	}
}

func javascriptModule(t *testing.T) servertest.Option {
	r := registrar{map[string]bool{}}
	var b strings.Builder
	b.WriteString("function InitModule(ctx, logger, nk, initializer) {\n")
	hooked(func(fires, _, js, name string, before bool) {
		id := ""
		if !strings.HasSuffix(js, name) {
			id = fmt.Sprintf("%q, ", name)
		}
		result := ""
		if before {
			result = " return x;"
		}
		fmt.Fprintf(&b, "initializer.%s(%s(ctx, logger, nk, x) => { logger.info(%q);%s });\n", r.use(js), id, "fired "+fires, result)
	})
	for _, name := range singles {
		result := map[string]string{"matchmaker_override": " return x;", "matchmaker_processor": " return [x];"}[name]
		fmt.Fprintf(&b, "initializer.%s((ctx, logger, nk, x) => { logger.info(%q);%s });\n", r.use(vm.Camel("register_"+name)), "fired "+name, result)
	}
	r.use("registerFleetCreated") // test.TestFleet
	r.use("registerStorageIndex")
	r.use("registerStorageIndexFilter")
	r.use("registerRpc")
	r.use("registerMatch")
	r.use("registerHttp")
	r.use("registerConsoleHttp") // test.TestConsoleRoutes
	r.use("registerJob")
	b.WriteString(`
initializer.registerStorageIndex("index", "things", "", ["a"], [], 10, false);
initializer.registerStorageIndexFilter("index", (ctx, logger, nk, w) => { logger.info("fired storage_index_filter"); return w.collection === "things"; });
initializer.registerRpc("fire", (ctx, logger) => { logger.info("fired rpc"); });
initializer.registerHttp("/fire", (ctx, logger) => { logger.info("fired http"); return "done"; });
initializer.registerJob("fire", (ctx, logger) => { logger.info("fired job"); }, "@every 1s");
const keep = (ctx, logger, nk, d, tick, state) => ({ state });
initializer.registerMatch("fire", {
	matchInit: (ctx, logger) => { logger.info("fired match"); return { state: {}, tickRate: 1, label: "" }; },
	matchJoinAttempt: (ctx, logger, nk, d, tick, state) => ({ state, accept: true }),
	matchJoin: keep, matchLeave: keep, matchLoop: keep, matchTerminate: keep, matchSignal: keep });
initializer.registerRpc("match", (ctx, logger, nk) => nk.matchCreate("fire"));
nk.leaderboardCreate("board", false, "desc", "best", "* * * * * * *");
nk.tournamentCreate("cup", false, "desc", "best", 3600, "", null, "", "", 0, 0, 0, 0, 0, true);
nk.tournamentCreate("quick", false, "desc", "best", 1, "* * * * * * *");
}`)
	r.missing(t, script.Initializer(vm.JS, nil).Names(), "register")
	return servertest.Module("index.js", b.String())
}

func luaModule(t *testing.T) servertest.Option {
	r := registrar{map[string]bool{}}
	var b strings.Builder
	b.WriteString("local nk = require(\"nakama\")\nlocal function say(name, keep)\n\treturn function(ctx, x) nk.logger_info(\"fired \" .. name); if keep then return x end end\nend\n")
	hooked(func(fires, lua, _, name string, before bool) {
		fmt.Fprintf(&b, "nk.%s(say(%q, %t), %q)\n", r.use(lua), fires, before, name)
	})
	for _, name := range singles {
		fn := fmt.Sprintf("say(%q, %t)", name, name == "matchmaker_override")
		if name == "matchmaker_processor" {
			fn = fmt.Sprintf("function(ctx, x) nk.logger_info(%q); return { x } end", "fired "+name)
		}
		fmt.Fprintf(&b, "nk.%s(%s)\n", r.use("register_"+name), fn)
	}
	r.use("register_fleet_created") // test.TestFleet
	r.use("register_storage_index")
	r.use("register_storage_index_filter")
	r.use("register_rpc")
	r.use("register_http")
	r.use("register_console_http") // test.TestConsoleRoutes
	r.use("register_job")
	b.WriteString(`
nk.register_storage_index("index", "things", "", { "a" }, {}, 10, false)
nk.register_storage_index_filter("index", function(ctx, w) nk.logger_info("fired storage_index_filter"); return w.collection == "things" end)
nk.register_rpc(say("rpc"), "fire")
nk.register_http(function() nk.logger_info("fired http"); return "done" end, "/fire")
nk.register_job(say("job"), "fire", "@every 1s")
nk.register_rpc(function() return nk.match_create("fire") end, "match")
nk.leaderboard_create("board", false, "desc", "best", "* * * * * * *")
nk.tournament_create("cup", false, "desc", "best", 3600, "", nil, "", "", 0, 0, 0, 0, 0, true)
nk.tournament_create("quick", false, "desc", "best", 1, "* * * * * * *")
`)
	r.missing(t, nk.Library(vm.Lua, nil).Names(), "register_")
	return func(t testing.TB, s *servertest.Setup) {
		servertest.Module("main.lua", b.String())(t, s)
		servertest.Module("fire.lua", `
local nk = require("nakama")
local keep = function(ctx, d, tick, state) return state end
return {
	match_init = function() nk.logger_info("fired match"); return {}, 1, "" end,
	match_join_attempt = function(ctx, d, tick, state) return state, true end,
	match_join = keep, match_leave = keep, match_loop = keep, match_terminate = keep, match_signal = keep }`)(t, s)
	}
}

// The Go module is in the whole test binary, so it only registers where the
// environment asks for it.
func init() { golang.Register("fires", goModule) }

func goModule(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, initializer runtime.Initializer) error {
	if env, _ := ctx.Value(runtime.RUNTIME_CTX_ENV).(map[string]string); env["fires"] != "go" {
		return nil
	}
	g := goRegistrar{initializer: reflect.ValueOf(initializer), used: map[string]bool{}}
	hooked(func(fires, lua, js, name string, before bool) {
		method := "R" + js[1:]
		if strings.HasPrefix(fires, "rt") && !strings.HasSuffix(method, "Chain") { // RegisterBeforeRt
			method = strings.Replace(strings.Replace(method, "RtBefore", "BeforeRt", 1), "RtAfter", "AfterRt", 1)
		}
		if method == "RegisterBeforeEvent" || method == "RegisterAfterEvent" {
			return // not in the contract; there is the chain
		}
		if strings.HasSuffix(method, name) && !strings.HasPrefix(fires, "rt") {
			g.register(method, fires)
		} else {
			g.register(method, fires, name)
		}
	})
	for _, name := range singles {
		g.register("R"+vm.Camel("register_" + name)[1:], name)
	}
	g.register("RegisterRpc", "rpc", "fire")
	g.register("RegisterStorageIndexFilter", "storage_index_filter", "index")
	for method, err := range map[string]error{
		"RegisterStorageIndex": initializer.RegisterStorageIndex("index", "things", "", []string{"a"}, nil, 10, false),
		"RegisterHttp":         initializer.RegisterHttp("/fire", func(http.ResponseWriter, *http.Request) { logger.Info("fired http") }),
		"RegisterHttpAuth": initializer.(golang.Initializer).RegisterHttpAuth("/fire_user", "session", func(w http.ResponseWriter, r *http.Request) {
			user, _ := r.Context().Value(runtime.RUNTIME_CTX_USER_ID).(string)
			_, _ = w.Write([]byte(user))
		}),
		"RegisterJob": initializer.(golang.Initializer).RegisterJob("fire", "@every 1s", func(_ context.Context, logger runtime.Logger, _ *sql.DB, _ runtime.NakamaModule, _ string) error {
			logger.Info("fired job")
			return nil
		}),
		"RegisterMatch": initializer.RegisterMatch("fire", func(_ context.Context, logger runtime.Logger, _ *sql.DB, _ runtime.NakamaModule) (runtime.Match, error) {
			logger.Info("fired match")
			return nil, runtime.NewError("enough", 9)
		}),
	} {
		g.note(method, err)
	}
	g.note("LeaderboardCreate", nk.LeaderboardCreate(ctx, "board", false, "desc", "best", "* * * * * * *", nil, false))
	g.note("TournamentCreate", nk.TournamentCreate(ctx, "cup", false, "desc", "best", "", nil, "", "", 0, 0, 0, 3600, 0, 0, true, false))
	g.note("TournamentCreate", nk.TournamentCreate(ctx, "quick", false, "desc", "best", "* * * * * * *", nil, "", "", 0, 0, 0, 1, 0, 0, false, false))
	g.note("RegisterRpc", initializer.RegisterRpc("match", func(ctx context.Context, _ runtime.Logger, _ *sql.DB, nk runtime.NakamaModule, _ string) (string, error) {
		_, err := nk.MatchCreate(ctx, "fire", nil)
		return "", err
	}))
	g.used["RegisterFleetManager"] = true // test.TestGoFleetManager
	g.used["RegisterConsoleHttp"] = true  // test.TestConsoleRoutes
	g.used["RegisterConsoleHttpAuth"] = true
	for i := range g.initializer.NumMethod() {
		if name := g.initializer.Type().Method(i).Name; strings.HasPrefix(name, "Register") && !g.used[name] {
			g.note(name, fmt.Errorf("nothing here tries it"))
		}
	}
	return g.err
}

// goRegistrar registers functions of any signature.
type goRegistrar struct {
	initializer reflect.Value
	used        map[string]bool
	err         error
}

func (g *goRegistrar) note(method string, err error) {
	g.used[method] = true
	if err != nil && g.err == nil {
		g.err = fmt.Errorf("%s: %w", method, err)
	}
}

// register registers a function that says what fires with the logger it gets,
// and gives back what it got where it has to.
func (g *goRegistrar) register(method, fires string, id ...string) {
	m := g.initializer.MethodByName(method)
	if !m.IsValid() {
		g.note(method, fmt.Errorf("the initializer has no such method"))
		return
	}
	var args []reflect.Value
	for i := range m.Type().NumIn() {
		kind := m.Type().In(i)
		if kind.Kind() != reflect.Func {
			args = append(args, reflect.ValueOf(id[0]))
			continue
		}
		args = append(args, reflect.MakeFunc(kind, func(in []reflect.Value) []reflect.Value {
			in[1].Interface().(runtime.Logger).Info("fired %s", fires)
			out := make([]reflect.Value, kind.NumOut())
			for i := range out {
				out[i] = reflect.Zero(kind.Out(i))
			}
			switch {
			case len(out) == 2 && kind.NumIn() == 5 && in[4].Type() == kind.Out(0) && kind.Out(0).Implements(reflect.TypeFor[proto.Message]()):
				out[0] = in[4] // a before hook gives its request back
			case fires == "matchmaker_override":
				out[0] = in[4]
			case fires == "matchmaker_processor":
				out[0] = reflect.Append(out[0], in[4])
			case fires == "storage_index_filter":
				out[0] = reflect.ValueOf(true)
			}
			return out
		}))
	}
	err, _ := m.Call(args)[0].Interface().(error)
	g.note(method, err)
}
