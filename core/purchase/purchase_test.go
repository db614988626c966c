package purchase_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/heroiclabs/nakama-common/api"
	"github.com/heroiclabs/nakama-common/runtime"
	"github.com/rs/zerolog"

	"kumi/core/purchase"
	"kumi/core/purchase/purchasetest"
	"kumi/core/upstream"
	"kumi/internal/testutil"
	"kumi/store/fault"
)

func startStores(t *testing.T) *purchasetest.Stores {
	t.Helper()
	s, err := purchasetest.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// day is when everything in these tests was bought.
var day = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func ms(t time.Time) string { return strconv.FormatInt(t.UnixMilli(), 10) }

// transaction is a signed transaction of StoreKit 2.
func transaction(change map[string]any) map[string]any {
	t := map[string]any{
		"transactionId": "2000", "originalTransactionId": "1000", "bundleId": "com.example.game", "productId": "gems",
		"purchaseDate": day.UnixMilli(), "originalPurchaseDate": day.UnixMilli(), "signedDate": time.Now().UnixMilli(),
		"type": "Consumable", "environment": "Production", "quantity": 1,
	}
	for k, v := range change {
		t[k] = v
	}
	return t
}

// googlePurchase is the JSON of a purchase of Google Play.
func googlePurchase(application, token string) string {
	text, _ := json.Marshal(map[string]any{"packageName": application, "productId": "gems", "purchaseToken": token, "purchaseTime": day.UnixMilli()})
	return string(text)
}

func TestPurchases(t *testing.T) {
	t.Parallel()
	stores := startStores(t)
	s := purchase.New(stores.Options())
	account, huawei := stores.GoogleAccount(), stores.HuaweiApp()
	apple := func(receipt string) ([]purchase.Purchase, error) {
		return s.ApplePurchases(t.Context(), "shared", receipt)
	}
	google := func(receipt string) ([]purchase.Purchase, error) {
		return one(s.GooglePurchase(t.Context(), account, receipt))
	}
	appGallery := func(token string) ([]purchase.Purchase, error) {
		data := `{"productId":"gems","purchaseToken":"` + token + `"}`
		return one(s.HuaweiPurchase(t.Context(), huawei, data, stores.SignHuawei(data)))
	}
	galaxy := func(id string) ([]purchase.Purchase, error) {
		return one(s.SamsungPurchase(t.Context(), "com.example.game", id))
	}
	facebook := func(data any) ([]purchase.Purchase, error) {
		return one(s.FacebookPurchase("secret", purchasetest.SignFacebook("secret", data)))
	}

	item := map[string]any{"product_id": "gems", "transaction_id": "a1", "purchase_date_ms": ms(day), "quantity": "1"}
	stores.Set("receipt", map[string]any{"status": 0, "environment": "Production", "latest_receipt": "again", "receipt": map[string]any{"in_app": []any{item}}})
	stores.Set("test receipt", map[string]any{"status": 0, "environment": "Sandbox", "receipt": map[string]any{"in_app": []any{item}}})
	stores.Set("refunded receipt", map[string]any{"status": 0, "environment": "Production", "receipt": map[string]any{"in_app": []any{
		map[string]any{"product_id": "gems", "transaction_id": "a1", "purchase_date_ms": ms(day), "cancellation_date_ms": ms(day.Add(time.Hour))},
	}}})
	stores.Set("subscriptions only", map[string]any{"status": 0, "receipt": map[string]any{"in_app": []any{
		map[string]any{"product_id": "pass", "transaction_id": "a1", "purchase_date_ms": ms(day), "expires_date_ms": ms(day)},
	}}})
	stores.Set("nothing bought", map[string]any{"status": 0, "receipt": map[string]any{"in_app": []any{}}})
	stores.Set("later", map[string]any{"status": 21100, "is-retryable": "1"})
	stores.Set("busy", map[string]any{"status": 21005})
	stores.Set("g1", map[string]any{"purchaseState": 0, "purchaseTimeMillis": ms(day), "orderId": "GPA.1"})
	stores.Set("g-test", map[string]any{"purchaseState": 0, "purchaseTimeMillis": ms(day), "purchaseType": 0})
	stores.Set("g-cancelled", map[string]any{"purchaseState": 1, "purchaseTimeMillis": ms(day)})
	stores.Set("g-pending", map[string]any{"purchaseState": 2, "purchaseTimeMillis": ms(day)})
	stores.Set("g/1?", map[string]any{"purchaseState": 0, "purchaseTimeMillis": ms(day)})
	stores.Set("g-old", http.StatusGone)
	huaweiData := func(token string, state int) string {
		return `{"productId":"gems","purchaseToken":"` + token + `","purchaseTime":` + ms(day) + `,"purchaseState":` + strconv.Itoa(state) + `}`
	}
	stores.Set("h1", map[string]any{"responseCode": "0", "purchaseTokenData": huaweiData("h1", 0)})
	stores.Set("h-refunded", map[string]any{"responseCode": "0", "purchaseTokenData": huaweiData("h-refunded", 2)})
	stores.Set("h-other", map[string]any{"responseCode": "0", "purchaseTokenData": huaweiData("h1", 0)})
	stores.Set("h-test", map[string]any{"responseCode": "0", "purchaseTokenData": map[string]any{
		"productId": "gems", "purchaseToken": "h-test", "purchaseTime": day.UnixMilli(), "purchaseType": 0,
	}})
	samsung := func(status, application, mode string) map[string]any {
		return map[string]any{"status": status, "packageName": application, "mode": mode, "itemId": "gems", "paymentId": "pay1", "purchaseDate": "2026-03-01 12:00:00"}
	}
	stores.Set("s1", samsung("success", "com.example.game", "PRODUCTION"))
	stores.Set("s-test", samsung("success", "com.example.game", "TEST"))
	stores.Set("s-cancelled", samsung("cancel", "com.example.game", "PRODUCTION"))
	stores.Set("s-unpaid", map[string]any{"status": "success", "packageName": "com.example.game", "itemId": "gems"})
	stores.Set("s-other", samsung("success", "com.example.other", "PRODUCTION"))

	wrapped, _ := json.Marshal(map[string]string{"json": googlePurchase("com.example.game", "g1"), "signature": "x"})
	for name, c := range map[string]struct {
		validate func(string) ([]purchase.Purchase, error)
		receipt  string
		id       string
		test     bool
		refunded bool
		err      string
	}{
		"Apple, receipt":             {apple, "receipt", "a1", false, false, ""},
		"Apple, sandbox receipt":     {apple, "test receipt", "a1", true, false, ""},
		"Apple, refunded receipt":    {apple, "refunded receipt", "a1", false, true, ""},
		"Apple, subscriptions":       {apple, "subscriptions only", "", false, false, "Subscription Receipt. Use the appropriate function instead."},
		"Apple, empty receipt":       {apple, "nothing bought", "", false, false, ""},
		"Apple, unknown receipt":     {apple, "unknown", "", false, false, "Invalid Receipt. Status: 21003"},
		"Apple, transaction":         {apple, stores.Apple.Sign(transaction(nil)), "2000", false, false, ""},
		"Apple, sandbox transaction": {apple, stores.Apple.Sign(transaction(map[string]any{"environment": "Sandbox"})), "2000", true, false, ""},
		"Apple, refunded":            {apple, stores.Apple.Sign(transaction(map[string]any{"revocationDate": day.Add(time.Hour).UnixMilli()})), "2000", false, true, ""},
		"Apple, subscription":        {apple, stores.Apple.Sign(transaction(map[string]any{"expiresDate": day.UnixMilli()})), "", false, false, "Subscription Receipt. Use the appropriate function instead."},
		"Apple, no product":          {apple, stores.Apple.Sign(map[string]any{"transactionId": "2"}), "", false, false, "Invalid Receipt. The transaction has no id or no product."},
		"Google":                     {google, googlePurchase("com.example.game", "g1"), "g1", false, false, ""},
		"Google, from Unity":         {google, string(wrapped), "g1", false, false, ""},
		"Google, test":               {google, googlePurchase("com.example.game", "g-test"), "g-test", true, false, ""},
		"Google, odd token":          {google, googlePurchase("com.example.game", "g/1?"), "g/1?", false, false, ""},
		"Google, cancelled":          {google, googlePurchase("com.example.game", "g-cancelled"), "", false, false, "Invalid Receipt. The purchase was cancelled."},
		"Google, pending":            {google, googlePurchase("com.example.game", "g-pending"), "", false, false, "Invalid Receipt. The purchase is pending."},
		"Google, unknown":            {google, googlePurchase("com.example.game", "g0"), "", false, false, "Invalid Receipt. Status: 404"},
		"Google, long ago":           {google, googlePurchase("com.example.game", "g-old"), "", false, false, "Invalid Receipt. Status: 410"},
		"Google, other application":  {google, googlePurchase("com.example.other", "g1"), "", false, false, "Invalid Receipt. Status: 401"},
		"Google, path":               {google, googlePurchase("..", "g1"), "", false, false, `Invalid Receipt. Its application, product or token is "..".`},
		"Google, not JSON":           {google, "receipt", "", false, false, "Invalid Receipt. It is not the JSON of a purchase of Google Play."},
		"Huawei":                     {appGallery, "h1", "h1", false, false, ""},
		"Huawei, test":               {appGallery, "h-test", "h-test", true, false, ""},
		"Huawei, refunded":           {appGallery, "h-refunded", "", false, false, "Invalid Receipt. The purchase is pending, cancelled or refunded (state 2)."},
		"Huawei, another":            {appGallery, "h-other", "", false, false, "Invalid Receipt. Huawei confirms another purchase."},
		"Huawei, unknown":            {appGallery, "h0", "", false, false, "Invalid Receipt. Code: 5"},
		"Samsung":                    {galaxy, "s1", "pay1", false, false, ""},
		"Samsung, test":              {galaxy, "s-test", "pay1", true, false, ""},
		"Samsung, cancelled":         {galaxy, "s-cancelled", "", false, false, "Invalid Receipt. Status: cancel"},
		"Samsung, unknown":           {galaxy, "s0", "", false, false, "Invalid Receipt. Status: fail"},
		"Samsung, other application": {galaxy, "s-other", "", false, false, `Invalid Receipt. It is for the application "com.example.other".`},
	} {
		got, err := c.validate(c.receipt)
		if c.err != "" {
			if fault.Text(err) != c.err || fault.CodeOf(err) != fault.FailedPrecondition {
				t.Errorf("%s: %v (code %d), want %s", name, err, fault.CodeOf(err), c.err)
			}
			continue
		}
		if err != nil || len(got) != min(len(c.id), 1) {
			t.Errorf("%s: %v, %v", name, got, err)
			continue
		}
		for _, p := range got {
			if p.ProductID != "gems" || p.TransactionID != c.id || !p.Time.Equal(day) || p.Refunded.IsZero() == c.refunded ||
				(p.Environment == api.StoreEnvironment_SANDBOX) != c.test || !json.Valid([]byte(p.Response)) {
				t.Errorf("%s: %+v", name, p)
			}
		}
	}

	p, err := facebook(map[string]any{"algorithm": "HMAC-SHA256", "product_id": "gems", "purchase_token": "f1", "purchase_time": 1772366400.5, "is_consumed": false})
	if err != nil || p[0].TransactionID != "f1" || !p[0].Time.Equal(day) {
		t.Errorf("Facebook: %+v, %v", p, err)
	}
	if _, err := s.FacebookPurchase("secret", purchasetest.SignFacebook("guess", map[string]any{"product_id": "gems"})); fault.CodeOf(err) != fault.FailedPrecondition {
		t.Errorf("a wrong secret of Facebook: %v", err)
	}
	if _, err := s.HuaweiPurchase(t.Context(), huawei, `{"productId":"gems","purchaseToken":"h1"}`, stores.SignHuawei("{}")); fault.Text(err) != "Invalid Receipt. Its signature is wrong." {
		t.Errorf("a wrong signature of Huawei: %v", err)
	}
	for _, about := range []string{"later", "busy"} {
		if _, err := apple(about); fault.CodeOf(err) != fault.Unavailable || fault.Text(err) != "Apple IAP verification is currently unavailable. Try again later." {
			t.Errorf("Apple asks for patience: %v", err)
		}
	}
	if _, err := galaxy("s-unpaid"); fault.CodeOf(err) != fault.Unavailable {
		t.Errorf("Samsung, without a payment: %v", err)
	}
	if _, err := s.ApplePurchases(t.Context(), "guess", "receipt"); fault.Text(err) != "Invalid Receipt. Status: 21004" {
		t.Errorf("a wrong shared secret: %v", err)
	}
	for host, max := range map[string]int{"oauth2.googleapis.com": 1, "oauth-login.cloud.huawei.com": 1} {
		if n := stores.Requests(host); n != max {
			t.Errorf("%d requests for access tokens of %s, want %d", n, host, max)
		}
	}
}

func one(p purchase.Purchase, err error) ([]purchase.Purchase, error) {
	return []purchase.Purchase{p}, err
}

// A store that fails or does not answer is reported as unavailable, by each store and
// for the access token too, so that the client tries again.
func TestUnavailableStores(t *testing.T) {
	t.Parallel()
	stores := startStores(t)
	data := `{"productId":"gems","purchaseToken":"h1"}`
	calls := map[string]func(ctx context.Context, s *purchase.Stores) error{
		"Apple": func(ctx context.Context, s *purchase.Stores) error {
			_, err := s.ApplePurchases(ctx, "shared", "receipt")
			return err
		},
		"Google": func(ctx context.Context, s *purchase.Stores) error {
			_, err := s.GooglePurchase(ctx, stores.GoogleAccount(), googlePurchase("com.example.game", "g1"))
			return err
		},
		"Google subscription": func(ctx context.Context, s *purchase.Stores) error {
			_, err := s.GoogleSubscription(ctx, stores.GoogleAccount(), googlePurchase("com.example.game", "g1"))
			return err
		},
		"Huawei": func(ctx context.Context, s *purchase.Stores) error {
			_, err := s.HuaweiPurchase(ctx, stores.HuaweiApp(), data, stores.SignHuawei(data))
			return err
		},
		"Samsung": func(ctx context.Context, s *purchase.Stores) error {
			_, err := s.SamsungPurchase(ctx, "", "s1")
			return err
		},
	}
	check := func(how string, options purchase.Options) {
		t.Helper()
		for name, call := range calls {
			err := call(t.Context(), purchase.New(options))
			store, _, _ := strings.Cut(name, " ")
			if fault.CodeOf(err) != fault.Unavailable || fault.Text(err) != store+" IAP verification is currently unavailable. Try again later." {
				t.Errorf("%s, %s: %v (code %d)", name, how, err, fault.CodeOf(err))
			}
		}
	}
	for _, status := range []int{500, 503, 429} {
		stores.Fail(status)
		check(strconv.Itoa(status), stores.Options())
	}
	// Google says with 404 that there is no such purchase, and so does no other store.
	for store, code := range map[string]fault.Code{"Apple": fault.Unavailable, "Samsung": fault.Unavailable, "Huawei": fault.Unavailable, "Google": fault.FailedPrecondition} {
		stores.Fail(0)
		s := purchase.New(stores.Options())
		_ = calls[store](t.Context(), s) // gets an access token
		stores.Fail(404)
		if err := calls[store](t.Context(), s); fault.CodeOf(err) != code {
			t.Errorf("%s, 404: %v", store, err)
		}
	}
	stores.Fail(0)
	end := stores.Hang()
	hasty := stores.Options()
	hasty.Timeout = 50 * time.Millisecond
	check("time-out", hasty)
	// A client that has gone is not a failure of the store.
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := purchase.New(stores.Options()).SamsungPurchase(ctx, "", "s1"); fault.CodeOf(err) != fault.Canceled {
		t.Errorf("cancelled by the client: %v", err)
	}
	end()
	stores.Set("g1", "no object")
	if err := calls["Google"](t.Context(), purchase.New(stores.Options())); fault.CodeOf(err) != fault.Unavailable {
		t.Errorf("an answer that cannot be read: %v", err)
	}
	// The server's credentials are the operator's matter: clients are told nothing.
	_, err := purchase.New(stores.Options()).GooglePurchase(t.Context(), purchase.GoogleAccount{Email: "x", PrivateKey: "x"}, googlePurchase("com.example.game", "g1"))
	if fault.CodeOf(err) != fault.Internal || !fault.Of(err).Private {
		t.Errorf("a wrong key of the server: %v", err)
	}
	stores.Close()
	check("no server", stores.Options())
}

// What Apple has not signed, or has signed for others, is refused.
func TestAppleSignatures(t *testing.T) {
	t.Parallel()
	stores := startStores(t)
	other, err := purchasetest.NewSigner(true)
	if err != nil {
		t.Fatal(err)
	}
	unmarked, err := purchasetest.NewSigner(false)
	if err != nil {
		t.Fatal(err)
	}
	options := stores.Options()
	options.AppleRoots = stores.Apple.Pool()
	options.AppleRoots.AppendCertsFromPEM(unmarked.PEM())
	options.AppleBundles = []string{"com.example.game", "com.example.game.mac"}
	s := purchase.New(options)
	good := stores.Apple.Sign(transaction(nil))
	parts := strings.Split(good, ".")
	header := func(change func(h map[string]any)) string {
		raw, _ := base64.RawURLEncoding.DecodeString(parts[0])
		var h map[string]any
		_ = json.Unmarshal(raw, &h)
		change(h)
		raw, _ = json.Marshal(h)
		return base64.RawURLEncoding.EncodeToString(raw) + "." + parts[1] + "." + parts[2]
	}
	payload, _ := json.Marshal(transaction(map[string]any{"productId": "all the gems"}))
	for name, c := range map[string]struct{ text, err string }{
		"good":              {good, ""},
		"second bundle":     {stores.Apple.Sign(transaction(map[string]any{"bundleId": "com.example.game.mac"})), ""},
		"other bundle":      {stores.Apple.Sign(transaction(map[string]any{"bundleId": "com.example.other"})), `It is for the bundle "com.example.other".`},
		"other root":        {other.Sign(transaction(nil)), "certificates are not trusted"},
		"not the App Store": {unmarked.Sign(transaction(nil)), "certificates are not those of the App Store"},
		"changed payload":   {parts[0] + "." + base64.RawURLEncoding.EncodeToString(payload) + "." + parts[2], "signature is wrong"},
		"no signature":      {parts[0] + "." + parts[1] + ".", "signature is wrong"},
		"algorithm none":    {header(func(h map[string]any) { h["alg"] = "none" }), `signed with "none"`},
		"algorithm HS256":   {header(func(h map[string]any) { h["alg"] = "HS256" }), `signed with "HS256"`},
		"two certificates":  {header(func(h map[string]any) { h["x5c"] = h["x5c"].([]any)[:2] }), "2 certificates"},
		"no certificates":   {header(func(h map[string]any) { delete(h, "x5c") }), "0 certificates"},
		"swapped":           {header(func(h map[string]any) { c := h["x5c"].([]any); c[0], c[1] = c[1], c[0] }), "refused"},
		"bad certificate":   {header(func(h map[string]any) { h["x5c"].([]any)[0] = "AAAA" }), "certificate 1 cannot be read"},
		"from the future":   {stores.Apple.Sign(transaction(map[string]any{"signedDate": time.Now().Add(time.Hour).UnixMilli()})), "dated in the future"},
		"before the certificates": {stores.Apple.Sign(transaction(map[string]any{"signedDate": time.Now().Add(-48 * time.Hour).UnixMilli()})),
			"certificates are not trusted"},
		"rubbish": {"a.b.c", "not a signed transaction"},
	} {
		_, err := s.ApplePurchases(t.Context(), "", c.text)
		if (err == nil) != (c.err == "") || err != nil && (!strings.Contains(fault.Text(err), c.err) || fault.CodeOf(err) != fault.FailedPrecondition) {
			t.Errorf("%s: %v, want %q", name, err, c.err)
		}
	}
	for bundle, want := range map[string]string{"com.example.game": "", "com.example.other": `Invalid Receipt. It is for the bundle "com.example.other".`} {
		about := strings.ReplaceAll(bundle, ".", " ")
		stores.Set(about, map[string]any{"status": 0, "receipt": map[string]any{"bundle_id": bundle}})
		_, err := s.ApplePurchases(t.Context(), "shared", about)
		if (err == nil) != (want == "") || err != nil && fault.Text(err) != want {
			t.Errorf("receipt of the bundle %s: %v", bundle, err)
		}
	}
	// A transaction stays valid after the certificates have ended.
	later := options
	later.Now = func() time.Time { return time.Now().Add(365 * 24 * time.Hour) }
	if _, err := purchase.New(later).ApplePurchases(t.Context(), "", good); err != nil {
		t.Errorf("a year later: %v", err)
	}
	if _, err := purchase.New(purchase.Options{}).ApplePurchases(t.Context(), "", good); err == nil {
		t.Error("the real roots trust a test's")
	}

	n, err := s.ReadAppleNotification(stores.Apple.Notification("u1", "DID_RENEW", "", time.Now(), transaction(map[string]any{"expiresDate": day.UnixMilli()}), nil))
	if err != nil || n.UUID != "u1" || n.Kind() != runtime.IAPNotificationRenewed || n.Data.TransactionInfo.ProductId != "gems" {
		t.Errorf("notification: %+v, %v", n, err)
	}
	inner, _ := json.Marshal(map[string]any{"signedPayload": stores.Apple.Sign(map[string]any{
		"notificationType": "REFUND", "signedDate": time.Now().UnixMilli(),
		"data": map[string]any{"bundleId": "com.example.game", "signedTransactionInfo": other.Sign(transaction(nil))},
	})})
	for name, body := range map[string][]byte{
		"signed by others":             other.Notification("u2", "REFUND", "", time.Now(), transaction(nil), nil),
		"with a transaction of others": inner,
	} {
		if _, err := s.ReadAppleNotification(body); fault.CodeOf(err) != fault.Unauthenticated {
			t.Errorf("a notification %s: %v", name, err)
		}
	}
	if _, err := s.ReadAppleNotification([]byte("{}")); fault.CodeOf(err) != fault.InvalidArgument {
		t.Errorf("not a notification: %v", err)
	}
}

// Whoever accepts purchases in every app is warned, once.
func TestAnyApp(t *testing.T) {
	t.Parallel()
	stores := startStores(t)
	var log testutil.Log
	o := stores.Options()
	o.Logger = zerolog.New(&log)
	s := purchase.New(o)
	stores.Set("s1", map[string]any{"status": "success", "itemId": "gems", "paymentId": "1"})
	for range 2 {
		if _, err := s.ApplePurchases(t.Context(), "", stores.Apple.Sign(transaction(nil))); err != nil {
			t.Error(err)
		}
		if _, err := s.SamsungPurchase(t.Context(), "", "s1"); err != nil {
			t.Error(err)
		}
	}
	for _, setting := range []string{"iap.apple.bundle_ids", "iap.samsung.package_name"} {
		if n := len(log.Lines(setting)); n != 1 {
			t.Errorf("%d warnings of %s", n, setting)
		}
	}
}

func TestSubscriptions(t *testing.T) {
	t.Parallel()
	stores := startStores(t)
	s := purchase.New(stores.Options())
	period := func(original, product string, expiry time.Time) map[string]any {
		return map[string]any{"product_id": product, "transaction_id": "t" + ms(expiry), "original_transaction_id": original,
			"purchase_date_ms": ms(day), "original_purchase_date_ms": ms(day), "expires_date_ms": ms(expiry)}
	}
	month := day.AddDate(0, 1, 0)
	stores.Set("receipt", map[string]any{"status": 0, "environment": "Production", "latest_receipt_info": []any{
		period("o1", "pass", day), period("o1", "pass", month), period("o2", "club", day), map[string]any{"product_id": "gems", "transaction_id": "t"},
	}})
	stores.Set("purchases only", map[string]any{"status": 0, "latest_receipt": "x", "latest_receipt_info": []any{map[string]any{"product_id": "gems"}}})
	subs, err := s.AppleSubscriptions(t.Context(), "shared", "receipt")
	if err != nil || len(subs) != 2 || subs[0].OriginalTransactionID != "o1" || !subs[0].Expiry.Equal(month) || subs[1].ProductID != "club" || subs[0].Stated.IsZero() {
		t.Errorf("Apple: %+v, %v", subs, err)
	}
	if _, err := s.AppleSubscriptions(t.Context(), "shared", "purchases only"); fault.Text(err) != "Purchase Receipt. Use the appropriate function instead." {
		t.Errorf("Apple, purchases: %v", err)
	}
	subs, err = s.AppleSubscriptions(t.Context(), "", stores.Apple.Sign(transaction(map[string]any{"expiresDate": month.UnixMilli()})))
	if err != nil || len(subs) != 1 || subs[0].OriginalTransactionID != "1000" || !subs[0].Expiry.Equal(month) {
		t.Errorf("Apple, transaction: %+v, %v", subs, err)
	}

	state := func(name string, change map[string]any) map[string]any {
		answer := map[string]any{"startTime": day, "subscriptionState": name, "lineItems": []any{
			map[string]any{"productId": "gems", "expiryTime": month, "autoRenewingPlan": map[string]any{"priceChangeDetails": map[string]any{"priceChangeMode": "PRICE_DECREASE"}}},
			map[string]any{"productId": "club", "expiryTime": day},
		}}
		for k, v := range change {
			answer[k] = v
		}
		return answer
	}
	stores.Set("active", state("SUBSCRIPTION_STATE_ACTIVE", nil))
	stores.Set("ends", state("SUBSCRIPTION_STATE_CANCELED", map[string]any{"testPurchase": map[string]any{}}))
	stores.Set("replaces", state("SUBSCRIPTION_STATE_ACTIVE", map[string]any{"linkedPurchaseToken": "active"}))
	stores.Set("pending", state("SUBSCRIPTION_STATE_PENDING", nil))
	stores.Set("aborted", state("SUBSCRIPTION_STATE_PENDING_PURCHASE_CANCELED", nil))
	for token, c := range map[string]struct {
		id, err string
		test    bool
	}{
		"active": {"active", "", false}, "ends": {"ends", "", true}, "replaces": {"active", "", false},
		"pending": {"", "Invalid Receipt. The subscription is pending.", false}, "aborted": {"", "Invalid Receipt. The purchase of the subscription was cancelled.", false},
		"unknown": {"", "Invalid Receipt. Status: 404", false},
	} {
		sub, err := s.GoogleSubscription(t.Context(), stores.GoogleAccount(), googlePurchase("com.example.game", token))
		switch {
		case c.err != "":
			if fault.Text(err) != c.err || fault.CodeOf(err) != fault.FailedPrecondition {
				t.Errorf("Google, %s: %v", token, err)
			}
		case err != nil || sub.OriginalTransactionID != c.id || sub.ProductID != "gems" || !sub.Expiry.Equal(month) || !sub.Time.Equal(day) ||
			(sub.Environment == api.StoreEnvironment_SANDBOX) != c.test:
			t.Errorf("Google, %s: %+v, %v", token, sub, err)
		}
	}
}

// Many players buy at once: the access token is requested once, and each request is
// observed.
func TestTokenIsShared(t *testing.T) {
	t.Parallel()
	stores := startStores(t)
	options := stores.Options()
	var mu sync.Mutex
	observed := map[string]int{}
	options.Observe = func(host string, ok bool, took time.Duration) {
		mu.Lock()
		defer mu.Unlock()
		if observed[fmt.Sprint(host, " ", ok)]++; took <= 0 {
			t.Errorf("%s took %v", host, took)
		}
	}
	s := purchase.New(options)
	stores.Set("g1", map[string]any{"purchaseState": 0})
	account := stores.GoogleAccount()
	account.PrivateKey = strings.ReplaceAll(account.PrivateKey, "\n", `\n`) // as in an environment variable
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			if _, err := s.GooglePurchase(t.Context(), account, googlePurchase("com.example.game", "g1")); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if n := stores.Requests("oauth2.googleapis.com"); n != 1 {
		t.Errorf("%d requests for a token, want 1", n)
	}
	stores.Fail(500)
	_, _ = s.GooglePurchase(t.Context(), account, googlePurchase("com.example.game", "g1"))
	want := map[string]int{"oauth2.googleapis.com true": 1, "androidpublisher.googleapis.com true": 20, "androidpublisher.googleapis.com false": 1}
	if !maps.Equal(observed, want) {
		t.Errorf("observed %v, want %v", observed, want)
	}
}

// A caller that gives up does not wait for the access token that another one asked for.
func TestTokenHangs(t *testing.T) {
	t.Parallel()
	stores := startStores(t)
	options := stores.Options()
	options.Timeout = time.Hour
	s := purchase.New(options)
	stores.Set("g1", map[string]any{"purchaseState": 0})
	buy := func(ctx context.Context) error {
		_, err := s.GooglePurchase(ctx, stores.GoogleAccount(), googlePurchase("com.example.game", "g1"))
		return err
	}
	release := stores.Hang()
	defer release() // also if the test fails
	first := make(chan error, 1)
	go func() { first <- buy(t.Context()) }()
	testutil.Eventually(t, "the request", func() bool { return stores.Requests("oauth2.googleapis.com") == 1 })
	ctx, cancel := context.WithCancel(t.Context())
	second := make(chan error, 1)
	go func() { second <- buy(ctx) }()
	cancel()
	select {
	case err := <-second:
		if fault.CodeOf(err) != fault.Canceled {
			t.Errorf("the second caller: %v", err)
		}
	case <-time.After(time.Minute):
		t.Fatal("a caller that gave up is still waiting")
	}
	release()
	if err := <-first; err != nil {
		t.Error(err)
	}
}

// A token that the store has withdrawn is replaced, once.
func TestTokenIsWithdrawn(t *testing.T) {
	t.Parallel()
	stores := startStores(t)
	s := purchase.New(stores.Options())
	stores.Set("g1", map[string]any{"purchaseState": 0})
	stores.Set("h1", map[string]any{"responseCode": "0", "purchaseTokenData": map[string]any{"productId": "gems", "purchaseToken": "h1"}})
	data := `{"productId":"gems","purchaseToken":"h1"}`
	for i := range 3 {
		if _, err := s.GooglePurchase(t.Context(), stores.GoogleAccount(), googlePurchase("com.example.game", "g1")); err != nil {
			t.Errorf("Google, purchase %d: %v", i, err)
		}
		if _, err := s.HuaweiPurchase(t.Context(), stores.HuaweiApp(), data, stores.SignHuawei(data)); err != nil {
			t.Errorf("Huawei, purchase %d: %v", i, err)
		}
		// What a player may send does not cost a token: a purchase in another application.
		_, err := s.GooglePurchase(t.Context(), stores.GoogleAccount(), googlePurchase("com.example.other", "g1"))
		if fault.CodeOf(err) != fault.FailedPrecondition {
			t.Errorf("Google, another application: %v", err)
		}
		for _, host := range []string{"oauth2.googleapis.com", "oauth-login.cloud.huawei.com"} {
			if n := stores.Requests(host); n != i+1 {
				t.Errorf("%d requests for tokens of %s after %d were withdrawn", n, host, i)
			}
		}
		stores.Withdraw()
	}
	stores.Set("g2", purchasetest.Refusal{Status: http.StatusUnauthorized, Body: map[string]any{"error": map[string]any{"status": "UNAUTHENTICATED"}}})
	before := stores.Requests("oauth2.googleapis.com")
	if _, err := s.GooglePurchase(t.Context(), stores.GoogleAccount(), googlePurchase("com.example.game", "g2")); fault.CodeOf(err) != fault.Internal {
		t.Errorf("refused for good: %v", err)
	}
	if n := stores.Requests("oauth2.googleapis.com") - before; n != 1 {
		t.Errorf("refused for good: %d requests for tokens", n)
	}
}

// A quota that is used up says nothing about the purchase.
func TestGoogleQuota(t *testing.T) {
	t.Parallel()
	stores := startStores(t)
	s := purchase.New(stores.Options())
	stores.Set("g1", purchasetest.Refusal{Status: http.StatusForbidden, Body: map[string]any{"error": map[string]any{
		"code": 403, "status": "PERMISSION_DENIED", "errors": []any{map[string]any{"domain": "usageLimits", "reason": "rateLimitExceeded"}},
	}}})
	if _, err := s.GooglePurchase(t.Context(), stores.GoogleAccount(), googlePurchase("com.example.game", "g1")); fault.CodeOf(err) != fault.Unavailable {
		t.Errorf("over the quota: %v", err)
	}
}

// Requests to a store that hangs do not pile up, and others are not affected.
func TestHangingStore(t *testing.T) {
	t.Parallel()
	stores := startStores(t)
	options := stores.Options()
	options.Timeout = time.Hour
	s := purchase.New(options)
	release := stores.Hang()
	var all sync.WaitGroup
	for range upstream.MaxAtOnce {
		all.Go(func() {
			if _, err := s.SamsungPurchase(t.Context(), "", "s1"); fault.CodeOf(err) != fault.FailedPrecondition {
				t.Error(err)
			}
		})
	}
	testutil.Eventually(t, "all requests", func() bool { return stores.Requests("iap.samsungapps.com") == upstream.MaxAtOnce })
	if _, err := s.SamsungPurchase(t.Context(), "", "s1"); fault.CodeOf(err) != fault.Unavailable {
		t.Errorf("one more: %v", err)
	}
	release()
	all.Wait()
}
