package game

import (
	"crypto/x509"
	"fmt"
	"net/http"
	"net/url"
	"os"

	"github.com/rs/zerolog"

	"kumi/config"
	"kumi/core/purchase"
)

// storeOptions configures the client of the stores of apps. A setting for development
// may replace the stores and Apple's root.
func storeOptions(iap *config.IAP, transport http.RoundTripper, roots *x509.CertPool, log zerolog.Logger) (purchase.Options, error) {
	o := purchase.Options{Transport: transport, AppleRoots: roots, AppleBundles: iap.Apple.BundleIDs, Logger: log}
	if address := iap.Development.StoresURL; address != "" {
		to, err := url.Parse(address)
		if err != nil || to.Host == "" {
			return o, fmt.Errorf("iap.development.stores_url: %q is not a URL such as http://127.0.0.1:9000", address)
		}
		o.Transport = purchase.Redirect(to)
	}
	if file := iap.Development.RootCertificate; file != "" {
		text, err := os.ReadFile(file)
		if err != nil {
			return o, fmt.Errorf("iap.development.root_certificate: %w", err)
		}
		o.AppleRoots = x509.NewCertPool()
		if !o.AppleRoots.AppendCertsFromPEM(text) {
			return o, fmt.Errorf("iap.development.root_certificate: %s has no certificate in PEM", file)
		}
	}
	return o, nil
}
