package social

import (
	"context"
	"crypto"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
	"golang.org/x/sync/singleflight"
)

const (
	// keysFresh is how long keys are used without asking for them again, so also how
	// long a key is accepted that the provider has withdrawn.
	keysFresh = time.Hour
	// keysStale is how long keys are used if the provider does not answer.
	keysStale = 24 * time.Hour
	// maxKeyRequests limits the requests for the keys of one provider, per minute,
	// however many tokens name keys that are not known.
	maxKeyRequests = 5
)

var errUnknownKey = errors.New("the token is signed with a key that the provider does not publish")

// keySet has the public keys of a provider, which it publishes as a JWKS document
// and changes from time to time.
type keySet struct {
	client  *Client
	address string
	flight  singleflight.Group
	limit   limit

	mu      sync.Mutex
	keys    map[string]crypto.PublicKey
	fetched time.Time // when the keys were read
	failure error     // of the last request
}

// key returns the key with an id. It asks the provider if the key is not known
// or the keys are old. Concurrent calls share one request.
func (s *keySet) key(ctx context.Context, id string) (crypto.PublicKey, error) {
	if key := s.cached(id); key != nil {
		return key, nil
	}
	// The request serves all who wait, so it does not end with the first of them.
	done := s.flight.DoChan("", func() (any, error) {
		// Another request may just have ended.
		if s.cached(id) == nil && s.limit.allow(s.client.Now(), maxKeyRequests) {
			s.fetch(context.WithoutCancel(ctx))
		}
		return nil, nil
	})
	select {
	case <-done:
		return s.settle(id)
	case <-ctx.Done():
		return nil, unavailable{ctx.Err()}
	}
}

// cached returns a key that is known and fresh.
func (s *keySet) cached(id string) crypto.PublicKey {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.client.Now().Sub(s.fetched) >= keysFresh {
		return nil
	}
	return s.keys[id]
}

// settle returns a key after the provider was asked, or as often as allowed.
func (s *keySet) settle(id string) (crypto.PublicKey, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if key := s.keys[id]; key != nil && s.client.Now().Sub(s.fetched) < keysStale {
		return key, nil
	}
	if s.failure != nil {
		return nil, unavailable{fmt.Errorf("keys of %s: %w", s.address, s.failure)}
	}
	return nil, errUnknownKey
}

func (s *keySet) fetch(ctx context.Context) {
	keys, err := s.read(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failure = err; err == nil {
		s.keys, s.fetched = keys, s.client.Now()
	}
}

func (s *keySet) read(ctx context.Context) (map[string]crypto.PublicKey, error) {
	a, err := s.client.get(ctx, s.address, nil)
	if err != nil {
		return nil, err
	}
	var document struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := a.decode(&document); err != nil {
		return nil, err
	}
	keys := map[string]crypto.PublicKey{}
	for _, text := range document.Keys {
		// Keys of kinds that the library does not know are not for these tokens.
		var key jose.JSONWebKey
		if err := json.Unmarshal(text, &key); err != nil || key.KeyID == "" || !key.Valid() || !key.IsPublic() {
			continue
		}
		keys[key.KeyID] = key.Key
	}
	if len(keys) == 0 {
		return nil, errors.New("there are no keys in the document")
	}
	return keys, nil
}
