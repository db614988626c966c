package purchase

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"golang.org/x/oauth2"

	"kumi/store/fault"
)

// call sends a request to a store, decodes the answer into out, which may be nil, and
// returns it as it came.
func (s *Stores) call(store string, req *http.Request, out any) ([]byte, error) {
	res, err := s.upstream.Do(req)
	switch {
	case err != nil:
		return nil, unreachable(req.Context(), store, err)
	case res.Status != http.StatusOK:
		return nil, statusError(store, res.Status, res.Body)
	case out == nil:
		return res.Body, nil
	}
	if err := lenient(json.Unmarshal(res.Body, out)); err != nil {
		return nil, unavailable(store, fmt.Errorf("the answer cannot be read: %w", err))
	}
	return res.Body, nil
}

// lenient ignores that single fields have other types than expected: the rest has
// been decoded.
func lenient(err error) error {
	var field *json.UnmarshalTypeError
	if errors.As(err, &field) && field.Field != "" {
		return nil
	}
	return err
}

// newRequest makes a request; body, if not nil, is sent as JSON.
func newRequest(ctx context.Context, method, url string, body any) (*http.Request, error) {
	if body == nil {
		return http.NewRequestWithContext(ctx, method, url, nil)
	}
	text, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(text))
	if err == nil {
		req.Header.Set("Content-Type", "application/json; charset=utf-8")
	}
	return req, err
}

// statusError is the error of an HTTP status that is not 200.
func statusError(store string, status int, body []byte) error {
	cause := fmt.Errorf("HTTP status %d: %.1000s", status, body)
	switch {
	case status >= 500, status == http.StatusTooManyRequests, status == http.StatusRequestTimeout:
		return unavailable(store, cause)
	case status == http.StatusUnauthorized:
		return credentialsError(store, cause)
	}
	return fault.Wrap(fault.FailedPrecondition, fmt.Sprintf("Invalid Receipt. Status: %d", status), cause)
}

// unavailable is the error of a store that may answer later.
func unavailable(store string, cause error) error {
	return fault.Wrap(fault.Unavailable, store+" IAP verification is currently unavailable. Try again later.", cause)
}

// unreachable is the error of a request without an answer, unless the caller has
// given up.
func unreachable(ctx context.Context, store string, cause error) error {
	if errors.Is(ctx.Err(), context.Canceled) {
		return ctx.Err()
	}
	return unavailable(store, cause)
}

// token returns an access token. make is called once per credentials, and what it
// returns keeps the token until it expires.
func (s *Stores) token(ctx context.Context, store string, credentials any, make func(ctx context.Context) oauth2.TokenSource) (string, error) {
	s.mu.Lock()
	source, ok := s.tokens[credentials]
	if !ok {
		if len(s.tokens) >= maxCredentials {
			clear(s.tokens)
		}
		// The token outlives this call, so its requests do too; the client limits them.
		source = make(context.WithValue(context.WithoutCancel(ctx), oauth2.HTTPClient, s.upstream.HTTP()))
		s.tokens[credentials] = source
	}
	s.mu.Unlock()
	token, err := source.Token()
	if err == nil {
		return token.AccessToken, nil
	}
	var answer *oauth2.RetrieveError
	if errors.As(err, &answer) {
		if status := answer.Response.StatusCode; status < 500 && status != http.StatusTooManyRequests {
			return "", credentialsError(store, err)
		}
	}
	return "", unavailable(store, err)
}

// credentialsError is the error of credentials in the configuration, which is the
// operator's matter: clients are not told.
func credentialsError(store string, cause error) error {
	return fault.Private(fault.Internal, store+" IAP: the server's credentials are wrong", cause)
}

// maxCredentials is the maximum number of credentials whose tokens are kept: modules
// may pass their own.
const maxCredentials = 100

// forget drops the token of credentials that was refused before its time.
func (s *Stores) forget(credentials any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.tokens, credentials)
}
