package social

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"kumi/core/upstream"
)

// maxAnswer is the maximum size of a provider's response, in bytes.
const maxAnswer = 4 << 20

// certificateHosts is the name of the hosts of certificates, which players name.
const certificateHosts = "apple.com"

// upstreamOptions configures the client that sends the requests. The hosts of the
// addresses are counted one by one, and all others as the hosts of certificates.
func (c *Client) upstreamOptions(addresses []string) upstream.Options {
	hosts := map[string]bool{}
	for _, address := range addresses {
		if u, err := url.Parse(address); err == nil {
			hosts[u.Host] = true
		}
	}
	group := func(host string) string {
		if hosts[host] {
			return host
		}
		return certificateHosts
	}
	return upstream.Options{Transport: c.Transport, Timeout: c.Timeout, MaxResponse: maxAnswer, Group: group, Observe: upstream.ByHost(c.Observe)}
}

// answer is the response to a request.
type answer struct {
	status int
	body   []byte
}

// do sends a request and reads the response. Its errors are unavailable.
func (c *Client) do(req *http.Request) (answer, error) {
	res, err := c.upstream.Do(req)
	if err != nil {
		return answer{}, unavailable{err}
	}
	return answer{res.Status, res.Body}, nil
}

// maxAddress is the maximum length of an address. The players' tokens are the only part
// that may be long.
const maxAddress = 8 << 10

// get requests an address.
func (c *Client) get(ctx context.Context, address string, query url.Values) (answer, error) {
	if len(query) > 0 {
		address += "?" + query.Encode()
	}
	if len(address) > maxAddress {
		return answer{}, errors.New("the token is too long")
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
