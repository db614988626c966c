package purchase_test

import (
	"testing"

	"kumi/core/purchase"
	"kumi/core/purchase/purchasetest"
)

// BenchmarkAppleTransaction verifies a signed transaction, with its certificates.
func BenchmarkAppleTransaction(b *testing.B) {
	stores, err := purchasetest.Start()
	if err != nil {
		b.Fatal(err)
	}
	defer stores.Close()
	s := purchase.New(stores.Options())
	signed := stores.Apple.Sign(transaction(nil))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.ApplePurchases(b.Context(), "", signed); err != nil {
			b.Fatal(err)
		}
	}
}
