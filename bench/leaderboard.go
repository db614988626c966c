package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"

	"kumi/bench/fill"
)

// leaderboard fills a board with --count records, unless it is filled already, then
// writes scores, lists around an owner, lists the top and reads the rank of an owner,
// each for the whole duration.
func leaderboard(ctx context.Context, o *options, t *target) ([]*Result, error) {
	sessions, err := t.sessions(o.connections)
	if err != nil {
		return nil, err
	}
	records := o.filled
	if records == 0 {
		records = o.count
		if err := t.fill(o); err != nil {
			return nil, err
		}
	}
	return inTurn(ctx, o, t, sessions, []work{
		{"write", func(s session) []byte {
			return request("POST", "/v2/leaderboard/bench", t.address, s.bearer(), `{"score":"`+strconv.Itoa(rand.IntN(1_000_000))+`"}`)
		}},
		{"around", func(s session) []byte {
			return request("GET", "/v2/leaderboard/bench/owner/"+fill.Owner(rand.IntN(records)).String()+"?limit=20", t.address, s.bearer(), "")
		}},
		{"list", func(s session) []byte {
			return request("GET", "/v2/leaderboard/bench?limit=20", t.address, s.bearer(), "")
		}},
		{"rank", func(s session) []byte {
			return request("GET", "/v2/leaderboard/bench?owner_ids="+fill.Owner(rand.IntN(records)).String(), t.address, s.bearer(), "")
		}},
	})
}

// work is one kind of request.
type work struct {
	name string
	next func(s session) []byte
}

// inTurn measures one kind of request after the other, each for the whole duration.
func inTurn(ctx context.Context, o *options, t *target, sessions []session, works []work) ([]*Result, error) {
	var results []*Result
	for _, work := range works {
		l := load{unit: "request"}
		for _, s := range sessions {
			l.workers = append(l.workers, t.repeat(func() []byte { return work.next(s) }))
		}
		result, err := measure(ctx, o, t, l)
		if err != nil {
			return nil, err
		}
		result.Work = work.name
		results = append(results, result)
	}
	return results, nil
}

// fillPart is how many records or objects one call writes.
const fillPart = 500

// fill calls the RPC until it has written --count records or objects.
func (t *target) fill(o *options) error {
	c := newHTTPConn(t.address)
	defer c.close()
	for from := 0; from < o.count; from += fillPart {
		payload := fmt.Sprintf(`{"from":%d,"to":%d}`, from, min(from+fillPart, o.count))
		status, body, err := c.do(t.rpcRequest(o.rpc, payload, session{}))
		if err != nil {
			return err
		}
		if status != 200 {
			return fmt.Errorf("write the data: %w", responseError(status, body))
		}
	}
	return nil
}
