package test

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/heroiclabs/nakama-common/api"
	"github.com/heroiclabs/nakama-common/runtime"
	"google.golang.org/grpc/status"

	"kumi/core/purchase/purchasetest"
	"kumi/modules/golang"
	"kumi/server/servertest"
)

// The same shop in each language: an RPC that uses every function of purchases and
// says what it saw, hooks of validation, and handlers of all notifications.
var shopModules = map[string]servertest.Option{
	"javascript": servertest.Module("index.ts", `
		export function InitModule(ctx, logger, nk, initializer) {
			initializer.registerPurchaseNotificationApple((ctx, logger, nk, p, payload, type) =>
				logger.info("%s %s %s %s", ctx.executionMode, type, p.transactionId, JSON.parse(payload).transactionInfo.productId));
			initializer.registerPurchaseNotificationGoogle((ctx, logger, nk, p, payload, type) =>
				logger.info("%s %s %s %s", ctx.executionMode, type, p.transactionId, JSON.parse(payload).orderId));
			initializer.registerSubscriptionNotificationApple((ctx, logger, nk, s, payload, type) =>
				logger.info("%s %s %s %s", ctx.executionMode, type, s.originalTransactionId, s.active));
			initializer.registerSubscriptionNotificationGoogle((ctx, logger, nk, s, payload, type) =>
				logger.info("%s %s %s %s", ctx.executionMode, type, s.originalTransactionId, JSON.parse(payload).lineItems.length));
			initializer.registerBeforeValidatePurchaseSamsung((ctx, logger, nk, data) => { data.purchaseId = data.purchaseId.replace("my-", ""); return data });
			initializer.registerAfterValidatePurchaseSamsung((ctx, logger, nk, out, data) =>
				logger.info("after %s %s", data.purchaseId, out.validatedPurchases[0].transactionId));
			initializer.registerRpc("shop", (ctx, logger, nk, payload) => {
				const r = JSON.parse(payload), me = ctx.userId;
				const show = p => [p.store, p.productId, p.transactionId, p.seenBefore, p.environment, p.userId === me, p.createTime > 0].join(":");
				const shown = s => [s.store, s.productId, s.originalTransactionId, s.active, s.environment, s.createTime > 0].join(":");
				const bought = [
					nk.purchaseValidateApple(me, r.apple, false), nk.purchaseValidateApple(me, r.apple), nk.purchaseValidateApple(me, r.apple, true, "shared"),
					nk.purchaseValidateGoogle(me, r.google, true), nk.purchaseValidateHuawei(me, r.huawei, r.signature), nk.purchaseValidateSamsung(me, r.samsung),
					nk.purchaseValidateFacebookInstant(me, r.facebook),
				].map(x => x.validatedPurchases.map(show).join()).join(" ");
				const subscribed = [nk.subscriptionValidateApple(me, r.appleSub), nk.subscriptionValidateGoogle(me, r.googleSub, false)]
					.map(x => shown(x.validatedSubscription)).join(" ");
				const page = nk.purchasesList(me, 2), next = nk.purchasesList(me, 100, page.cursor), back = nk.purchasesList(me, 2, next.prevCursor);
				const subs = nk.subscriptionsList(me, 10), all = nk.purchasesList();
				const got = nk.purchaseGetByTransactionId("a1"), pass = nk.subscriptionGetByProductId(me, "pass");
				const refused = [];
				for (const call of [() => nk.purchaseValidateApple(me, "unknown"), () => nk.purchaseValidateGoogle(me, r.google, true, "x@y.z", "no key"),
					() => nk.purchaseGetByTransactionId("none"), () => nk.subscriptionGetByProductId(me, "none"), () => nk.purchasesList(me, 101)]) {
					try { call(); refused.push("no error") } catch (e) { refused.push(e.code === undefined ? "argument" : e.code) }
				}
				return JSON.stringify({
					bought, subscribed, pages: [page, next, back].map(p => p.validatedPurchases.length).join(), ends: String([next.cursor, page.prevCursor]),
					subs: subs.validatedSubscriptions.map(shown).join(" "), all: all.validatedPurchases.length, got: show(got) + got.refundTime, pass: shown(pass), refused: refused.join(),
				});
			});
		}`),
	"lua": servertest.Module("main.lua", `
		local nk = require("nakama")
		local function note(...)
			local words = {}
			for _, w in ipairs({ ... }) do table.insert(words, tostring(w)) end
			nk.logger_info(table.concat(words, " "))
		end
		nk.register_purchase_notification_apple(function(ctx, p, payload, kind)
			note(ctx.execution_mode, kind, p.transaction_id, nk.json_decode(payload).transactionInfo.productId)
		end)
		nk.register_purchase_notification_google(function(ctx, p, payload, kind) note(ctx.execution_mode, kind, p.transaction_id, nk.json_decode(payload).orderId) end)
		nk.register_subscription_notification_apple(function(ctx, s, payload, kind) note(ctx.execution_mode, kind, s.original_transaction_id, s.active) end)
		nk.register_subscription_notification_google(function(ctx, s, payload, kind) note(ctx.execution_mode, kind, s.original_transaction_id, #nk.json_decode(payload).lineItems) end)
		nk.register_req_before(function(ctx, data) data.purchase_id = string.gsub(data.purchase_id, "my%-", ""); return data end, "ValidatePurchaseSamsung")
		nk.register_req_after(function(ctx, out, data) note("after", data.purchase_id, out.validated_purchases[1].transaction_id) end, "ValidatePurchaseSamsung")
		nk.register_rpc(function(ctx, payload)
			local r, me = nk.json_decode(payload), ctx.user_id
			local function join(...)
				local words = {}
				for _, w in ipairs({ ... }) do table.insert(words, tostring(w)) end
				return table.concat(words, ":")
			end
			local function show(p) return join(p.store, p.product_id, p.transaction_id, p.seen_before, p.environment, p.user_id == me, (p.create_time or 0) > 0) end
			local function shown(s) return join(s.store, s.product_id, s.original_transaction_id, s.active, s.environment, (s.create_time or 0) > 0) end
			local bought, subscribed, subs, refused = {}, {}, {}, {}
			for _, x in ipairs({
				nk.purchase_validate_apple(me, r.apple, false), nk.purchase_validate_apple(me, r.apple), nk.purchase_validate_apple(me, r.apple, true, "shared"),
				nk.purchase_validate_google(me, r.google, true), nk.purchase_validate_huawei(me, r.signature, r.huawei), nk.purchase_validate_samsung(me, r.samsung),
				nk.purchase_validate_facebook_instant(me, r.facebook),
			}) do table.insert(bought, show(x.validated_purchases[1])) end
			for _, x in ipairs({ nk.subscription_validate_apple(me, r.appleSub), nk.subscription_validate_google(me, r.googleSub, false) }) do
				table.insert(subscribed, shown(x.validated_subscription))
			end
			local page, cursor, first_prev = nk.purchases_list(me, 2)
			local rest, last, prev = nk.purchases_list(me, 100, cursor)
			local back = nk.purchases_list(me, 2, prev)
			for _, s in ipairs((nk.subscriptions_list(me, 10))) do table.insert(subs, shown(s)) end
			local got, pass = nk.purchase_get_by_transaction_id("a1"), nk.subscription_get_by_product_id(me, "pass")
			for _, call in ipairs({
				function() nk.purchase_validate_apple(me, "unknown") end, function() nk.purchase_validate_google(me, r.google, true, "x@y.z", "no key") end,
				function() nk.purchase_get_by_transaction_id("none") end, function() nk.subscription_get_by_product_id(me, "none") end, function() nk.purchases_list(me, 101) end,
			}) do
				local ok, err = pcall(call)
				local text = tostring(type(err) == "table" and err.message or err)
				table.insert(refused, ok and "no error" or text:find("Invalid Receipt") and "9" or text:find("credentials") and "13" or text:find("not found") and "5" or text:find("1 to 100") and "argument" or text)
			end
			return nk.json_encode({
				bought = table.concat(bought, " "), subscribed = table.concat(subscribed, " "), pages = #page .. "," .. #rest .. "," .. #back,
				ends = (last == nil and "" or "more") .. "," .. (first_prev == nil and "" or "more"),
				subs = table.concat(subs, " "), all = #nk.purchases_list(), got = show(got) .. got.refund_time, pass = shown(pass), refused = table.concat(refused, ","),
			})
		end, "shop")`),
	"go": servertest.Flags("--runtime.env", "shop=go"),
}

// shopSeen is what the RPC answers in every language.
const shopSeen = `{"all":5,"bought":"` +
	`APPLE_APP_STORE:gems:a1:false:PRODUCTION:true:false APPLE_APP_STORE:gems:a1:false:PRODUCTION:true:true APPLE_APP_STORE:gems:a1:true:PRODUCTION:true:true ` +
	`GOOGLE_PLAY_STORE:gems:g1:false:PRODUCTION:true:true HUAWEI_APP_GALLERY:gems:h1:false:SANDBOX:true:true SAMSUNG_GALAXY_STORE:gems:s1:false:SANDBOX:true:true ` +
	`FACEBOOK_INSTANT_STORE:gems:f1:false:PRODUCTION:true:true","ends":",","got":"APPLE_APP_STORE:gems:a1:false:PRODUCTION:true:true0","pages":"2,3,2",` +
	`"pass":"APPLE_APP_STORE:pass:as1:true:PRODUCTION:true","refused":"9,13,5,5,argument","subs":"APPLE_APP_STORE:pass:as1:true:PRODUCTION:true",` +
	`"subscribed":"APPLE_APP_STORE:pass:as1:true:PRODUCTION:true GOOGLE_PLAY_STORE:pass:gs1:true:PRODUCTION:false"}`

func init() { golang.Register("shop", goShop) }

func goShop(ctx context.Context, _ runtime.Logger, _ *sql.DB, _ runtime.NakamaModule, initializer runtime.Initializer) error {
	if env, _ := ctx.Value(runtime.RUNTIME_CTX_ENV).(map[string]string); env["shop"] != "go" {
		return nil
	}
	mode := func(ctx context.Context) any { return ctx.Value(runtime.RUNTIME_CTX_MODE) }
	for _, err := range []error{
		initializer.RegisterPurchaseNotificationApple(func(ctx context.Context, logger runtime.Logger, _ *sql.DB, _ runtime.NakamaModule, kind runtime.NotificationType, p *api.ValidatedPurchase, d *runtime.AppleNotificationData) error {
			logger.Info("%s %s %s %s", mode(ctx), kind, p.TransactionId, d.TransactionInfo.ProductId)
			return nil
		}),
		initializer.RegisterPurchaseNotificationGoogle(func(ctx context.Context, logger runtime.Logger, _ *sql.DB, _ runtime.NakamaModule, kind runtime.NotificationType, p *api.ValidatedPurchase, d *runtime.PurchaseV2GoogleResponse) error {
			logger.Info("%s %s %s %s", mode(ctx), kind, p.TransactionId, d.OrderId)
			return nil
		}),
		initializer.RegisterSubscriptionNotificationApple(func(ctx context.Context, logger runtime.Logger, _ *sql.DB, _ runtime.NakamaModule, kind runtime.NotificationType, s *api.ValidatedSubscription, _ *runtime.AppleNotificationData) error {
			logger.Info("%s %s %s %t", mode(ctx), kind, s.OriginalTransactionId, s.Active)
			return nil
		}),
		initializer.RegisterSubscriptionNotificationGoogle(func(ctx context.Context, logger runtime.Logger, _ *sql.DB, _ runtime.NakamaModule, kind runtime.NotificationType, s *api.ValidatedSubscription, d *runtime.SubscriptionV2GoogleResponse) error {
			logger.Info("%s %s %s %d", mode(ctx), kind, s.OriginalTransactionId, len(d.LineItems))
			return nil
		}),
		initializer.RegisterBeforeValidatePurchaseSamsung(func(_ context.Context, _ runtime.Logger, _ *sql.DB, _ runtime.NakamaModule, in *api.ValidatePurchaseSamsungRequest) (*api.ValidatePurchaseSamsungRequest, error) {
			in.PurchaseId = strings.ReplaceAll(in.PurchaseId, "my-", "")
			return in, nil
		}),
		initializer.RegisterAfterValidatePurchaseSamsung(func(_ context.Context, logger runtime.Logger, _ *sql.DB, _ runtime.NakamaModule, out *api.ValidatePurchaseResponse, in *api.ValidatePurchaseSamsungRequest) error {
			logger.Info("after %s %s", in.PurchaseId, out.ValidatedPurchases[0].TransactionId)
			return nil
		}),
		initializer.RegisterRpc("shop", func(ctx context.Context, _ runtime.Logger, _ *sql.DB, nk runtime.NakamaModule, payload string) (string, error) {
			return visitShop(ctx, nk, payload)
		}),
	} {
		if err != nil {
			return err
		}
	}
	return nil
}

func visitShop(ctx context.Context, nk runtime.NakamaModule, payload string) (string, error) {
	var r struct{ Apple, AppleSub, Google, GoogleSub, Huawei, Signature, Samsung, Facebook string }
	if err := json.Unmarshal([]byte(payload), &r); err != nil {
		return "", err
	}
	me, _ := ctx.Value(runtime.RUNTIME_CTX_USER_ID).(string)
	var failed error
	note := func(err error) {
		if failed == nil {
			failed = err
		}
	}
	show := func(p *api.ValidatedPurchase) string {
		return strings.ReplaceAll(fmt.Sprint([]any{p.Store, p.ProductId, p.TransactionId, p.SeenBefore, p.Environment, p.UserId == me, p.CreateTime.GetSeconds() > 0}), " ", ":")
	}
	shown := func(s *api.ValidatedSubscription) string {
		return strings.ReplaceAll(fmt.Sprint([]any{s.GetStore(), s.GetProductId(), s.GetOriginalTransactionId(), s.GetActive(), s.GetEnvironment(), s.GetCreateTime().GetSeconds() > 0}), " ", ":")
	}
	plain := func(text string) string { return strings.NewReplacer("[", "", "]", "").Replace(text) }
	var bought, subscribed, subs, refused []string
	buy := func(res *api.ValidatePurchaseResponse, err error) {
		note(err)
		for _, p := range res.GetValidatedPurchases() {
			bought = append(bought, plain(show(p)))
		}
	}
	subscribe := func(res *api.ValidateSubscriptionResponse, err error) {
		note(err)
		subscribed = append(subscribed, plain(shown(res.GetValidatedSubscription())))
	}
	buy(nk.PurchaseValidateApple(ctx, me, r.Apple, false))
	buy(nk.PurchaseValidateApple(ctx, me, r.Apple, true))
	buy(nk.PurchaseValidateApple(ctx, me, r.Apple, true, "shared"))
	buy(nk.PurchaseValidateGoogle(ctx, me, r.Google, true))
	buy(nk.PurchaseValidateHuawei(ctx, me, r.Signature, r.Huawei, true))
	buy(nk.PurchaseValidateSamsung(ctx, me, r.Samsung, true))
	buy(nk.PurchaseValidateFacebookInstant(ctx, me, r.Facebook, true))
	subscribe(nk.SubscriptionValidateApple(ctx, me, r.AppleSub, true))
	subscribe(nk.SubscriptionValidateGoogle(ctx, me, r.GoogleSub, false))
	page, err := nk.PurchasesList(ctx, me, 2, "")
	note(err)
	next, err := nk.PurchasesList(ctx, me, 100, page.GetCursor())
	note(err)
	back, err := nk.PurchasesList(ctx, me, 2, next.GetPrevCursor())
	note(err)
	list, err := nk.SubscriptionsList(ctx, me, 10, "")
	note(err)
	for _, s := range list.GetValidatedSubscriptions() {
		subs = append(subs, plain(shown(s)))
	}
	all, err := nk.PurchasesList(ctx, "", 100, "")
	note(err)
	got, err := nk.PurchaseGetByTransactionId(ctx, "a1")
	note(err)
	pass, err := nk.SubscriptionGetByProductId(ctx, me, "pass")
	note(err)
	if failed != nil {
		return "", failed
	}
	_, unknown := nk.PurchaseValidateApple(ctx, me, "unknown", true)
	_, key := nk.PurchaseValidateGoogle(ctx, me, r.Google, true, struct{ ClientEmail, PrivateKey string }{"x@y.z", "no key"})
	_, none := nk.PurchaseGetByTransactionId(ctx, "none")
	_, product := nk.SubscriptionGetByProductId(ctx, me, "none")
	_, limit := nk.PurchasesList(ctx, me, 101, "")
	for _, err := range []error{unknown, key, none, product} {
		refused = append(refused, fmt.Sprint(int(status.Code(err))))
	}
	if status.Code(limit) == 3 {
		refused = append(refused, "argument")
	}
	ends := next.Cursor + "," + page.PrevCursor
	out, err := json.Marshal(map[string]any{
		"bought": strings.Join(bought, " "), "subscribed": strings.Join(subscribed, " "), "ends": ends, "subs": strings.Join(subs, " "),
		"pages": fmt.Sprintf("%d,%d,%d", len(page.ValidatedPurchases), len(next.ValidatedPurchases), len(back.ValidatedPurchases)),
		"all":   len(all.ValidatedPurchases), "got": plain(show(got)) + text(got.RefundTime.GetSeconds()), "pass": plain(shown(pass)), "refused": strings.Join(refused, ","),
	})
	return string(out), err
}

// shopStores starts stores, and returns the settings of a server that uses them.
func shopStores(t *testing.T) (*purchasetest.Stores, servertest.Option) {
	t.Helper()
	stores, settings := servertest.Stores(t)
	more := servertest.Flags("--iap.apple.shared_password", "shared", "--iap.apple.bundle_ids", "com.example.game",
		"--iap.apple.notifications_endpoint_id", "apples", "--iap.google.notifications_endpoint_id", "play",
		"--iap.samsung.package_name", "com.example.game")
	return stores, func(t testing.TB, s *servertest.Setup) {
		settings(t, s)
		more(t, s)
		servertest.Console()(t, s)
	}
}

// Purchases work in every language, through REST, and by notifications, on both
// databases.
func TestShop(t *testing.T) {
	t.Parallel()
	for language, module := range shopModules {
		for _, database := range []string{"sqlite", "postgres"} {
			t.Run(language+"/"+database, func(t *testing.T) {
				t.Parallel()
				option := servertest.Flags()
				if database == "postgres" {
					option = servertest.Postgres()
				}
				var log servertest.Journal
				stores, settings := shopStores(t)
				srv := servertest.Start(t, module, option, settings, log.Keep())
				receipts := fillStores(stores)
				ann := srv.User(t, "ann")
				payload, _ := json.Marshal(receipts)
				got, a := ann.RPC(t, "shop", string(payload))
				if sorted(got) != shopSeen {
					t.Errorf("%s in %s\nwant %s", sorted(got), a.Body, shopSeen)
				}

				// Bob, over REST: what is Ann's stays hers.
				bob := srv.User(t, "bob")
				body := func(fields ...string) string {
					text, _ := json.Marshal(map[string]string{fields[0]: fields[1], fields[len(fields)-2]: fields[len(fields)-1]})
					return string(text)
				}
				stores.Set("s2", map[string]any{"status": "success", "packageName": "com.example.game", "mode": "PRODUCTION", "itemId": "gems", "paymentId": "s2"})
				for _, call := range []struct{ path, body, id, seen string }{
					{"purchase/apple", body("receipt", receipts["apple"]), "a1", "true"}, {"purchase/google", body("purchase", receipts["google"]), "g1", "true"},
					{"purchase/huawei", body("purchase", receipts["huawei"], "signature", receipts["signature"]), "h1", "true"},
					{"purchase/facebookinstant", body("signed_request", receipts["facebook"]), "f1", "true"},
					{"purchase/samsung", body("purchase_id", "my-s2"), "s2", ""},
					{"subscription/apple", body("receipt", receipts["appleSub"]), "as1", ""}, {"subscription/google", body("receipt", receipts["googleSub"]), "gs1", ""},
				} {
					a := bob.Do(t, "POST", "/v2/iap/"+call.path, call.body)
					var out struct {
						Purchases    []struct{ TransactionID, UserID string } `json:"validated_purchases"`
						Subscription map[string]any                           `json:"validated_subscription"`
					}
					_ = json.Unmarshal([]byte(a.Body), &out)
					owner := ann.ID
					if call.seen == "" && call.id != "as1" {
						owner = bob.ID
					}
					if a.Status != 200 || !strings.Contains(a.Body, `"`+call.id+`"`) || !strings.Contains(a.Body, `"user_id":"`+owner+`"`) || strings.Contains(a.Body, `"seen_before":true`) != (call.seen == "true") {
						t.Errorf("%s: %d %s", call.path, a.Status, a.Body)
					}
				}
				servertest.Eventually(t, "the after hook", func() bool { return len(log.Lines("after s2 s2")) == 1 })
				if a := bob.Do(t, "GET", "/v2/iap/subscription/pass", ""); a.Status != 200 || a.Get("original_transaction_id") != "gs1" || a.Get("store") != "1" || a.Get("active") != "true" {
					t.Errorf("get: %d %s", a.Status, a.Body)
				}
				if a := bob.Do(t, "POST", "/v2/iap/subscription", `{"limit":1}`); a.Status != 200 || !strings.Contains(a.Body, `"gs1"`) || a.Get("cursor") != "" {
					t.Errorf("list: %d %s", a.Status, a.Body)
				}
				for want, call := range map[string][2]string{
					`404 {"code":5,"message":"subscription not found"}`: {"GET /v2/iap/subscription/none", ""},
					"400 Invalid limit":                             {"POST /v2/iap/subscription", `{"limit":1001}`},
					"400 Receipt cannot be empty.":                  {"POST /v2/iap/purchase/apple", `{}`},
					"400 Signature cannot be empty.":                {"POST /v2/iap/purchase/huawei", `{"purchase":"x"}`},
					"400 Invalid Receipt. Status: 21003":            {"POST /v2/iap/purchase/apple", `{"receipt":"x"}`},
					"400 subscriptions list cursor invalid":         {"POST /v2/iap/subscription", `{"cursor":"x"}`},
					"400 Subscription Receipt. Use the appropriate": {"POST /v2/iap/purchase/apple", body("receipt", receipts["appleSub"])},
				} {
					method, path, _ := strings.Cut(call[0], " ")
					status, text, _ := strings.Cut(want, " ")
					if a := bob.Do(t, method, path, call[1]); fmt.Sprint(a.Status) != status || !strings.Contains(a.Body, text) {
						t.Errorf("%s %s: %d %s, want %s", call[0], call[1], a.Status, a.Body, want)
					}
				}
				stores.Fail(503)
				if a := bob.Do(t, "POST", "/v2/iap/purchase/google", body("purchase", receipts["google"])); a.Status != 503 || a.Code() != 14 {
					t.Errorf("Google fails: %d %s", a.Status, a.Body)
				}
				stores.Fail(0)

				// The stores notify.
				deliver := func(path string, body []byte, status int) {
					t.Helper()
					req, err := http.NewRequestWithContext(t.Context(), "POST", "http://"+srv.ConsoleAddr().String()+"/v2/console/"+path, bytes.NewReader(body))
					if err != nil {
						t.Fatal(err)
					}
					res, err := http.DefaultClient.Do(req)
					if err != nil {
						t.Fatal(err)
					}
					_ = res.Body.Close()
					if res.StatusCode != status {
						t.Errorf("%s: %d, want %d", path, res.StatusCode, status)
					}
				}
				refund := stores.Apple.Notification("u1", "REFUND", "", time.Now(), shopTransaction("a1", map[string]any{"revocationDate": time.Now().UnixMilli()}), nil)
				deliver("apple/notifications/wrong", refund, 404)
				deliver("apple/notifications/", refund, 404)
				deliver("google/notifications/apples", refund, 404)
				deliver("apple/notifications/apples", refund, 200)
				deliver("apple/subscriptions/apples", refund, 200)
				deliver("apple/notifications/apples", []byte(`{"signedPayload":"a.b.c"}`), 401)
				deliver("apple/notifications/apples", []byte(`?`), 400)
				deliver("apple/notifications/apples", stores.Apple.Notification("u2", "EXPIRED", "", time.Now().Add(time.Second),
					shopTransaction("as1", map[string]any{"productId": "pass", "expiresDate": 1}), nil), 200)
				deliver("apple/notifications/apples", stores.Apple.Notification("u3", "REFUND", "", time.Now(), shopTransaction("never", nil), nil), 404)
				pubsub := func(id, data string) []byte {
					body, _ := json.Marshal(map[string]any{"message": map[string]string{"messageId": id, "data": base64.StdEncoding.EncodeToString([]byte(data))}})
					return body
				}
				deliver("google/notifications/play", pubsub("1", `{"packageName":"com.example.game","subscriptionNotification":{"notificationType":2,"purchaseToken":"gs1"}}`), 200)
				stores.Set("g1", map[string]any{"orderId": "GPA.1"})
				deliver("google/subscriptions/play", pubsub("2", `{"packageName":"com.example.game","voidedPurchaseNotification":{"purchaseToken":"g1","productType":2}}`), 200)
				stores.Fail(500)
				deliver("google/notifications/play", pubsub("3", `{"packageName":"com.example.game","subscriptionNotification":{"notificationType":2,"purchaseToken":"gs1"}}`), 503)
				for _, line := range []string{
					"purchase_notification_apple REFUNDED a1 gems", "subscription_notification_apple EXPIRED as1 false",
					"subscription_notification_google RENEWED gs1 1", "purchase_notification_google REFUNDED g1 GPA.1",
				} {
					if n := len(log.Lines(line)); n != 1 {
						t.Errorf("%d times in the log: %s", n, line)
					}
				}
			})
		}
	}
}

// shopTransaction is a transaction of StoreKit 2.
func shopTransaction(id string, change map[string]any) map[string]any {
	t := map[string]any{
		"transactionId": id, "originalTransactionId": id, "bundleId": "com.example.game", "productId": "gems", "environment": "Production",
		"purchaseDate": 1772366400000, "originalPurchaseDate": 1772366400000, "signedDate": time.Now().UnixMilli(),
	}
	for k, v := range change {
		t[k] = v
	}
	return t
}

// fillStores makes the stores know what Ann has bought, and returns her receipts.
func fillStores(stores *purchasetest.Stores) map[string]string {
	later := time.Now().Add(time.Hour)
	stores.Set("g1", map[string]any{"purchaseState": 0, "purchaseTimeMillis": "1772366400000"})
	stores.Set("gs1", map[string]any{"startTime": time.Now(), "subscriptionState": "SUBSCRIPTION_STATE_ACTIVE", "lineItems": []any{map[string]any{"productId": "pass", "expiryTime": later}}})
	huawei := `{"productId":"gems","purchaseToken":"h1","purchaseTime":1772366400000,"purchaseType":0}`
	stores.Set("h1", map[string]any{"responseCode": "0", "purchaseTokenData": huawei})
	stores.Set("id1", map[string]any{"status": "success", "packageName": "com.example.game", "mode": "TEST", "itemId": "gems", "paymentId": "s1"})
	return map[string]string{
		"apple":    stores.Apple.Sign(shopTransaction("a1", nil)),
		"appleSub": stores.Apple.Sign(shopTransaction("as1", map[string]any{"productId": "pass", "expiresDate": later.UnixMilli()})),
		"google":   `{"packageName":"com.example.game","productId":"gems","purchaseToken":"g1"}`, "googleSub": `{"packageName":"com.example.game","productId":"pass","purchaseToken":"gs1"}`,
		"huawei": huawei, "signature": stores.SignHuawei(huawei), "samsung": "id1",
		"facebook": purchasetest.SignFacebook("secret", map[string]any{"product_id": "gems", "purchase_token": "f1", "purchase_time": 1772366400}),
	}
}

// With console.port 0 the port stays closed, and wrong settings for development are named.
func TestStoreSettings(t *testing.T) {
	t.Parallel()
	if srv := servertest.Start(t); srv.ConsoleAddr() != nil {
		t.Error("the console's port is open")
	}
	for setting, value := range map[string]string{"iap.development.stores_url": "nowhere", "iap.development.root_certificate": "purchase_test.go"} {
		if _, err := servertest.TryStart(t, servertest.Flags("--"+setting, value)); err == nil || !strings.Contains(err.Error(), setting) {
			t.Errorf("%s: %v", setting, err)
		}
	}
}

// As in Nakama, the secret in the URL for notifications may have slashes.
func TestNotificationPath(t *testing.T) {
	t.Parallel()
	srv := servertest.Start(t, servertest.Flags("--iap.apple.notifications_endpoint_id", "a/b c"), servertest.Console())
	for path, status := range map[string]int{"a/b%20c": 400, "a%2Fb%20c": 400, "a": 404, "a/": 404, "a/b%20c/": 404, "": 404} {
		req, err := http.NewRequestWithContext(t.Context(), "POST", "http://"+srv.ConsoleAddr().String()+"/v2/console/apple/notifications/"+path, strings.NewReader("?"))
		if err != nil {
			t.Fatal(err)
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if res.StatusCode != status {
			t.Errorf("%q: %d, want %d", path, res.StatusCode, status)
		}
	}
}

// A script that waits for a store does not keep others from running.
func TestShopDoesNotOccupy(t *testing.T) {
	t.Parallel()
	for language, module := range map[string]servertest.Option{
		"js": servertest.Module("index.js", `
			function InitModule(ctx, logger, nk, initializer) {
				initializer.registerRpc("buy", (ctx, logger, nk, id) => nk.purchaseValidateSamsung(ctx.userId, id).validatedPurchases[0].transactionId);
				initializer.registerRpc("other", () => "here");
			}`),
		"lua": servertest.Module("main.lua", `
			local nk = require("nakama")
			nk.register_rpc(function(ctx, id) return nk.purchase_validate_samsung(ctx.user_id, id).validated_purchases[1].transaction_id end, "buy")
			nk.register_rpc(function() return "here" end, "other")`),
	} {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			stores, settings := shopStores(t)
			srv := servertest.Start(t, module, settings, servertest.Flags("--runtime."+language+"_max_count", "1"))
			fillStores(stores)
			ann := srv.User(t, "ann")
			release := stores.Hang()
			done := make(chan string, 1)
			go func() {
				id, a := ann.RPC(t, "buy", "id1")
				if id == "" {
					id = a.Body
				}
				done <- id
			}()
			servertest.Eventually(t, "the request to the store", func() bool { return stores.Requests("iap.samsungapps.com") == 1 })
			if got, a := srv.RPC(t, "other", ""); got != "here" {
				t.Errorf("another call meanwhile: %d %s", a.Status, a.Body)
			}
			release()
			// On a busy machine the wait may have exceeded the time limit of a request.
			if id := <-done; id != "s1" && !strings.Contains(id, "currently unavailable") {
				t.Errorf("after waiting: %s", id)
			}
		})
	}
}
