package cluster

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"kumi/internal/testutil"
)

// counter is a match that answers its players with the sum of what they sent.
const counter = `
	local keep = function(ctx, d, tick, state) return state end
	return {
		match_init = function() return { total = 0 }, 20, "counter" end,
		match_join_attempt = function(ctx, d, tick, state) return state, true end,
		match_join = keep,
		match_leave = function(ctx, d, tick, state, gone)
			for _, p in ipairs(gone) do d.broadcast_message(9, p.session_id) end
			return state
		end,
		match_terminate = keep,
		match_signal = function(ctx, d, tick, state, data) return state, data .. " of " .. state.total end,
		match_loop = function(ctx, d, tick, state, messages)
			for _, m in ipairs(messages) do
				state.total = state.total + tonumber(m.data)
				d.broadcast_message(2, tostring(state.total))
			end
			return state
		end,
	}`

// matchModules make such matches.
var matchModules = map[string]string{
	"counter.lua": counter,
	"main.lua": `
		local nk = require("nakama")
		nk.register_rpc(function() return nk.json_encode({ id = nk.match_create("counter") }) end, "start")
		nk.register_rpc(function(_, id) return nk.match_signal(id, "signal") end, "signal")`,
}

// startMatch makes an authoritative match on a node.
func (n *node) startMatch() string {
	n.all.t.Helper()
	payload, a := n.RPC(n.all.t, "start", "")
	if a.Status != 200 {
		n.all.t.Fatalf("start a match: %d %s", a.Status, a.Body)
	}
	return decode[struct{ ID string }](n.all.t, envelope{raw: []byte(payload)}).ID
}

// An owner of a match and a party that is killed: its members are told that both are over,
// and who wants to join gets an answer soon.
func TestOwnerKilled(t *testing.T) {
	t.Parallel()
	all := startNodes(t, 3, matchModules, "--cluster.lost_after_ms", "4000")
	a, b, c := all.list[0], all.list[1], all.list[2]
	id := c.startMatch()
	ann, bob, leader := a.connect("ann", false), b.connect("bob", false), c.connect("leader", false)
	party := decode[struct {
		ID string `json:"party_id"`
	}](t, leader.must("party_create", `{"open":true,"max_size":3}`)).ID
	for _, p := range []*client{ann, bob} {
		p.must("match_join", fmt.Sprintf(`{"match_id":%q}`, id))
		p.must("party_join", fmt.Sprintf(`{"party_id":%q}`, party))
	}
	if _, err := ann.send("match_data_send", fmt.Sprintf(`{"match_id":%q,"op_code":"1","data":"NDI="}`, id)); err != nil { // 42
		t.Fatal(err)
	}
	testutil.Eventually(t, "bob has what ann sent", func() bool { return len(bob.data(id)) == 1 })
	if text, answer := a.RPC(t, "signal", id); text != "signal of 42" {
		t.Errorf("the signal from another node was answered by %d %s", answer.Status, answer.Body)
	}
	killed := time.Now()
	c.Kill()
	var took []time.Duration
	for _, p := range []*client{ann, bob} {
		e := p.wait("party_close", func(e *envelope) bool { return e.kind == "party_close" })
		took = append(took, e.at.Sub(killed))
	}
	reportTimes(t, "party_close after the kill", took, 5*time.Second)
	late := a.connect("late", false)
	asked := time.Now()
	if e := late.call("match_join", fmt.Sprintf(`{"match_id":%q}`, id)); e.kind != "error" {
		t.Errorf("a match of a dead node was joined: %s", e.raw)
	}
	reportTimes(t, "answer to a join", []time.Duration{time.Since(asked)}, time.Second)
	if _, answer := a.RPC(t, "signal", id); answer.Status == 200 {
		t.Errorf("a match of a dead node was signalled: %s", answer.Body)
	}
}

// Players of a node that is killed leave the matches of others when the node is lost, and
// the handlers are told.
func TestPlayersLost(t *testing.T) {
	t.Parallel()
	all := startNodes(t, 3, matchModules, "--cluster.lost_after_ms", "4000")
	id := all.list[0].startMatch()
	var players []*client
	for _, n := range all.list {
		p := n.connect("player-"+n.name, false)
		p.must("match_join", fmt.Sprintf(`{"match_id":%q}`, id))
		p.join("somewhere") // to know the session's id
		players = append(players, p)
	}
	for _, p := range players[:2] {
		p.wait("the join of the last player", func(e *envelope) bool {
			return e.kind == "match_presence_event" && slices.ContainsFunc(decode[change](t, *e).Joins, func(j presence) bool { return j.SessionID == players[2].session })
		})
	}
	killed := time.Now()
	all.list[2].Kill()
	var took []time.Duration
	for _, p := range players[:2] {
		e := p.wait("the leave of a match", func(e *envelope) bool {
			return e.kind == "match_presence_event" && len(decode[change](t, *e).Leaves) > 0
		})
		took = append(took, e.at.Sub(killed))
		p.wait("what the handler says of it", func(e *envelope) bool { return e.kind == "match_data" })
		if n := p.matchLeaves(id); n != 1 {
			t.Errorf("%s was told of %d leaves", p.Username, n)
		}
	}
	reportTimes(t, "leave of the match after the kill", took, 5*time.Second)
}

// The node that runs the matchmaker is killed while players wait: those of the others are
// matched by the next one.
func TestLeaderKilled(t *testing.T) {
	t.Parallel()
	all := startNodes(t, 3, nil, "--matchmaker.interval_sec", "1", "--matchmaker.max_intervals", "1000")
	ann, bob := all.list[1].connect("ann", false), all.list[2].connect("bob", false)
	const ticket = `{"min_count":2,"max_count":2,"query":"+properties.mode:%s","string_properties":{"mode":%q}}`
	first := fmt.Sprintf(ticket, "first", "first")
	ann.must("matchmaker_add", first)
	bob.must("matchmaker_add", first)
	matched := func(c *client, n int) {
		testutil.Eventually(t, fmt.Sprintf("%s is matched %d times", c.Username, n), func() bool { return len(c.all("matchmaker_matched")) == n })
	}
	matched(ann, 1)
	matched(bob, 1)
	// Node a was there first, so it leads.
	second := fmt.Sprintf(ticket, "second", "second")
	ann.must("matchmaker_add", second)
	killed := time.Now()
	all.list[0].Kill()
	bob.must("matchmaker_add", second)
	matched(ann, 2)
	matched(bob, 2)
	reportTimes(t, "matched after the kill of the leader", []time.Duration{time.Since(killed)}, 7*time.Second)
}
