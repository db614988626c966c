package core

import (
	"encoding/json"
	"fmt"
	"time"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/gofrs/uuid/v5"
	"github.com/golang-jwt/jwt/v5"

	"kumi/store/fault"
)

// Claims are the contents of a session or refresh token. They are shared
// between all calls with the same token and must not be modified.
type Claims struct {
	TokenID   string // the same in both tokens of a pair and in all refreshed ones
	UserID    uuid.UUID
	Username  string
	Vars      map[string]string
	ExpiresAt int64 // Unix seconds
	IssuedAt  int64 // Unix seconds; of the first token of a chain of refreshes
}

// wireClaims is the token's payload.
type wireClaims struct {
	TokenID   string            `json:"tid,omitempty"`
	UserID    string            `json:"uid,omitempty"`
	Username  string            `json:"usn,omitempty"`
	Vars      map[string]string `json:"vrs,omitempty"`
	ExpiresAt int64             `json:"exp,omitempty"`
	IssuedAt  int64             `json:"iat,omitempty"`
}

var _ jwt.Claims = (*wireClaims)(nil)

// MarshalJSON implements json.Marshaler. The published JavaScript client reads a
// payload with atob, which knows neither the letters - and _ of base64url nor
// UTF-8. A payload of ASCII without the characters that end in six ones or in
// 111110 has neither, so those and all others are written as \uXXXX.
func (c *wireClaims) MarshalJSON() ([]byte, error) {
	type plain wireClaims // without this method
	text, err := json.Marshal((*plain)(c))
	if err != nil {
		return nil, err
	}
	out := make([]byte, 0, len(text))
	for i := 0; i < len(text); {
		if b := text[i]; b < utf8.RuneSelf && b != '>' && b != '?' && b != '~' && b != 0x7f {
			out = append(out, b)
			i++
			continue
		}
		r, size := utf8.DecodeRune(text[i:])
		i += size
		if high, low := utf16.EncodeRune(r); high != unicode.ReplacementChar {
			out = fmt.Appendf(out, `\u%04x\u%04x`, high, low)
		} else {
			out = fmt.Appendf(out, `\u%04x`, r)
		}
	}
	return out, nil
}

// GetExpirationTime implements jwt.Claims; a token without it is rejected.
func (c *wireClaims) GetExpirationTime() (*jwt.NumericDate, error) {
	if c.ExpiresAt == 0 {
		return nil, nil
	}
	return jwt.NewNumericDate(time.Unix(c.ExpiresAt, 0)), nil
}

// GetIssuedAt implements jwt.Claims. It is not verified.
func (c *wireClaims) GetIssuedAt() (*jwt.NumericDate, error) { return nil, nil }

// GetNotBefore implements jwt.Claims.
func (c *wireClaims) GetNotBefore() (*jwt.NumericDate, error) { return nil, nil }

// GetIssuer implements jwt.Claims.
func (c *wireClaims) GetIssuer() (string, error) { return "", nil }

// GetSubject implements jwt.Claims.
func (c *wireClaims) GetSubject() (string, error) { return "", nil }

// GetAudience implements jwt.Claims.
func (c *wireClaims) GetAudience() (jwt.ClaimStrings, error) { return nil, nil }

// signer signs and parses one kind of token. It is immutable.
type signer struct {
	key    []byte
	parser *jwt.Parser
}

func newSigner(key string, now func() time.Time) signer {
	return signer{key: []byte(key), parser: jwt.NewParser(
		jwt.WithValidMethods([]string{jwt.SigningMethodHS256.Alg()}),
		jwt.WithExpirationRequired(),
		jwt.WithStrictDecoding(),
		jwt.WithTimeFunc(now),
	)}
}

func (s signer) sign(c *Claims) (string, error) {
	token := jwt.NewWithClaims(jwt.SigningMethodHS256, &wireClaims{
		TokenID: c.TokenID, UserID: c.UserID.String(), Username: c.Username,
		Vars: c.Vars, ExpiresAt: c.ExpiresAt, IssuedAt: c.IssuedAt,
	})
	text, err := token.SignedString(s.key)
	if err != nil {
		return "", fault.Wrap(fault.Internal, "error while trying to sign a token", err)
	}
	return text, nil
}

// parse verifies signature, algorithm, expiry and user id, nothing else.
func (s signer) parse(token string) (*Claims, error) {
	var wire wireClaims
	_, err := s.parser.ParseWithClaims(token, &wire, func(*jwt.Token) (any, error) { return s.key, nil })
	if err != nil {
		return nil, err
	}
	user, err := uuid.FromString(wire.UserID)
	if err != nil {
		return nil, err
	}
	return &Claims{
		TokenID: wire.TokenID, UserID: user, Username: wire.Username,
		Vars: wire.Vars, ExpiresAt: wire.ExpiresAt, IssuedAt: wire.IssuedAt,
	}, nil
}
