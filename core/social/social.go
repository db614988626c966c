// Package social asks sign-in providers who a player is: Apple, Google,
// Facebook, Game Center and Steam. It knows nothing about accounts.
//
// A Client may be used from any goroutine. Its methods return the errors that
// clients see, with fault codes:
//
//   - InvalidArgument if the token or another required value is missing,
//   - FailedPrecondition if the provider is not configured,
//   - Unauthenticated if the provider does not confirm the player, followed by
//     the reason,
//   - Unavailable if the provider cannot be asked, so that the same request may
//     succeed later.
package social

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/rs/zerolog"
	"golang.org/x/oauth2"

	"kumi/core/upstream"
	"kumi/store/fault"
)

// Options configure a Client. The zero value knows the real providers and is
// configured for none that needs settings.
type Options struct {
	// Transport sends the requests; nil means connections of the client's own.
	Transport http.RoundTripper
	// Timeout limits each request; 0 means 5 seconds.
	Timeout time.Duration
	// Roots are the authorities that Game Center certificates must lead to; nil
	// means those of the system.
	Roots *x509.CertPool
	// Now is the clock; nil means time.Now.
	Now    func() time.Time
	Logger zerolog.Logger
	// Observe is called after each request with the host, or "apple.com" for those of
	// certificates, and whether it was answered without an error of the host's; nil:
	// not at all. It must not block.
	Observe func(host string, ok bool, took time.Duration)

	// AppleBundleID is the audience that Apple's tokens must have.
	AppleBundleID string
	// GameCenterBundleIDs are the bundles that players of Game Center must be of; empty:
	// any.
	GameCenterBundleIDs []string
	// GoogleCredentials is the JSON document of an OAuth client, which authorization
	// codes are exchanged with. ID tokens are accepted for the clients of its project
	// and for GoogleClientIDs; with neither, for any client.
	GoogleCredentials string
	GoogleClientIDs   []string
	// FacebookAppID is the audience that tokens of Limited Login must have.
	FacebookAppID         string
	FacebookInstantSecret string
	SteamPublisherKey     string
	SteamAppID            int
}

// Client asks the providers. Make one with New.
type Client struct {
	Options
	upstream    *upstream.Client
	apple       *idTokens
	google      *idTokens
	facebook    *idTokens
	googleOAuth *oauth2.Config // nil: not configured
	gameCenter  certificates
	// anyGoogleClient and anyBundle log once that the players of all apps are accepted.
	anyGoogleClient, anyBundle sync.Once
}

// New makes a client. It fails if the credentials for Google cannot be read, and
// sends no requests.
func New(o Options) (*Client, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	c := &Client{Options: o}
	addresses := []string{appleKeys, googleKeys, googleToken, facebookGraph, facebookKeys, steamAPI}
	if o.GoogleCredentials != "" {
		config, err := readGoogleCredentials(o.GoogleCredentials)
		if err != nil {
			return nil, fmt.Errorf("google_auth.credentials_json: %w", err)
		}
		c.googleOAuth = config
		addresses = append(addresses, config.Endpoint.TokenURL)
	}
	c.upstream = upstream.New(c.upstreamOptions(addresses))
	c.apple = c.newIDTokens("Apple", appleKeys, appleIssuer)
	c.google = c.newIDTokens("Google", googleKeys, googleIssuers...)
	c.facebook = c.newIDTokens("Facebook", facebookKeys, facebookIssuers...)
	c.gameCenter.client = c
	return c, nil
}

// Close closes idle connections. The client may still be used.
func (c *Client) Close() { c.upstream.Close() }

// Profile is a player as a provider knows them. Only ID is always set.
type Profile struct {
	ID string
	// FormerID is another id that the provider had for the player before.
	FormerID               string
	DisplayName, AvatarURL string
	// Email is an address that the provider does not say is unverified.
	Email string
}

// errNoID is the error for a provider that confirms a player without an id.
var errNoID = errors.New("the profile has no id")

// unavailable marks an error as one of the provider or the way to it, not of the
// player's token.
type unavailable struct{ error }

func (u unavailable) Unwrap() error { return u.error }

// verdict converts an error to what the client of a provider's player sees. name
// is that of the provider in the protocol's texts.
func verdict(name string, err error) error {
	if err == nil {
		return nil
	}
	text := "Could not authenticate " + name + " profile."
	var away unavailable
	if errors.As(err, &away) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return fault.Wrap(fault.Unavailable, text+" The provider cannot be asked at the moment, try again later.", err)
	}
	return fault.New(fault.Unauthenticated, text+" "+sentence(err.Error()))
}

// sentence makes a sentence of an error's text.
func sentence(text string) string {
	text = strings.TrimPrefix(text, "oidc: ")
	if text == "" {
		return ""
	}
	return strings.ToUpper(text[:1]) + strings.TrimSuffix(text[1:], ".") + "."
}

// missing and unconfigured are the errors before anything is asked.
func missing(what string) error { return fault.New(fault.InvalidArgument, what+" is required.") }

func unconfigured(name string) error {
	return fault.New(fault.FailedPrecondition, name+" authentication is not configured.")
}
