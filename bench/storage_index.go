package main

import (
	"context"
	"math/rand/v2"
	"strconv"
)

// indexQuery finds a fortieth of the objects.
const indexQuery = `{"query":"+value.region:eu +value.level:>=40 +value.level:<50","order":["-value.rating"]}`

// storageIndex writes --count objects that are indexed, then lists ten of them by a
// query, and writes objects, each for the whole duration.
func storageIndex(ctx context.Context, o *options, t *target) ([]*Result, error) {
	sessions, err := t.sessions(o.connections)
	if err != nil {
		return nil, err
	}
	if err := t.fill(o); err != nil {
		return nil, err
	}
	return inTurn(ctx, o, t, sessions, []work{
		{"list", func(s session) []byte { return t.rpcRequest(o.rpc, indexQuery, s) }},
		{"write", func(s session) []byte {
			value := `{\"level\":` + strconv.Itoa(rand.IntN(100)) + `,\"rating\":` + strconv.Itoa(rand.IntN(100_000)) + `,\"region\":\"eu\"}`
			return request("PUT", "/v2/storage", t.address, s.bearer(),
				`{"objects":[{"collection":"bench_players","key":"own","value":"`+value+`"}]}`)
		}},
	})
}
