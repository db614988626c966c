package social

import "context"

const (
	appleKeys   = "https://appleid.apple.com/auth/keys"
	appleIssuer = "https://appleid.apple.com"
)

// Apple verifies an ID token of Sign in with Apple.
func (c *Client) Apple(ctx context.Context, token string) (Profile, error) {
	if c.AppleBundleID == "" {
		return Profile{}, unconfigured("Apple")
	}
	if token == "" {
		return Profile{}, missing("Apple ID token")
	}
	p, err := c.apple.verify(ctx, token, only(c.AppleBundleID))
	return p, verdict("Apple", err)
}
