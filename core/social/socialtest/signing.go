package socialtest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"maps"
	"math/big"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-jose/go-jose/v4"

	"kumi/core/social"
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// signingKey is a key of a provider.
type signingKey struct {
	*rsa.PrivateKey
	id string
}

// rsaKeys are shared by all providers of a process, because they take long to make.
var rsaKeys = func() (keys [4]func() *rsa.PrivateKey) {
	for i := range keys {
		keys[i] = sync.OnceValue(func() *rsa.PrivateKey { return must(rsa.GenerateKey(rand.Reader, 2048)) })
	}
	return keys
}()

var keyNumber atomic.Int64

// newSigningKey returns a key with a new id, other than the one before.
func newSigningKey() *signingKey {
	n := keyNumber.Add(1)
	return &signingKey{rsaKeys[1+n%3](), fmt.Sprint("key-", n)}
}

// Rotate makes a provider, named by its host, sign with a new key and publish it
// alone.
func (p *Providers) Rotate(host string) {
	key := newSigningKey()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.keys[host] = []*signingKey{key}
}

func (p *Providers) jwks(host string) []byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	// A key of an unknown kind must not spoil the others.
	keys := []any{object{"kty": "strange", "kid": "strange", "use": "sig"}}
	for _, key := range p.keys[host] {
		keys = append(keys, jose.JSONWebKey{Key: key.Public(), KeyID: key.id, Algorithm: "RS256", Use: "sig"})
	}
	return text(object{"keys": keys})
}

// IDToken returns a token of a provider, named by its host, for a player. more
// replaces claims, or removes them if they are nil.
func (p *Providers) IDToken(host, id string, more map[string]any) string {
	p.mu.Lock()
	key := p.keys[host][len(p.keys[host])-1]
	p.mu.Unlock()
	return p.sign(key, host, id, more)
}

// StrangeToken is IDToken with a key that the provider does not have.
func (p *Providers) StrangeToken(host, id string) string {
	return p.sign(newSigningKey(), host, id, nil)
}

func (p *Providers) sign(key *signingKey, host, id string, more map[string]any) string {
	now := p.Now()
	claims := object{"sub": id, "iat": now.Unix(), "exp": now.Add(10 * time.Minute).Unix()}
	switch host {
	case Apple:
		claims["iss"], claims["aud"] = "https://appleid.apple.com", AppleBundleID
		claims["email"], claims["email_verified"] = id+"@apple.example", "true"
	case Google:
		claims["iss"], claims["aud"], claims["azp"] = "https://accounts.google.com", GoogleClientID, "android"
		claims["email"], claims["email_verified"] = id+"@google.example", true
		claims["name"], claims["picture"] = "Google "+id, "https://example.com/g/"+id+".png"
	case Facebook:
		claims["iss"], claims["aud"] = "https://www.facebook.com", FacebookAppID
		claims["name"], claims["picture"] = "Limited "+id, "https://example.com/l/"+id+".png"
	}
	maps.Copy(claims, more)
	maps.DeleteFunc(claims, func(_ string, v any) bool { return v == nil })
	signer := must(jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: jose.JSONWebKey{Key: key.PrivateKey, KeyID: key.id}}, nil))
	return must(must(signer.Sign(text(claims))).CompactSerialize())
}

// InstantInfo returns the signed player info of a Facebook Instant Game.
func (p *Providers) InstantInfo(id string) string {
	return SignInstant(id, "HMAC-SHA256", InstantSecret)
}

// SignInstant is InstantInfo with any algorithm and secret.
func SignInstant(id, algorithm, secret string) string {
	payload := base64.RawURLEncoding.EncodeToString(text(object{"algorithm": algorithm, "issued_at": 1700000000, "player_id": id, "request_payload": ""}))
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(payload))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil)) + "." + payload
}

// authority issued Apple's certificate for Game Center.
type authority struct {
	root, intermediate, leaf, selfSigned *x509.Certificate
	leafKey                              *rsa.PrivateKey
}

func newAuthority() (a authority) {
	caKey := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	betweenKey := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	a.leafKey = rsaKeys[0]()
	serial := int64(0)
	issue := func(name string, ca bool, parent *x509.Certificate, public crypto.PublicKey, by crypto.Signer, urls ...string) *x509.Certificate {
		serial++
		template := &x509.Certificate{
			SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: name, Organization: []string{name}},
			NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(1000 * time.Hour),
			IsCA: ca, BasicConstraintsValid: true, IssuingCertificateURL: urls, KeyUsage: x509.KeyUsageDigitalSignature,
		}
		if ca {
			template.KeyUsage = x509.KeyUsageCertSign
		} else {
			template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning}
		}
		if parent == nil {
			parent = template
		}
		return must(x509.ParseCertificate(must(x509.CreateCertificate(rand.Reader, template, parent, public, by))))
	}
	a.root = issue("Root", true, nil, caKey.Public(), caKey)
	a.intermediate = issue("Intermediate", true, a.root, betweenKey.Public(), caKey)
	a.leaf = issue("Apple Inc.", false, a.intermediate, a.leafKey.Public(), betweenKey, "http://"+Authority+"/intermediate.crt")
	a.selfSigned = issue("Apple Inc.", false, nil, a.leafKey.Public(), a.leafKey)
	return a
}

// Roots are the authorities that the certificate for Game Center leads to.
func (a *authority) Roots() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.root)
	return pool
}

// GameCenterJSON is GameCenter as clients of the API send it.
func (p *Providers) GameCenterJSON(id string) string {
	g := p.GameCenter(id)
	return string(text(object{
		"player_id": g.PlayerID, "bundle_id": g.BundleID, "timestamp_seconds": fmt.Sprint(g.Timestamp),
		"salt": g.Salt, "signature": g.Signature, "public_key_url": g.PublicKeyURL,
	}))
}

// GameCenter returns what Game Center says about a player.
func (p *Providers) GameCenter(id string) social.GameCenter {
	g := social.GameCenter{
		PlayerID: id, BundleID: AppleBundleID, Timestamp: 1700000000000,
		PublicKeyURL: "https://" + GameCenter + "/public-key/gc-prod-10.cer",
	}
	salt := []byte{1, 2, 3, 4}
	signed := append([]byte(id), g.BundleID...)
	signed = binary.BigEndian.AppendUint64(signed, uint64(g.Timestamp))
	sum := sha256.Sum256(append(signed, salt...))
	g.Salt = base64.StdEncoding.EncodeToString(salt)
	g.Signature = base64.StdEncoding.EncodeToString(must(p.leafKey.Sign(rand.Reader, sum[:], crypto.SHA256)))
	return g
}
