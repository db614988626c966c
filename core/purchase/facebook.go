package purchase

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"strings"
	"time"

	"github.com/heroiclabs/nakama-common/api"

	"kumi/store/fault"
)

// FacebookPurchase confirms a purchase of Facebook Instant Games: signed is two texts
// in base64, the signature with the app's secret and the purchase. It asks no server.
func (s *Stores) FacebookPurchase(secret, signed string) (p Purchase, err error) {
	signature, payload, ok := strings.Cut(signed, ".")
	if !ok || strings.Contains(payload, ".") {
		return p, invalid("It is not a signed request.")
	}
	given, err := decodeBase64(signature)
	if err != nil {
		return p, fault.Wrap(fault.FailedPrecondition, "Invalid Receipt. Its signature is not base64.", err)
	}
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(payload))
	if !hmac.Equal(given, mac.Sum(nil)) {
		return p, invalid("Its signature is wrong.")
	}
	text, err := decodeBase64(payload)
	if err != nil {
		return p, fault.Wrap(fault.FailedPrecondition, "Invalid Receipt. Its payload is not base64.", err)
	}
	var data struct {
		Product string  `json:"product_id"`
		Token   string  `json:"purchase_token"`
		Time    float64 `json:"purchase_time"` // Unix time in seconds
	}
	if err := lenient(json.Unmarshal(text, &data)); err != nil {
		return p, fault.Wrap(fault.FailedPrecondition, "Invalid Receipt. Its payload is not JSON.", err)
	}
	if data.Product == "" || data.Token == "" {
		return p, invalid("It has no product or no purchase token.")
	}
	return Purchase{
		Store: api.StoreProvider_FACEBOOK_INSTANT_STORE, ProductID: data.Product, TransactionID: data.Token,
		Time: time.Unix(int64(data.Time), 0).UTC(), Environment: environment(false), Response: string(text),
	}, nil
}

// decodeBase64 decodes URL-safe base64 with and without padding.
func decodeBase64(text string) ([]byte, error) {
	return base64.RawURLEncoding.DecodeString(strings.TrimRight(text, "="))
}
