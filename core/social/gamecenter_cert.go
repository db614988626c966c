package social

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"
)

const (
	// certificateFresh is how long a certificate is used without asking for it again.
	certificateFresh = 24 * time.Hour
	// certificateStale is how long a certificate is used if Apple cannot be asked.
	certificateStale = 7 * 24 * time.Hour
	// maxCertificates is the number of certificates that are kept. Apple has few.
	maxCertificates = 64
	// maxCertificateRequests limits the requests for certificates, per minute: their
	// addresses come from players.
	maxCertificateRequests = 30
	// maxChain is the maximum number of certificates between Apple's and a root.
	maxChain = 3
)

// authorities are the domains that intermediate certificates are read from, which
// Apple's certificate names but Apple's server does not send.
var authorities = []string{
	"apple.com", "digicert.com", "symcb.com", "verisign.com", "entrust.net", "sectigo.com", "usertrust.com", "globalsign.com",
}

// certificates has verified Game Center certificates by address.
type certificates struct {
	client *Client
	flight singleflight.Group
	limit  limit

	mu    sync.Mutex
	known map[string]knownCertificate
}

type knownCertificate struct {
	*x509.Certificate
	fetched time.Time
}

// get returns the certificate at an address of Apple, verified.
func (s *certificates) get(ctx context.Context, address string) (*x509.Certificate, error) {
	if found := s.cached(address, certificateFresh); found != nil {
		return found, nil
	}
	done := s.flight.DoChan(address, func() (any, error) { return s.refresh(context.WithoutCancel(ctx), address) })
	select {
	case r := <-done:
		if r.Err != nil {
			return nil, r.Err
		}
		return r.Val.(*x509.Certificate), nil
	case <-ctx.Done():
		return nil, unavailable{ctx.Err()}
	}
}

// cached returns a certificate that is valid and not older than maxAge.
func (s *certificates) cached(address string, maxAge time.Duration) *x509.Certificate {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.client.Now()
	if found, ok := s.known[address]; ok && now.Sub(found.fetched) < maxAge && now.Before(found.NotAfter) {
		return found.Certificate
	}
	return nil
}

// refresh fetches a certificate. If it cannot be fetched now, whether because of Apple or
// because players have named too many addresses, a known one is used for longer.
func (s *certificates) refresh(ctx context.Context, address string) (*x509.Certificate, error) {
	found, err := s.fetch(ctx, address)
	var away unavailable
	if errors.As(err, &away) {
		if stale := s.cached(address, certificateStale); stale != nil {
			return stale, nil
		}
	}
	return found, err
}

func (s *certificates) fetch(ctx context.Context, address string) (*x509.Certificate, error) {
	if !s.limit.allow(s.client.Now(), maxCertificateRequests) {
		return nil, unavailable{errors.New("too many requests for Game Center certificates")}
	}
	found, err := s.client.certificate(ctx, address)
	if err != nil {
		return nil, err
	}
	if err := s.client.checkChain(ctx, found); err != nil {
		return nil, err
	}
	s.keep(address, found)
	return found, nil
}

// keep keeps a certificate, in place of the oldest if there are too many.
func (s *certificates) keep(address string, c *x509.Certificate) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.known == nil {
		s.known = map[string]knownCertificate{}
	}
	s.known[address] = knownCertificate{c, s.client.Now()}
	if len(s.known) <= maxCertificates {
		return
	}
	oldest := address
	for other, k := range s.known {
		if k.fetched.Before(s.known[oldest].fetched) {
			oldest = other
		}
	}
	delete(s.known, oldest)
}

// certificate reads a certificate, which is in DER or PEM.
func (c *Client) certificate(ctx context.Context, address string) (*x509.Certificate, error) {
	a, err := c.get(ctx, address, nil)
	switch {
	case err != nil:
		return nil, err
	case a.status == http.StatusNotFound || a.status == http.StatusForbidden || a.status == http.StatusGone:
		return nil, errors.New("there is no certificate at the public key URL")
	case a.status != http.StatusOK:
		return nil, a.unexpected()
	}
	text := a.body
	if block, _ := pem.Decode(text); block != nil {
		text = block.Bytes
	}
	found, err := x509.ParseCertificate(text)
	if err != nil {
		return nil, errors.New("there is no certificate at the public key URL")
	}
	return found, nil
}

// checkChain checks that a certificate is Apple's, valid now, and issued by an
// authority that leads to a trusted root. It reads the certificates in between.
func (c *Client) checkChain(ctx context.Context, leaf *x509.Certificate) error {
	if !slices.Contains(leaf.Subject.Organization, "Apple Inc.") {
		return errors.New("the certificate does not belong to Apple Inc")
	}
	between := x509.NewCertPool()
	last := leaf
	for range maxChain {
		_, err := leaf.Verify(x509.VerifyOptions{
			Roots: c.Roots, Intermediates: between, CurrentTime: c.Now(), KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny},
		})
		if err == nil {
			return nil
		}
		var unknown x509.UnknownAuthorityError
		if !errors.As(err, &unknown) || len(last.IssuingCertificateURL) == 0 {
			return fmt.Errorf("the certificate cannot be trusted: %w", err)
		}
		issuer := last.IssuingCertificateURL[0]
		if err := checkAuthority(issuer); err != nil {
			return err
		}
		if last, err = c.certificate(ctx, issuer); err != nil {
			return err
		}
		between.AddCert(last)
	}
	return errors.New("the certificate cannot be trusted: its chain is too long")
}

// checkAuthority accepts addresses of known authorities. They may be http, because
// the certificates there are signed.
func checkAuthority(address string) error {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.User != nil || u.Port() != "" ||
		!slices.ContainsFunc(authorities, func(domain string) bool { return within(u.Hostname(), domain) }) {
		return fmt.Errorf("the certificate was issued by an unknown authority, %q", address)
	}
	return nil
}
