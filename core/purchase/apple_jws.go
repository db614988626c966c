package purchase

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/x509"
	_ "embed"
	"encoding/asn1"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// appleRoot is Apple Root CA - G3, from https://www.apple.com/certificateauthority/.
//
//go:embed apple_root_g3.pem
var appleRoot []byte

func appleRoots() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(appleRoot)
	return pool
}

// Apple marks with these extensions the certificates that sign for the App Store, and
// the one between them and the root. Without them, any developer's certificate of
// another kind below the same root could sign.
var (
	AppleLeafMark         = asn1.ObjectIdentifier{1, 2, 840, 113635, 100, 6, 11, 1}
	AppleIntermediateMark = asn1.ObjectIdentifier{1, 2, 840, 113635, 100, 6, 2, 1}
)

const (
	maxSigned = 256 << 10 // bytes
	maxSkew   = 5 * time.Minute
)

// isSigned reports whether text is in the form that Apple signs, and not a receipt.
func isSigned(text string) bool { return strings.Count(text, ".") == 2 }

// signed verifies text that Apple has signed: a JSON Web Signature (ES256) whose
// header has the chain of certificates. It decodes the payload into out and returns
// it. The certificates must have been valid when the text was signed: a client may
// keep a transaction for longer than Apple uses a certificate.
func (s *Stores) signed(text string, out any) (payload []byte, err error) {
	parts := strings.Split(text, ".")
	if len(parts) != 3 || len(text) > maxSigned {
		return nil, errors.New("it is not a signed transaction")
	}
	var raw [3][]byte
	for i, part := range parts {
		if raw[i], err = base64.RawURLEncoding.DecodeString(part); err != nil {
			return nil, fmt.Errorf("it is not a signed transaction: %w", err)
		}
	}
	var header struct {
		Alg string   `json:"alg"`
		X5C [][]byte `json:"x5c"`
	}
	if err := json.Unmarshal(raw[0], &header); err != nil {
		return nil, fmt.Errorf("its header cannot be read: %w", err)
	}
	at := milliseconds(signedDate(text))
	switch now := s.now(); {
	case header.Alg != jwt.SigningMethodES256.Alg():
		return nil, fmt.Errorf("it is signed with %q instead of ES256", header.Alg)
	case at.IsZero():
		at = now
	case at.After(now.Add(maxSkew)):
		return nil, errors.New("its signature is dated in the future")
	}
	key, err := s.appleKey(header.X5C, at)
	if err != nil {
		return nil, err
	}
	if err := jwt.SigningMethodES256.Verify(parts[0]+"."+parts[1], raw[2], key); err != nil {
		return nil, errors.New("its signature is wrong")
	}
	if err := lenient(json.Unmarshal(raw[1], out)); err != nil {
		return nil, fmt.Errorf("its payload cannot be read: %w", err)
	}
	return raw[1], nil
}

// signedDate returns the date in a signed text, in Unix milliseconds; 0 if it has none.
// It does not verify the text.
func signedDate(text string) int64 {
	_, payload, _ := strings.Cut(text, ".")
	payload, _, _ = strings.Cut(payload, ".")
	raw, err := base64.RawURLEncoding.DecodeString(payload)
	if err != nil {
		return 0
	}
	var date struct {
		Signed int64 `json:"signedDate"`
	}
	if json.Unmarshal(raw, &date) != nil {
		return 0
	}
	return date.Signed
}

// appleChain is a chain of certificates that has been verified, and when it is valid.
type appleChain struct {
	key           *ecdsa.PublicKey
	before, after time.Time // the first and the last moment
}

// maxChains is the maximum number of chains that are kept. Apple uses a few.
const maxChains = 100

// appleKey returns the key of the first certificate of a chain that leads to a
// trusted root and is valid at a time. Verified chains are kept, because verifying one
// costs more than verifying what it has signed.
func (s *Stores) appleKey(chain [][]byte, at time.Time) (*ecdsa.PublicKey, error) {
	id := string(bytes.Join(chain, nil))
	s.mu.Lock()
	known, ok := s.chains[id]
	s.mu.Unlock()
	if ok && !at.Before(known.before) && !at.After(known.after) {
		return known.key, nil
	}
	verified, err := s.verifyChain(chain, at)
	if err != nil {
		return nil, err
	}
	known = appleChain{key: verified[0].PublicKey.(*ecdsa.PublicKey), before: verified[0].NotBefore, after: verified[0].NotAfter}
	for _, c := range verified {
		if c.NotBefore.After(known.before) {
			known.before = c.NotBefore
		}
		if c.NotAfter.Before(known.after) {
			known.after = c.NotAfter
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.chains) >= maxChains {
		clear(s.chains)
	}
	s.chains[id] = known
	return known.key, nil
}

// verifyChain returns the certificates from the first one to the trusted root. The key
// of the first one is of the kind that Apple signs with.
func (s *Stores) verifyChain(chain [][]byte, at time.Time) ([]*x509.Certificate, error) {
	if len(chain) < 3 || len(chain) > 5 {
		return nil, fmt.Errorf("it has %d certificates instead of 3", len(chain))
	}
	var leaf *x509.Certificate
	others := x509.NewCertPool()
	for i, der := range chain {
		c, err := x509.ParseCertificate(der)
		if err != nil {
			return nil, fmt.Errorf("certificate %d cannot be read: %w", i+1, err)
		}
		if i == 0 {
			leaf = c
		} else {
			others.AddCert(c)
		}
	}
	verified, err := leaf.Verify(x509.VerifyOptions{
		Roots: s.roots, Intermediates: others, CurrentTime: at, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny},
	})
	if err != nil {
		return nil, fmt.Errorf("its certificates are not trusted: %w", err)
	}
	_, ok := leaf.PublicKey.(*ecdsa.PublicKey)
	if !ok || len(verified[0]) != 3 || !marked(leaf, AppleLeafMark) || !marked(verified[0][1], AppleIntermediateMark) {
		return nil, errors.New("its certificates are not those of the App Store")
	}
	return verified[0], nil
}

func marked(c *x509.Certificate, mark asn1.ObjectIdentifier) bool {
	for _, e := range c.Extensions {
		if e.Id.Equal(mark) {
			return true
		}
	}
	return false
}
