package benchmodule

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"testing"

	"github.com/dop251/goja"
	"github.com/heroiclabs/nakama-common/rtapi"
	"github.com/heroiclabs/nakama-common/runtime"
	lua "github.com/yuin/gopher-lua"
)

// players is the number of players in a match of the scenario.
const players = 8

// checkState checks a match's state: about 190 bytes, with the inputs in it.
func checkState(t *testing.T, data []byte) {
	t.Helper()
	if len(data) < 180 || len(data) > 200 {
		t.Errorf("a state is %d bytes, want about 190: %s", len(data), data)
	}
	var v view
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatalf("state %q: %v", data, err)
	}
	if len(v.Players) != players || v.Players[0].X != 503 || v.Players[0].Y != 498 || v.Tick != 1042 {
		t.Errorf("state is %s, want %d players moved by 3 and -2 at tick 1042", data, players)
	}
}

type presence struct {
	runtime.Presence
	id string
}

func (p presence) GetSessionId() string { return p.id }

type message struct{ presence }

func (message) GetOpCode() int64      { return 1 }
func (message) GetData() []byte       { return []byte(`{"x":3,"y":-2}`) }
func (message) GetReliable() bool     { return true }
func (message) GetReceiveTime() int64 { return 0 }

type dispatcher struct {
	runtime.MatchDispatcher
	sent [][]byte
}

func (d *dispatcher) BroadcastMessage(_ int64, data []byte, _ []runtime.Presence, _ runtime.Presence, _ bool) error {
	d.sent = append(d.sent, data)
	return nil
}

func TestGoMatch(t *testing.T) {
	t.Parallel()
	ctx, d := context.Background(), &dispatcher{}
	m, err := newMatch(ctx, nil, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	s, rate, label := m.MatchInit(ctx, nil, nil, nil, map[string]any{"maxTicks": int64(2000), "label": "a label"})
	if label != "a label" {
		t.Errorf("label is %q", label)
	}
	if rate != 10 {
		t.Errorf("tick rate is %d", rate)
	}
	s = m.MatchLoop(ctx, nil, nil, nil, d, 0, s, nil)
	if len(d.sent) != 0 {
		t.Error("an empty match sent a state")
	}
	var all []runtime.Presence
	var inputs []runtime.MatchData
	for i := range players {
		p := presence{id: fmt.Sprint("s", i)}
		all, inputs = append(all, p), append(inputs, message{p})
	}
	s = m.MatchJoin(ctx, nil, nil, nil, d, 1, s, all)
	s = m.MatchLoop(ctx, nil, nil, nil, d, 1042, s, inputs)
	if len(d.sent) != 1 {
		t.Fatalf("sent %d states, want 1", len(d.sent))
	}
	checkState(t, d.sent[0])
	if m.MatchLoop(ctx, nil, nil, nil, d, 2000, s, nil) != nil {
		t.Error("the match goes on after maxTicks")
	}
	if m.MatchLeave(ctx, nil, nil, nil, d, 1, s, all) != nil {
		t.Error("the match goes on without players")
	}
}

func TestJavaScriptModule(t *testing.T) {
	t.Parallel()
	source, err := os.ReadFile("../index.js")
	if err != nil {
		t.Fatal(err)
	}
	vm := goja.New()
	run := func(name, text string) goja.Value {
		t.Helper()
		v, err := vm.RunScript(name, text)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	run("index.js", "'use strict';"+string(source))
	run("setup.js", `
		var rpcs = {}, handlers = {}, sent = [];
		var nk = { binaryToString: function (d) { return d; } };
		var dispatcher = { broadcastMessage: function (op, data) { sent.push(data); } };
		InitModule({}, {}, nk, {
			registerRpc: function (id, f) { rpcs[id] = f; },
			registerStorageIndex: function () {},
			registerMatch: function (name, h) { handlers[name] = h; }
		});
		var m = handlers.bench_js;
		var s = m.matchInit({}, {}, nk, {maxTicks: 2000}).state;
		s = m.matchLoop({}, {}, nk, dispatcher, 0, s, []).state;
		var all = [], inputs = [];
		for (var i = 0; i < 8; i++) {
			all.push({sessionId: 's' + i});
			inputs.push({sender: all[i], data: '{"x":3,"y":-2}'});
		}
		s = m.matchJoin({}, {}, nk, dispatcher, 1, s, all).state;
		s = m.matchLoop({}, {}, nk, dispatcher, 1042, s, inputs).state;`)
	if n := run("n.js", "sent.length").ToInteger(); n != 1 {
		t.Fatalf("sent %d states, want 1", n)
	}
	checkState(t, []byte(run("s.js", "sent[0]").String()))
	for text, want := range map[string]string{
		`String(m.matchLoop({}, {}, nk, dispatcher, 2000, s, []))`: "null",
		`String(m.matchLeave({}, {}, nk, dispatcher, 1, s, all))`:  "null",
		`rpcs.echo_js({}, {}, nk, "x")`:                            "x",
		`rpcs.json_js({}, {}, nk, '{"counter":1}')`:                `{"counter":2,"seen":true}`,
		`rpcs.fib_js({}, {}, nk, "")`:                              "6765",
		`Object.keys(rpcs).sort().join()`:                          "create_match_js,echo_js,fib_js,fill_board_js,json_js,players_js",
		`Object.keys(m).length + " handlers"`:                      "7 handlers",
	} {
		if got := run("check.js", text).String(); got != want {
			t.Errorf("%s is %s, want %s", text, got, want)
		}
	}
}

func TestLuaModules(t *testing.T) {
	t.Parallel()
	l := lua.NewState()
	defer l.Close()
	l.PreloadModule("nakama", func(l *lua.LState) int {
		rpcs := l.NewTable()
		l.SetGlobal("rpcs", rpcs)
		l.Push(l.SetFuncs(l.NewTable(), map[string]lua.LGFunction{
			"register_rpc": func(l *lua.LState) int { rpcs.RawSetString(l.CheckString(2), l.CheckFunction(1)); return 0 },
			"json_decode":  func(l *lua.LState) int { l.Push(decode(l, l.CheckString(1))); return 1 },
			"json_encode":  func(l *lua.LState) int { l.Push(lua.LString(encode(l.CheckTable(1)))); return 1 },
		}))
		return 1
	})
	if err := l.DoFile("../bench.lua"); err != nil {
		t.Fatal(err)
	}
	if err := l.DoFile("../bench_match.lua"); err != nil {
		t.Fatal(err)
	}
	l.SetGlobal("M", l.Get(-1))
	if err := l.DoString(`
		sent = {}
		local d = {broadcast_message = function(op, data) table.insert(sent, data) end}
		local s = M.match_init({}, {max_ticks = 2000})
		s = M.match_loop({}, d, 0, s, {})
		local all, inputs = {}, {}
		for i = 1, 8 do
			all[i] = {session_id = "s" .. i}
			inputs[i] = {sender = all[i], data = '{"x":3,"y":-2}'}
		end
		s = M.match_join({}, d, 1, s, all)
		s = M.match_loop({}, d, 1042, s, inputs)
		assert(#sent == 1, "sent " .. #sent .. " states")
		state = sent[1]
		assert(M.match_loop({}, d, 2000, s, {}) == nil, "goes on after max_ticks")
		assert(M.match_leave({}, d, 1, s, all) == nil, "goes on without players")
		assert(rpcs.echo_lua({}, "x") == "x")
		assert(rpcs.fib_lua({}, "") == "6765")
		counted = rpcs.json_lua({}, '{"counter":1}')
		assert(rpcs.create_match_lua)`); err != nil {
		t.Fatal(err)
	}
	checkState(t, []byte(l.GetGlobal("state").String()))
	if got := l.GetGlobal("counted").String(); got != `{"counter":2,"seen":true}` {
		t.Errorf("json_lua gave %s", got)
	}
}

func TestFiltersAreAlike(t *testing.T) {
	t.Parallel()
	const said, want = `{"text":"that darn dragon, blast it"}`, `{"text":"that **** dragon, **** it"}`

	in := &rtapi.Envelope{Message: &rtapi.Envelope_ChannelMessageSend{ChannelMessageSend: &rtapi.ChannelMessageSend{Content: said}}}
	if out, err := filter(context.Background(), nil, nil, nil, in); err != nil || out.GetChannelMessageSend().Content != want {
		t.Errorf("Go: %v, %v", out, err)
	}

	source, err := os.ReadFile("../../filter/js/index.js")
	if err != nil {
		t.Fatal(err)
	}
	vm := goja.New()
	_ = vm.Set("said", said)
	got, err := vm.RunString(string(source) + `
		var hook, name;
		InitModule({}, {}, {}, { registerRtBefore: function (n, f) { name = n; hook = f; } });
		name + " " + hook({}, {}, {}, { channelMessageSend: { content: said } }).channelMessageSend.content`)
	if err != nil || got.String() != "ChannelMessageSend "+want {
		t.Errorf("JavaScript: %v, %v", got, err)
	}

	l := lua.NewState()
	defer l.Close()
	l.SetGlobal("said", lua.LString(said))
	l.PreloadModule("nakama", func(l *lua.LState) int {
		l.Push(l.SetFuncs(l.NewTable(), map[string]lua.LGFunction{
			"register_rt_before": func(l *lua.LState) int { l.SetGlobal("hook", l.Get(1)); l.SetGlobal("name", l.Get(2)); return 0 },
		}))
		return 1
	})
	if err := l.DoFile("../../filter/lua/filter.lua"); err != nil {
		t.Fatal(err)
	}
	if err := l.DoString(`result = name .. " " .. hook({}, {channel_message_send = {content = said}}).channel_message_send.content`); err != nil {
		t.Fatal(err)
	}
	if got := l.GetGlobal("result").String(); got != "ChannelMessageSend "+want {
		t.Errorf("Lua: %s", got)
	}
}

// decode and encode stand in for the server's JSON functions.
func decode(l *lua.LState, text string) lua.LValue {
	var v map[string]float64
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		l.RaiseError("%v", err)
	}
	t := l.NewTable()
	for k, n := range v {
		t.RawSetString(k, lua.LNumber(n))
	}
	return t
}

func encode(v lua.LValue) string {
	out, _ := json.Marshal(plain(v))
	return string(out)
}

func plain(v lua.LValue) any {
	switch v := v.(type) {
	case lua.LNumber:
		return float64(v)
	case lua.LBool:
		return bool(v)
	case *lua.LTable:
		if v.Len() > 0 {
			var list []any
			v.ForEach(func(_, e lua.LValue) { list = append(list, plain(e)) })
			return list
		}
		object := map[string]any{}
		v.ForEach(func(k, e lua.LValue) { object[k.String()] = plain(e) })
		return object
	default:
		return v.String()
	}
}
