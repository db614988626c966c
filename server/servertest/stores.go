package servertest

import (
	"os"
	"path/filepath"
	"testing"

	"kumi/core/purchase/purchasetest"
)

// Stores starts a server that answers as the stores of apps do, and returns the settings with
// which a server asks it. Apple's receipts need further ones.
func Stores(t testing.TB) (*purchasetest.Stores, Option) {
	t.Helper()
	stores, err := purchasetest.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stores.Close)
	root := filepath.Join(t.TempDir(), "root.pem")
	if err := os.WriteFile(root, stores.Apple.PEM(), 0o600); err != nil {
		t.Fatal(err)
	}
	google, huawei := stores.GoogleAccount(), stores.HuaweiApp()
	return stores, Flags(
		"--iap.development.stores_url", stores.URL, "--iap.development.root_certificate", root,
		"--iap.google.client_email", google.Email, "--iap.google.private_key", google.PrivateKey,
		"--iap.huawei.public_key", huawei.PublicKey, "--iap.huawei.client_id", huawei.ClientID, "--iap.huawei.client_secret", huawei.ClientSecret,
		"--iap.facebook_instant.app_secret", "secret")
}
