package server_test

import (
	"encoding/json"
	"testing"
	"time"

	"kumi/core/purchase/purchasetest"
	"kumi/server/servertest"
)

// fireStores are stores in which something was bought, and the settings of a server that
// asks them.
type fireStores struct {
	*purchasetest.Stores
	settings servertest.Option
}

func startStores(t *testing.T) *fireStores {
	t.Helper()
	stores, settings := servertest.Stores(t)
	return &fireStores{stores, settings}
}

// bodies are those of the requests that validate what was bought.
func (s *fireStores) bodies() map[string]string {
	later := time.Now().Add(time.Hour)
	s.Set("g1", map[string]any{"purchaseState": 0})
	s.Set("g2", map[string]any{"subscriptionState": "SUBSCRIPTION_STATE_ACTIVE", "lineItems": []any{map[string]any{"productId": "pass", "expiryTime": later}}})
	s.Set("s1", map[string]any{"status": "success", "itemId": "gems", "paymentId": "p1"})
	huawei := `{"productId":"gems","purchaseToken":"h1"}`
	s.Set("h1", map[string]any{"responseCode": "0", "purchaseTokenData": huawei})
	apple := map[string]any{"transactionId": "a1", "originalTransactionId": "a1", "productId": "gems"}
	sub := map[string]any{"transactionId": "a2", "originalTransactionId": "a2", "productId": "pass", "expiresDate": later.UnixMilli()}
	google := `{"packageName":"com.example.game","productId":"pass","purchaseToken":`
	body := func(fields map[string]string) string {
		text, _ := json.Marshal(fields)
		return string(text)
	}
	return map[string]string{
		"purchase apple":      body(map[string]string{"receipt": s.Apple.Sign(apple)}),
		"purchase google":     body(map[string]string{"purchase": google + `"g1"}`}),
		"purchase huawei":     body(map[string]string{"purchase": huawei, "signature": s.SignHuawei(huawei)}),
		"purchase facebook":   body(map[string]string{"signed_request": purchasetest.SignFacebook("secret", map[string]any{"product_id": "gems", "purchase_token": "f1"})}),
		"subscription apple":  body(map[string]string{"receipt": s.Apple.Sign(sub)}),
		"subscription google": body(map[string]string{"receipt": google + `"g2"}`}),
	}
}
