// Package purchase asks the stores of apps whether purchases and subscriptions are
// genuine, and reads the notifications that they send. It stores nothing.
//
// There is one file per store. Errors have fault codes: FailedPrecondition if the
// store does not confirm a receipt, Unavailable if the store cannot be reached, takes
// too long or fails, so that the same request may succeed later, and Internal if it
// refuses the server's own credentials.
package purchase

import (
	"crypto/x509"
	"net/http"
	"sync"
	"time"

	"github.com/heroiclabs/nakama-common/api"
	"github.com/rs/zerolog"

	"kumi/core/upstream"
	"kumi/store/fault"
)

// maxResponse is the maximum size of a store's answer, in bytes.
const maxResponse = 16 << 20

// Options configure Stores. Without any it uses the real stores.
type Options struct {
	// Transport sends all requests; nil: connections of the client's own.
	Transport http.RoundTripper
	// Timeout limits each request; 0: five seconds.
	Timeout time.Duration
	// AppleRoots are the roots of the certificates that sign for Apple; nil: Apple's own.
	AppleRoots *x509.CertPool
	// AppleBundles are the bundles that Apple's purchases must be for; empty: any.
	AppleBundles []string
	// Observe is told of each request, unless nil: the host, whether it answered without
	// failing, and the time that took. It must not block.
	Observe func(host string, ok bool, took time.Duration)
	// Now is the clock; nil: time.Now.
	Now    func() time.Time
	Logger zerolog.Logger
}

// Stores is the client of all stores. Its methods may be called from any goroutine.
type Stores struct {
	upstream *upstream.Client
	roots    *x509.CertPool
	bundles  []string
	now      func() time.Time
	log      zerolog.Logger
	warned   sync.Map // settings that warnOf has named

	mu     sync.Mutex
	tokens map[any]*accessToken  // by credentials
	chains map[string]appleChain // by the certificates
}

// New makes a client.
func New(o Options) *Stores {
	s := &Stores{
		upstream: upstream.New(upstream.Options{Transport: o.Transport, Timeout: o.Timeout, MaxResponse: maxResponse, Observe: upstream.ByHost(o.Observe)}),
		roots:    o.AppleRoots, bundles: o.AppleBundles, now: o.Now, log: o.Logger,
		tokens: map[any]*accessToken{}, chains: map[string]appleChain{},
	}
	if s.roots == nil {
		s.roots = appleRoots()
	}
	if s.now == nil {
		s.now = time.Now
	}
	return s
}

// warnOf warns once that purchases in every app are accepted without a setting.
func (s *Stores) warnOf(setting string) {
	if _, before := s.warned.LoadOrStore(setting, true); !before {
		s.log.Warn().Msg("purchases in every app are accepted: set " + setting)
	}
}

// Close closes idle connections. The client may still be used.
func (s *Stores) Close() { s.upstream.Close() }

// Purchase is a purchase that a store has confirmed.
type Purchase struct {
	Store         api.StoreProvider
	ProductID     string
	TransactionID string
	Time          time.Time
	Refunded      time.Time // zero: not refunded
	Environment   api.StoreEnvironment
	Response      string // the store's answer, JSON
}

// Subscription is a subscription that a store has confirmed.
type Subscription struct {
	Store                 api.StoreProvider
	ProductID             string
	OriginalTransactionID string    // of the first period; renewals keep it
	Time                  time.Time // of the first purchase
	Expiry                time.Time
	Refunded              time.Time // zero: not refunded
	Environment           api.StoreEnvironment
	Response              string // the store's answer, JSON
	// Stated is when the store stated this, if that may have been long ago: an older
	// statement does not replace a newer one.
	Stated time.Time
}

var (
	errSubscriptionReceipt = fault.New(fault.FailedPrecondition, "Subscription Receipt. Use the appropriate function instead.")
	errPurchaseReceipt     = fault.New(fault.FailedPrecondition, "Purchase Receipt. Use the appropriate function instead.")
)

// invalid says why a receipt is not accepted.
func invalid(format string, args ...any) error {
	return fault.Newf(fault.FailedPrecondition, "Invalid Receipt. "+format, args...)
}

// environment is that of a purchase of which it is known whether it is a test.
func environment(test bool) api.StoreEnvironment {
	if test {
		return api.StoreEnvironment_SANDBOX
	}
	return api.StoreEnvironment_PRODUCTION
}

// milliseconds converts a Unix time in milliseconds; 0 is the zero time.
func milliseconds(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}
