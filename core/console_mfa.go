package core

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1"
	"encoding/base32"
	"encoding/binary"
	"errors"
	"fmt"
	"math/big"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gofrs/uuid/v5"

	"kumi/core/acl"
	"kumi/core/consolepb"
	"kumi/store/fault"
)

// Second factors are time-based one-time passwords (RFC 6238) of six digits, as all
// authenticator apps make them. The secret and the recovery codes are encrypted with
// AES-GCM in the database, as Nakama does it.

const (
	codePeriod    = 30 * time.Second
	recoveryCodes = 16
	factorIssuer  = "Kumi"
)

var secretEncoding = base32.StdEncoding.WithPadding(base32.NoPadding)

// newSeal makes the cipher of a key.
func newSeal(key string) (cipher.AEAD, error) {
	block, err := aes.NewCipher([]byte(key))
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

// seal encrypts a text; the nonce comes first.
func (k *Console) seal(text string) []byte {
	nonce := make([]byte, k.sealed.NonceSize())
	_, _ = rand.Read(nonce) // never fails
	return k.sealed.Seal(nonce, nonce, []byte(text), nil)
}

func (k *Console) unseal(text []byte) (string, error) {
	n := k.sealed.NonceSize()
	if len(text) < n {
		return "", errors.New("too short to be encrypted")
	}
	plain, err := k.sealed.Open(nil, text[:n], text[n:], nil)
	return string(plain), err
}

// totpCode returns the code of a period, counted from the Unix epoch.
func totpCode(secret []byte, period int64) string {
	mac := hmac.New(sha1.New, secret)
	_ = binary.Write(mac, binary.BigEndian, period) // a hash does not fail
	sum := mac.Sum(nil)
	at := sum[len(sum)-1] & 0xf
	return fmt.Sprintf("%06d", (binary.BigEndian.Uint32(sum[at:])&0x7fffffff)%1_000_000)
}

// usedCodes are the periods whose code an operator has used. A code works once, and so
// do the older ones. It may be used from any goroutine.
type usedCodes struct {
	mu   sync.Mutex
	last map[uuid.UUID]int64
}

// use reports whether a code is that of the current period or of one beside it.
func (u *usedCodes) use(id uuid.UUID, secret, code string, now time.Time) bool {
	key, err := secretEncoding.DecodeString(strings.ToUpper(secret))
	if err != nil {
		return false
	}
	current := now.Unix() / int64(codePeriod/time.Second)
	u.mu.Lock()
	defer u.mu.Unlock()
	for period := current - 1; period <= current+1; period++ {
		if !hmac.Equal([]byte(totpCode(key, period)), []byte(code)) {
			continue
		}
		if last, used := u.last[id]; used && period <= last {
			return false
		}
		if u.last == nil {
			u.last = make(map[uuid.UUID]int64)
		}
		u.last[id] = period
		return true
	}
	return false
}

// needsFactor reports whether an operator must have a second factor.
func (k *Console) needsFactor(row *operatorRow) bool {
	return k.sealed != nil && (row.mfaRequired || row.id.IsNil() && k.o.MFAForAdmin)
}

// checkFactor checks the second factor of a log-in, if the operator has one.
func (k *Console) checkFactor(ctx context.Context, row *operatorRow, code string) error {
	if row.mfaSecret == nil {
		return nil
	}
	if k.sealed == nil {
		return fault.New(fault.FailedPrecondition, "The operator has a second factor, and mfa.storage_encryption_key is not set.")
	}
	if code == "" {
		return fault.New(fault.PermissionDenied, "A MFA code is required.")
	}
	if n := len(code); n != 6 && n != 8 || strings.Trim(code, "0123456789") != "" {
		return invalid("The MFA code must have 6 digits, and a recovery code 8.")
	}
	if len(code) == 8 {
		return k.useRecoveryCode(ctx, row, code)
	}
	secret, err := k.unseal(row.mfaSecret)
	if err != nil {
		return fault.Wrap(fault.Internal, "The second factor cannot be decrypted: mfa.storage_encryption_key is not the key that it was encrypted with.", err)
	}
	if !k.totp.use(row.id, secret, code, k.now()) {
		return errCredentials
	}
	return nil
}

// useRecoveryCode removes a recovery code from those of an operator.
func (k *Console) useRecoveryCode(ctx context.Context, row *operatorRow, code string) error {
	if row.mfaCodes == nil {
		return errCredentials
	}
	text, err := k.unseal(row.mfaCodes)
	if err != nil {
		return fault.Wrap(fault.Internal, "The recovery codes cannot be decrypted: mfa.storage_encryption_key is not the key that they were encrypted with.", err)
	}
	codes := strings.Split(text, ",")
	i := slices.Index(codes, code)
	if i < 0 {
		return errCredentials
	}
	rest := k.seal(strings.Join(slices.Delete(codes, i, i+1), ","))
	// Two log-ins with one code find the same codes; one of them changes them.
	changed, err := k.changeOperators(ctx, "SET mfa_recovery_codes = $2 WHERE id = $1 AND mfa_recovery_codes = $3", row.id, rest, row.mfaCodes)
	if err == nil && changed == 0 {
		err = errCredentials
	}
	return err
}

// beginSetup makes the token that sets up a second factor with a new secret.
func (k *Console) beginSetup(row *operatorRow) (string, error) {
	random := make([]byte, 10)
	_, _ = rand.Read(random) // never fails
	secret := secretEncoding.EncodeToString(random)
	link := url.URL{
		Scheme: "otpauth", Host: "totp", Path: "/" + factorIssuer + ":" + row.email,
		RawQuery: url.Values{"issuer": {factorIssuer}, "secret": {secret}}.Encode(),
	}
	return k.sign(&setupClaims{
		ID: row.id.String(), Email: row.email, Created: k.now().Unix(), Secret: secret,
		URL: url.QueryEscape(link.String()), Required: true, times: k.newTimes(setupLife),
	})
}

// SetUpFactor stores a second factor that the operator has proved to have, and returns
// its recovery codes, which are shown once.
//
// Errors: Unauthenticated for a token that is invalid or that the operator has not the
// use for any more, InvalidArgument for a wrong code.
func (k *Console) SetUpFactor(ctx context.Context, in *consolepb.AuthenticateMFASetupRequest) (*consolepb.AuthenticateMFASetupResponse, error) {
	var claims setupClaims
	id, err := k.parse(in.Mfa, &claims, &claims.ID)
	if err != nil || k.sealed == nil || claims.Secret == "" {
		return nil, fault.Wrap(fault.Unauthenticated, errConsoleToken.Message, err)
	}
	row, err := k.findOperator(ctx, k.db.Reader(), "id = $1", id)
	if errors.Is(err, errNoOperator) || err == nil && (row.mfaSecret != nil || claims.olderThan(row.updated, setupLife)) {
		return nil, errConsoleToken
	}
	if err != nil {
		return nil, err
	}
	if !k.totp.use(id, claims.Secret, in.Code, k.now()) {
		return nil, invalid("The code is not the one that the second factor shows.")
	}
	codes := make([]string, recoveryCodes)
	for i := range codes {
		n, err := rand.Int(rand.Reader, big.NewInt(100_000_000))
		if err != nil {
			return nil, failed("make recovery codes", err)
		}
		codes[i] = fmt.Sprintf("%08d", n)
	}
	changed, err := k.changeOperators(ctx, "SET mfa_secret = $2, mfa_recovery_codes = $3 WHERE id = $1 AND mfa_secret IS NULL",
		id, k.seal(claims.Secret), k.seal(strings.Join(codes, ",")))
	if err != nil {
		return nil, err
	}
	if changed == 0 {
		return nil, errConsoleToken
	}
	op := &Operator{ID: id, Username: row.username, Email: row.email}
	err = k.record(ctx, op, ConsoleCall{Name: "AuthenticateMFASetup", Right: acl.User.Write(), Action: AuditUpdate, Request: in})
	return &consolepb.AuthenticateMFASetupResponse{RecoveryCodes: codes}, err
}
