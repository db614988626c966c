package test

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/heroiclabs/nakama-common/runtime"

	"kumi/modules/golang"
	"kumi/server/servertest"
)

// clusterArenaJS and clusterArenaLua are the same match as goArena. It passes on what players send,
// refuses eve, kicks who joined first when it is signalled to, and tells who left.
const clusterArenaJS = `
	const arena = {
		matchInit: (ctx, logger, nk, params) => ({ state: { order: [] }, tickRate: 20, label: JSON.stringify({ kind: "js", size: params.size }) }),
		matchJoinAttempt: (ctx, logger, nk, d, tick, state, presence, metadata) =>
			({ state, accept: presence.username !== "eve", rejectMessage: "not " + metadata.as }),
		matchJoin: (ctx, logger, nk, d, tick, state, presences) => { state.order.push(...presences); return { state }; },
		matchLeave: (ctx, logger, nk, d, tick, state, presences) => {
			for (const p of presences) {
				state.order = state.order.filter((o) => o.sessionId !== p.sessionId);
				d.broadcastMessage(9, p.username + " left");
			}
			return { state };
		},
		matchLoop: (ctx, logger, nk, d, tick, state, messages) => {
			for (const m of messages) d.broadcastMessage(m.opCode, m.sender.username + ": " + nk.binaryToString(m.data), null, m.sender);
			return { state };
		},
		matchSignal: (ctx, logger, nk, d, tick, state, data) => {
			if (data === "kick") { d.matchKick([state.order[0]]); return { state, data: state.order[0].username }; }
			return { state, data: "js: " + data };
		},
		matchTerminate: (ctx, logger, nk, d, tick, state) => ({ state }),
	};
	function InitModule(ctx, logger, nk, initializer) {
		initializer.registerMatch("arena_js", arena);
		initializer.registerRpc("make", (ctx, logger, nk, kind) => nk.matchCreate("arena_" + kind, { size: 3 }));
		initializer.registerRpc("signal", (ctx, logger, nk, payload) => { const p = JSON.parse(payload); return nk.matchSignal(p.id, p.data); });
		initializer.registerRpc("get", (ctx, logger, nk, id) => JSON.stringify(nk.matchGet(id)));
	}`

const clusterArenaLua = `
	local nk = require("nakama")
	local function attempt(ctx, d, tick, state, presence, metadata)
		return state, presence.username ~= "eve", "not " .. (metadata.as or "")
	end
	local function join(ctx, d, tick, state, presences)
		for _, p in ipairs(presences) do table.insert(state.order, p) end
		return state
	end
	local function leave(ctx, d, tick, state, presences)
		for _, p in ipairs(presences) do
			for i, o in ipairs(state.order) do
				if o.session_id == p.session_id then table.remove(state.order, i) break end
			end
			d.broadcast_message(9, p.username .. " left")
		end
		return state
	end
	local function loop(ctx, d, tick, state, messages)
		for _, m in ipairs(messages) do d.broadcast_message(m.op_code, m.sender.username .. ": " .. m.data, nil, m.sender) end
		return state
	end
	local function signal(ctx, d, tick, state, data)
		if data == "kick" then d.match_kick({ state.order[1] }) return state, state.order[1].username end
		return state, "lua: " .. data
	end
	return {
		match_init = function(ctx, params) return { order = {} }, 20, nk.json_encode({ kind = "lua", size = params.size }) end,
		match_join_attempt = attempt, match_join = join, match_leave = leave, match_loop = loop, match_signal = signal,
		match_terminate = function(ctx, d, tick, state) return state end,
	}`

func init() { golang.Register("cluster matches", goArenas) }

func goArenas(_ context.Context, _ runtime.Logger, _ *sql.DB, _ runtime.NakamaModule, i runtime.Initializer) error {
	return i.RegisterMatch("arena_go", func(context.Context, runtime.Logger, *sql.DB, runtime.NakamaModule) (runtime.Match, error) {
		return goArena{}, nil
	})
}

type goArena struct{}

type goArenaState struct{ order []runtime.Presence }

func (goArena) MatchInit(_ context.Context, _ runtime.Logger, _ *sql.DB, _ runtime.NakamaModule, params map[string]any) (any, int, string) {
	return &goArenaState{}, 20, fmt.Sprintf(`{"kind":"go","size":%v}`, params["size"])
}

func (goArena) MatchJoinAttempt(_ context.Context, _ runtime.Logger, _ *sql.DB, _ runtime.NakamaModule, _ runtime.MatchDispatcher, _ int64, state any, p runtime.Presence, metadata map[string]string) (any, bool, string) {
	return state, p.GetUsername() != "eve", "not " + metadata["as"]
}

func (goArena) MatchJoin(_ context.Context, _ runtime.Logger, _ *sql.DB, _ runtime.NakamaModule, _ runtime.MatchDispatcher, _ int64, state any, presences []runtime.Presence) any {
	s := state.(*goArenaState)
	s.order = append(s.order, presences...)
	return s
}

func (goArena) MatchLeave(_ context.Context, _ runtime.Logger, _ *sql.DB, _ runtime.NakamaModule, d runtime.MatchDispatcher, _ int64, state any, presences []runtime.Presence) any {
	s := state.(*goArenaState)
	for _, p := range presences {
		kept := s.order[:0]
		for _, o := range s.order {
			if o.GetSessionId() != p.GetSessionId() {
				kept = append(kept, o)
			}
		}
		s.order = kept
		_ = d.BroadcastMessage(9, []byte(p.GetUsername()+" left"), nil, nil, true)
	}
	return s
}

func (goArena) MatchLoop(_ context.Context, _ runtime.Logger, _ *sql.DB, _ runtime.NakamaModule, d runtime.MatchDispatcher, _ int64, state any, messages []runtime.MatchData) any {
	for _, m := range messages {
		_ = d.BroadcastMessage(m.GetOpCode(), []byte(m.GetUsername()+": "+string(m.GetData())), nil, m, true)
	}
	return state
}

func (goArena) MatchTerminate(_ context.Context, _ runtime.Logger, _ *sql.DB, _ runtime.NakamaModule, _ runtime.MatchDispatcher, _ int64, state any, _ int) any {
	return state
}

func (goArena) MatchSignal(_ context.Context, _ runtime.Logger, _ *sql.DB, _ runtime.NakamaModule, d runtime.MatchDispatcher, _ int64, state any, data string) (any, string) {
	s := state.(*goArenaState)
	if data == "kick" {
		first := s.order[0]
		_ = d.MatchKick([]runtime.Presence{first})
		return s, first.GetUsername()
	}
	return s, "go: " + data
}

// A match in any language is joined, played, signalled, listed and left from another node as
// from its own.
func TestMatchFromAnotherNode(t *testing.T) {
	t.Parallel()
	nodes := servertest.Cluster(t, 2, servertest.Module("index.js", clusterArenaJS), servertest.Module("arena_lua.lua", clusterArenaLua))
	a, b := nodes[0], nodes[1]
	ann, ben, eve := a.User(t, "ann").Socket(t), b.User(t, "ben").Socket(t), b.User(t, "eve").Socket(t)
	lister := b.User(t, "lister")
	for _, kind := range []string{"js", "lua", "go"} {
		t.Run(kind, func(t *testing.T) {
			id, answer := a.RPC(t, "make", kind)
			if !strings.HasSuffix(id, ".a") {
				t.Fatalf("the match is %q: %s", id, answer.Body)
			}
			join := `{"match_id":"` + id + `","metadata":{"as":"a player"}}`
			match := func(s *servertest.Socket) (m struct {
				Label     string
				Presences []struct{ Username string }
				Self      struct{ Username string }
			}) {
				t.Helper()
				e := s.Call(t, "match_join", join)
				if err := json.Unmarshal(e["match"], &m); err != nil {
					t.Fatalf("join: %s", e)
				}
				return m
			}
			if m := match(ann); len(m.Presences) != 0 {
				t.Errorf("ann joins with %v", m.Presences)
			}
			if m := match(ben); len(m.Presences) != 1 || m.Presences[0].Username != "ann" || m.Self.Username != "ben" || !strings.Contains(m.Label, kind) {
				t.Errorf("ben joins %+v", m)
			}
			if e := eve.Call(t, "match_join", join); !strings.Contains(string(e["error"]), "not a player") {
				t.Errorf("eve joins: %s", e)
			}
			for i := range 3 {
				ben.Send(t, fmt.Sprintf(`{"match_data_send":{"match_id":%q,"op_code":"4","data":"aGk="}}`, id))
				for name, s := range map[string]*servertest.Socket{"ann": ann, "ben": ben} {
					if d := s.Expect(t, "match_data"); !strings.Contains(string(d["match_data"]), `"YmVuOiBoaQ=="`) || !strings.Contains(string(d["match_data"]), `"ben"`) {
						t.Errorf("%s is sent %s for message %d", name, d, i)
					}
				}
			}
			signal := func(from *servertest.Server, data string) string {
				t.Helper()
				payload, _ := json.Marshal(map[string]string{"id": id, "data": data})
				got, _ := from.RPC(t, "signal", string(payload))
				return got
			}
			if got := signal(b, "hello"); got != kind+": hello" {
				t.Errorf("the signal's answer is %q", got)
			}
			if got, _ := b.RPC(t, "get", id); !strings.Contains(got, `"size":2`) || !strings.Contains(got, "arena_"+kind) {
				t.Errorf("the match is %s", got)
			}
			list := lister.Do(t, "GET", "/v2/match?authoritative=true&limit=10&query="+url.QueryEscape("+label.kind:"+kind), "")
			if !strings.Contains(list.Body, id) || strings.Count(list.Body, "match_id") != 1 {
				t.Errorf("listed: %s", list.Body)
			}
			if got := signal(b, "kick"); got != "ann" {
				t.Errorf("%q is kicked", got)
			}
			if got := signal(b, "kick"); got != "ben" {
				t.Errorf("%q is kicked", got)
			}
			if d := ben.Expect(t, "match_data"); !strings.Contains(string(d["match_data"]), `"YW5uIGxlZnQ="`) {
				t.Errorf("ben is told %s", d)
			}
			servertest.Eventually(t, "ben is out of the match", func() bool {
				got, _ := b.RPC(t, "get", id)
				return strings.Contains(got, `"size":0`)
			})
			match(ben)
			if e := ben.Call(t, "match_leave", `{"match_id":"`+id+`"}`); e["error"] != nil {
				t.Errorf("ben leaves: %s", e)
			}
			servertest.Eventually(t, "ben has left", func() bool {
				got, _ := b.RPC(t, "get", id)
				return strings.Contains(got, `"size":0`)
			})
		})
	}
	id, _ := a.RPC(t, "make", "js")
	if e := ben.Call(t, "match_join", `{"match_id":"`+id+`","metadata":{"as":"x"}}`); e["match"] == nil {
		t.Errorf("ben joins: %s", e)
	}
	a.Close()
	servertest.Eventually(t, "the node's matches are gone", func() bool {
		e := ben.Call(t, "match_join", `{"match_id":"`+id+`"}`)
		return strings.Contains(string(e["error"]), "Match not found")
	})
	if list := lister.Do(t, "GET", "/v2/match?authoritative=true", ""); list.Status != 200 || strings.Contains(list.Body, "match_id") {
		t.Errorf("listed: %s", list.Body)
	}
}

// A party has members of all nodes.
func TestPartyOfTwoNodes(t *testing.T) {
	t.Parallel()
	nodes := servertest.Cluster(t, 2)
	ann, ben := nodes[0].User(t, "ann").Socket(t), nodes[1].User(t, "ben").Socket(t)
	must := func(s *servertest.Socket, kind, body string) servertest.Envelope {
		t.Helper()
		e := s.Call(t, kind, body)
		if e["error"] != nil {
			t.Fatalf("%s %s: %s", kind, body, e)
		}
		return e
	}
	id := must(ann, "party_create", `{"open":false,"max_size":4}`).Field("party", "party_id")
	must(ben, "party_join", `{"party_id":"`+id+`"}`)
	var asked struct{ Presences []json.RawMessage }
	if err := json.Unmarshal(ann.Expect(t, "party_join_request")["party_join_request"], &asked); err != nil || len(asked.Presences) != 1 {
		t.Fatalf("requests: %v, %v", asked, err)
	}
	must(ann, "party_accept", `{"party_id":"`+id+`","presence":`+string(asked.Presences[0])+`}`)
	if p := ben.Expect(t, "party"); p.Field("party", "party_id") != id {
		t.Errorf("ben is told of %s", p)
	}
	servertest.Eventually(t, "ann is sent ben's data", func() bool { // ben's node may learn of ann only now
		must(ben, "party_data_send", `{"party_id":"`+id+`","op_code":"1","data":"aGk="}`)
		must(ann, "ping", `{}`)
		d, ok := ann.Pushed("party_data")
		return ok && strings.Contains(string(d["party_data"]), `"ben"`)
	})
	if e := ben.Call(t, "party_close", `{"party_id":"`+id+`"}`); e["error"] == nil {
		t.Error("ben, who does not lead, closes the party")
	}
	must(ann, "party_promote", `{"party_id":"`+id+`","presence":`+string(asked.Presences[0])+`}`)
	ben.Expect(t, "party_leader")
	ticket := must(ben, "party_matchmaker_add", `{"party_id":"`+id+`","min_count":3,"max_count":3,"query":"*"}`)
	ann.Expect(t, "party_matchmaker_ticket")
	must(ben, "party_matchmaker_remove", `{"party_id":"`+id+`","ticket":"`+ticket.Field("party_matchmaker_ticket", "ticket")+`"}`)
	nodes[0].Close()
	ben.Expect(t, "party_close")
	if e := ben.Call(t, "party_join", `{"party_id":"`+id+`"}`); e["error"] == nil {
		t.Error("a party of a node that is gone is joined")
	}
}
