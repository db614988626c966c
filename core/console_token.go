package core

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/golang-jwt/jwt/v5"

	"kumi/store/fault"
)

// The console has three kinds of tokens, which are told apart by the claim with the
// operator's id, as in Nakama.

// consoleClaims are of the token of a log-in. The rights are there for pages that show
// what is allowed; what counts is the database.
type consoleClaims struct {
	ID       string `json:"id,omitempty"`
	Username string `json:"usn,omitempty"`
	Email    string `json:"ema,omitempty"`
	Rights   string `json:"acl,omitempty"`
	times
}

// inviteClaims are of an invitation or a reset of a password.
type inviteClaims struct {
	ID       string `json:"uid,omitempty"`
	Username string `json:"usn,omitempty"`
	Email    string `json:"ema,omitempty"`
	times
}

// setupClaims are of the setup of a second factor.
type setupClaims struct {
	ID       string `json:"user_id,omitempty"`
	Email    string `json:"user_email,omitempty"`
	Created  int64  `json:"crt,omitempty"`
	Secret   string `json:"secret,omitempty"`
	URL      string `json:"mfa_url,omitempty"`
	Required bool   `json:"mfa_required,omitempty"`
	times
}

// inviteLife is the lifetime of invitations and of resets, setupLife of setups.
const (
	inviteLife = 24 * time.Hour
	setupLife  = 15 * time.Minute
)

// times are the claims of each kind. IssuedAt has microseconds, so that a token is older
// or newer than a change of its operator's row. Tokens of Nakama may have none.
type times struct {
	ExpiresAt int64   `json:"exp,omitempty"`
	IssuedAt  float64 `json:"iat,omitempty"`
}

// GetExpirationTime implements jwt.Claims; a token without it is rejected.
func (t times) GetExpirationTime() (*jwt.NumericDate, error) {
	if t.ExpiresAt == 0 {
		return nil, nil
	}
	return jwt.NewNumericDate(time.Unix(t.ExpiresAt, 0)), nil
}

// GetIssuedAt implements jwt.Claims. It is verified by olderThan.
func (t times) GetIssuedAt() (*jwt.NumericDate, error) { return nil, nil }

// GetNotBefore implements jwt.Claims.
func (t times) GetNotBefore() (*jwt.NumericDate, error) { return nil, nil }

// GetIssuer implements jwt.Claims.
func (t times) GetIssuer() (string, error) { return "", nil }

// GetSubject implements jwt.Claims.
func (t times) GetSubject() (string, error) { return "", nil }

// GetAudience implements jwt.Claims.
func (t times) GetAudience() (jwt.ClaimStrings, error) { return nil, nil }

func (k *Console) newTimes(life time.Duration) times {
	now := k.now()
	return times{ExpiresAt: now.Add(life).Unix(), IssuedAt: float64(now.UnixMicro()) / 1e6}
}

// olderThan reports whether a token was issued before a change. life is the lifetime of
// tokens that do not say when that was. A whole number is a second of Nakama's.
func (t times) olderThan(change time.Time, life time.Duration) bool {
	issued := t.IssuedAt
	if issued == 0 {
		issued = float64(t.ExpiresAt) - life.Seconds()
	}
	if issued == math.Trunc(issued) {
		return int64(issued) < change.Unix()
	}
	return int64(math.Round(issued*1e6)) < change.UnixMicro()
}

// voidFrom returns the first time of a change that makes the token older than it.
func (t times) voidFrom() time.Time {
	if t.IssuedAt == math.Trunc(t.IssuedAt) {
		return time.Unix(int64(t.IssuedAt)+1, 0)
	}
	return time.UnixMicro(int64(math.Round(t.IssuedAt*1e6)) + 1)
}

func (k *Console) sign(claims jwt.Claims) (string, error) {
	text, err := jwt.NewWithClaims(jwt.SigningMethodHS256, claims).SignedString(k.key)
	if err != nil {
		return "", fault.Wrap(fault.Internal, "error while trying to sign a token", err)
	}
	return text, nil
}

// parse verifies the signature and the expiry of a token, and returns the operator's id
// of the given claims.
func (k *Console) parse(token string, claims jwt.Claims, id *string) (uuid.UUID, error) {
	_, err := k.parser.ParseWithClaims(token, claims, func(*jwt.Token) (any, error) { return k.key, nil })
	if err != nil {
		return uuid.Nil, err
	}
	if *id == "" {
		return uuid.Nil, errors.New("a token of another kind")
	}
	return uuid.FromString(*id)
}

// tokenDigest is how the log-out of a token is remembered.
func tokenDigest(token string) string {
	sum := sha256.Sum256([]byte(token))
	return base64.RawURLEncoding.EncodeToString(sum[:16])
}

// newConsoleTable is the table of what the console keeps beside Nakama's tables.
func newConsoleTable() *ownTable {
	return newOwnTable("kumi_console", `CREATE TABLE IF NOT EXISTS kumi_console (
		name  VARCHAR(64) NOT NULL PRIMARY KEY,
		value TEXT NOT NULL
	)`)
}

// The names in the table.
const (
	signingKeyName = "signing_key"    // random bytes as hex
	firstPassword  = "admin_password" // bcrypt's hash of the one that the first visit set
)

// kept returns a value of the table; empty: there is none.
func (k *Console) kept(ctx context.Context, name string) (value string, err error) {
	if exists, err := k.table.exists(ctx, k.db); err != nil || !exists {
		return "", err
	}
	err = k.db.Reader().QueryRowContext(ctx, "SELECT value FROM kumi_console WHERE name = $1", name).Scan(&value)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return value, err
}

// keep stores a value unless there is one, and returns the stored one.
func (k *Console) keep(ctx context.Context, name, value string) (string, error) {
	if err := k.table.ensure(ctx, k.db); err != nil {
		return "", err
	}
	if _, err := k.db.Exec(ctx, "INSERT INTO kumi_console (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING", name, value); err != nil {
		return "", err
	}
	return k.kept(ctx, name)
}

// ownKey replaces the documented key, with which anyone can sign tokens, by a random one
// that all servers on the database share.
func (k *Console) ownKey(ctx context.Context) error {
	key, err := k.kept(ctx, signingKeyName)
	if err == nil && key == "" {
		random := make([]byte, 32)
		_, _ = rand.Read(random) // never fails
		key, err = k.keep(ctx, signingKeyName, hex.EncodeToString(random))
	}
	if err != nil {
		return fmt.Errorf("read the console's signing key: %w", err)
	}
	k.key = []byte(key)
	return nil
}
