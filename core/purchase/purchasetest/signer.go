package purchasetest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"kumi/core/purchase"
)

// Signer signs as Apple does, with a chain of certificates of its own.
type Signer struct {
	root  *x509.Certificate
	key   *ecdsa.PrivateKey
	chain []string // base64
}

// NewSigner makes a root, an intermediate and a signing certificate. Without marks
// the latter two are not those of the App Store.
func NewSigner(marks bool) (*Signer, error) {
	s := &Signer{}
	leafMark, middleMark := purchase.AppleLeafMark, purchase.AppleIntermediateMark
	if !marks {
		leafMark, middleMark = nil, nil
	}
	root, rootKey, err := certificate("Root", nil, nil, nil)
	if err != nil {
		return nil, err
	}
	middle, middleKey, err := certificate("Intermediate", root, rootKey, middleMark)
	if err != nil {
		return nil, err
	}
	leaf, key, err := certificate("Signing", middle, middleKey, leafMark)
	if err != nil {
		return nil, err
	}
	s.root, s.key = root, key
	for _, c := range []*x509.Certificate{leaf, middle, root} {
		s.chain = append(s.chain, base64.StdEncoding.EncodeToString(c.Raw))
	}
	return s, nil
}

// certificate makes a certificate that is valid since yesterday; without a parent it
// is a root.
func certificate(name string, parent *x509.Certificate, parentKey *ecdsa.PrivateKey, mark asn1.ObjectIdentifier) (*x509.Certificate, *ecdsa.PrivateKey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-24 * time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IsCA: name != "Signing", BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	if mark != nil {
		template.ExtraExtensions = []pkix.Extension{{Id: mark, Value: asn1.NullBytes}}
	}
	if parent == nil {
		parent, parentKey = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, parentKey)
	if err != nil {
		return nil, nil, err
	}
	c, err := x509.ParseCertificate(der)
	return c, key, err
}

// Pool has the root.
func (s *Signer) Pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(s.root)
	return pool
}

// PEM is the root.
func (s *Signer) PEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.root.Raw})
}

// Sign makes the signed form of a payload, which is written as JSON.
func (s *Signer) Sign(payload any) string {
	header, _ := json.Marshal(map[string]any{"alg": "ES256", "x5c": s.chain})
	text, _ := json.Marshal(payload)
	signing := base64.RawURLEncoding.EncodeToString(header) + "." + base64.RawURLEncoding.EncodeToString(text)
	sig, err := jwt.SigningMethodES256.Sign(signing, s.key)
	if err != nil {
		return ""
	}
	return signing + "." + base64.RawURLEncoding.EncodeToString(sig)
}

// Notification makes the body of a notification of the App Store.
func (s *Signer) Notification(uuid, kind, subtype string, signed time.Time, transaction, renewal any) []byte {
	data := map[string]any{"bundleId": "com.example.game", "environment": "Production"}
	if transaction != nil {
		data["signedTransactionInfo"] = s.Sign(transaction)
	}
	if renewal != nil {
		data["signedRenewalInfo"] = s.Sign(renewal)
	}
	body, _ := json.Marshal(map[string]any{"signedPayload": s.Sign(map[string]any{
		"notificationType": kind, "subtype": subtype, "notificationUUID": uuid, "version": "2.0", "signedDate": signed.UnixMilli(), "data": data,
	})})
	return body
}
