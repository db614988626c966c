package purchase

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/heroiclabs/nakama-common/api"
)

const samsungReceipt = "https://iap.samsungapps.com/iap/v6/receipt"

// SamsungPurchase confirms a purchase by the id that the app gets from the Galaxy
// Store. It must be for the application, unless that is empty.
//
// The transaction id is what Samsung calls it, and not what the app sent: there may be
// several ways to write a purchase id.
func (s *Stores) SamsungPurchase(ctx context.Context, application, id string) (p Purchase, err error) {
	req, err := newRequest(ctx, http.MethodGet, samsungReceipt+"?purchaseID="+url.QueryEscape(id), nil)
	if err != nil {
		return p, err
	}
	var answer struct {
		Status  string `json:"status"`
		Mode    string `json:"mode"`
		Package string `json:"packageName"`
		Item    string `json:"itemId"`
		Payment string `json:"paymentId"`
		Order   string `json:"orderId"`
		Date    string `json:"purchaseDate"`
	}
	text, err := s.call("Samsung", req, &answer)
	switch {
	case err != nil:
		return p, err
	case answer.Status != "success":
		return p, invalid("Status: %s", cmp.Or(answer.Status, "none"))
	case application != "" && answer.Package != application:
		return p, invalid("It is for the application %q.", answer.Package)
	case answer.Item == "" || answer.Payment == "" && answer.Order == "":
		return p, unavailable("Samsung", fmt.Errorf("the answer has no item or no payment: %.1000s", text))
	case application == "":
		s.warnOf("iap.samsung.package_name")
	}
	at, err := time.Parse(time.DateTime, answer.Date) // GMT
	if err != nil {
		at = s.now()
	}
	return Purchase{
		Store: api.StoreProvider_SAMSUNG_GALAXY_STORE, ProductID: answer.Item, TransactionID: cmp.Or(answer.Payment, answer.Order),
		Time: at, Environment: environment(answer.Mode == "TEST"), Response: string(text),
	}, nil
}
