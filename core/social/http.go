package social

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
)

// maxAnswer is the maximum size of a provider's response, in bytes.
const maxAnswer = 4 << 20

// newHTTP returns a client that follows no redirects and sends its requests through
// t and the transport of another client.
func newHTTP(from *http.Client, t *transport) *http.Client {
	own := http.Client{}
	if from != nil {
		own = *from
	}
	if own.Transport == nil {
		own.Transport = http.DefaultTransport
		if shared, ok := http.DefaultTransport.(*http.Transport); ok {
			clone := shared.Clone()
			clone.MaxIdleConnsPerHost = 16
			own.Transport = clone
		}
	}
	t.next = own.Transport
	own.Transport = t
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &own
}

// answer is the response to a request.
type answer struct {
	status int
	body   []byte
}

// do sends a request within the timeout and reads the response. Its errors are
// unavailable and do not show the query of the address, which may have keys.
func (c *Client) do(req *http.Request) (answer, error) {
	ctx, cancel := context.WithTimeout(req.Context(), c.Timeout)
	defer cancel()
	resp, err := c.http.Do(req.WithContext(ctx))
	if err != nil {
		var address *url.Error
		if errors.As(err, &address) {
			err = address.Err
		}
		return answer{}, unavailable{fmt.Errorf("%s %s: %w", req.Method, place(req.URL), err)}
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	switch {
	case err != nil:
		return answer{}, unavailable{fmt.Errorf("read the response of %s: %w", place(req.URL), err)}
	case len(body) > maxAnswer:
		return answer{}, unavailable{fmt.Errorf("the response of %s is larger than %d bytes", place(req.URL), maxAnswer)}
	}
	return answer{resp.StatusCode, body}, nil
}

// get requests an address.
func (c *Client) get(ctx context.Context, address string, query url.Values) (answer, error) {
	if len(query) > 0 {
		address += "?" + query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return answer{}, err
	}
	return c.do(req)
}

// decode reads a JSON document from a response with status 200. Other responses
// are unavailable.
func (a answer) decode(into any) error {
	if a.status != http.StatusOK {
		return a.unexpected()
	}
	if err := json.Unmarshal(a.body, into); err != nil {
		return unavailable{fmt.Errorf("read the response: %w", err)}
	}
	return nil
}

// unexpected is the error for a status that says nothing about the player.
func (a answer) unexpected() error {
	return unavailable{fmt.Errorf("status %d: %.200s", a.status, a.body)}
}

// place is an address without its query.
func place(u *url.URL) string { return u.Scheme + "://" + u.Host + u.Path }
