package core

import (
	"sync/atomic"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/heroiclabs/nakama-common/runtime"

	"kumi/store/fault"
)

type tokenKind uint8

// The kinds of tokens. Revocations have three more, and are stored with the numbers.
const (
	sessionToken tokenKind = iota
	refreshToken
	allTokens    // all of a user, of both kinds
	longestToken // no revocation: the longest lifetime of any token issued
	consoleToken // of an operator, by its digest; see Console
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
	// long revocations of all tokens of a user are kept.
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

// refused reports whether the token was revoked. Tokens issued by others may
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
	t.cache.put(token, c)
	return token, nil
}

// lives records that tokens may be valid for that many seconds. It returns the new
// maximum, in whole days, if it is longer than before, otherwise 0.
func (t *Tokens) lives(seconds int64) int64 {
	const day = 24 * 60 * 60
	for {
		longest := t.longest.Load()
		if seconds <= longest {
			return 0
		}
		days := (seconds + day - 1) / day * day
		if t.longest.CompareAndSwap(longest, days) {
			return days
		}
	}
}

// begin issues the tokens of a new session, see pair. With single it revokes
// every earlier token of the user. changed reports whether what is revoked of
// this user changed.
func (t *Tokens) begin(c Claims, single bool) (session, refresh string, claims *Claims, changed bool, err error) {
	if single {
		t.revokeAll(c.UserID, c.TokenID)
		changed = true
	} else {
		changed = t.bad.spare(c.UserID, c.TokenID, c.IssuedAt)
	}
	session, refresh, claims, err = t.pair(c)
	return session, refresh, claims, changed, err
}

// revokeAll revokes every token issued to a user until now, the current second,
// except those with the spared ids, which are issued afterwards.
func (t *Tokens) revokeAll(user uuid.UUID, spared ...string) revocation {
	now := t.now().Unix()
	e := revocation{user: user, ref: tokenRef{kind: allTokens}, before: now + 1, spared: spared, until: now + t.longest.Load()}
	t.bad.add(e)
	return e
}

// maxRevoked is how many single tokens of a user are remembered; a client may log in
// and out for ever.
const maxRevoked = 1000

// revoke revokes the given tokens, each of which may be empty; with both empty
// all of the user's, and also if maxRevoked of them are revoked already. For
// tokens that do not verify or belong to another user it fails with
// fault.InvalidArgument, and revokes nothing.
func (t *Tokens) revoke(user uuid.UUID, session, refresh string) ([]revocation, error) {
	if session == "" && refresh == "" {
		return []revocation{t.revokeAll(user)}, nil
	}
	var done []revocation
	for kind, token := range [2]string{session, refresh} {
		if token == "" {
			continue
		}
		c, err := t.kinds[kind].parse(token)
		if err != nil || c.UserID != user {
			return nil, fault.Wrap(fault.InvalidArgument, [2]string{"Session token invalid.", "Refresh token invalid."}[kind], err)
		}
		done = append(done, revocation{user: user, ref: tokenRef{tokenKind(kind), c.TokenID}, until: c.ExpiresAt + 1})
	}
	if t.bad.single(user) >= maxRevoked {
		return []revocation{t.revokeAll(user)}, nil
	}
	for _, e := range done {
		t.bad.add(e)
	}
	return done, nil
}

// sweep drops revocations of tokens that have expired, now and then; it reports
// whether it did.
func (t *Tokens) sweep() bool { return t.bad.sweep(t.now().Unix(), 2*t.life[sessionToken]) }
