package purchase

import (
	"context"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/heroiclabs/nakama-common/api"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"kumi/store/fault"
)

const (
	huaweiToken   = "https://oauth-login.cloud.huawei.com/oauth2/v3/token"
	huaweiOrders  = "https://orders-dre.iap.cloud.huawei.eu"
	huaweiOrdersA = "https://orders-at-dre.iap.dbankcloud.com" // for accounts of AppTouch
	huaweiVerify  = "/applications/purchases/tokens/verify"
)

// HuaweiApp is an app of AppGallery. PublicKey is in base64, as its console shows it.
type HuaweiApp struct{ PublicKey, ClientID, ClientSecret string }

// huaweiData is a purchase as the app gets it, and as Huawei's server confirms it.
type huaweiData struct {
	Product string `json:"productId"`
	Token   string `json:"purchaseToken"`
	Time    int64  `json:"purchaseTime"`  // Unix time in milliseconds
	State   int    `json:"purchaseState"` // 0 purchased, 1 cancelled, 2 refunded, 3 pending
	Type    *int   `json:"purchaseType"`  // 0 test; missing for an ordinary purchase
	Account int    `json:"accountFlag"`   // 1: AppTouch
}

// HuaweiPurchase confirms a purchase. data is its JSON, which the app gets from
// AppGallery with the signature. A purchase that is pending, or was cancelled or
// refunded, is refused.
func (s *Stores) HuaweiPurchase(ctx context.Context, app HuaweiApp, data, signature string) (p Purchase, err error) {
	if err := huaweiSignature(app.PublicKey, data, signature); err != nil {
		return p, err
	}
	var given huaweiData
	if err := lenient(json.Unmarshal([]byte(data), &given)); err != nil {
		return p, fault.Wrap(fault.FailedPrecondition, "Invalid Receipt. It is not the JSON of a purchase.", err)
	}
	credentials := clientcredentials.Config{ClientID: app.ClientID, ClientSecret: app.ClientSecret, TokenURL: huaweiToken, AuthStyle: oauth2.AuthStyleInParams}
	host := huaweiOrders
	if given.Account == 1 {
		host = huaweiOrdersA
	}
	var answer struct {
		Code string          `json:"responseCode"`
		Data json.RawMessage `json:"purchaseTokenData"`
	}
	text, err := s.authorized(ctx, "Huawei", app, credentials.Token, func(token string) (*http.Request, error) {
		req, err := newRequest(ctx, http.MethodPost, host+huaweiVerify, map[string]string{"purchaseToken": given.Token, "productId": given.Product})
		if err == nil {
			req.Header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte("APPAT:"+token)))
		}
		return req, err
	}, &answer)
	if err != nil {
		return p, err
	}
	if answer.Code != "0" {
		return p, invalid("Code: %s", answer.Code)
	}
	confirmed, err := readHuaweiData(answer.Data)
	switch {
	case err != nil:
		return p, unavailable("Huawei", err)
	case confirmed.Token != given.Token || confirmed.Product != given.Product:
		return p, invalid("Huawei confirms another purchase.")
	case confirmed.State != 0:
		return p, invalid("The purchase is pending, cancelled or refunded (state %d).", confirmed.State)
	}
	return Purchase{
		Store: api.StoreProvider_HUAWEI_APP_GALLERY, ProductID: confirmed.Product, TransactionID: confirmed.Token,
		Time: milliseconds(confirmed.Time), Environment: environment(confirmed.Type != nil && *confirmed.Type == 0), Response: string(text),
	}, nil
}

// readHuaweiData reads a purchase, which Huawei's server returns as an object or as
// its text.
func readHuaweiData(raw json.RawMessage) (d huaweiData, err error) {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		raw = json.RawMessage(text)
	}
	if err := lenient(json.Unmarshal(raw, &d)); err != nil {
		return d, err
	}
	if d.Token == "" {
		err = errors.New("the answer has no purchase")
	}
	return d, err
}

func huaweiSignature(publicKey, data, signature string) error {
	der, err := base64.StdEncoding.DecodeString(publicKey)
	if err != nil {
		return credentialsError("Huawei", fmt.Errorf("iap.huawei.public_key is not base64: %w", err))
	}
	parsed, err := x509.ParsePKIXPublicKey(der)
	key, ok := parsed.(*rsa.PublicKey)
	if err != nil || !ok {
		return credentialsError("Huawei", fmt.Errorf("iap.huawei.public_key is no RSA key, but %T (%v)", parsed, err))
	}
	sig, err := base64.StdEncoding.DecodeString(signature)
	if err == nil {
		hash := sha256.Sum256([]byte(data))
		err = rsa.VerifyPKCS1v15(key, crypto.SHA256, hash[:], sig)
	}
	if err != nil {
		return fault.Wrap(fault.FailedPrecondition, "Invalid Receipt. Its signature is wrong.", err)
	}
	return nil
}
