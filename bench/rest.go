package main

import (
	"context"
	"encoding/json"
	"fmt"
	"sync/atomic"
	"time"
)

// healthcheck calls the health check.
func healthcheck(ctx context.Context, o *options, t *target) ([]*Result, error) {
	l := load{unit: "request"}
	get := request("GET", "/healthcheck", t.address, "", "")
	for range o.connections {
		l.workers = append(l.workers, t.repeat(func() []byte { return get }))
	}
	return one(measure(ctx, o, t, l))
}

// storage writes and reads one object per user in turn.
func storage(ctx context.Context, o *options, t *target) ([]*Result, error) {
	sessions, err := t.sessions(o.connections)
	if err != nil {
		return nil, err
	}
	value, _ := json.Marshal(echoPayload) // a string always encodes
	l := load{unit: "request"}
	for _, s := range sessions {
		write := request("PUT", "/v2/storage", t.address, s.bearer(),
			`{"objects":[{"collection":"bench","key":"object","value":`+string(value)+`,"permission_read":1,"permission_write":1}]}`)
		read := request("POST", "/v2/storage", t.address, s.bearer(),
			`{"object_ids":[{"collection":"bench","key":"object","user_id":"`+s.userID+`"}]}`)
		turn := 0
		l.workers = append(l.workers, t.repeat(func() []byte {
			turn++
			if turn%2 == 1 {
				return write
			}
			return read
		}))
	}
	return one(measure(ctx, o, t, l))
}

// auth creates an account per request, then logs in to those accounts again.
func auth(ctx context.Context, o *options, t *target) ([]*Result, error) {
	run := time.Now().UnixNano()
	device := func(n int64) string { return fmt.Sprintf("bench-%x-%08d", run, n) }
	var created atomic.Int64
	fresh := load{unit: "request"}
	for range o.connections {
		fresh.workers = append(fresh.workers, t.repeat(func() []byte {
			return t.deviceRequest(device(created.Add(1)))
		}))
	}
	first, err := measure(ctx, o, t, fresh)
	if err != nil {
		return nil, err
	}
	first.Work = "create"

	total := created.Load()
	var used atomic.Int64
	again := load{unit: "request"}
	for range o.connections {
		again.workers = append(again.workers, t.repeat(func() []byte {
			return t.deviceRequest(device(1 + used.Add(1)%total))
		}))
	}
	second, err := measure(ctx, o, t, again)
	if err != nil {
		return nil, err
	}
	second.Work = "again"
	return []*Result{first, second}, nil
}
