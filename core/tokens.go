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

// Tokens issues session and refresh tokens, checks them, and knows which ones
// were revoked. It is safe for use from any goroutine; a token that was seen
// before is checked with a map look-up.
type Tokens struct {
	now   func() time.Time
	kinds [2]signer
	life  [2]int64 // seconds
	cache tokenCache
	bad   revocations
	// longest is the longest life in seconds that any token was given: how long
	// revocations have to be remembered.
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

// VerifySession checks a session token: signature, expiry, not revoked. All
// doors use it, so a token that was logged out opens no socket either. Errors
// are fault.Unauthenticated.
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

// VerifyRefresh checks a refresh token. Errors are fault.InvalidArgument when
// it is empty, else fault.Unauthenticated.
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

// refused says whether the token was revoked. Tokens of other makers may have
// no time of issue; then it is worked out from the configured life.
func (t *Tokens) refused(kind tokenKind, c *Claims, now int64) bool {
	issued := c.IssuedAt
	if issued == 0 {
		issued = c.ExpiresAt - t.life[kind]
	}
	return t.bad.refuses(c.UserID, kind, c.TokenID, issued, now)
}

// pair issues a session and a refresh token that share c's token id, time of
// issue and vars. The expiry of c is ignored. The claims returned are the
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

// issue signs a session token and has it ready for its first use. c must not
// be changed afterwards.
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

// begin issues the tokens of a new session, see pair. With single every earlier
// token of the user is refused from then on.
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

// revokeAll refuses every token that a user was given until now.
func (t *Tokens) revokeAll(user uuid.UUID) {
	now := t.now().Unix()
	t.bad.all(user, now, "")
	t.sweep(now)
}

// revoke refuses the given tokens, each of which may be empty; with both empty
// all of the user's. Tokens that do not verify or are not the user's are
// refused with fault.InvalidArgument, and then nothing is revoked.
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
