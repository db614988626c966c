package main

import "context"

// scenario is one kind of load.
type scenario struct {
	name  string
	about string
	run   func(context.Context, *options, *target) ([]*Result, error)

	connections int    // default of --connections
	rpc         string // default of --rpc
	payload     string // default of --payload
	inflight    int    // further defaults; 0 means the general one
	players     int
	rooms       int
	count       int
	noBare      bool // the bare server has no counterpart
	once        bool // without --rounds, since it leaves state behind
	plain       bool // compares with a server without the hook
	// derive adds figures after all rounds; it may be nil.
	derive func(*Report)
}

var scenarios = []*scenario{
	{name: "rpc-ws", about: "RPCs over WebSocket; an operation is one call", run: rpcWS, connections: 32, rpc: "echo_js", payload: echoPayload},
	{name: "rpc-rest", about: "RPCs over REST; an operation is one call", run: rpcREST, connections: 16, rpc: "echo_js", payload: echoPayload},
	{name: "relay", about: "players of one relayed match send as fast as they can; an operation is one delivery", run: relay, connections: 8},
	{name: "match", about: "authoritative matches at 10 Hz; an operation is one tick of one match", run: matches, connections: 1, rpc: "create_match_js", payload: "{}"},
	{name: "match-empty", about: "memory, ticks and creation of empty matches", run: emptyMatches, connections: 1, rpc: "create_match_js", noBare: true, once: true},
	{name: "match-list", about: "listing running matches with a query over REST; an operation is one call", run: listMatches, connections: 1, rpc: "create_match_go", count: 10000, noBare: true, once: true},
	{name: "chat", about: "all members of one room send, one message in flight each; an operation is one delivery", run: chat, connections: 10, players: 10},
	{name: "hook", about: "what a word filter before ChannelMessageSend adds to a message", run: hook, connections: 16, noBare: true, plain: true, derive: hookAdded},
	{name: "status", about: "one user's status to all followers; an operation is one delivery", run: status, connections: 101},
	{name: "churn", about: "connections join and leave rooms and matches; shows what the server holds afterwards", run: churn, connections: 1000, players: 10, noBare: true},
	{name: "party", about: "parties form, exchange data, search and end; an operation is one request", run: party, connections: 1, rooms: 8, players: 4, noBare: true},
	{name: "matchmaker", about: "pairs of tickets find each other; an operation is one ticket", run: matchmaking, connections: 20, inflight: 50, noBare: true},
	{name: "reload", about: "RPCs over WebSocket while modules are reloaded", run: reload, connections: 32, rpc: "echo_js", payload: echoPayload, count: 50, noBare: true, derive: reloadDip},
	{name: "storage", about: "writes and reads of one object per user over REST, half each", run: storage, connections: 16},
	{name: "leaderboard", about: "scores written to a board of --count records over REST, lists around an owner, lists of the top, ranks", run: leaderboard, connections: 16, count: 20000, rpc: "fill_board_js", noBare: true, once: true},
	{name: "storage-index", about: "lists of 10 of --count objects by a query over REST and an RPC, writes of objects that are indexed", run: storageIndex, connections: 16, count: 100_000, rpc: "players_js", noBare: true, once: true},
	{name: "purchase", about: "validations over REST against a local store: purchases that are new, and again; and new ones that are only signed", run: purchases, connections: 16, noBare: true, once: true},
	{name: "auth", about: "device authentication over REST: new accounts, then existing ones", run: auth, connections: 16, once: true},
	{name: "idle", about: "memory of idle WebSocket connections", run: idle, connections: 10000, once: true},
	{name: "healthcheck", about: "GET /healthcheck", run: healthcheck, connections: 16},
}

func findScenario(name string) *scenario {
	for _, s := range scenarios {
		if s.name == name {
			return s
		}
	}
	return nil
}
