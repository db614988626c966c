package core

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/gofrs/uuid/v5"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"kumi/core/acl"
	"kumi/core/consolepb"
	"kumi/store/fault"
)

var (
	errConsoleLogin = fault.New(fault.Unauthenticated, "Console authentication required.")
	errConsoleToken = fault.New(fault.Unauthenticated, "Token invalid.")
	errFirstVisit   = fault.New(fault.PermissionDenied, "The default password works on the server's own machine only. "+
		"Set one with the one-time code that is in the server's log, or set console.password.")
)

// Authenticate logs an operator in by name or e-mail address, password and second
// factor. An operator who still has to set the second factor up gets a token for that
// instead.
//
// Errors: Unauthenticated for wrong credentials, ResourceExhausted after too many of
// them, PermissionDenied for a disabled operator and for a second factor that is missing,
// InvalidArgument for one that is not six or eight digits.
func (k *Console) Authenticate(ctx context.Context, from Visitor, in *consolepb.AuthenticateRequest) (*consolepb.ConsoleSession, error) {
	name := strings.ToLower(in.Username)
	if name == "" || in.Password == "" {
		return nil, errCredentials
	}
	end, err := k.attempts.begin(name, from.Address)
	if err != nil {
		return nil, fault.Wrap(fault.ResourceExhausted, "Try again later. "+fault.Text(err), err)
	}
	row, err := k.checkLogin(ctx, from, in)
	end(err)
	if err != nil {
		return nil, err
	}
	if row.mfaSecret == nil && k.needsFactor(row) {
		token, err := k.beginSetup(row)
		if err != nil {
			return nil, err
		}
		return &consolepb.ConsoleSession{MfaCode: wrapperspb.String(token)}, nil
	}
	token, err := k.sign(&consoleClaims{
		ID: row.id.String(), Username: row.username, Email: row.email, Rights: row.rights.Token(), times: k.newTimes(k.o.TokenLife),
	})
	if err != nil {
		return nil, err
	}
	return &consolepb.ConsoleSession{Token: token}, nil
}

func (k *Console) checkLogin(ctx context.Context, from Visitor, in *consolepb.AuthenticateRequest) (*operatorRow, error) {
	if in.Username == k.o.Username {
		if err := k.checkAdmin(ctx, from, in.Password); err != nil {
			return nil, err
		}
		row, err := k.adminRow(ctx)
		if err != nil {
			return nil, err
		}
		return row, k.checkFactor(ctx, row, in.Mfa)
	}
	row, err := k.findOperator(ctx, k.db.Reader(), "(username = $1 OR email = $1) AND id <> $2", strings.ToLower(in.Username), uuid.Nil)
	if errors.Is(err, errNoOperator) {
		return nil, k.passwords.checkNothing(ctx, in.Password)
	}
	if err != nil {
		return nil, err
	}
	if err := k.passwords.check(ctx, row.password, in.Password); err != nil {
		return nil, err
	}
	if row.disabled {
		return nil, fault.New(fault.PermissionDenied, "Invalid credentials.")
	}
	return row, k.checkFactor(ctx, row, in.Mfa)
}

// checkAdmin checks the password of the administrator that the configuration names.
func (k *Console) checkAdmin(ctx context.Context, from Visitor, password string) error {
	if !k.o.DefaultPassword {
		return samePassword(password, k.o.Password)
	}
	hash, err := k.kept(ctx, firstPassword)
	if err != nil {
		return failed("log in", err)
	}
	if hash != "" {
		return k.passwords.check(ctx, []byte(hash), password)
	}
	if err := samePassword(password, k.o.Password); err != nil {
		return err
	}
	if !from.Local {
		k.first.announce(k.log.Warn().Bool("secret", true)) // not for operators who read the log in the console
		return errFirstVisit
	}
	return nil
}

func samePassword(got, want string) error {
	if subtle.ConstantTimeCompare([]byte(got), []byte(want)) == 0 {
		return errCredentials
	}
	return nil
}

// identify returns the operator whose credentials a call has.
func (k *Console) identify(ctx context.Context, from Visitor) (*Operator, error) {
	if token, ok := strings.CutPrefix(from.Authorization, "Bearer "); ok {
		return k.bearer(ctx, token)
	}
	encoded, ok := strings.CutPrefix(from.Authorization, "Basic ")
	if !ok {
		return nil, errConsoleLogin
	}
	pair, err := base64.StdEncoding.DecodeString(encoded)
	name, password, ok := strings.Cut(string(pair), ":")
	if err != nil || !ok {
		return nil, errCredentials
	}
	end, err := k.attempts.begin(strings.ToLower(name), from.Address)
	if err != nil {
		return nil, fault.Wrap(fault.ResourceExhausted, "Try again later. "+fault.Text(err), err)
	}
	err = errCredentials
	if name == k.o.Username {
		err = k.checkAdmin(ctx, from, password)
	}
	end(err)
	if err != nil {
		return nil, err
	}
	if k.o.MFAForAdmin && k.sealed != nil {
		return nil, fault.New(fault.PermissionDenied, "A MFA code is required. Log in for a token.")
	}
	return &Operator{Username: k.o.Username, Email: adminEmail, Rights: acl.Admin, Basic: true}, nil
}

// CheckAdmin fails unless a sender is the administrator that the configuration names, with
// Basic authentication: with Unauthenticated without credentials, with PermissionDenied
// for wrong ones, and with ResourceExhausted after too many of those.
func (k *Console) CheckAdmin(ctx context.Context, from Visitor) error {
	if !strings.HasPrefix(from.Authorization, "Basic ") {
		return errConsoleLogin
	}
	_, err := k.identify(ctx, from)
	if fault.CodeOf(err) == fault.Unauthenticated {
		err = fault.Wrap(fault.PermissionDenied, fault.MessageOf(err, ""), err)
	}
	return err
}

// bearer returns the operator of a token, with the rights that it has now. A token is
// void when its operator is changed, disabled or deleted, and after a log-out.
func (k *Console) bearer(ctx context.Context, token string) (*Operator, error) {
	var claims consoleClaims
	id, err := k.parse(token, &claims, &claims.ID)
	if err != nil {
		return nil, fault.Wrap(fault.Unauthenticated, errConsoleToken.Message, err)
	}
	if k.tokens.bad.refuses(id, consoleToken, tokenDigest(token), int64(claims.IssuedAt), k.now().Unix()) {
		return nil, errConsoleToken
	}
	if out, err := k.loggedOut(ctx, id, token, int64(claims.IssuedAt)); err != nil {
		return nil, failed("check the token", err)
	} else if out {
		return nil, errConsoleToken
	}
	until := time.Unix(claims.ExpiresAt, 0)
	if id.IsNil() {
		if claims.Username != k.o.Username {
			return nil, errConsoleToken
		}
		return &Operator{Username: k.o.Username, Email: adminEmail, Rights: acl.Admin, Until: until}, nil
	}
	row, err := k.findOperator(ctx, k.db.Reader(), "id = $1", id)
	if errors.Is(err, errNoOperator) {
		return nil, errConsoleToken
	}
	if err != nil {
		return nil, err
	}
	if row.disabled || claims.olderThan(row.updated, k.o.TokenLife) {
		return nil, errConsoleToken
	}
	return &Operator{ID: id, Username: row.username, Email: row.email, Rights: row.rights, Until: until}, nil
}

// LogOut revokes a token, also after a restart. A token that does not verify is no error.
func (k *Console) LogOut(ctx context.Context, in *consolepb.AuthenticateLogoutRequest) error {
	var claims consoleClaims
	id, err := k.parse(in.Token, &claims, &claims.ID)
	if err != nil {
		return nil
	}
	e := revocation{user: id, ref: tokenRef{consoleToken, tokenDigest(in.Token)}, until: claims.ExpiresAt + 1}
	if k.tokens.bad.single(id) >= maxRevoked {
		e = k.tokens.revokeAll(id)
	} else {
		k.tokens.bad.add(e)
	}
	k.changed.raise()
	k.storeRevocations(ctx, e)
	return nil
}

// firstVisit is the one-time code with which a visitor from elsewhere replaces the
// default password. It is made when it is first needed.
type firstVisit struct {
	mu   sync.Mutex
	code string
}

// announce writes the code to the log, once.
func (f *firstVisit) announce(entry interface{ Msgf(string, ...any) }) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.code != "" {
		return
	}
	random := make([]byte, 10)
	_, _ = rand.Read(random) // never fails
	f.code = hex.EncodeToString(random)
	entry.Msgf("the console was visited from another machine; to set its password, use the one-time code %s", f.code)
}

// use reports whether a code is the one in the log, which then works no more.
func (f *firstVisit) use(code string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.code == "" || subtle.ConstantTimeCompare([]byte(code), []byte(f.code)) == 0 {
		return false
	}
	f.code = ""
	return true
}

// SetFirstPassword sets the password of the administrator that the configuration names,
// in place of the default one, with the one-time code of the log.
//
// Errors: Unauthenticated for another code, ResourceExhausted after too many of them,
// FailedPrecondition if there is another password already, InvalidArgument for a password
// that is too short or too long.
func (k *Console) SetFirstPassword(ctx context.Context, from Visitor, in *consolepb.AuthenticateFirstVisitRequest) error {
	if err := checkOperatorPassword(in.Password); err != nil {
		return err
	}
	end, err := k.attempts.begin("the first visit", from.Address) // the name of no operator
	if err != nil {
		return fault.Wrap(fault.ResourceExhausted, "Try again later. "+fault.Text(err), err)
	}
	hash, err := k.kept(ctx, firstPassword)
	switch {
	case err != nil:
		err = failed("set the password", err)
	case !k.o.DefaultPassword || hash != "":
		err = fault.New(fault.FailedPrecondition, "The default password was replaced already.")
	case !k.first.use(in.Code):
		err = errCredentials
	}
	end(err)
	if err != nil {
		return err
	}
	new, err := k.passwords.hash(ctx, in.Password)
	if err != nil {
		return err
	}
	stored, err := k.keep(ctx, firstPassword, string(new))
	if err != nil {
		return failed("set the password", err)
	}
	if stored != string(new) {
		return fault.New(fault.FailedPrecondition, "The default password was replaced already.")
	}
	admin := &Operator{Username: k.o.Username, Email: adminEmail}
	return k.record(ctx, admin, ConsoleCall{Name: "AuthenticateFirstVisit", Right: acl.User.Write(), Action: AuditUpdate, Request: in})
}
