package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"sync/atomic"

	"kumi/core/purchase/purchasetest"
)

// purchaseSecret is the setting iap.facebook_instant.app_secret of the server.
const purchaseSecret = "bench"

// purchases validates purchases, each kind for the whole duration: new ones that a
// store confirms, the same again, and new ones that are only signed. The store is this
// program.
func purchases(ctx context.Context, o *options, t *target) ([]*Result, error) {
	stores, err := purchasetest.StartAt(o.stores)
	if err != nil {
		return nil, fmt.Errorf("play the stores: %w", err)
	}
	defer stores.Close()
	stores.Otherwise(func(id string) any {
		return map[string]string{"status": "success", "mode": "PRODUCTION", "itemId": "gems", "paymentId": id, "purchaseDate": "2026-03-01 12:00:00"}
	})
	sessions, err := t.sessions(o.connections)
	if err != nil {
		return nil, err
	}
	var last atomic.Int64
	galaxy := func(s session, id string) []byte {
		return request("POST", "/v2/iap/purchase/samsung", t.address, s.bearer(), `{"purchase_id":"`+id+`"}`)
	}
	return inTurn(ctx, o, t, sessions, []work{
		{"new", func(s session) []byte { return galaxy(s, "bench-"+strconv.FormatInt(last.Add(1), 10)) }},
		{"again", func(s session) []byte { return galaxy(s, "bench-of-"+s.userID) }},
		{"signed", func(s session) []byte {
			signed := purchasetest.SignFacebook(purchaseSecret, map[string]any{
				"algorithm": "HMAC-SHA256", "product_id": "gems", "purchase_token": "signed-" + strconv.FormatInt(last.Add(1), 10), "purchase_time": 1772366400,
			})
			body, _ := json.Marshal(map[string]string{"signed_request": signed})
			return request("POST", "/v2/iap/purchase/facebookinstant", t.address, s.bearer(), string(body))
		}},
	})
}
