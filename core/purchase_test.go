package core

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/heroiclabs/nakama-common/api"
	"github.com/heroiclabs/nakama-common/runtime"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"kumi/core/purchase"
	"kumi/core/purchase/purchasetest"
	"kumi/store/fault"
)

// testStores are the credentials of the stores in tests.
type testStores struct {
	runtime.IAPConfig
	runtime.IAPAppleConfig
	runtime.IAPGoogleConfig
	runtime.IAPSamsungConfig
	google purchase.GoogleAccount
}

func (c *testConfig) GetIAP() runtime.IAPConfig            { return &c.testStores }
func (s *testStores) GetApple() runtime.IAPAppleConfig     { return s }
func (s *testStores) GetGoogle() runtime.IAPGoogleConfig   { return s }
func (s *testStores) GetSamsung() runtime.IAPSamsungConfig { return s }
func (s *testStores) GetSharedPassword() string            { return "shared" }
func (s *testStores) GetClientEmail() string               { return s.google.Email }
func (s *testStores) GetPrivateKey() string                { return s.google.PrivateKey }
func (s *testStores) GetPackageName() string               { return "com.example.game" }
func (s *testStores) GetNotificationsEndpointId() string   { return "" }
func (s *testStores) GetRefundCheckPeriodMin() int         { return 0 }

// shop gives a core stores that a test controls.
func (c *testCore) shop(t testing.TB) *purchasetest.Stores {
	t.Helper()
	stores, err := purchasetest.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stores.Close)
	c.useStores(stores)
	return stores
}

// useStores makes a core use stores.
func (c *testCore) useStores(stores *purchasetest.Stores) {
	c.config.testStores.google = stores.GoogleAccount()
	c.Core.stores = purchase.New(stores.Options())
	c.clock.Add(time.Since(c.clock.Now())) // certificates are valid now
}

// transactionOf is a signed transaction of StoreKit 2; pairs of names and values
// change it.
func transactionOf(id string, change ...any) map[string]any {
	t := map[string]any{
		"transactionId": id, "originalTransactionId": id, "bundleId": "com.example.game", "productId": "gems", "environment": "Production",
		"purchaseDate": 1772366400000, "originalPurchaseDate": 1772366400000, "signedDate": time.Now().UnixMilli(),
	}
	for i := 0; i < len(change); i += 2 {
		t[change[i].(string)] = change[i+1]
	}
	return t
}

// A transaction belongs to the user who validated it first, whoever validates it
// afterwards, and on two servers at once too.
func TestPurchaseOwner(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, ctx context.Context, c *testCore) {
		stores := c.shop(t)
		second := newTestCore(t, c.db)
		second.useStores(stores)
		alice, bob := c.user(t, "alice"), c.user(t, "bob")
		receipt := stores.Apple.Sign(transactionOf("1"))
		validate := func(c *testCore, user uuid.UUID, receipt string, persist bool) (*api.ValidatedPurchase, error) {
			r, err := c.ValidatePurchaseApple(ctx, user, &api.ValidatePurchaseAppleRequest{Receipt: receipt, Persist: wrapperspb.Bool(persist)})
			if err != nil {
				return nil, err
			}
			return r.ValidatedPurchases[0], nil
		}

		p, err := validate(c, alice, receipt, false)
		if err != nil || p.SeenBefore || p.CreateTime != nil || p.UserId != alice.String() || p.ProviderResponse == "" {
			t.Errorf("without persist: %v, %v", p, err)
		}
		if list, err := c.Module().PurchasesList(ctx, "", 100, ""); err != nil || len(list.ValidatedPurchases) != 0 {
			t.Errorf("validation without persist stored %v, %v", list, err)
		}
		for i, user := range []uuid.UUID{alice, bob, alice} {
			p, err := validate(c, user, receipt, true)
			if err != nil || p.UserId != alice.String() || p.SeenBefore != (i > 0) || p.CreateTime == nil || p.RefundTime != nil {
				t.Errorf("validation %d: %v, %v", i, p, err)
			}
		}
		// Apple says later that it was refunded.
		refunded := stores.Apple.Sign(transactionOf("1", "revocationDate", 1772370000000))
		if p, err := validate(c, bob, refunded, true); err != nil || p.UserId != alice.String() || p.RefundTime.GetSeconds() != 1772370000 {
			t.Errorf("refunded: %v, %v", p, err)
		}
		if p, err := validate(c, alice, receipt, true); err != nil || p.RefundTime.GetSeconds() != 1772370000 {
			t.Errorf("an old transaction takes a refund back: %v, %v", p, err)
		}
		if p, err := c.Module().PurchaseGetByTransactionId(ctx, "1"); err != nil || p.UserId != alice.String() || p.ProductId != "gems" ||
			p.RefundTime.GetSeconds() != 1772370000 || p.Store != api.StoreProvider_APPLE_APP_STORE || p.Environment != api.StoreEnvironment_PRODUCTION {
			t.Errorf("get: %v, %v", p, err)
		}
		_, err = c.Module().PurchaseGetByTransactionId(ctx, "2")
		wantCode(t, "unknown transaction", err, fault.NotFound)
		_, err = c.Module().PurchaseValidateApple(ctx, uuid.Must(uuid.NewV4()).String(), stores.Apple.Sign(transactionOf("3")), true)
		wantCode(t, "unknown user", err, fault.NotFound)

		for round := range 5 {
			id := fmt.Sprint("contested ", round)
			receipt := stores.Apple.Sign(transactionOf(id))
			var first atomic.Int32
			var owners sync.Map
			var all sync.WaitGroup
			for i := range 8 {
				server, user := []*testCore{c, second}[i%2], []uuid.UUID{alice, bob}[i/4]
				all.Go(func() {
					p, err := validate(server, user, receipt, true)
					if err != nil {
						t.Error(err)
						return
					}
					owners.Store(p.UserId, true)
					if !p.SeenBefore {
						first.Add(1)
						if p.UserId != user.String() {
							t.Error("the first one does not own it")
						}
					}
				})
			}
			all.Wait()
			n := 0
			owners.Range(func(any, any) bool { n++; return true })
			if first.Load() != 1 || n != 1 {
				t.Errorf("%s: %d were first, %d owners", id, first.Load(), n)
			}
		}
	})
}

// Lists are paged in both directions, of one user and of all.
func TestPurchaseLists(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, ctx context.Context, c *testCore) {
		stores := c.shop(t)
		m := c.Module()
		alice, bob := c.user(t, "alice").String(), c.user(t, "bob").String()
		for i := range 7 {
			user := []string{alice, bob}[i%2]
			// Some were bought at the same time.
			when := 1772366400000 + int64(i/3)*1000
			if _, err := m.PurchaseValidateApple(ctx, user, stores.Apple.Sign(transactionOf(fmt.Sprint("p", i), "purchaseDate", when)), true); err != nil {
				t.Fatal(err)
			}
			sub := transactionOf(fmt.Sprint("s", i), "originalPurchaseDate", when, "expiresDate", time.Now().Add(time.Hour).UnixMilli(), "productId", fmt.Sprint("pass", i))
			if _, err := m.SubscriptionValidateApple(ctx, user, stores.Apple.Sign(sub), true); err != nil {
				t.Fatal(err)
			}
		}
		type page struct {
			ids        []string
			next, prev string
		}
		lists := map[string]func(user string, limit int, cursor string) (page, error){
			"purchases": func(user string, limit int, cursor string) (out page, err error) {
				list, err := m.PurchasesList(ctx, user, limit, cursor)
				for _, p := range list.GetValidatedPurchases() {
					out.ids = append(out.ids, p.TransactionId[1:])
				}
				return page{out.ids, list.GetCursor(), list.GetPrevCursor()}, err
			},
			"subscriptions": func(user string, limit int, cursor string) (out page, err error) {
				list, err := m.SubscriptionsList(ctx, user, limit, cursor)
				for _, s := range list.GetValidatedSubscriptions() {
					out.ids = append(out.ids, s.OriginalTransactionId[1:])
				}
				return page{out.ids, list.GetCursor(), list.GetPrevCursor()}, err
			},
		}
		for name, list := range lists {
			for user, length := range map[string]int{"": 7, alice: 4, bob: 3} {
				whole, err := list(user, 100, "")
				if err != nil || len(whole.ids) != length || whole.next != "" || whole.prev != "" {
					t.Errorf("%s: %v, %v", name, whole, err)
				}
				if user == alice && strings.Join(whole.ids, "") != "6420" {
					t.Errorf("%s are not the newest first: %v", name, whole.ids)
				}
				var pages []page
				for cursor := ""; ; {
					p, err := list(user, 2, cursor)
					if err != nil {
						t.Fatal(err)
					}
					if (p.prev != "") != (cursor != "") {
						t.Errorf("%s, page %d: cursor to the page before: %q", name, len(pages), p.prev)
					}
					pages = append(pages, p)
					if cursor = p.next; cursor == "" {
						break
					}
				}
				var ids []string
				for _, p := range pages {
					ids = append(ids, p.ids...)
				}
				if strings.Join(ids, "") != strings.Join(whole.ids, "") {
					t.Errorf("%s in pages: %v, want %v", name, ids, whole.ids)
				}
				for i := len(pages) - 1; i > 0; i-- {
					back, err := list(user, 2, pages[i].prev)
					if err != nil || strings.Join(back.ids, "") != strings.Join(pages[i-1].ids, "") || back.next == "" || (back.prev == "") != (i == 1) {
						t.Errorf("%s, back to page %d: %v, %v; want %v", name, i-1, back, err, pages[i-1].ids)
					}
				}
				if _, err := list(map[string]string{"": alice, alice: bob, bob: ""}[user], 2, pages[0].next); fault.CodeOf(err) != fault.InvalidArgument {
					t.Errorf("%s, cursor of another list: %v", name, err)
				}
			}
			for _, cursor := range []string{"x", "e30", strings.Repeat("A", 5000)} {
				if _, err := list("", 2, cursor); fault.CodeOf(err) != fault.InvalidArgument || fault.Text(err) != name+" list cursor invalid" {
					t.Errorf("%s, cursor %.10s: %v", name, cursor, err)
				}
			}
			_, err := list("", 101, "")
			wantCode(t, name+" with too high a limit", err, fault.InvalidArgument)
			_, err = list("x", 1, "")
			wantCode(t, name+" of no user", err, fault.InvalidArgument)
		}
	})
}

// A stored subscription follows what its store states last.
func TestSubscriptionChanges(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, ctx context.Context, c *testCore) {
		stores := c.shop(t)
		alice, bob := c.user(t, "alice"), c.user(t, "bob")
		now := time.Now()
		month, year := now.AddDate(0, 1, 0).Truncate(time.Second), now.AddDate(1, 0, 0).Truncate(time.Second)
		validate := func(user uuid.UUID, change ...any) *api.ValidatedSubscription {
			t.Helper()
			r, err := c.ValidateSubscriptionApple(ctx, user, &api.ValidateSubscriptionAppleRequest{Receipt: stores.Apple.Sign(transactionOf("1", change...))})
			if err != nil {
				t.Fatal(err)
			}
			return r.ValidatedSubscription
		}
		expect := func(what string, s *api.ValidatedSubscription, product string, expiry time.Time, active bool) {
			t.Helper()
			if s.UserId != alice.String() || s.ProductId != product || !s.ExpiryTime.AsTime().Equal(expiry) || s.Active != active {
				t.Errorf("%s: %v", what, s)
			}
		}
		earlier := now.Add(-time.Hour).UnixMilli()
		expect("first", validate(alice, "productId", "yearly", "expiresDate", year.UnixMilli(), "signedDate", earlier), "yearly", year, true)
		expect("of another user", validate(bob, "productId", "yearly", "expiresDate", year.UnixMilli(), "signedDate", earlier), "yearly", year, true)
		expect("changed to a shorter one", validate(alice, "productId", "monthly", "expiresDate", month.UnixMilli()), "monthly", month, true)
		expect("an old transaction", validate(alice, "productId", "yearly", "expiresDate", year.UnixMilli(), "signedDate", earlier), "monthly", month, true)
		expect("refunded", validate(alice, "productId", "monthly", "expiresDate", month.UnixMilli(), "revocationDate", now.UnixMilli()), "monthly", month, false)
		expect("bought again", validate(alice, "productId", "monthly", "expiresDate", year.UnixMilli(), "signedDate", now.Add(time.Minute).UnixMilli()), "monthly", year, true)
		expect("expired", validate(alice, "productId", "monthly", "expiresDate", earlier, "signedDate", now.Add(2*time.Minute).UnixMilli()), "monthly", time.UnixMilli(earlier), false)

		s, err := c.GetSubscription(ctx, alice, &api.GetSubscriptionRequest{ProductId: "monthly"})
		if err != nil || s.OriginalTransactionId != "1" || !json.Valid([]byte(s.ProviderResponse)) || s.ProviderNotification != "{}" || s.RefundTime.GetSeconds() != 0 {
			t.Errorf("get: %v, %v", s, err)
		}
		_, err = c.GetSubscription(ctx, bob, &api.GetSubscriptionRequest{ProductId: "monthly"})
		wantCode(t, "subscription of another user", err, fault.NotFound)
		var raw string
		if err := c.db.Reader().QueryRowContext(ctx, "SELECT raw_response FROM subscription").Scan(&raw); err != nil || !strings.HasPrefix(raw, `"{\"`) {
			t.Errorf("raw_response is not in Nakama's form: %.40s, %v", raw, err)
		}

		// A subscription of Google that replaces another one stays with its user.
		google := func(user uuid.UUID, token string) (*api.ValidatedSubscription, error) {
			receipt, _ := json.Marshal(map[string]string{"packageName": "com.example.game", "productId": "gold", "purchaseToken": token})
			r, err := c.ValidateSubscriptionGoogle(ctx, user, &api.ValidateSubscriptionGoogleRequest{Receipt: string(receipt)})
			return r.GetValidatedSubscription(), err
		}
		stores.Set("g1", googleState(month, nil))
		stores.Set("g2", googleState(year, map[string]any{"linkedPurchaseToken": "g1"}))
		if s, err := google(alice, "g1"); err != nil || s.OriginalTransactionId != "g1" || !s.Active || !s.ExpiryTime.AsTime().Equal(month) {
			t.Errorf("Google: %v, %v", s, err)
		}
		if s, err := google(bob, "g2"); err != nil || s.OriginalTransactionId != "g1" || s.UserId != alice.String() || !s.ExpiryTime.AsTime().Equal(year) {
			t.Errorf("Google, replaced: %v, %v", s, err)
		}
		// The receipt of what was replaced says nothing about what replaced it.
		stores.Set("g1", googleState(now.Add(-time.Hour), nil))
		if s, err := google(alice, "g1"); err != nil || !s.Active || !s.ExpiryTime.AsTime().Equal(year) {
			t.Errorf("Google, the replaced one: %v, %v", s, err)
		}
		stores.Fail(http.StatusBadGateway)
		_, err = google(alice, "g1")
		wantCode(t, "Google fails", err, fault.Unavailable)
	})
}

// googleState is Google's answer about a subscription.
func googleState(expiry time.Time, change map[string]any) map[string]any {
	answer := map[string]any{"startTime": time.Unix(1772366400, 0), "subscriptionState": "SUBSCRIPTION_STATE_ACTIVE",
		"lineItems": []any{map[string]any{"productId": "gold", "expiryTime": expiry}}}
	for k, v := range change {
		answer[k] = v
	}
	return answer
}

// heard records what handlers of notifications are told.
type heard struct {
	mu   sync.Mutex
	told []string
	fail error
}

func (h *heard) add(text string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.told = append(h.told, text)
	return h.fail
}

// take returns what was told since.
func (h *heard) take() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	text := strings.Join(h.told, ", ")
	h.told = nil
	return text
}

func (h *heard) handlers() NotificationHandlers {
	purchase := func(kind runtime.NotificationType, p *api.ValidatedPurchase, payload bool) error {
		return h.add(fmt.Sprint(kind, " ", p.TransactionId, " of ", p.UserId != "", " refunded ", p.RefundTime.GetSeconds() > 0, " payload ", payload))
	}
	subscription := func(kind runtime.NotificationType, s *api.ValidatedSubscription, payload bool) error {
		return h.add(fmt.Sprint(kind, " ", s.OriginalTransactionId, " ", s.ProductId, " active ", s.Active, " payload ", payload))
	}
	return NotificationHandlers{
		PurchaseApple: func(_ context.Context, kind runtime.NotificationType, p *api.ValidatedPurchase, d *runtime.AppleNotificationData) error {
			return purchase(kind, p, d.TransactionInfo != nil)
		},
		PurchaseGoogle: func(_ context.Context, kind runtime.NotificationType, p *api.ValidatedPurchase, d *runtime.PurchaseV2GoogleResponse) error {
			return purchase(kind, p, d.OrderId != "")
		},
		SubscriptionApple: func(_ context.Context, kind runtime.NotificationType, s *api.ValidatedSubscription, d *runtime.AppleNotificationData) error {
			return subscription(kind, s, d.TransactionInfo != nil || d.RenewalInfo != nil)
		},
		SubscriptionGoogle: func(_ context.Context, kind runtime.NotificationType, s *api.ValidatedSubscription, d *runtime.SubscriptionV2GoogleResponse) error {
			return subscription(kind, s, len(d.LineItems) > 0)
		},
	}
}

// Notifications of Apple change what is stored and reach the handlers once, in
// whatever order and however often Apple delivers them.
func TestAppleNotifications(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, ctx context.Context, c *testCore) {
		stores := c.shop(t)
		second := newTestCore(t, c.db)
		second.useStores(stores)
		alice := c.user(t, "alice")
		h := &heard{}
		now := time.Now()
		month, year := now.AddDate(0, 1, 0), now.AddDate(1, 0, 0)
		uuids := 0
		notification := func(kind, subtype string, signed time.Time, transaction, renewal any) []byte {
			uuids++
			return stores.Apple.Notification(fmt.Sprint("uuid ", uuids), kind, subtype, signed, transaction, renewal)
		}
		deliver := func(body []byte, want string) {
			t.Helper()
			if err := c.AppleNotification(ctx, body, h.handlers()); err != nil {
				t.Error(err)
			}
			if got := h.take(); got != want {
				t.Errorf("told %q, want %q", got, want)
			}
		}
		pass := func(expiry time.Time, change ...any) map[string]any {
			return transactionOf("s1", append(change, "productId", "pass", "expiresDate", expiry.UnixMilli())...)
		}

		// Before the purchase: Apple is asked to deliver it again.
		subscribed := notification("SUBSCRIBED", "INITIAL_BUY", now, pass(month), nil)
		wantCode(t, "before the purchase", c.AppleNotification(ctx, subscribed, h.handlers()), fault.NotFound)
		if got := h.take(); got != "" {
			t.Errorf("told %q before the purchase", got)
		}
		old := notification("SUBSCRIBED", "", now.Add(-4*24*time.Hour), nil, map[string]any{"originalTransactionId": "s0"})
		wantCode(t, "before the certificates", c.AppleNotification(ctx, old, h.handlers()), fault.Unauthenticated)
		c.clock.Add(4 * 24 * time.Hour)
		if err := c.AppleNotification(ctx, subscribed, h.handlers()); err != nil {
			t.Errorf("days later it is not dropped: %v", err)
		}
		c.clock.Add(-4 * 24 * time.Hour)
		if _, err := c.Module().SubscriptionValidateApple(ctx, alice.String(), stores.Apple.Sign(pass(month)), true); err != nil {
			t.Fatal(err)
		}
		deliver(subscribed, "SUBSCRIBED s1 pass active true payload true")
		deliver(subscribed, "") // delivered again

		renewed := notification("DID_RENEW", "", now.Add(2*time.Minute), pass(year), nil)
		late := notification("DID_CHANGE_RENEWAL_STATUS", "AUTO_RENEW_DISABLED", now.Add(time.Minute), nil,
			map[string]any{"originalTransactionId": "s1", "productId": "pass", "renewalDate": month.UnixMilli()})
		deliver(renewed, "RENEWED s1 pass active true payload true")
		deliver(late, "CANCELLED s1 pass active true payload true")
		s, err := c.subscriptionOfProduct(ctx, alice, "pass")
		if err != nil || s.ExpiryTime.GetSeconds() != year.Unix() || s.ProviderNotification != string(renewed) {
			t.Errorf("a late notification changed the expiry: %v, %v", s, err)
		}
		deliver(notification("EXPIRED", "VOLUNTARY", now.Add(3*time.Minute), nil, map[string]any{
			"originalTransactionId": "s1", "productId": "pass", "renewalDate": now.Add(-time.Hour).UnixMilli(), "gracePeriodExpiresDate": now.Add(-time.Minute).UnixMilli(),
		}), "EXPIRED s1 pass active false payload true")
		deliver(notification("DID_RENEW", "BILLING_RECOVERY", now.Add(4*time.Minute), pass(year), nil), "RENEWED s1 pass active true payload true")
		deliver(notification("REFUND", "", now.Add(4*time.Minute), pass(year, "revocationDate", now.UnixMilli()), nil), "REFUNDED s1 pass active false payload true")
		deliver(notification("REFUND_REVERSED", "", now.Add(4*time.Minute), pass(year), nil), "UNKNOWN s1 pass active true payload true")
		deliver(notification("TEST", "", now, nil, nil), "")
		// One for a user who has not validated it: the app passed the user's id to Apple.
		deliver(notification("SUBSCRIBED", "", now, transactionOf("s2", "productId", "club", "expiresDate", month.UnixMilli(), "appAccountToken", alice.String()), nil),
			"SUBSCRIBED s2 club active true payload true")

		// A purchase that Apple notifies of first is not seen before.
		gems := transactionOf("p1", "appAccountToken", alice.String())
		deliver(notification("ONE_TIME_CHARGE", "", now, gems, nil), "UNKNOWN p1 of true refunded false payload true")
		r, err := c.Module().PurchaseValidateApple(ctx, alice.String(), stores.Apple.Sign(gems), true)
		if err != nil || r.ValidatedPurchases[0].SeenBefore {
			t.Errorf("validation after a notification: %v, %v", r, err)
		}
		refund := notification("REFUND", "", now, transactionOf("p1", "revocationDate", now.UnixMilli()), nil)
		h.fail = errors.New("handler fails")
		if err := c.AppleNotification(ctx, refund, h.handlers()); !errors.Is(err, h.fail) {
			t.Errorf("handler that fails: %v", err)
		}
		h.fail, h.told = nil, nil
		// Delivered to two servers at once, one handles it and the other one does not.
		var all sync.WaitGroup
		for i := range 6 {
			all.Go(func() {
				err := []*testCore{c, second}[i%2].AppleNotification(ctx, refund, h.handlers())
				if err != nil && fault.CodeOf(err) != fault.Unavailable {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if got := h.take(); got != "REFUNDED p1 of true refunded true payload true" {
			t.Errorf("told %q, want one refund", got)
		}
		deliver(refund, "")

		other, err := purchasetest.NewSigner(true)
		if err != nil {
			t.Fatal(err)
		}
		wantCode(t, "bad signature", c.AppleNotification(ctx, other.Notification("x", "REFUND", "", now, transactionOf("p1"), nil), h.handlers()), fault.Unauthenticated)
		wantCode(t, "no notification", c.AppleNotification(ctx, []byte("?"), h.handlers()), fault.InvalidArgument)

		// What a server that was killed had begun is handled by the next delivery, later.
		killed := notification("DID_RENEW", "", now.Add(4*time.Minute), pass(year), nil)
		if _, err := c.db.Exec(ctx, "INSERT INTO kumi_store_notification (id, received_at, handled) VALUES ($1, $2, 0)", fmt.Sprint("apple:uuid ", uuids), c.clock.Now().Unix()); err != nil {
			t.Fatal(err)
		}
		wantCode(t, "while it is handled", c.AppleNotification(ctx, killed, h.handlers()), fault.Unavailable)
		c.clock.Add(notificationClaim + 2*time.Second)
		deliver(killed, "RENEWED s1 pass active true payload true")
		c.clock.Add(31 * 24 * time.Hour)
		if err := c.sweepNotifications(ctx); err != nil {
			t.Error(err)
		}
		var left int
		if err := c.db.Reader().QueryRowContext(ctx, "SELECT count(*) FROM kumi_store_notification").Scan(&left); err != nil || left != 0 {
			t.Errorf("%d notifications are remembered, %v", left, err)
		}
	})
}

// Google's notifications say little; the rest is asked for. Every kind reaches the
// handlers.
func TestGoogleNotifications(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, ctx context.Context, c *testCore) {
		stores := c.shop(t)
		alice := c.user(t, "alice")
		h := &heard{}
		month := time.Now().AddDate(0, 1, 0).Truncate(time.Second)
		ids := 0
		message := func(what map[string]any) []byte {
			ids++
			what["packageName"], what["eventTimeMillis"] = "com.example.game", fmt.Sprint(time.Now().UnixMilli())
			data, _ := json.Marshal(what)
			body, _ := json.Marshal(map[string]any{"message": map[string]any{"data": data, "messageId": fmt.Sprint(ids)}, "subscription": "s"})
			return body
		}
		subscription := func(kind int, token string) []byte {
			return message(map[string]any{"subscriptionNotification": map[string]any{"notificationType": kind, "purchaseToken": token}})
		}
		voided := func(product int, token string) []byte {
			return message(map[string]any{"voidedPurchaseNotification": map[string]any{"purchaseToken": token, "productType": product, "orderId": "o"}})
		}
		deliver := func(body []byte, want string) {
			t.Helper()
			if err := c.GoogleNotification(ctx, body, h.handlers()); err != nil {
				t.Error(err)
			}
			if got := h.take(); got != want {
				t.Errorf("told %q, want %q", got, want)
			}
		}
		stores.Set("g1", googleState(month, nil))
		bought := subscription(4, "g1")
		wantCode(t, "before the purchase", c.GoogleNotification(ctx, bought, h.handlers()), fault.NotFound)
		receipt := func(product, token string) string {
			return fmt.Sprintf(`{"packageName":"com.example.game","productId":%q,"purchaseToken":%q}`, product, token)
		}
		if _, err := c.Module().SubscriptionValidateGoogle(ctx, alice.String(), receipt("gold", "g1"), true); err != nil {
			t.Fatal(err)
		}
		deliver(bought, "SUBSCRIBED g1 gold active true payload true")
		deliver(bought, "")
		for kind, want := range map[int]string{2: "RENEWED", 3: "CANCELLED", 5: "UNKNOWN", 6: "UNKNOWN", 7: "SUBSCRIBED", 10: "UNKNOWN", 12: "EXPIRED", 13: "EXPIRED", 19: "UNKNOWN"} {
			deliver(subscription(kind, "g1"), want+" g1 gold active true payload true")
		}
		stores.Set("g2", googleState(month, map[string]any{"linkedPurchaseToken": "g1"}))
		deliver(subscription(4, "g2"), "SUBSCRIBED g1 gold active true payload true")
		stores.Set("g1", googleState(time.Now().Add(-time.Minute), map[string]any{"subscriptionState": "SUBSCRIPTION_STATE_EXPIRED"}))
		deliver(subscription(13, "g1"), "EXPIRED g1 gold active true payload true")
		deliver(voided(1, "g1"), "REFUNDED g1 gold active false payload true")
		s, err := c.subscriptionOfProduct(ctx, alice, "gold")
		if err != nil || s.Active || s.RefundTime.GetSeconds() == 0 || !strings.Contains(s.ProviderNotification, `"messageId"`) {
			t.Errorf("voided: %v, %v", s, err)
		}
		stores.Set("g3", googleState(month, map[string]any{"externalAccountIdentifiers": map[string]any{"obfuscatedExternalAccountId": alice.String()}}))
		deliver(subscription(4, "g3"), "SUBSCRIBED g3 gold active true payload true")
		wantCode(t, "unknown to Google", c.GoogleNotification(ctx, subscription(4, "g9"), h.handlers()), fault.NotFound)

		stores.Set("p1", map[string]any{"purchaseState": 0, "purchaseTimeMillis": "1772366400000"})
		if _, err := c.Module().PurchaseValidateGoogle(ctx, alice.String(), receipt("gems", "p1"), true); err != nil {
			t.Fatal(err)
		}
		stores.Set("p1", map[string]any{"orderId": "GPA.1", "purchaseCompletionTime": time.Now(), "productLineItem": []any{map[string]any{"productId": "gems"}}})
		deliver(voided(2, "p1"), "REFUNDED p1 of true refunded true payload true")
		if p, err := c.Module().PurchaseGetByTransactionId(ctx, "p1"); err != nil || p.RefundTime.GetSeconds() == 0 || p.UserId != alice.String() {
			t.Errorf("voided purchase: %v, %v", p, err)
		}
		stores.Set("p1", http.StatusGone) // Google has forgotten it
		deliver(voided(2, "p1"), "REFUNDED p1 of true refunded true payload false")
		once := func(kind int, token string) []byte {
			return message(map[string]any{"oneTimeProductNotification": map[string]any{"notificationType": kind, "purchaseToken": token, "sku": "gems"}})
		}
		stores.Set("p2", map[string]any{"orderId": "GPA.2", "obfuscatedExternalAccountId": alice.String()})
		deliver(once(1, "p2"), "UNKNOWN p2 of true refunded false payload true")
		deliver(once(2, "p2"), "CANCELLED p2 of true refunded false payload true")
		_, err = c.Module().PurchaseGetByTransactionId(ctx, "p2")
		wantCode(t, "a purchase that was not validated", err, fault.NotFound)
		deliver(message(map[string]any{"testNotification": map[string]any{"version": "1.0"}}), "")

		stores.Fail(http.StatusInternalServerError)
		wantCode(t, "Google fails", c.GoogleNotification(ctx, subscription(2, "g1"), h.handlers()), fault.Unavailable)
		wantCode(t, "no notification", c.GoogleNotification(ctx, []byte("{}"), h.handlers()), fault.InvalidArgument)
		c.config.testStores.google = purchase.GoogleAccount{}
		wantCode(t, "not configured", c.GoogleNotification(ctx, bought, h.handlers()), fault.FailedPrecondition)
	})
}
