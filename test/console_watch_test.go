package test

import (
	"encoding/json"
	"strings"
	"testing"

	"kumi/server/servertest"
)

// news is what a page gets of a match, as far as tests look at it.
type news struct {
	Match *struct {
		Handler, Runtime string
		TickRate         int     `json:"tick_rate"`
		BudgetMs         float64 `json:"budget_ms"`
		Paused, Ended    bool
		Presences        []struct{ Username string }
	}
	Ticks []struct {
		Number     float64
		TookMs     float64 `json:"took_ms"`
		Inputs     []passed
		Broadcasts []passed
		Events     []struct {
			Kind     string
			Presence *struct{ Username string }
		}
		Error, Stack string
	}
	State *struct {
		Tick       float64
		JSON, Text string
	}
}

type passed struct {
	Sender    *struct{ Username string }
	OpCode    string `json:"op_code"`
	Data      []byte
	Receivers int
}

// watched is a match whose state counts inputs, broadcasts each, and fails at op code 9.
var watched = map[string][]servertest.Option{
	"typescript": {servertest.Module("index.ts", `
		export function InitModule(ctx: any, logger: any, nk: any, i: any) {
			const same = (ctx: any, logger: any, nk: any, d: any, tick: number, state: any) => ({ state });
			i.registerMatch("m", {
				matchInit: () => ({ state: { inputs: 0 }, tickRate: 20, label: "hall" }), matchJoin: same, matchLeave: same, matchTerminate: same, matchSignal: same,
				matchJoinAttempt: (ctx: any, logger: any, nk: any, d: any, tick: number, state: any) => ({ state, accept: true }), matchLoop: loop,
			});
			i.registerRpc("create", (ctx: any, logger: any, nk: any) => nk.matchCreate("m"));
		}
		function loop(ctx: any, logger: any, nk: any, d: any, tick: number, state: any, messages: any[]) {
			for (const m of messages) {
				state.inputs++;
				d.broadcastMessage(2, "seen");
				if (m.opCode === 9)
					throw new Error("no luck");
			}
			return { state };
		}`)},
	"lua": {servertest.Module("m.lua", `
		local M = {}
		function M.match_init() return { inputs = 0 }, 20, "hall" end
		function M.match_join_attempt(c, d, t, state) return state, true end
		function M.match_join(c, d, t, state) return state end
		M.match_leave, M.match_terminate, M.match_signal = M.match_join, M.match_join, M.match_join
		function M.match_loop(c, d, t, state, messages)
			for _, m in ipairs(messages) do
				state.inputs = state.inputs + 1
				d.broadcast_message(2, "seen")
				if m.op_code == 9 then
					error("no luck")
				end
			end
			return state
		end
		return M`), servertest.Module("main.lua", `
		local nk = require("nakama")
		nk.register_rpc(function() return nk.match_create("m") end, "create")`)},
}

// A page sees who is in a match, what happens in it, its state and where its error is, and
// changes its state.
func TestConsoleWatchesMatch(t *testing.T) {
	t.Parallel()
	for language, options := range watched {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			srv := servertest.Start(t, append([]servertest.Option{servertest.Console(), servertest.Dev()}, options...)...)
			admin := srv.ConsoleLogin(t, "admin", "password")
			id, _ := srv.RPC(t, "create", "")
			live := admin.Live(t)
			live.Subscribe(1, "match", `{"id":"`+id+`"}`)
			first := servertest.Until(live, 1, func(n news) bool { return n.Match != nil })
			if m := first.Match; m.Handler != "m" || m.TickRate != 20 || m.BudgetMs != 50 || len(m.Presences) != 0 || !strings.Contains(language, strings.TrimPrefix(m.Runtime, "java")) {
				t.Errorf("the match is %+v", m)
			}
			socket := srv.User(t, "ann").Socket(t)
			socket.Call(t, "match_join", `{"match_id":"`+id+`"}`)
			servertest.Until(live, 1, func(n news) bool {
				return n.Match != nil && len(n.Match.Presences) == 1 && n.Match.Presences[0].Username == "ann"
			})
			send := func(op string) {
				t.Helper()
				socket.Send(t, `{"match_data_send":{"match_id":"`+id+`","op_code":"`+op+`","data":"aGl0"}}`)
			}
			send("1")
			seen, counted := false, false
			for !seen || !counted {
				n := servertest.Data[news](live, 1)
				for _, tick := range n.Ticks {
					if len(tick.Inputs) == 0 {
						continue
					}
					seen = true
					if in := tick.Inputs[0]; in.Sender == nil || in.Sender.Username != "ann" || in.OpCode != "1" || string(in.Data) != "hit" {
						t.Errorf("the input is %+v", in)
					}
					if len(tick.Broadcasts) != 1 || tick.Broadcasts[0].OpCode != "2" || string(tick.Broadcasts[0].Data) != "seen" || tick.Broadcasts[0].Receivers != 1 || tick.TookMs <= 0 {
						t.Errorf("the broadcasts are %+v", tick.Broadcasts)
					}
				}
				counted = counted || n.State != nil && n.State.JSON == `{"inputs":1}`
			}

			admin.Must(t, "POST", "/match/"+id+"/pause", "{}")
			servertest.Until(live, 1, func(n news) bool { return n.Match != nil && n.Match.Paused })
			patch := func(patch string) servertest.Answer {
				return admin.Do(t, "POST", "/match/"+id+"/state", map[string]string{"patch": patch})
			}
			for _, wrong := range []string{"null", "{", ""} {
				want(t, patch(wrong), 400, 3, "The state")
			}
			if a := patch(`{"inputs":9007199254740993}`); a.Status != 200 {
				t.Fatal(a)
			}
			servertest.Until(live, 1, func(n news) bool {
				return n.State != nil && strings.HasPrefix(n.State.JSON, `{"inputs":900719925474099`)
			})
			if a := patch(`{"inputs":7}`); a.Status != 200 {
				t.Fatal(a)
			}
			send("1")
			socket.Call(t, "ping", "{}") // the server has what was sent before
			admin.Must(t, "POST", "/match/"+id+"/step", "{}")
			servertest.Until(live, 1, func(n news) bool { return n.State != nil && n.State.JSON == `{"inputs":8}` })
			admin.Must(t, "POST", "/match/"+id+"/resume", "{}")
			want(t, admin.Do(t, "POST", "/match/"+id+"/step", "{}"), 400, 9, "not paused")
			if a := admin.Must(t, "GET", "/audit/log?limit=100", nil); !strings.Contains(a.Body, "PatchMatchState") || !strings.Contains(a.Body, "StepMatch") {
				t.Errorf("the audit log is %s", a.Body)
			}

			send("9")
			ended, failed := false, news{}
			for !ended || failed.Ticks == nil {
				n := servertest.Data[news](live, 1)
				ended = ended || n.Match != nil && n.Match.Ended
				if k := len(n.Ticks); k > 0 && n.Ticks[k-1].Error != "" {
					failed = n
				}
			}
			last := failed.Ticks[len(failed.Ticks)-1]
			place := map[string]string{"typescript": "index.ts:15", "lua": "m.lua:12"}[language]
			if !strings.Contains(last.Error, "no luck") || !strings.Contains(last.Stack, place) {
				t.Errorf("the error is %q, %q", last.Error, last.Stack)
			}
			live.Subscribe(2, "match", `{"id":"`+id+`"}`)
			if code := refusal(live, 2); code != 5 {
				t.Errorf("a match that has ended: code %d", code)
			}
			live.Subscribe(3, "match", `{"id":"nonsense"}`)
			if code := refusal(live, 3); code != 3 {
				t.Errorf("no id: code %d", code)
			}
		})
	}
}

// Matches are paused by developers only, and their states replaced only where the language
// allows it.
func TestConsolePausesOnlyForDevelopers(t *testing.T) {
	t.Parallel()
	srv := servertest.Start(t, append([]servertest.Option{servertest.Console()}, watched["lua"]...)...)
	id, _ := srv.RPC(t, "create", "")
	for _, call := range []string{"pause", "resume", "step"} {
		want(t, srv.ConsoleAdmin().Do(t, "POST", "/match/"+id+"/"+call, "{}"), 400, 9, "kumi dev")
	}
	want(t, srv.ConsoleAdmin().Do(t, "POST", "/match/11111111-1111-4111-8111-111111111111.nakama/state", `{"patch":"{}"}`), 404, 5, "Match not found")
}

// A page sees the messages of a relayed match.
func TestConsoleWatchesRelayedMatch(t *testing.T) {
	t.Parallel()
	srv := servertest.Start(t, servertest.Console())
	ann, bob := srv.User(t, "ann").Socket(t), srv.User(t, "bob").Socket(t)
	id := ann.Call(t, "match_create", "{}").Field("match", "match_id")
	bob.Call(t, "match_join", `{"match_id":"`+id+`"}`)
	live := srv.ConsoleLogin(t, "admin", "password").Live(t)
	live.Subscribe(1, "match", `{"id":"`+id+`"}`)
	first := servertest.Data[news](live, 1)
	if first.Match == nil || len(first.Match.Presences) != 2 || first.Match.Handler != "" {
		t.Fatalf("the match is %+v", first.Match)
	}
	data, _ := json.Marshal([]byte("hit"))
	ann.Send(t, `{"match_data_send":{"match_id":"`+id+`","op_code":"3","data":`+string(data)+`}}`)
	n := servertest.Until(live, 1, func(n news) bool { return len(n.Ticks) > 0 })
	if in := n.Ticks[0].Inputs[0]; in.Sender.Username != "ann" || in.OpCode != "3" || string(in.Data) != "hit" || in.Receivers != -1 {
		t.Errorf("the message is %+v", in)
	}
	ann.Close()
	bob.Close()
	servertest.Until(live, 1, func(n news) bool { return n.Match != nil && n.Match.Ended })
}
