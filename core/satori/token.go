package satori

import (
	"context"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/heroiclabs/nakama-common/runtime"
)

// tokenLifetime is that of a token for Satori. A request needs it once.
const tokenLifetime = time.Hour

// token signs a token that acts for an identity. It tells when the caller's session
// began.
func (c *Client) token(ctx context.Context, identity string) (string, error) {
	now := c.o.Now().Unix()
	issued := now
	if expiry, _ := ctx.Value(runtime.RUNTIME_CTX_USER_SESSION_EXP).(int64); expiry > 0 {
		issued = min(now, expiry-int64(c.o.SessionLifetime/time.Second))
	}
	claims := jwt.MapClaims{
		"iid": identity,
		"api": c.o.APIKeyName,
		"iat": issued,
		"exp": now + int64(tokenLifetime/time.Second),
	}
	return jwt.NewWithClaims(jwt.SigningMethodHS256, claims).SignedString([]byte(c.o.SigningKey))
}
