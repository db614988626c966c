package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/url"
	"strconv"
)

// leaderboard fills a board with --count records, then writes scores, lists
// around an owner and lists the top, each for the whole duration.
func leaderboard(ctx context.Context, o *options, t *target) ([]*Result, error) {
	sessions, err := t.sessions(o.connections)
	if err != nil {
		return nil, err
	}
	if err := t.fillBoard(o); err != nil {
		return nil, err
	}
	var results []*Result
	for _, work := range []struct {
		name string
		next func(s session) []byte
	}{
		{"write", func(s session) []byte {
			return request("POST", "/v2/leaderboard/bench", t.address, s.bearer(), `{"score":"`+strconv.Itoa(rand.IntN(1_000_000))+`"}`)
		}},
		{"around", func(s session) []byte {
			return request("GET", "/v2/leaderboard/bench/owner/"+url.PathEscape(s.userID)+"?limit=20", t.address, s.bearer(), "")
		}},
		{"list", func(s session) []byte {
			return request("GET", "/v2/leaderboard/bench?limit=20", t.address, s.bearer(), "")
		}},
	} {
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

// boardPart is how many records one call writes.
const boardPart = 500

// fillBoard makes the board and gives it --count records.
func (t *target) fillBoard(o *options) error {
	c := newHTTPConn(t.address)
	defer c.close()
	for from := 0; from < o.count; from += boardPart {
		payload := fmt.Sprintf(`{"from":%d,"to":%d}`, from, min(from+boardPart, o.count))
		status, body, err := c.do(t.rpcRequest(o.rpc, payload, session{}))
		if err != nil {
			return err
		}
		if status != 200 {
			return fmt.Errorf("fill the board: %w", responseError(status, body))
		}
	}
	return nil
}
