package test

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/heroiclabs/nakama-common/runtime"

	"kumi/modules/golang"
	"kumi/server/servertest"
	"kumi/store/storetest"
)

// The match of these tests counts what its functions are called with. It is the same in
// three languages; UNIT stands for a class of the state, and functions to restore it.
const enduringTS = `
	class Counter { n = 0; add() { return ++this.n } }
	const enduring = {
		matchInit: () => ({ state: { counter: new Counter(), attempts: 0, joins: [], leaves: [], restored: [], players: new Map() }, tickRate: 10, label: "begun" }),
		matchJoinAttempt(ctx, logger, nk, d, tick, state, presence) { state.attempts++; return { state, accept: presence.username !== "eve" } },
		matchJoin(ctx, logger, nk, d, tick, state, presences) { for (const p of presences) { state.joins.push(p.username); state.players.set(p.userId, p) } return { state } },
		matchLeave(ctx, logger, nk, d, tick, state, presences) { for (const p of presences) { state.leaves.push(p.username); state.players.delete(p.userId) } return { state } },
		matchLoop(ctx, logger, nk, d, tick, state, messages) {
			for (const m of messages) {
				const n = state.counter.add();
				d.matchLabelUpdate("at " + n);
				d.broadcastMessage(1, String(n));
			}
			return { state };
		},
		matchTerminate: (ctx, logger, nk, d, tick, state) => { state.leaves.push("terminated"); return { state } },
		matchSignal(ctx, logger, nk, d, tick, state, data) {
			if (data === "end") return null;
			if (data === "break") state.broken = () => 1;
			return { state, data: JSON.stringify({ n: state.counter.n, tick, attempts: state.attempts, joins: state.joins.join(" "), leaves: state.leaves.join(" "), restored: state.restored.join(" "), players: state.players.size, label: ctx.matchLabel }) };
		},
		matchSnapshot: (ctx, logger, nk, d, tick, state) => ({ state: { ...state, counter: state.counter.n } }),
		matchRestore: (ctx, logger, nk, d, tick, state) => ({ state: { ...state, counter: Object.assign(new Counter(), { n: state.counter }) } }),
		matchRestored(ctx, logger, nk, d, tick, state, presences) { state.restored = presences.map(p => p.username).sort(); return { state } },
	};
	export function InitModule(ctx, logger, nk, initializer) {
		initializer.registerMatch("enduring", enduring);
		initializer.registerRpc("start", () => nk.matchCreate("enduring", {}));
		initializer.registerRpc("signal", (ctx, logger, nk, payload) => { const { id, data } = JSON.parse(payload); return nk.matchSignal(id, data) });
	}`

const enduringLua = `
	local nk = require("nakama")
	local Counter = {}
	Counter.__index = Counter
	function Counter:add() self.n = self.n + 1 return self.n end
	local M = {}
	function M.match_init(ctx, params)
		return { counter = setmetatable({ n = 0 }, Counter), attempts = 0, joins = {}, leaves = {}, restored = {}, players = {} }, 10, "begun"
	end
	function M.match_join_attempt(ctx, d, tick, state, presence) state.attempts = state.attempts + 1 return state, presence.username ~= "eve" end
	function M.match_join(ctx, d, tick, state, presences)
		for _, p in ipairs(presences) do table.insert(state.joins, p.username) state.players[p.user_id] = p end
		return state
	end
	function M.match_leave(ctx, d, tick, state, presences)
		for _, p in ipairs(presences) do table.insert(state.leaves, p.username) state.players[p.user_id] = nil end
		return state
	end
	function M.match_loop(ctx, d, tick, state, messages)
		for _, m in ipairs(messages) do
			local n = state.counter:add()
			d.match_label_update("at " .. n)
			d.broadcast_message(1, tostring(n))
		end
		return state
	end
	function M.match_terminate(ctx, d, tick, state) table.insert(state.leaves, "terminated") return state end
	function M.match_signal(ctx, d, tick, state, data)
		if data == "end" then return nil end
		if data == "break" then state.broken = setmetatable({}, Counter) end
		local players = 0
		for _ in pairs(state.players) do players = players + 1 end
		return state, nk.json_encode({ n = state.counter.n, tick = tick, attempts = state.attempts, joins = table.concat(state.joins, " "), leaves = table.concat(state.leaves, " "), restored = table.concat(state.restored, " "), players = players, label = ctx.match_label })
	end
	function M.match_restore(ctx, d, tick, state) setmetatable(state.counter, Counter) return state end
	function M.match_restored(ctx, d, tick, state, presences)
		for _, p in ipairs(presences) do table.insert(state.restored, p.username) end
		table.sort(state.restored)
		return state
	end
	return M`

const enduringLuaMain = `
	local nk = require("nakama")
	nk.register_rpc(function() return nk.match_create("enduring", {}) end, "start")
	nk.register_rpc(function(ctx, payload) local q = nk.json_decode(payload) return nk.match_signal(q.id, q.data) end, "signal")`

func init() { golang.Register("enduring", goEnduring) }

func goEnduring(ctx context.Context, _ runtime.Logger, _ *sql.DB, nk runtime.NakamaModule, i runtime.Initializer) error {
	if env, _ := ctx.Value(runtime.RUNTIME_CTX_ENV).(map[string]string); env["enduring"] != "go" {
		return nil
	}
	if err := i.RegisterRpc("start_go", func(ctx context.Context, _ runtime.Logger, _ *sql.DB, nk runtime.NakamaModule, _ string) (string, error) {
		return nk.MatchCreate(ctx, "enduring_go", nil)
	}); err != nil {
		return err
	}
	if err := i.RegisterRpc("signal_go", func(ctx context.Context, _ runtime.Logger, _ *sql.DB, nk runtime.NakamaModule, payload string) (string, error) {
		var q struct{ ID, Data string }
		if err := json.Unmarshal([]byte(payload), &q); err != nil {
			return "", err
		}
		return nk.MatchSignal(ctx, q.ID, q.Data)
	}); err != nil {
		return err
	}
	return i.RegisterMatch("enduring_go", func(context.Context, runtime.Logger, *sql.DB, runtime.NakamaModule) (runtime.Match, error) {
		return goEnduringMatch{}, nil
	})
}

type goEnduringMatch struct{}

var _ golang.MatchSnapshotter = goEnduringMatch{}

type enduringState struct {
	N, Attempts             int
	Joins, Leaves, Restored []string
}

// enduringReport is what the signal answers, in all languages.
type enduringReport struct {
	N, Tick, Attempts, Players     int
	Joins, Leaves, Restored, Label string
}

func (goEnduringMatch) MatchInit(context.Context, runtime.Logger, *sql.DB, runtime.NakamaModule, map[string]any) (any, int, string) {
	return &enduringState{}, 10, "begun"
}

func (goEnduringMatch) MatchJoinAttempt(_ context.Context, _ runtime.Logger, _ *sql.DB, _ runtime.NakamaModule, _ runtime.MatchDispatcher, _ int64, state any, p runtime.Presence, _ map[string]string) (any, bool, string) {
	state.(*enduringState).Attempts++
	return state, p.GetUsername() != "eve", ""
}

func (goEnduringMatch) MatchJoin(_ context.Context, _ runtime.Logger, _ *sql.DB, _ runtime.NakamaModule, _ runtime.MatchDispatcher, _ int64, state any, presences []runtime.Presence) any {
	s := state.(*enduringState)
	for _, p := range presences {
		s.Joins = append(s.Joins, p.GetUsername())
	}
	return s
}

func (goEnduringMatch) MatchLeave(_ context.Context, _ runtime.Logger, _ *sql.DB, _ runtime.NakamaModule, _ runtime.MatchDispatcher, _ int64, state any, presences []runtime.Presence) any {
	s := state.(*enduringState)
	for _, p := range presences {
		s.Leaves = append(s.Leaves, p.GetUsername())
	}
	return s
}

func (goEnduringMatch) MatchLoop(_ context.Context, _ runtime.Logger, _ *sql.DB, _ runtime.NakamaModule, d runtime.MatchDispatcher, _ int64, state any, messages []runtime.MatchData) any {
	s := state.(*enduringState)
	for range messages {
		s.N++
		_ = d.MatchLabelUpdate(fmt.Sprint("at ", s.N))
		_ = d.BroadcastMessage(1, []byte(fmt.Sprint(s.N)), nil, nil, true)
	}
	return s
}

func (goEnduringMatch) MatchTerminate(_ context.Context, _ runtime.Logger, _ *sql.DB, _ runtime.NakamaModule, _ runtime.MatchDispatcher, _ int64, state any, _ int) any {
	s := state.(*enduringState)
	s.Leaves = append(s.Leaves, "terminated")
	return s
}

func (goEnduringMatch) MatchSignal(ctx context.Context, _ runtime.Logger, _ *sql.DB, _ runtime.NakamaModule, _ runtime.MatchDispatcher, tick int64, state any, data string) (any, string) {
	if data == "end" {
		return nil, ""
	}
	s := state.(*enduringState)
	label, _ := ctx.Value(runtime.RUNTIME_CTX_MATCH_LABEL).(string)
	text, _ := json.Marshal(enduringReport{
		s.N, int(tick), s.Attempts, len(s.Joins) - len(s.Leaves),
		strings.Join(s.Joins, " "), strings.Join(s.Leaves, " "), strings.Join(s.Restored, " "), label,
	})
	return state, string(text)
}

func (goEnduringMatch) MatchSnapshot(_ context.Context, _ runtime.Logger, _ *sql.DB, _ runtime.NakamaModule, _ int64, state any) ([]byte, error) {
	return json.Marshal(state)
}

func (goEnduringMatch) MatchRestore(_ context.Context, _ runtime.Logger, _ *sql.DB, _ runtime.NakamaModule, _ runtime.MatchDispatcher, _ int64, data []byte, presences []runtime.Presence) (any, error) {
	s := new(enduringState)
	if err := json.Unmarshal(data, s); err != nil {
		return nil, err
	}
	for _, p := range presences {
		s.Restored = append(s.Restored, p.GetUsername())
	}
	slices.Sort(s.Restored)
	return s, nil
}

// restartable starts servers one after the other on the same database.
type restartable struct {
	t       *testing.T
	options []servertest.Option
	*servertest.Server
	log    *servertest.Journal
	suffix string // of RPCs
}

func newRestartable(t *testing.T, language string, postgres bool, flags ...string) *restartable {
	t.Helper()
	dir := t.TempDir()
	if err := storetest.WriteSQLite(dir); err != nil {
		t.Fatal(err)
	}
	s := &restartable{t: t, options: []servertest.Option{servertest.Flags("--data_dir", dir), servertest.Flags(flags...)}}
	if postgres {
		s.options = append(s.options, servertest.Flags("--database.address", storetest.Postgres(t)))
	}
	switch language {
	case "typescript":
		s.options = append(s.options, servertest.Module("index.ts", enduringTS))
	case "lua":
		s.options = append(s.options, servertest.Module("enduring.lua", enduringLua), servertest.Module("main.lua", enduringLuaMain))
	case "go":
		s.suffix = "_go"
		s.options = append(s.options, servertest.Flags("--runtime.env", "enduring=go"))
	}
	s.start()
	return s
}

func (s *restartable) start(more ...servertest.Option) {
	s.t.Helper()
	s.log = new(servertest.Journal)
	s.Server = servertest.Start(s.t, append(slices.Clone(s.options), append(more, s.log.Keep())...)...)
}

// restart stops the server in order and starts another one.
func (s *restartable) restart(more ...servertest.Option) {
	s.t.Helper()
	s.Close()
	s.start(more...)
}

func (s *restartable) create(u *servertest.User) string {
	s.t.Helper()
	id, a := u.RPC(s.t, "start"+s.suffix, "")
	if id == "" {
		s.t.Fatalf("create a match: %v", a)
	}
	return id
}

// signal returns what the match counted; ok is false if there is no such match.
func (s *restartable) signal(u *servertest.User, id, data string) (got enduringReport, ok bool) {
	s.t.Helper()
	payload, _ := json.Marshal(map[string]string{"id": id, "data": data})
	text, _ := u.RPC(s.t, "signal"+s.suffix, string(payload))
	return got, json.Unmarshal([]byte(text), &got) == nil
}

func (s *restartable) join(u *servertest.User, id string) *servertest.Socket {
	s.t.Helper()
	sock := u.Socket(s.t)
	if e := sock.Call(s.t, "match_join", `{"match_id":"`+id+`"}`); e["match"] == nil {
		s.t.Fatalf("join: %s", e)
	}
	return sock
}

func sendOne(t *testing.T, sock *servertest.Socket, id string) {
	t.Helper()
	sock.Send(t, `{"match_data_send":{"match_id":"`+id+`","op_code":"1","data":"eA=="}}`)
	sock.Expect(t, "match_data")
}

// eachRestart runs a test in every language and on every database.
func eachRestart(t *testing.T, test func(t *testing.T, language string, postgres bool)) {
	t.Parallel()
	for _, language := range []string{"typescript", "lua", "go"} {
		for database, postgres := range map[string]bool{"sqlite": false, "postgres": true} {
			t.Run(language+" on "+database, func(t *testing.T) {
				t.Parallel()
				test(t, language, postgres)
			})
		}
	}
}

func TestMatchGoesOnAfterAPlannedStop(t *testing.T) {
	eachRestart(t, func(t *testing.T, language string, postgres bool) {
		s := newRestartable(t, language, postgres, "--match.snapshot", "shutdown", "--match.resume_sec", "3600", "--shutdown_grace_sec", "60")
		ann, ben := s.User(t, "ann"), s.User(t, "ben")
		id := s.create(ann)
		a := s.join(ann, id)
		s.join(ben, id)
		for range 3 {
			sendOne(t, a, id)
		}
		before, _ := s.signal(ann, id, "")

		s.restart()
		ann = s.User(t, "ann")
		after, ok := s.signal(ann, id, "")
		if !ok {
			t.Fatalf("the match is gone:\n%s", s.log)
		}
		if after.N != 3 || after.Label != "at 3" || after.Tick < before.Tick || after.Attempts != 2 || after.Players != 2 ||
			after.Joins != "ann ben" || after.Leaves != "" || after.Restored != "ann ben" {
			t.Errorf("the match is %+v, was %+v", after, before)
		}
		if list := ann.Do(t, "GET", "/v2/match?label=at+3&authoritative=true", ""); !strings.Contains(list.Body, id) {
			t.Errorf("listed: %v", list)
		}

		a = s.join(ann, id) // comes back
		sendOne(t, a, id)
		if now, _ := s.signal(ann, id, ""); now.N != 4 || now.Attempts != 2 || now.Joins != "ann ben ann" || now.Leaves != "" {
			t.Errorf("after ann came back: %+v", now)
		}

		s.restart(servertest.Flags("--match.resume_sec", "1"))
		ann, ben = s.User(t, "ann"), s.User(t, "ben")
		servertest.Eventually(t, "those who do not come back have left", func() bool {
			now, _ := s.signal(ann, id, "")
			return now.Leaves == "ann ben" || now.Leaves == "ben ann"
		})
		s.join(ben, id) // too late: a join like any other
		if now, _ := s.signal(ann, id, ""); now.Attempts != 3 || now.Joins != "ann ben ann ben" || now.N != 4 {
			t.Errorf("after ben came late: %+v", now)
		}

		s.signal(ann, id, "end")
		s.restart()
		if _, ok := s.signal(s.User(t, "ann"), id, ""); ok {
			t.Error("a match that has ended goes on")
		}
	})
}

// Messages that wait for the next tick when the server stops are handled after it.
func TestQueuedInputSurvivesARestart(t *testing.T) {
	t.Parallel()
	s := newRestartable(t, "", false, "--match.snapshot", "shutdown", "--match.resume_sec", "3600")
	module := servertest.Module("index.ts", strings.Replace(enduringTS, "tickRate: 10", "tickRate: 1", 1))
	s.restart(module)
	ann := s.User(t, "ann")
	id := s.create(ann)
	a := s.join(ann, id)
	sendOne(t, a, id) // returns after a tick, a second before the next one
	for range 5 {
		a.Send(t, `{"match_data_send":{"match_id":"`+id+`","op_code":"1","data":"eA=="}}`)
	}
	a.Call(t, "ping", `{}`) // is answered after the server has read them
	s.restart(module)
	ann = s.User(t, "ann")
	servertest.Eventually(t, "all messages have been handled", func() bool {
		now, _ := s.signal(ann, id, "")
		return now.N >= 6
	})
	if now, _ := s.signal(ann, id, ""); now.N != 6 || now.Label != "at 6" {
		t.Errorf("%+v", now)
	}
}
