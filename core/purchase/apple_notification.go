package purchase

import (
	"encoding/json"
	"fmt"

	"github.com/heroiclabs/nakama-common/runtime"

	"kumi/store/fault"
)

// AppleNotification is a notification (version 2) of the App Store.
type AppleNotification struct {
	Type    string                         `json:"notificationType"`
	Subtype string                         `json:"subtype"`
	UUID    string                         `json:"notificationUUID"` // the same if it is delivered again
	Signed  int64                          `json:"signedDate"`       // Unix time in milliseconds
	Data    *runtime.AppleNotificationData `json:"data"`
}

// appleEnvelope is the body of a notification.
type appleEnvelope struct {
	SignedPayload string `json:"signedPayload"`
}

// ReadAppleNotification verifies the signatures of a notification and of the
// transaction and the renewal in it, and decodes them.
//
// Errors: InvalidArgument for a body that is not a notification, and Unauthenticated if
// a signature is wrong or if the notification is for another app.
func (s *Stores) ReadAppleNotification(body []byte) (*AppleNotification, error) {
	var envelope appleEnvelope
	if err := json.Unmarshal(body, &envelope); err != nil || envelope.SignedPayload == "" {
		return nil, fault.New(fault.InvalidArgument, "the body is not a notification of the App Store")
	}
	n := &AppleNotification{}
	if _, err := s.signed(envelope.SignedPayload, n); err != nil {
		return nil, refused("notification", err)
	}
	data := n.Data
	if data == nil {
		return n, nil // about no single purchase
	}
	if err := s.appleBundle(data.BundleId); err != nil {
		return nil, refused("notification", err)
	}
	if data.SignedTransactionInfo != "" {
		data.TransactionInfo = &runtime.AppleNotificationTransactionInfo{}
		if _, err := s.signed(data.SignedTransactionInfo, data.TransactionInfo); err != nil {
			return nil, refused("transaction", err)
		}
	}
	if data.SignedRenewalInfo != "" {
		data.RenewalInfo = &runtime.AppleNotificationRenewalInfo{}
		if _, err := s.signed(data.SignedRenewalInfo, data.RenewalInfo); err != nil {
			return nil, refused("renewal", err)
		}
	}
	return n, nil
}

func refused(what string, cause error) error {
	return fault.Wrap(fault.Unauthenticated, fmt.Sprintf("the %s is refused: %v", what, cause), cause)
}

// AppleSubscription is the subscription that a notification is about; false if it is
// about none. Its expiry includes the grace period.
func (n *AppleNotification) AppleSubscription() (sub Subscription, ok bool) {
	var transaction runtime.AppleNotificationTransactionInfo
	var renewal runtime.AppleNotificationRenewalInfo
	if n.Data != nil && n.Data.TransactionInfo != nil {
		transaction = *n.Data.TransactionInfo
	}
	if n.Data != nil && n.Data.RenewalInfo != nil {
		renewal = *n.Data.RenewalInfo
	}
	if transaction.ExpiresDate == 0 && renewal.OriginalTransactionId == "" {
		return sub, false
	}
	sub = appleRenewing(&transaction, "")
	if sub.OriginalTransactionID == "" { // without a transaction
		sub.OriginalTransactionID, sub.ProductID = renewal.OriginalTransactionId, renewal.ProductId
		sub.Environment = environment(renewal.Environment == sandbox)
		sub.Time, sub.Expiry = milliseconds(renewal.RecentSubscriptionStartDate), milliseconds(renewal.RenewalDate)
	}
	if grace := milliseconds(renewal.GracePeriodExpiresDate); grace.After(sub.Expiry) {
		sub.Expiry = grace
	}
	sub.Stated = milliseconds(n.Signed)
	return sub, sub.OriginalTransactionID != ""
}

// ApplePurchase is the one-time purchase that a notification is about; false if it is
// about none.
func (n *AppleNotification) ApplePurchase() (p Purchase, ok bool) {
	if n.Data == nil || n.Data.TransactionInfo == nil || n.Data.TransactionInfo.ExpiresDate != 0 {
		return p, false
	}
	p = appleOneTime(n.Data.TransactionInfo, "")
	return p, p.TransactionID != ""
}

// Account is the user id that the app passed to Apple with the purchase, if any.
func (n *AppleNotification) Account() string {
	switch {
	case n.Data == nil:
	case n.Data.TransactionInfo != nil && n.Data.TransactionInfo.AppAccountToken != "":
		return n.Data.TransactionInfo.AppAccountToken
	case n.Data.RenewalInfo != nil:
		return n.Data.RenewalInfo.AppAccountToken
	}
	return ""
}

// Kind is what modules are told about the notification.
func (n *AppleNotification) Kind() runtime.NotificationType {
	switch n.Type {
	case "SUBSCRIBED":
		return runtime.IAPNotificationSubscribed
	case "DID_RENEW":
		return runtime.IAPNotificationRenewed
	case "EXPIRED", "GRACE_PERIOD_EXPIRED", "REVOKE", "REVOKED":
		return runtime.IAPNotificationExpired
	case "DID_CHANGE_RENEWAL_STATUS":
		if n.Subtype == "AUTO_RENEW_DISABLED" {
			return runtime.IAPNotificationCancelled
		}
	case "REFUND":
		return runtime.IAPNotificationRefunded
	}
	return 0
}

// AppleStated returns when a stored answer or notification was signed, as far as it
// says; ok is false if it does not.
func AppleStated(raw string) (ms int64, ok bool) {
	var text struct {
		appleEnvelope
		SignedDate int64 `json:"signedDate"`
		Receipt    struct {
			RequestDate receiptTime `json:"request_date_ms"`
		} `json:"receipt"`
	}
	if lenient(json.Unmarshal([]byte(raw), &text)) != nil {
		return 0, false
	}
	if text.SignedPayload != "" {
		return signedDate(text.SignedPayload), true
	}
	if text.SignedDate != 0 {
		return text.SignedDate, true
	}
	return int64(text.Receipt.RequestDate), text.Receipt.RequestDate != 0
}
