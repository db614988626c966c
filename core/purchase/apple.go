package purchase

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/heroiclabs/nakama-common/api"
	"github.com/heroiclabs/nakama-common/runtime"

	"kumi/store/fault"
)

const (
	appleProduction = "https://buy.itunes.apple.com/verifyReceipt"
	appleSandbox    = "https://sandbox.itunes.apple.com/verifyReceipt"
)

// AppleNeedsPassword reports whether a receipt can only be checked with the app's
// shared secret: one in the old form, which Apple's server checks. Signed transactions
// are checked without Apple's server.
func AppleNeedsPassword(receipt string) bool { return !isSigned(receipt) }

// ApplePurchases confirms the purchases of a receipt, which is either a signed
// transaction (JWS) of StoreKit 2, or a receipt in the older form that Apple's server
// checks: first that for production, then that for the sandbox if the receipt belongs
// there.
func (s *Stores) ApplePurchases(ctx context.Context, password, receipt string) ([]Purchase, error) {
	if isSigned(receipt) {
		t, payload, err := s.appleTransaction(receipt)
		if err != nil {
			return nil, err
		}
		if t.ExpiresDate != 0 {
			return nil, errSubscriptionReceipt
		}
		return []Purchase{appleOneTime(t, payload)}, nil
	}
	r, response, err := s.appleReceipt(ctx, password, receipt)
	if err != nil {
		return nil, err
	}
	purchases := make([]Purchase, 0, len(r.Receipt.InApp))
	for _, item := range r.Receipt.InApp {
		if item.ExpiresDate != 0 {
			continue
		}
		purchases = append(purchases, Purchase{
			Store: api.StoreProvider_APPLE_APP_STORE, ProductID: item.ProductID, TransactionID: item.TransactionID,
			Time: item.PurchaseDate.time(), Refunded: item.CancellationDate.time(),
			Environment: environment(r.Environment == sandbox), Response: response,
		})
	}
	if len(purchases) == 0 && len(r.Receipt.InApp) > 0 {
		return nil, errSubscriptionReceipt
	}
	return purchases, nil
}

// AppleSubscriptions confirms the subscriptions of a receipt in either form, that
// with the latest expiry first. There is at least one.
func (s *Stores) AppleSubscriptions(ctx context.Context, password, receipt string) ([]Subscription, error) {
	if isSigned(receipt) {
		t, payload, err := s.appleTransaction(receipt)
		if err != nil {
			return nil, err
		}
		if t.ExpiresDate == 0 {
			return nil, errPurchaseReceipt
		}
		return []Subscription{appleRenewing(t, payload)}, nil
	}
	r, response, err := s.appleReceipt(ctx, password, receipt)
	if err != nil {
		return nil, err
	}
	// The receipt has every period; the latest one of a subscription counts.
	latest := map[string]Subscription{}
	for _, item := range r.Latest {
		if item.ExpiresDate == 0 {
			continue
		}
		sub := Subscription{
			Store: api.StoreProvider_APPLE_APP_STORE, ProductID: item.ProductID, OriginalTransactionID: item.OriginalTransactionID,
			Time: item.OriginalPurchaseDate.time(), Expiry: item.ExpiresDate.time(), Refunded: item.CancellationDate.time(),
			Environment: environment(r.Environment == sandbox), Response: response, Stated: r.Receipt.RequestDate.time(),
		}
		if sub.Stated.IsZero() {
			sub.Stated = s.now()
		}
		if sub.Expiry.After(latest[sub.OriginalTransactionID].Expiry) {
			latest[sub.OriginalTransactionID] = sub
		}
	}
	if len(latest) == 0 {
		return nil, errPurchaseReceipt
	}
	subs := make([]Subscription, 0, len(latest))
	for _, sub := range latest {
		subs = append(subs, sub)
	}
	slices.SortFunc(subs, func(a, b Subscription) int {
		return cmp.Or(b.Expiry.Compare(a.Expiry), cmp.Compare(a.OriginalTransactionID, b.OriginalTransactionID))
	})
	return subs, nil
}

// sandbox is the environment of purchases that were not paid.
const sandbox = "Sandbox"

// appleTransaction verifies a signed transaction.
func (s *Stores) appleTransaction(text string) (*runtime.AppleNotificationTransactionInfo, string, error) {
	var t runtime.AppleNotificationTransactionInfo
	payload, err := s.signed(text, &t)
	switch {
	case err != nil:
		return nil, "", fault.Wrap(fault.FailedPrecondition, fmt.Sprintf("Invalid Receipt. The transaction is refused: %v.", err), err)
	case t.TransactionId == "" || t.OriginalTransactionId == "" || t.ProductId == "":
		return nil, "", invalid("The transaction has no id or no product.")
	}
	return &t, string(payload), s.appleBundle(t.BundleId)
}

// appleBundle refuses what was bought in other apps.
func (s *Stores) appleBundle(id string) error {
	switch {
	case len(s.bundles) == 0:
		s.warnOf("iap.apple.bundle_ids")
	case !slices.Contains(s.bundles, id):
		return invalid("It is for the bundle %q.", id)
	}
	return nil
}

// appleOneTime is the purchase of a transaction.
func appleOneTime(t *runtime.AppleNotificationTransactionInfo, response string) Purchase {
	return Purchase{
		Store: api.StoreProvider_APPLE_APP_STORE, ProductID: t.ProductId, TransactionID: t.TransactionId,
		Time: milliseconds(t.PurchaseDate), Refunded: milliseconds(t.RevocationDate),
		Environment: environment(t.Environment == sandbox), Response: response,
	}
}

// appleRenewing is the subscription of a transaction.
func appleRenewing(t *runtime.AppleNotificationTransactionInfo, response string) Subscription {
	return Subscription{
		Store: api.StoreProvider_APPLE_APP_STORE, ProductID: t.ProductId, OriginalTransactionID: t.OriginalTransactionId,
		Time: milliseconds(t.OriginalPurchaseDate), Expiry: milliseconds(t.ExpiresDate), Refunded: milliseconds(t.RevocationDate),
		Environment: environment(t.Environment == sandbox), Response: response, Stated: milliseconds(t.SignedDate),
	}
}

// receiptTime is a Unix time in milliseconds, which Apple's receipts have as text.
type receiptTime int64

// UnmarshalJSON implements json.Unmarshaler.
func (r *receiptTime) UnmarshalJSON(text []byte) error {
	if unquoted, err := strconv.Unquote(string(text)); err == nil {
		text = []byte(unquoted)
	}
	if len(text) == 0 || string(text) == "null" {
		return nil
	}
	ms, err := strconv.ParseInt(string(text), 10, 64)
	*r = receiptTime(ms)
	return err
}

func (r receiptTime) time() time.Time { return milliseconds(int64(r)) }

// appleAnswer is the answer of Apple's server about a receipt.
type appleAnswer struct {
	Status      int    `json:"status"`
	Environment string `json:"environment"`
	Retryable   any    `json:"is-retryable"` // true or "1"
	Receipt     struct {
		BundleID    string      `json:"bundle_id"`
		RequestDate receiptTime `json:"request_date_ms"`
		InApp       []appleItem `json:"in_app"`
	} `json:"receipt"`
	Latest []appleItem `json:"latest_receipt_info"`
}

// appleItem is a purchase, or a period of a subscription, which has an expiry date.
type appleItem struct {
	ProductID             string      `json:"product_id"`
	TransactionID         string      `json:"transaction_id"`
	OriginalTransactionID string      `json:"original_transaction_id"`
	PurchaseDate          receiptTime `json:"purchase_date_ms"`
	OriginalPurchaseDate  receiptTime `json:"original_purchase_date_ms"`
	ExpiresDate           receiptTime `json:"expires_date_ms"`
	CancellationDate      receiptTime `json:"cancellation_date_ms"`
}

const (
	appleSandboxReceipt = 21007 // sent to production
	appleUnavailable    = 21005
	appleInternalError  = 21009
)

// appleReceipt asks Apple's server about a receipt, and returns the answer and its
// text.
func (s *Stores) appleReceipt(ctx context.Context, password, receipt string) (*appleAnswer, string, error) {
	answer, text, err := s.askApple(ctx, appleProduction, password, receipt)
	if err == nil && answer.Status == appleSandboxReceipt {
		answer, text, err = s.askApple(ctx, appleSandbox, password, receipt)
	}
	if err != nil {
		return nil, "", err
	}
	switch status := answer.Status; {
	case status == 0:
		return answer, text, s.appleBundle(answer.Receipt.BundleID)
	case status == appleUnavailable, status == appleInternalError, answer.Retryable == true, answer.Retryable == "1":
		return nil, "", unavailable("Apple", fmt.Errorf("status %d", status))
	default:
		return nil, "", invalid("Status: %d", status)
	}
}

func (s *Stores) askApple(ctx context.Context, url, password, receipt string) (*appleAnswer, string, error) {
	req, err := newRequest(ctx, http.MethodPost, url, map[string]any{
		"receipt-data": receipt, "password": password, "exclude-old-transactions": true,
	})
	if err != nil {
		return nil, "", err
	}
	answer := &appleAnswer{Status: -1}
	text, err := s.call("Apple", req, answer)
	return answer, string(text), err
}
