package purchase

import (
	"context"
	"errors"
	"net/http"
	"sync"

	"golang.org/x/oauth2"
	"golang.org/x/sync/singleflight"

	"kumi/store/fault"
)

// maxCredentials is the maximum number of credentials whose tokens are kept: modules
// may pass their own.
const maxCredentials = 100

// accessToken is the access token of some credentials, which is kept until it expires.
type accessToken struct {
	flight  singleflight.Group
	mu      sync.Mutex
	current *oauth2.Token
}

// accessToken returns the access token of credentials, which must be comparable.
func (s *Stores) accessToken(credentials any) *accessToken {
	s.mu.Lock()
	defer s.mu.Unlock()
	a, ok := s.tokens[credentials]
	if !ok {
		if len(s.tokens) >= maxCredentials {
			clear(s.tokens)
		}
		a = &accessToken{}
		s.tokens[credentials] = a
	}
	return a
}

// kept returns the token, or nil if there is none or if it has expired.
func (a *accessToken) kept() *oauth2.Token {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.current.Valid() {
		return a.current
	}
	return nil
}

// keep keeps a token until it expires.
func (a *accessToken) keep(t *oauth2.Token) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.current = t
}

// drop drops a token, unless another call has replaced it already.
func (a *accessToken) drop(t *oauth2.Token) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.current == t {
		a.current = nil
	}
}

// get returns the token that is kept, or one that fetch requests. Concurrent calls share
// one request.
func (a *accessToken) get(ctx context.Context, fetch func(context.Context) (*oauth2.Token, error)) (*oauth2.Token, error) {
	if t := a.kept(); t != nil {
		return t, nil
	}
	// The request serves all who wait, so it does not end with the first of them.
	done := a.flight.DoChan("", func() (any, error) {
		if t := a.kept(); t != nil { // another request has just ended
			return t, nil
		}
		t, err := fetch(context.WithoutCancel(ctx))
		if err != nil {
			return nil, err
		}
		a.keep(t)
		return t, nil
	})
	select {
	case r := <-done:
		if r.Err != nil {
			return nil, r.Err
		}
		return r.Val.(*oauth2.Token), nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// authorized is call for a request with an access token, which fetch requests if none is
// kept. If the store refuses one that was kept, it may have been withdrawn: the request
// is sent again with a new one.
func (s *Stores) authorized(ctx context.Context, store string, credentials any, fetch func(context.Context) (*oauth2.Token, error), request func(token string) (*http.Request, error), out any) ([]byte, error) {
	a := s.accessToken(credentials)
	for again := a.kept() != nil; ; again = false {
		token, err := a.get(context.WithValue(ctx, oauth2.HTTPClient, s.upstream.HTTP()), fetch)
		if err != nil {
			return nil, tokenError(ctx, store, err)
		}
		req, err := request(token.AccessToken)
		if err != nil {
			return nil, err
		}
		text, err := s.call(store, req, out)
		if fault.CodeOf(err) != fault.Internal {
			return text, err
		}
		a.drop(token)
		if !again {
			return nil, err
		}
	}
}

// tokenError is the error of a request for an access token.
func tokenError(ctx context.Context, store string, err error) error {
	var known *fault.Error
	if errors.As(err, &known) {
		return err
	}
	var answer *oauth2.RetrieveError
	if errors.As(err, &answer) {
		if status := answer.Response.StatusCode; status/100 == 4 && status != http.StatusTooManyRequests && status != http.StatusRequestTimeout {
			return credentialsError(store, err)
		}
	}
	return unreachable(ctx, store, err)
}

// credentialsError is the error of credentials in the configuration, which is the
// operator's matter: clients are not told.
func credentialsError(store string, cause error) error {
	return fault.Private(fault.Internal, store+" IAP: the server's credentials are wrong", cause)
}
