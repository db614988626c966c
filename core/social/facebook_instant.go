package social

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
)

// FacebookInstant verifies the signed player info of a Facebook Instant Game. It
// sends no requests.
func (c *Client) FacebookInstant(signed string) (Profile, error) {
	if signed == "" {
		return Profile{}, missing("Signed Player Info for a Facebook Instant Game")
	}
	if c.FacebookInstantSecret == "" {
		return Profile{}, unconfigured("Facebook Instant Game")
	}
	p, err := c.facebookInstant(signed)
	return p, verdict("Facebook Instant Game", err)
}

func (c *Client) facebookInstant(signed string) (Profile, error) {
	signature, payload, ok := strings.Cut(signed, ".")
	sum, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(signature, "="))
	if !ok || err != nil {
		return Profile{}, errors.New("the signed player info must be a signature and a payload in base64url, with a dot between them")
	}
	mac := hmac.New(sha256.New, []byte(c.FacebookInstantSecret))
	mac.Write([]byte(payload))
	if !hmac.Equal(sum, mac.Sum(nil)) {
		return Profile{}, errors.New("the signature does not match")
	}
	text, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(payload, "="))
	if err != nil {
		return Profile{}, errors.New("the payload is not base64url")
	}
	var player struct {
		Algorithm string `json:"algorithm"`
		PlayerID  string `json:"player_id"`
	}
	if err := json.Unmarshal(text, &player); err != nil {
		return Profile{}, errors.New("the payload is not JSON")
	}
	if player.Algorithm != "HMAC-SHA256" && player.Algorithm != "HS256" {
		return Profile{}, errors.New("the algorithm must be HMAC-SHA256")
	}
	if player.PlayerID == "" {
		return Profile{}, errNoID
	}
	return Profile{ID: player.PlayerID}, nil
}
