package main

import "context"

// scenario is one kind of work.
type scenario struct {
	name  string
	about string
	run   func(context.Context, *options, *target) ([]*Result, error)

	connections int    // default of --connections
	rpc         string // default of --rpc
	payload     string // default of --payload
	noBare      bool   // the bare server has nothing like it
	once        bool   // --rounds does not apply: it leaves things behind
}

var scenarios = []*scenario{
	{name: "rpc-ws", about: "RPCs over WebSocket; an operation is one call", run: rpcWS, connections: 32, rpc: "echo_js", payload: echoPayload},
	{name: "rpc-rest", about: "RPCs over REST; an operation is one call", run: rpcREST, connections: 16, rpc: "echo_js", payload: echoPayload},
	{name: "relay", about: "players of one relayed match send flat out; an operation is one delivery", run: relay, connections: 8},
	{name: "match", about: "authoritative matches at 10 Hz; an operation is one tick of one match", run: matches, connections: 1, rpc: "create_match_js", payload: "{}"},
	{name: "match-empty", about: "memory, ticks and creation of empty matches", run: emptyMatches, connections: 1, rpc: "create_match_js", noBare: true, once: true},
	{name: "storage", about: "writes and reads of one object per user over REST, half each", run: storage, connections: 16},
	{name: "auth", about: "device authentication over REST: new accounts, then the same again", run: auth, connections: 16, once: true},
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
