package purchase

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/heroiclabs/nakama-common/api"
	"github.com/heroiclabs/nakama-common/runtime"
	"golang.org/x/oauth2"
	oauth2jwt "golang.org/x/oauth2/jwt"

	"kumi/store/fault"
)

const (
	googleToken = "https://oauth2.googleapis.com/token"
	googleScope = "https://www.googleapis.com/auth/androidpublisher"
	// The escaped application and path of what is asked for follow.
	googlePublisher = "https://androidpublisher.googleapis.com/androidpublisher/v3/applications/"
)

// GoogleAccount is a service account that may read purchases. The key is PEM; line
// breaks in it may be written as \n.
type GoogleAccount struct{ Email, PrivateKey string }

// googleReceipt is what the app gets from Google Play about a purchase.
type googleReceipt struct {
	Package string `json:"packageName"`
	Product string `json:"productId"`
	Token   string `json:"purchaseToken"`
}

// readGoogleReceipt reads the JSON of a purchase, plain or as Unity wraps it.
func readGoogleReceipt(text string) (*googleReceipt, error) {
	var wrapper struct {
		JSON string `json:"json"`
	}
	if json.Unmarshal([]byte(text), &wrapper) == nil && wrapper.JSON != "" {
		text = wrapper.JSON
	}
	r := &googleReceipt{}
	if err := lenient(json.Unmarshal([]byte(text), r)); err != nil {
		return nil, fault.Wrap(fault.FailedPrecondition, "Invalid Receipt. It is not the JSON of a purchase of Google Play.", err)
	}
	for field, value := range map[string]string{"packageName": r.Package, "productId": r.Product, "purchaseToken": r.Token} {
		if value == "" {
			return nil, invalid("Its field %s is missing.", field)
		}
	}
	return r, nil
}

// GooglePurchase confirms a purchase. receipt is its JSON, which the app gets from
// Google Play. A purchase that is pending or was cancelled is refused.
func (s *Stores) GooglePurchase(ctx context.Context, account GoogleAccount, receipt string) (p Purchase, err error) {
	r, err := readGoogleReceipt(receipt)
	if err != nil {
		return p, err
	}
	answer := struct {
		State int    `json:"purchaseState"` // 0 purchased, 1 cancelled, 2 pending
		Time  string `json:"purchaseTimeMillis"`
		Type  *int   `json:"purchaseType"` // 0 test; missing for an ordinary purchase
	}{State: -1}
	text, err := s.askGoogle(ctx, account, &answer, r.Package, "purchases", "products", r.Product, "tokens", r.Token)
	switch {
	case err != nil:
		return p, err
	case answer.State == 1:
		return p, invalid("The purchase was cancelled.")
	case answer.State == 2:
		return p, invalid("The purchase is pending.")
	case answer.State != 0:
		return p, unavailable("Google", fmt.Errorf("the answer has no state: %.1000s", text))
	}
	at := s.now()
	if ms, err := strconv.ParseInt(answer.Time, 10, 64); err == nil {
		at = milliseconds(ms)
	}
	return Purchase{
		Store: api.StoreProvider_GOOGLE_PLAY_STORE, ProductID: r.Product, TransactionID: r.Token,
		Time: at, Environment: environment(answer.Type != nil && *answer.Type == 0), Response: string(text),
	}, nil
}

// GoogleSubscription confirms a subscription. receipt is the JSON of its purchase,
// which the app gets from Google Play. One that is pending is refused.
func (s *Stores) GoogleSubscription(ctx context.Context, account GoogleAccount, receipt string) (sub Subscription, err error) {
	r, err := readGoogleReceipt(receipt)
	if err != nil {
		return sub, err
	}
	answer, text, err := s.FetchGoogleSubscription(ctx, account, r.Package, r.Token)
	if err != nil {
		return sub, err
	}
	switch answer.SubscriptionState {
	case runtime.SubscriptionGoogleStatePending:
		return sub, invalid("The subscription is pending.")
	case runtime.SubscriptionGoogleStatePendingPurchaseCanceled:
		return sub, invalid("The purchase of the subscription was cancelled.")
	}
	sub = GoogleSubscriptionOf(answer, r.Token, r.Product)
	if sub.Expiry.IsZero() {
		return sub, errPurchaseReceipt
	}
	if sub.Time.IsZero() {
		sub.Time = s.now()
	}
	sub.Response = text
	return sub, nil
}

// FetchGoogleSubscription returns the state of a subscription, and the answer as text.
func (s *Stores) FetchGoogleSubscription(ctx context.Context, account GoogleAccount, application, token string) (*runtime.SubscriptionV2GoogleResponse, string, error) {
	answer := &runtime.SubscriptionV2GoogleResponse{}
	text, err := s.askGoogle(ctx, account, answer, application, "purchases", "subscriptionsv2", "tokens", token)
	return answer, string(text), err
}

// FetchGooglePurchase returns the state of a purchase, and the answer as text.
func (s *Stores) FetchGooglePurchase(ctx context.Context, account GoogleAccount, application, token string) (*runtime.PurchaseV2GoogleResponse, string, error) {
	answer := &runtime.PurchaseV2GoogleResponse{}
	text, err := s.askGoogle(ctx, account, answer, application, "purchases", "productsv2", "tokens", token)
	return answer, string(text), err
}

// GoogleSubscriptionOf is the subscription of a token whose state is given. product is
// the one that is asked for, if the subscription has several; "" is any. A subscription
// that replaces another one counts as that one: it has the other one's token.
func GoogleSubscriptionOf(answer *runtime.SubscriptionV2GoogleResponse, token, product string) Subscription {
	sub := Subscription{
		Store: api.StoreProvider_GOOGLE_PLAY_STORE, ProductID: product, OriginalTransactionID: token,
		Time: answer.StartTime, Environment: environment(answer.TestPurchase != nil),
	}
	if answer.LinkedPurchaseToken != "" {
		sub.OriginalTransactionID = answer.LinkedPurchaseToken
	}
	for _, item := range answer.LineItems {
		if (product == "" || item.ProductId == product) && item.ExpiryTime.After(sub.Expiry) {
			sub.ProductID, sub.Expiry = item.ProductId, item.ExpiryTime
		}
	}
	if sub.Expiry.IsZero() && product != "" {
		return GoogleSubscriptionOf(answer, token, "") // the receipt's product was replaced
	}
	return sub
}

// GoogleReplaces reports whether a stored answer is about a subscription that replaces
// another one, see GoogleSubscriptionOf.
func GoogleReplaces(raw string) bool {
	var answer struct {
		Linked string `json:"linkedPurchaseToken"`
	}
	return lenient(json.Unmarshal([]byte(raw), &answer)) == nil && answer.Linked != ""
}

// askGoogle asks for a path of the publisher's API.
func (s *Stores) askGoogle(ctx context.Context, account GoogleAccount, answer any, path ...string) ([]byte, error) {
	account.PrivateKey = strings.ReplaceAll(account.PrivateKey, `\n`, "\n")
	fetch := func(ctx context.Context) (*oauth2.Token, error) {
		if _, err := jwt.ParseRSAPrivateKeyFromPEM([]byte(account.PrivateKey)); err != nil {
			return nil, credentialsError("Google", err)
		}
		config := oauth2jwt.Config{Email: account.Email, PrivateKey: []byte(account.PrivateKey), Scopes: []string{googleScope}, TokenURL: googleToken}
		return config.TokenSource(ctx).Token()
	}
	for i, segment := range path {
		if segment == "" || segment == "." || segment == ".." {
			return nil, invalid("Its application, product or token is %q.", segment)
		}
		path[i] = url.PathEscape(segment)
	}
	return s.authorized(ctx, "Google", account, fetch, func(token string) (*http.Request, error) {
		req, err := newRequest(ctx, http.MethodGet, googlePublisher+strings.Join(path, "/"), nil)
		if err == nil {
			req.Header.Set("Authorization", "Bearer "+token)
		}
		return req, err
	}, answer)
}

// googleRefuses reports whether an answer of Google is about the purchase that was asked
// for, and not about the server's account or a quota.
func googleRefuses(status int, body []byte) bool {
	var answer struct {
		Error struct {
			Errors []struct{ Domain, Reason string }
		}
	}
	domain, reason := "", ""
	if json.Unmarshal(body, &answer) == nil && len(answer.Error.Errors) > 0 {
		domain, reason = answer.Error.Errors[0].Domain, answer.Error.Errors[0].Reason
	}
	switch status {
	case http.StatusUnauthorized:
		// The application is not one of the account's: players may name any.
		return reason == "permissionDenied"
	case http.StatusForbidden:
		return domain != "usageLimits"
	case http.StatusTooManyRequests, http.StatusRequestTimeout:
		return false
	}
	return status/100 == 4
}

// GoogleNotification is a notification of Google Play. One of the three kinds is set,
// or none for a test.
type GoogleNotification struct {
	runtime.GoogleDeveloperNotificationData
	// ID is the same if the notification is delivered again.
	ID string
}

// ReadGoogleNotification decodes a notification, as Pub/Sub delivers it. It has no
// signature: what it says is to be checked with Google.
//
// Errors: InvalidArgument.
func ReadGoogleNotification(body []byte) (*GoogleNotification, error) {
	var envelope struct {
		Message struct {
			Data []byte `json:"data"`
			ID   string `json:"messageId"`
		} `json:"message"`
	}
	if err := json.Unmarshal(body, &envelope); err != nil || len(envelope.Message.Data) == 0 {
		return nil, fault.Wrap(fault.InvalidArgument, "the body is not a message of Pub/Sub", err)
	}
	n := &GoogleNotification{ID: envelope.Message.ID}
	if err := lenient(json.Unmarshal(envelope.Message.Data, &n.GoogleDeveloperNotificationData)); err != nil {
		return nil, fault.Wrap(fault.InvalidArgument, "the message is not a notification of Google Play", err)
	}
	return n, nil
}

// Time is when Google sent the notification; zero if it does not say.
func (n *GoogleNotification) Time() time.Time {
	ms, _ := strconv.ParseInt(n.EventTimeMillis, 10, 64)
	return milliseconds(ms)
}

// GoogleKind is what modules are told about a notification of a subscription.
func GoogleKind(kind runtime.GoogleSubscriptionNotificationType) runtime.NotificationType {
	switch kind {
	case runtime.GoogleSubscriptionPurchased, runtime.GoogleSubscriptionRestarted:
		return runtime.IAPNotificationSubscribed
	case runtime.GoogleSubscriptionRenewed, runtime.GoogleSubscriptionRecovered:
		return runtime.IAPNotificationRenewed
	case runtime.GoogleSubscriptionExpired, runtime.GoogleSubscriptionRevoked:
		return runtime.IAPNotificationExpired
	case runtime.GoogleSubscriptionCanceled, runtime.GoogleSubscriptionPendingPurchaseCanceled:
		return runtime.IAPNotificationCancelled
	}
	return 0
}
