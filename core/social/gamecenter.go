package social

import (
	"context"
	"crypto/x509"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"net/url"
	"path"
	"slices"
	"strings"

	"kumi/store/fault"
)

// GameCenter is what Game Center gives a game to prove who the player is.
type GameCenter struct {
	PlayerID, BundleID string
	// Timestamp is in whatever unit Game Center gave it: it is part of the signature.
	Timestamp int64
	// Salt and Signature are in base64.
	Salt, Signature string
	// PublicKeyURL is the address of the certificate that the signature is checked
	// with.
	PublicKeyURL string
}

// IsZero reports whether nothing is set.
func (g GameCenter) IsZero() bool { return g == GameCenter{} }

// GameCenter verifies a player of Game Center.
func (c *Client) GameCenter(ctx context.Context, g GameCenter) (Profile, error) {
	switch {
	case g.IsZero():
		return Profile{}, fault.New(fault.InvalidArgument, "GameCenter access credentials are required.")
	case g.BundleID == "":
		return Profile{}, missing("GameCenter bundle ID")
	case g.PlayerID == "":
		return Profile{}, missing("GameCenter player ID")
	case g.PublicKeyURL == "":
		return Profile{}, missing("GameCenter public key URL")
	case g.Salt == "":
		return Profile{}, missing("GameCenter salt")
	case g.Signature == "":
		return Profile{}, missing("GameCenter signature")
	case g.Timestamp == 0:
		return Profile{}, missing("GameCenter timestamp")
	}
	if err := c.checkGameCenter(ctx, g); err != nil {
		return Profile{}, verdict("GameCenter", err)
	}
	return Profile{ID: g.PlayerID}, nil
}

func (c *Client) checkGameCenter(ctx context.Context, g GameCenter) error {
	switch {
	case len(c.GameCenterBundleIDs) == 0:
		c.anyBundle.Do(func() {
			c.Logger.Warn().Msg("players of Game Center are accepted whichever app they use: set social.game_center.bundle_ids to those of this game")
		})
	case !slices.Contains(c.GameCenterBundleIDs, g.BundleID):
		return fmt.Errorf("the signature is for the bundle %q", g.BundleID)
	}
	address, err := appleAddress(g.PublicKeyURL)
	if err != nil {
		return err
	}
	salt, err := base64.StdEncoding.DecodeString(g.Salt)
	if err != nil {
		return errors.New("the salt is not base64")
	}
	signature, err := base64.StdEncoding.DecodeString(g.Signature)
	if err != nil {
		return errors.New("the signature is not base64")
	}
	certificate, err := c.gameCenter.get(ctx, address)
	if err != nil {
		return err
	}
	text := append([]byte(g.PlayerID), g.BundleID...)
	text = binary.BigEndian.AppendUint64(text, uint64(g.Timestamp))
	text = append(text, salt...)
	if err := certificate.CheckSignature(x509.SHA256WithRSA, text, signature); err != nil {
		return errors.New("the signature does not match")
	}
	return nil
}

// appleAddress accepts addresses of certificates on Apple's hosts alone, since they come
// from players. It returns the address in one spelling, so that each certificate is kept
// once.
func appleAddress(address string) (string, error) {
	u, err := url.Parse(address)
	switch {
	case err != nil || u.Scheme != "https" || u.User != nil || u.Port() != "" && u.Port() != "443":
		return "", errors.New("the public key URL must be an https address")
	case !within(u.Hostname(), "apple.com"):
		return "", errors.New("the public key URL is not on a host of Apple")
	case u.Path == "" || u.Path == "/" || u.RawQuery != "" || u.Fragment != "":
		return "", errors.New("the public key URL must have a path and no query")
	case u.RawPath != "" || path.Clean(u.Path) != u.Path:
		return "", errors.New("the public key URL must have a path in its shortest form")
	}
	return "https://" + strings.ToLower(u.Hostname()) + u.EscapedPath(), nil
}

// within reports whether a host is below a domain.
func within(host, domain string) bool {
	return strings.HasSuffix(strings.ToLower(host), "."+domain)
}
