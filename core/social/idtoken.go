package social

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-jose/go-jose/v4"
)

// clockSkew is how much the clocks of providers and of this server may differ.
const clockSkew = time.Minute

// algorithms are those that the providers sign ID tokens with.
var algorithms = []jose.SignatureAlgorithm{jose.RS256, jose.ES256}

// idTokens verifies the ID tokens of one OpenID provider.
type idTokens struct {
	client  *Client
	keys    *keySet
	issuers []string
}

func (c *Client) newIDTokens(name, keys string, issuers ...string) *idTokens {
	return &idTokens{client: c, keys: &keySet{client: c, address: keys}, issuers: issuers}
}

// claims are what the providers say about a player in an ID token.
type claims struct {
	Subject string `json:"sub"`
	Name    string `json:"name"`
	Picture string `json:"picture"`
	Email   string `json:"email"`
	// Verified is a bool, a text or absent.
	Verified any `json:"email_verified"`
}

func (c *claims) profile() (Profile, error) {
	if c.Subject == "" {
		return Profile{}, errNoID
	}
	p := Profile{ID: c.Subject, DisplayName: c.Name, AvatarURL: c.Picture, Email: c.Email}
	if c.Verified == false || c.Verified == "false" {
		p.Email = ""
	}
	return p, nil
}

// verify checks the signature, issuer, audience and times of a token and returns
// the player. The token must be for an audience that accept returns true for.
func (t *idTokens) verify(ctx context.Context, token string, accept func(audience string) bool) (Profile, error) {
	parsed, err := jose.ParseSignedCompact(token, algorithms)
	if err != nil {
		return Profile{}, errors.New("the token is not an ID token of the provider")
	}
	key, err := t.keys.key(ctx, parsed.Signatures[0].Header.KeyID)
	if err != nil {
		return Profile{}, err
	}
	verifier := oidc.NewVerifier("", &oidc.StaticKeySet{PublicKeys: []crypto.PublicKey{key}}, &oidc.Config{
		SupportedSigningAlgs: []string{oidc.RS256, oidc.ES256},
		SkipIssuerCheck:      true, SkipClientIDCheck: true, // below: there may be several of each
		Now: func() time.Time { return t.client.Now().Add(-clockSkew) },
	})
	verified, err := verifier.Verify(ctx, token)
	var expired *oidc.TokenExpiredError
	switch {
	case errors.As(err, &expired):
		return Profile{}, errors.New("the token has expired")
	case err != nil:
		return Profile{}, err
	case !slices.Contains(t.issuers, verified.Issuer):
		return Profile{}, fmt.Errorf("the token was issued by %q", verified.Issuer)
	case !slices.ContainsFunc(verified.Audience, accept):
		return Profile{}, fmt.Errorf("the token is for %q", strings.Join(verified.Audience, ", "))
	case verified.IssuedAt.After(t.client.Now().Add(clockSkew)):
		return Profile{}, errors.New("the token was issued in the future")
	}
	var found claims
	if err := verified.Claims(&found); err != nil {
		return Profile{}, errors.New("the token has claims of unexpected types")
	}
	return found.profile()
}

// only accepts one audience.
func only(audience string) func(string) bool {
	return func(a string) bool { return a == audience }
}

// isJWT reports whether a text is a signed token, as opposed to an opaque one.
func isJWT(token string) bool {
	header, _, ok := strings.Cut(token, ".")
	return ok && strings.Count(token, ".") == 2 && strings.HasPrefix(header, "eyJ")
}
