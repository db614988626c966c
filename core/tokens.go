package core

import (
	"sync/atomic"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/heroiclabs/nakama-common/runtime"

	"kumi/store/fault"
)

type tokenKind uint8

const (
	sessionToken tokenKind = iota
	refreshToken
)

// Tokens issues session and refresh tokens, verifies them, and holds
// revocations. It may be used from any goroutine; a token seen before is
// verified with a map look-up.
type Tokens struct {
	now   func() time.Time
	kinds [2]signer
	life  [2]int64 // seconds
	cache tokenCache
	bad   revocations
	// longest is the maximum lifetime in seconds of any token issued, which is how
	// long revocations are kept.
	longest atomic.Int64
}

func newTokens(config runtime.SessionConfig, now func() time.Time) *Tokens {
	t := &Tokens{now: now}
	t.kinds[sessionToken] = newSigner(config.GetEncryptionKey(), now)
	t.kinds[refreshToken] = newSigner(config.GetRefreshEncryptionKey(), now)
	t.life[sessionToken] = config.GetTokenExpirySec()
	t.life[refreshToken] = config.GetRefreshTokenExpirySec()
	t.longest.Store(max(t.life[sessionToken], t.life[refreshToken]))
	return t
}

// VerifySession verifies a session token: signature, expiry, not revoked. All
// protocols use it, so a revoked token opens no socket either. Errors are
// fault.Unauthenticated.
func (t *Tokens) VerifySession(token string) (*Claims, error) {
	if token == "" {
		return nil, errTokenRequired
	}
	claims := t.cache.get(token)
	now := t.now().Unix()
	if claims == nil {
		var err error
		if claims, err = t.kinds[sessionToken].parse(token); err != nil {
			return nil, fault.Wrap(fault.Unauthenticated, "Auth token invalid", err)
		}
		t.cache.put(token, claims)
	} else if now >= claims.ExpiresAt {
		t.cache.remove(token)
		return nil, errTokenInvalid
	}
	if t.refused(sessionToken, claims, now) {
		return nil, errTokenInvalid
	}
	return claims, nil
}

// VerifyRefresh verifies a refresh token. Errors are fault.InvalidArgument if
// it is empty, otherwise fault.Unauthenticated.
func (t *Tokens) VerifyRefresh(token string) (*Claims, error) {
	if token == "" {
		return nil, invalid("Refresh token is required.")
	}
	claims, err := t.kinds[refreshToken].parse(token)
	if err != nil {
		return nil, fault.Wrap(fault.Unauthenticated, "Refresh token invalid or expired.", err)
	}
	if t.refused(refreshToken, claims, t.now().Unix()) {
		return nil, errRefreshInvalid
	}
	return claims, nil
}

var (
	errTokenRequired  = fault.New(fault.Unauthenticated, "Auth token required")
	errTokenInvalid   = fault.New(fault.Unauthenticated, "Auth token invalid")
	errRefreshInvalid = fault.New(fault.Unauthenticated, "Refresh token invalid or expired.")
)

// refused tells whether the token was revoked. Tokens issued by others may
// have no time of issue, which is then computed from the configured lifetime.
func (t *Tokens) refused(kind tokenKind, c *Claims, now int64) bool {
	issued := c.IssuedAt
	if issued == 0 {
		issued = c.ExpiresAt - t.life[kind]
	}
	return t.bad.refuses(c.UserID, kind, c.TokenID, issued, now)
}

// pair issues a session and a refresh token that share c's token id, time of
// issue and vars. The expiry of c is ignored. The returned claims are the
// session token's.
func (t *Tokens) pair(c Claims) (session, refresh string, claims *Claims, err error) {
	now := t.now().Unix()
	c.ExpiresAt = now + t.life[refreshToken]
	if refresh, err = t.kinds[refreshToken].sign(&c); err != nil {
		return "", "", nil, err
	}
	c.ExpiresAt = now + t.life[sessionToken]
	if session, err = t.issue(&c); err != nil {
		return "", "", nil, err
	}
	return session, refresh, &c, nil
}

// issue signs a session token and adds it to the cache. c must not be modified
// afterwards.
func (t *Tokens) issue(c *Claims) (string, error) {
	token, err := t.kinds[sessionToken].sign(c)
	if err != nil {
		return "", err
	}
	for life := c.ExpiresAt - c.IssuedAt; ; {
		longest := t.longest.Load()
		if life <= longest || t.longest.CompareAndSwap(longest, life) {
			break
		}
	}
	t.cache.put(token, c)
	return token, nil
}

// begin issues the tokens of a new session, see pair. With single it revokes
// every earlier token of the user.
func (t *Tokens) begin(c Claims, single bool) (session, refresh string, claims *Claims, err error) {
	if single {
		now := t.now().Unix()
		t.bad.all(c.UserID, now, c.TokenID)
		t.sweep(now)
	} else {
		t.bad.given(c.UserID, c.TokenID, c.IssuedAt)
	}
	return t.pair(c)
}

// revokeAll revokes every token issued to a user until now.
func (t *Tokens) revokeAll(user uuid.UUID) {
	now := t.now().Unix()
	t.bad.all(user, now, "")
	t.sweep(now)
}

// revoke revokes the given tokens, each of which may be empty; with both empty
// all of the user's. For tokens that do not verify or belong to another user
// it fails with fault.InvalidArgument, and revokes nothing.
func (t *Tokens) revoke(user uuid.UUID, session, refresh string) error {
	if session == "" && refresh == "" {
		t.revokeAll(user)
		return nil
	}
	var claims [2]*Claims
	for kind, token := range [2]string{session, refresh} {
		if token == "" {
			continue
		}
		c, err := t.kinds[kind].parse(token)
		if err != nil || c.UserID != user {
			return fault.Wrap(fault.InvalidArgument, [2]string{"Session token invalid.", "Refresh token invalid."}[kind], err)
		}
		claims[kind] = c
	}
	for kind, c := range claims {
		if c != nil {
			t.bad.one(user, tokenKind(kind), c.TokenID, c.ExpiresAt+1)
		}
	}
	t.sweep(t.now().Unix())
	return nil
}

func (t *Tokens) sweep(now int64) {
	t.bad.sweep(now, 2*t.life[sessionToken], t.longest.Load())
}
