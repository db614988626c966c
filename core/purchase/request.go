package purchase

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"kumi/store/fault"
)

// call sends a request to a store, decodes the answer into out, and returns it as it came.
func (s *Stores) call(store string, req *http.Request, out any) ([]byte, error) {
	res, err := s.upstream.Do(req)
	switch {
	case err != nil:
		return nil, unreachable(req.Context(), store, err)
	case res.Status != http.StatusOK:
		return nil, statusError(store, res.Status, res.Body)
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

// statusError is the error of an HTTP status that is not 200. Only Google says with it
// what it thinks of a receipt; other stores answer with 200 then.
func statusError(store string, status int, body []byte) error {
	cause := fmt.Errorf("HTTP status %d: %.1000s", status, body)
	switch {
	case store == "Google" && googleRefuses(status, body):
		return fault.Wrap(fault.FailedPrecondition, fmt.Sprintf("Invalid Receipt. Status: %d", status), cause)
	case status == http.StatusUnauthorized:
		return credentialsError(store, cause)
	}
	return unavailable(store, cause)
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
