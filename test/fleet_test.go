package test

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	nkruntime "github.com/heroiclabs/nakama-common/runtime"

	"kumi/modules/golang"
	"kumi/server/servertest"
)

// Each language creates a game server, and uses it once it is ready.
var fleetModules = map[string]servertest.Option{
	"javascript": servertest.Module("index.ts", `
		export function InitModule(ctx, logger, nk, initializer) {
			initializer.registerFleetCreated((ctx, logger, nk, c) => {
				const i = c.instanceInfo;
				logger.info("creation %s for %s", c.status, c.metadata.user, );
				if (i) logger.info("created %s %s %s %s", i.id, i.status, i.connectionInfo.ipAddress, c.sessionInfo.map(s => s.userId + (s.sessionId ? "+" : "")).join());
				else logger.info("failed: %s", c.error);
			});
			initializer.registerRpc("create", (ctx, logger, nk, user) => {
				const latencies = [{ userId: user, latencyInMilliseconds: 12.5, regionIdentifier: "here" }];
				return JSON.stringify(nk.getFleetManager().create(4, [user], latencies, { user, map: "forest" }));
			});
			initializer.registerRpc("play", (ctx, logger, nk, id) => {
				const fm = nk.getFleetManager();
				const listed = fm.list("+metadata.map:forest +free:3 +status:running", 1), all = fm.list();
				const joined = fm.join(id, ["bob", "eve"], { team: "red" });
				fm.update(id, 3, { map: "desert" });
				const i = fm.get(id);
				let full = "", unknown = "";
				try { fm.join(id, ["x", "y"]) } catch (e) { full = e.code + " " + e.message }
				try { fm.delete("x") } catch (e) { unknown = e.code + " " + e.message }
				fm.delete(id);
				return JSON.stringify({
					listed: listed.instances.map(i => i.id === id), more: !!listed.cursor, all: all.instances.length, joined: joined.sessionInfo.map(s => s.userId), into: joined.instanceInfo.id === id,
					players: i.playerCount, map: i.metadata.map, port: i.connectionInfo.port > 0, age: i.createTime > 1700000000, full, unknown, after: fm.get(id).status,
				});
			});
			initializer.registerRpc("none", (ctx, logger, nk) => "" + nk.getFleetManager());
		}`),
	"lua": servertest.Module("main.lua", `
		local nk = require("nakama")
		nk.register_fleet_created(function(ctx, c)
			local i = c.instance_info
			nk.logger_info("creation " .. c.status .. " for " .. c.metadata.user)
			if not i then nk.logger_info("failed: " .. c.error) return end
			local users = {}
			for _, s in ipairs(c.session_info) do table.insert(users, s.user_id .. (#s.session_id > 0 and "+" or "")) end
			nk.logger_info("created " .. i.id .. " " .. i.status .. " " .. i.connection_info.ip_address .. " " .. table.concat(users, ","))
		end)
		nk.register_rpc(function(ctx, user)
			local latencies = { { user_id = user, latency_in_milliseconds = 12.5, region_identifier = "here" } }
			return nk.json_encode(nk.get_fleet_manager().create(4, { user }, latencies, { user = user, map = "forest" }))
		end, "create")
		nk.register_rpc(function(ctx, id)
			local fm = nk.get_fleet_manager()
			local listed, cursor = fm.list("+metadata.map:forest +free:3 +status:running", 1)
			local all = fm.list()
			local joined = fm.join(id, { "bob", "eve" }, { team = "red" })
			fm.update(id, 3, { map = "desert" })
			local i = fm.get(id)
			local _, full = pcall(fm.join, id, { "x", "y" })
			local _, unknown = pcall(fm.delete, "x")
			fm.delete(id)
			return nk.json_encode({
				listed = { listed[1].id == id }, more = cursor ~= nil, all = #all, joined = { joined.session_info[1].user_id, joined.session_info[2].user_id }, into = joined.instance_info.id == id,
				players = i.player_count, map = i.metadata.map, port = i.connection_info.port > 0, age = i.create_time > 1700000000, full = "8 " .. tostring(full), unknown = "5 " .. tostring(unknown), after = fm.get(id).status,
			})
		end, "play")
		nk.register_rpc(function() return nk.get_fleet_manager() == nil and "null" or "there" end, "none")`),
	"go": servertest.Flags("--runtime.env", "fleet=go"),
}

func init() { golang.Register("fleet", goFleet) }

func goFleet(ctx context.Context, _ nkruntime.Logger, _ *sql.DB, _ nkruntime.NakamaModule, initializer nkruntime.Initializer) error {
	env, _ := ctx.Value(nkruntime.RUNTIME_CTX_ENV).(map[string]string)
	switch env["fleet"] {
	case "fake":
		return initializer.RegisterFleetManager(&fakeFleet{})
	case "go":
	default:
		return nil
	}
	return errors.Join(
		initializer.RegisterRpc("create", func(ctx context.Context, logger nkruntime.Logger, _ *sql.DB, nk nkruntime.NakamaModule, user string) (string, error) {
			metadata := map[string]any{"user": user, "map": "forest"}
			out, err := nk.GetFleetManager().Create(ctx, 4, []string{user}, nil, metadata, func(status nkruntime.FmCreateStatus, i *nkruntime.InstanceInfo, sessions []*nkruntime.SessionInfo, metadata map[string]any, err error) {
				logger.Info("creation %s for %s", []string{"success", "timeout", "error"}[status], user)
				if err != nil {
					logger.Info("failed: %s", err)
					return
				}
				logger.Info("created %s %s %s %s+", i.Id, i.Status, i.ConnectionInfo.IpAddress, sessions[0].UserId)
			})
			text, _ := json.Marshal(out)
			return string(text), err
		}),
		initializer.RegisterRpc("play", func(ctx context.Context, _ nkruntime.Logger, _ *sql.DB, nk nkruntime.NakamaModule, id string) (string, error) {
			return playFleet(ctx, nk.GetFleetManager().(nkruntime.FleetManagerInitializer), id)
		}),
		initializer.RegisterRpc("none", func(_ context.Context, _ nkruntime.Logger, _ *sql.DB, nk nkruntime.NakamaModule, _ string) (string, error) {
			if nk.GetFleetManager() == nil {
				return "null", nil
			}
			return "there", nil
		}),
	)
}

func playFleet(ctx context.Context, fm nkruntime.FleetManagerInitializer, id string) (string, error) {
	var errs []error
	check := func(err error) { errs = append(errs, err) }
	listed, cursor, err := fm.List(ctx, "+metadata.map:forest +free:3 +status:running", 1, "")
	check(err)
	all, _, err := fm.List(ctx, "", 0, "")
	check(err)
	joined, err := fm.Join(ctx, id, []string{"bob", "eve"}, map[string]string{"team": "red"})
	check(err)
	check(fm.Update(ctx, id, 3, map[string]any{"map": "desert"}))
	i, err := fm.Get(ctx, id)
	check(err)
	_, full := fm.Join(ctx, id, []string{"x", "y"}, nil)
	unknown := fm.Delete(ctx, "x")
	check(fm.Delete(ctx, id))
	after, err := fm.Get(ctx, id)
	check(err)
	if err := errors.Join(errs...); err != nil {
		return "", err
	}
	out, err := json.Marshal(map[string]any{
		"listed": []bool{listed[0].Id == id}, "more": cursor != "", "all": len(all), "joined": []string{joined.SessionInfo[0].UserId, joined.SessionInfo[1].UserId}, "into": joined.InstanceInfo.Id == id,
		"players": i.PlayerCount, "map": i.Metadata["map"], "port": i.ConnectionInfo.Port > 0, "age": i.CreateTime.Unix() > 1700000000,
		"full": "8 " + full.Error(), "unknown": "5 " + unknown.Error(), "after": after.Status,
	})
	return string(out), err
}

// gameServer are the settings for a game server that is a shell script.
func gameServer(t *testing.T, script string, more ...string) servertest.Option {
	if runtime.GOOS == "windows" {
		t.Skip("the game server is a shell script")
	}
	return servertest.Flags(append([]string{"--fleet.command", "/bin/sh", "--fleet.args", "-c", "--fleet.args", script,
		"--fleet.port_min", "19000", "--fleet.port_max", "19999"}, more...)...)
}

// fleetPlayed is what playing returns in every language.
const fleetPlayed = `{"after":"stopping","age":true,"all":1,"full":"8 the game server has 1 free slots, not 2","into":true,"joined":["bob","eve"],"listed":[true],` +
	`"map":"desert","more":false,"players":3,"port":true,"unknown":"5 there is no game server \"x\""}`

// The server's own fleet manager, in every language.
func TestFleet(t *testing.T) {
	t.Parallel()
	for language, module := range fleetModules {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			var log servertest.Journal
			// It ignores the request to end, so that it can be seen to stop.
			srv := servertest.Start(t, module, log.Keep(), gameServer(t, `trap "" TERM; echo "@fleet ready"; sleep 1000`, "--fleet.stop_grace_sec", "3"))
			payload, a := srv.RPC(t, "create", "ann")
			var out struct{ ID string }
			if err := json.Unmarshal([]byte(payload), &out); err != nil || out.ID == "" {
				t.Fatalf("create: %s", a.Body)
			}
			servertest.Eventually(t, "the game server", func() bool { return len(log.Lines("created "+out.ID)) > 0 })
			if log := strings.Join(log.Lines("creat"), "\n"); !strings.Contains(log, "creation success for ann") || !strings.Contains(log, "running 127.0.0.1 ann+") {
				t.Errorf("the handler said %s", log)
			}
			got, a := srv.RPC(t, "play", out.ID)
			if text := luaPosition.ReplaceAllString(sorted(got), ""); text != fleetPlayed {
				t.Errorf("%s in %s\nwant %s", text, a.Body, fleetPlayed)
			}
		})
	}
}

// luaPosition is what Lua adds to the text of an error: where it was raised.
var luaPosition = regexp.MustCompile(`main\.lua:\d+: `)

// A game server that does not become ready, in every language, and none at all.
func TestFleetFails(t *testing.T) {
	t.Parallel()
	for language, module := range fleetModules {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			var log servertest.Journal
			srv := servertest.Start(t, module, log.Keep(), gameServer(t, `echo "no map"; exit 3`))
			srv.RPC(t, "create", "ann")
			for _, line := range []string{"creation error for ann", "failed: the game server ended before it was ready: exit status 3", "no map"} {
				servertest.Eventually(t, line, func() bool { return len(log.Lines(line)) > 0 })
			}
			none := servertest.Start(t, module)
			if got, a := none.RPC(t, "none", ""); got != "null" {
				t.Errorf("without a fleet manager: %s", a.Body)
			}
		})
	}
	if _, err := servertest.TryStart(t, servertest.Flags("--fleet.command", "/no/such/program")); err == nil || !strings.Contains(err.Error(), "fleet.command") {
		t.Errorf("a command that does not exist: %v", err)
	}
}

// Game servers end with the server.
func TestFleetStops(t *testing.T) {
	t.Parallel()
	pid := 0
	t.Cleanup(func() { // after the server has stopped
		if pid == 0 || processRuns(pid) {
			t.Errorf("the game server %d still runs", pid)
		}
	})
	var log servertest.Journal
	srv := servertest.Start(t, fleetModules["javascript"], log.Keep(), gameServer(t, `echo "its process is $$"; echo "@fleet ready"; sleep 1000`))
	srv.RPC(t, "create", "ann")
	servertest.Eventually(t, "the game server", func() bool { return len(log.Lines("creation success")) > 0 && len(log.Lines("its process is")) > 0 })
	_, text, _ := strings.Cut(log.Lines("its process is")[0], "its process is ")
	pid, _ = strconv.Atoi(strings.TrimRight(strings.Fields(text)[0], `"},`))
	if !processRuns(pid) {
		t.Errorf("the game server %d does not run: %s", pid, text)
	}
}

func processRuns(pid int) bool {
	p, err := os.FindProcess(pid)
	return err == nil && p.Signal(syscall.Signal(0)) == nil
}

// fakeFleet is the fleet manager of a Go module.
type fakeFleet struct {
	nk        nkruntime.NakamaModule
	callbacks nkruntime.FmCallbackHandler
	mu        sync.Mutex
	instance  *nkruntime.InstanceInfo
}

func (f *fakeFleet) Init(nk nkruntime.NakamaModule, callbacks nkruntime.FmCallbackHandler) error {
	f.nk, f.callbacks = nk, callbacks
	return nil
}

func (f *fakeFleet) Create(_ context.Context, maxPlayers int, users []string, latencies []nkruntime.FleetUserLatencies, metadata map[string]any, callback nkruntime.FmCreateCallbackFn) (map[string]string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.instance = &nkruntime.InstanceInfo{Id: "fake-1", Status: "running", CreateTime: time.Now(), Metadata: metadata, ConnectionInfo: &nkruntime.ConnectionInfo{IpAddress: "127.0.0.1", Port: 5}}
	id := f.callbacks.GenerateCallbackId()
	f.callbacks.SetCallback(id, callback)
	go func() {
		for range 2 { // the second is ignored
			f.callbacks.InvokeCallback(id, nkruntime.CreateSuccess, f.instance, []*nkruntime.SessionInfo{{UserId: users[0], SessionId: "s"}}, metadata, nil)
		}
	}()
	return map[string]string{"id": "fake-1", "asked": fmt.Sprint(maxPlayers, latencies)}, nil
}

func (f *fakeFleet) Get(_ context.Context, id string) (*nkruntime.InstanceInfo, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	copied := *f.instance
	return &copied, nil
}

func (f *fakeFleet) List(_ context.Context, query string, limit int, cursor string) ([]*nkruntime.InstanceInfo, string, error) {
	i, err := f.Get(context.Background(), "")
	return []*nkruntime.InstanceInfo{i}, "", err
}

func (f *fakeFleet) Join(_ context.Context, id string, users []string, metadata map[string]string) (*nkruntime.JoinInfo, error) {
	if metadata["team"] != "red" {
		return nil, nkruntime.NewError("the game server has 1 free slots, not 2", 8)
	}
	i, err := f.Get(context.Background(), id)
	return &nkruntime.JoinInfo{InstanceInfo: i, SessionInfo: []*nkruntime.SessionInfo{{UserId: users[0]}, {UserId: users[1]}}}, err
}

func (f *fakeFleet) Update(_ context.Context, id string, players int, metadata map[string]any) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.instance.PlayerCount, f.instance.Metadata = players, metadata
	return nil
}

func (f *fakeFleet) Delete(_ context.Context, id string) error {
	if id != "fake-1" {
		return nkruntime.NewError(`there is no game server "x"`, 5)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.instance.Status = "stopping"
	return nil
}

// A Go module's fleet manager is the one that scripts use, instead of the server's.
func TestGoFleetManager(t *testing.T) {
	t.Parallel()
	for _, language := range []string{"javascript", "lua"} {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			var log servertest.Journal
			srv := servertest.Start(t, fleetModules[language], log.Keep(), servertest.Flags("--runtime.env", "fleet=fake"), gameServer(t, "exit 1"))
			if got, a := srv.RPC(t, "create", "ann"); sorted(got) != `{"asked":"4 [{ann 12.5 here}]","id":"fake-1"}` {
				t.Errorf("create: %s", a.Body)
			}
			servertest.Eventually(t, "the callback", func() bool { return len(log.Lines("created fake-1 running 127.0.0.1 ann+")) == 1 })
			got, a := srv.RPC(t, "play", "fake-1")
			if text := luaPosition.ReplaceAllString(sorted(got), ""); text != fleetPlayed {
				t.Errorf("%s in %s\nwant %s", text, a.Body, fleetPlayed)
			}
			if n := len(log.Lines("creation success")); n != 1 {
				t.Errorf("the callback ran %d times", n)
			}
		})
	}
}

// The example finds a game server for players, and starts one if there is none.
func TestFleetExample(t *testing.T) {
	t.Parallel()
	source, err := os.ReadFile("../examples/fleet/index.ts")
	if err != nil {
		t.Fatal(err)
	}
	var log servertest.Journal
	srv := servertest.Start(t, servertest.Module("index.ts", string(source)), log.Keep(), gameServer(t, "", "--fleet.command", "../examples/fleet/game.sh"))
	without := servertest.Start(t, servertest.Module("index.ts", string(source)))
	if _, a := without.User(t, "ann").RPC(t, "find_game", "forest"); a.Code() != 9 || !strings.Contains(a.Body, "no game servers here") {
		t.Errorf("without a fleet manager: %s", a.Body)
	}
	ann, bob := srv.User(t, "ann"), srv.User(t, "bob")
	notified := ann.Socket(t)
	if got, a := ann.RPC(t, "find_game", "forest"); got != `{"wait":true}` {
		t.Fatalf("the first player: %s", a.Body)
	}
	if told := string(notified.Expect(t, "notifications")["notifications"]); !strings.Contains(told, `\"host\":\"127.0.0.1\"`) || !strings.Contains(told, "sessionId") {
		t.Errorf("the first player was told %s", told)
	}
	got, a := bob.RPC(t, "find_game", "forest")
	if !strings.Contains(got, `"host":"127.0.0.1"`) || !strings.Contains(got, "sessionId") {
		t.Errorf("the second player: %s", a.Body)
	}
	servertest.Eventually(t, "both players", func() bool {
		return len(log.Lines("joined: ", ann.ID)) > 0 && len(log.Lines("joined: ", bob.ID)) > 0
	})
}
