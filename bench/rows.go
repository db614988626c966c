package main

import (
	"context"
	"fmt"
)

// row is some work and how it is reported.
type row struct {
	// lines are the printed lines, each with one value per run.
	lines []line
	runs  []job
	// anew starts a server for each run, since one run would influence the next.
	anew bool
	// own measures what is not a scenario: it returns the values by line.
	own func(context.Context, *tabler) ([][]float64, error)
}

type line struct {
	name string
	unit string
	pick func(*Report) float64
}

// job is a scenario with its flags, and additional flags of its server.
type job struct{ bench, server string }

// rows is everything that table measures.
var rows = []row{
	times("RPC over WebSocket, JSON, Go / Lua / JS", each("rpc-ws --rpc echo_%s", "go", "lua", "js")),
	times("same, protobuf", each("rpc-ws --format protobuf --rpc echo_%s", "go", "lua", "js")),
	times("same, 8 in flight per connection, JS, JSON", each("rpc-ws --inflight 8 --rpc echo_%s", "js")),
	times("RPC that changes JSON, Go / Lua / JS", each("rpc-ws --rpc json_%s", "go", "lua", "js")),
	times("RPC over REST, Go / Lua / JS", each("rpc-rest --rpc echo_%s", "go", "lua", "js")),
	{lines: []line{{name: "script compute, fib(20), JS / Lua", unit: "x VM"}}, own: compute},
	times("relay, per delivery, JSON / protobuf", each("relay --format %s", "json", "protobuf")),
	timesAnew("match tick, JS / Lua / Go", each("match --rpc create_match_%s", "js", "lua", "go")),
	{lines: []line{{name: "match tick while recorded, JS / Lua / Go", unit: "x not recorded"}}, own: record},
	times("chat, volatile, per delivery, JSON / protobuf", each("chat --format %s", "json", "protobuf")),
	costs("chat, persistent, per send, JSON / protobuf", each("chat --persist --format %s", "json", "protobuf")),
	{
		lines: []line{{"word filter added, per send, Go / JS / Lua", "µs", first}}, anew: true,
		runs: []job{
			{"hook", "--runtime.env bench_filter=go"},
			{"hook", "--runtime.path {filter}/js"},
			{"hook", "--runtime.path {filter}/lua"},
		},
	},
	times("status, per delivery, JSON / protobuf", each("status --format %s", "json", "protobuf")),
	costs("party, per request", each("party")),
	{
		lines: []line{{"ticket added and matched, 0 / 10,000 waiting", "µs", cost("")}}, anew: true,
		runs: []job{
			{"matchmaker", "--matchmaker.interval_sec 1 --matchmaker.max_tickets 50"},
			{"matchmaker --waiting 10000", "--matchmaker.interval_sec 1 --matchmaker.max_tickets 50"},
		},
	},
	{
		lines: []line{{"device authentication, new", "µs", cost("create")}, {"device authentication, again", "µs", cost("again")}},
		runs:  each("auth"), anew: true,
	},
	costs("storage over REST", each("storage")),
	{
		lines: []line{
			{"score written to a board of 20,000", "µs", cost("write")},
			{"list of 20 around the owner in it", "µs", cost("around")},
			{"list of its first 20", "µs", cost("list")},
		},
		runs: each("leaderboard"), anew: true,
	},
	{
		lines: []line{
			{"list of 10 of 100,000 objects by a query of an index", "µs", cost("list")},
			{"write of an indexed object", "µs", cost("write")},
		},
		runs: each("storage-index"), anew: true,
	},
	{
		lines: []line{
			{"purchase validated with a local store, new", "µs", cost("new")},
			{"same purchase again", "µs", cost("again")},
			{"signed purchase, new", "µs", cost("signed")},
		},
		runs: []job{{"purchase", "--iap.development.stores_url http://127.0.0.1:9009 --iap.facebook_instant.app_secret bench"}}, anew: true,
	},
	times("GET /healthcheck", each("healthcheck")),
	{
		lines: []line{{"memory per idle socket, of 10,000", "KB", kilobytesEach("")}, {"same", "x bare", ratio("")}},
		runs:  each("idle --users 100"), anew: true,
	},
	{
		lines: []line{
			{"memory per empty match, JS / Lua / Go", "KB", kilobytesEach("create")},
			{"empty tick, JS / Lua / Go", "µs", cost("tick")},
			{"create a match, JS / Lua / Go", "µs", cost("create")},
		},
		runs: each("match-empty --rpc create_match_%s", "js", "lua", "go"), anew: true,
	},
	{
		lines: []line{{"list of 10,000 matches, p50", "ms", func(r *Report) float64 { return r.find("", "server").P50 / 1000 }}},
		runs:  each("match-list"), anew: true,
	},
	{
		lines: []line{{"churn with reconnects, 1,000 connections, per operation", "µs", cost("")}},
		runs:  each("churn --reconnect"), anew: true,
	},
	{
		lines: []line{{"dip of the call rate while modules reload", "%", first}},
		runs:  each("reload --duration 10s"), anew: true,
	},
	{lines: []line{{name: "start to healthy, new data folder / used one", unit: "ms"}, {name: "memory when idle", unit: "MB"}}, own: starting},
}

func times(name string, runs []job) row {
	return row{lines: []line{{name, "x bare", ratio("")}}, runs: runs}
}

func timesAnew(name string, runs []job) row {
	return row{lines: []line{{name, "x bare", ratio("")}}, runs: runs, anew: true}
}

func costs(name string, runs []job) row {
	return row{lines: []line{{name, "µs", cost("")}}, runs: runs}
}

// each is the command with each of the words in it.
func each(command string, words ...string) []job {
	if len(words) == 0 {
		return []job{{bench: command}}
	}
	var out []job
	for _, w := range words {
		out = append(out, job{bench: fmt.Sprintf(command, w)})
	}
	return out
}

func ratio(work string) func(*Report) float64 {
	return func(r *Report) float64 { return r.find(work, "server").Ratio }
}

// cost is the processor time of server and database.
func cost(work string) func(*Report) float64 {
	return func(r *Report) float64 { n := r.find(work, "server"); return n.CPU + n.DBCPU }
}

func kilobytesEach(work string) func(*Report) float64 {
	return func(r *Report) float64 { return float64(r.find(work, "server").RSSEach) / (1 << 10) }
}

// first is what the scenario itself concludes.
func first(r *Report) float64 { return r.Figures[0].Value }
