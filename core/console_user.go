package core

import (
	"context"
	"errors"
	"regexp"
	"strings"

	"github.com/gofrs/uuid/v5"

	"kumi/core/acl"
	"kumi/core/consolepb"
	"kumi/store"
	"kumi/store/fault"
)

// An operator may change those operators only whose rights it has itself: with their
// password reset it could log in as them.

var (
	operatorName  = regexp.MustCompile(`^[a-z0-9][a-z0-9._]{1,18}[a-z0-9]$`)
	operatorEmail = regexp.MustCompile(`^[^@\s\x00]+@[^@\s\x00]+$`)
)

// The bounds of passwords; bcrypt cannot hash more than 72 bytes.
const (
	minOperatorPassword = 12
	maxOperatorPassword = 72
)

func checkOperatorPassword(password string) error {
	if n := len(password); n < minOperatorPassword || n > maxOperatorPassword {
		return invalid("The password must have %d to %d bytes.", minOperatorPassword, maxOperatorPassword)
	}
	return nil
}

// ListUsers lists the operators by name, without the administrator that the
// configuration names.
func (k *Console) ListUsers(ctx context.Context) (*consolepb.UserList, error) {
	rows, err := k.db.Reader().QueryContext(ctx, "SELECT "+operatorColumns+" FROM console_user WHERE id <> $1 ORDER BY username", uuid.Nil)
	if err != nil {
		return nil, failed("list console users", err)
	}
	defer rows.Close()
	list := &consolepb.UserList{}
	for rows.Next() {
		r, err := scanOperator(rows)
		if err != nil {
			return nil, failed("list console users", err)
		}
		list.Users = append(list.Users, r.message())
	}
	if err := rows.Err(); err != nil {
		return nil, failed("list console users", err)
	}
	return list, nil
}

// GetUser returns an operator, also the administrator that the configuration names.
// NotFound if there is none of that name.
func (k *Console) GetUser(ctx context.Context, in *consolepb.Username) (*consolepb.User, error) {
	find := func() (*operatorRow, error) { return k.operatorNamed(ctx, k.db.Reader(), in.Username, "") }
	if in.Username == k.o.Username {
		find = func() (*operatorRow, error) { return k.adminRow(ctx) }
	}
	row, err := find()
	if err != nil {
		return nil, err
	}
	return row.message(), nil
}

func (k *Console) operatorNamed(ctx context.Context, q store.Querier, name, suffix string) (*operatorRow, error) {
	return k.findOperator(ctx, q, "username = $1 AND id <> $2"+suffix, strings.ToLower(name), uuid.Nil)
}

// AddUser adds an operator, or gives an existing one of that name other rights, and
// returns the token of an invitation, with which the operator sets a password.
//
// Errors: InvalidArgument for a bad name or address, for no rights at all and for rights
// that the caller does not have, AlreadyExists for an address that is in use,
// FailedPrecondition for the caller's own name.
func (k *Console) AddUser(ctx context.Context, op *Operator, in *consolepb.AddUserRequest) (*consolepb.AddUserResponse, error) {
	name, email := strings.ToLower(in.Username), strings.ToLower(in.Email)
	switch {
	case !operatorName.MatchString(name):
		return nil, invalid("Username must have 3 to 20 letters and digits, with dots and underscores between them.")
	case name == "admin" || name == strings.ToLower(k.o.Username):
		return nil, invalid("Username is reserved.")
	case len(email) < 3 || len(email) > 254 || !operatorEmail.MatchString(email):
		return nil, invalid("Email must be an address with 3 to 254 characters.")
	}
	stored, err := k.grantedRights(op, in.Acl)
	if err != nil {
		return nil, err
	}
	id, err := uuid.NewV4()
	if err != nil {
		return nil, failed("make an id", err)
	}
	var row *operatorRow
	err = k.db.Tx(ctx, func(ctx context.Context, q store.Querier) error {
		existing, err := k.operatorNamed(ctx, q, name, k.db.Dialect().ForUpdate())
		switch {
		case err == nil:
			if existing.id == op.ID {
				return errOwnUser
			}
			if err := op.mayChange(existing); err != nil {
				return err
			}
			id = existing.id
			_, err = q.ExecContext(ctx, "UPDATE console_user SET acl = $2, mfa_required = $3, update_time = $4 WHERE id = $1",
				id, stored, in.MfaRequired, k.now())
		case errors.Is(err, errNoOperator):
			_, err = q.ExecContext(ctx, `INSERT INTO console_user (id, username, email, acl, mfa_required, create_time, update_time)
				VALUES ($1, $2, $3, $4, $5, $6, $6)`, id, name, email, stored, in.MfaRequired, k.now())
		}
		if err != nil {
			return err
		}
		row, err = k.findOperator(ctx, q, "id = $1", id)
		return err
	})
	if constraint, ok := store.IsUnique(err); ok {
		message := "Username is already in use."
		if strings.Contains(constraint, "email") {
			message = "Email is already in use."
		}
		return nil, fault.Wrap(fault.AlreadyExists, message, err)
	}
	if err != nil {
		return nil, failed("add the console user", err)
	}
	token, err := k.invite(row)
	return &consolepb.AddUserResponse{User: row.message(), Token: token}, err
}

var (
	errNoRights = fault.New(fault.InvalidArgument, "User must have at least some permissions.")
	errOwnUser  = fault.New(fault.FailedPrecondition, "You cannot change your own console user.")
)

// grantedRights returns the rights that an operator gives to another one, as the column
// has them. InvalidArgument if there are none, or some that it does not have.
func (k *Console) grantedRights(op *Operator, in map[string]*consolepb.Permissions) (string, error) {
	rights := rightsOf(in)
	if rights.IsEmpty() {
		return "", errNoRights
	}
	if err := op.mayGrant(rights); err != nil {
		return "", err
	}
	return k.storedRights(rights)
}

// mayChange fails with PermissionDenied unless the operator has all rights of the other.
func (o *Operator) mayChange(other *operatorRow) error {
	if !o.Rights.Covers(other.rights) {
		return fault.New(fault.PermissionDenied, "You cannot change a console user who has rights that you do not have.")
	}
	return nil
}

// invite makes the token with which an operator sets a password. It works until the row
// is changed.
func (k *Console) invite(row *operatorRow) (string, error) {
	return k.sign(&inviteClaims{ID: row.id.String(), Username: row.username, Email: row.email, times: k.newTimes(inviteLife)})
}

// changeOperator finds the operator of a name and lets it be changed, which ends its
// sessions. Errors: FailedPrecondition for the caller itself, NotFound, PermissionDenied.
func (k *Console) changeOperator(ctx context.Context, op *Operator, name string, change func(ctx context.Context, q store.Querier, row *operatorRow) error) error {
	err := k.db.Tx(ctx, func(ctx context.Context, q store.Querier) error {
		row, err := k.operatorNamed(ctx, q, name, k.db.Dialect().ForUpdate())
		if err != nil {
			return err
		}
		if row.id == op.ID {
			return errOwnUser
		}
		if err := op.mayChange(row); err != nil {
			return err
		}
		return change(ctx, q, row)
	})
	if err != nil {
		return failed("change the console user", err)
	}
	return nil
}

// UpdateUser replaces the rights of an operator, which ends its sessions. Errors as in
// AddUser, NotFound, and FailedPrecondition for the caller itself.
func (k *Console) UpdateUser(ctx context.Context, op *Operator, in *consolepb.UpdateUserRequest) (*consolepb.User, error) {
	stored, err := k.grantedRights(op, in.Acl)
	if err != nil {
		return nil, err
	}
	var changed *operatorRow
	err = k.changeOperator(ctx, op, in.Username, func(ctx context.Context, q store.Querier, row *operatorRow) error {
		if _, err := q.ExecContext(ctx, "UPDATE console_user SET acl = $2, update_time = $3 WHERE id = $1", row.id, stored, k.now()); err != nil {
			return err
		}
		changed, err = k.findOperator(ctx, q, "id = $1", row.id)
		return err
	})
	if err != nil {
		return nil, err
	}
	return changed.message(), nil
}

// DeleteUser deletes an operator. InvalidArgument if there is none of that name, as in
// the protocol, and FailedPrecondition for the caller itself.
func (k *Console) DeleteUser(ctx context.Context, op *Operator, in *consolepb.Username) error {
	err := k.changeOperator(ctx, op, in.Username, func(ctx context.Context, q store.Querier, row *operatorRow) error {
		_, err := q.ExecContext(ctx, "DELETE FROM console_user WHERE id = $1", row.id)
		return err
	})
	if errors.Is(err, errNoOperator) {
		return fault.Wrap(fault.InvalidArgument, "User not found.", err)
	}
	return err
}

// ResetUserPassword removes the password of an operator and returns the token with which
// it sets another one.
func (k *Console) ResetUserPassword(ctx context.Context, op *Operator, in *consolepb.Username) (*consolepb.ResetUserPasswordResponse, error) {
	out := &consolepb.ResetUserPasswordResponse{}
	err := k.changeOperator(ctx, op, in.Username, func(ctx context.Context, q store.Querier, row *operatorRow) (err error) {
		if _, err = q.ExecContext(ctx, "UPDATE console_user SET password = NULL, update_time = $2 WHERE id = $1", row.id, k.now()); err == nil {
			out.Code, err = k.invite(row)
		}
		return err
	})
	return out, err
}

// RequireUserMFA says whether an operator must have a second factor.
func (k *Console) RequireUserMFA(ctx context.Context, op *Operator, in *consolepb.RequireUserMfaRequest) error {
	return k.changeOperator(ctx, op, in.Username, func(ctx context.Context, q store.Querier, row *operatorRow) error {
		_, err := q.ExecContext(ctx, "UPDATE console_user SET mfa_required = $2, update_time = $3 WHERE id = $1", row.id, in.Required, k.now())
		return err
	})
}

// ResetUserMFA removes the second factor of an operator.
func (k *Console) ResetUserMFA(ctx context.Context, op *Operator, in *consolepb.ResetUserMfaRequest) error {
	return k.changeOperator(ctx, op, in.Username, func(ctx context.Context, q store.Querier, row *operatorRow) error {
		_, err := q.ExecContext(ctx, "UPDATE console_user SET mfa_secret = NULL, mfa_recovery_codes = NULL, update_time = $2 WHERE id = $1", row.id, k.now())
		return err
	})
}

// ChangePassword sets the password of an operator who has an invitation or a reset. The
// token then works no more.
//
// Errors: InvalidArgument for a password that is too short or too long, Unauthenticated
// for a token that is invalid or was used.
func (k *Console) ChangePassword(ctx context.Context, in *consolepb.AuthenticatePasswordChangeRequest) error {
	if err := checkOperatorPassword(in.Password); err != nil {
		return err
	}
	var claims inviteClaims
	id, err := k.parse(in.Code, &claims, &claims.ID)
	if err != nil || id.IsNil() {
		return fault.Wrap(fault.Unauthenticated, errConsoleToken.Message, err)
	}
	hash, err := k.passwords.hash(ctx, in.Password)
	if err != nil {
		return err
	}
	err = k.db.Tx(ctx, func(ctx context.Context, q store.Querier) error {
		row, err := k.findOperator(ctx, q, "id = $1"+k.db.Dialect().ForUpdate(), id)
		if errors.Is(err, errNoOperator) || err == nil && claims.olderThan(row.updated, inviteLife) {
			return errConsoleToken
		}
		if err != nil {
			return err
		}
		now := k.now()
		if first := claims.voidFrom(); now.Before(first) {
			now = first
		}
		_, err = q.ExecContext(ctx, "UPDATE console_user SET password = $2, update_time = $3 WHERE id = $1", id, hash, now)
		return err
	})
	if err != nil {
		return failed("change the password", err)
	}
	op := &Operator{ID: id, Username: claims.Username, Email: claims.Email}
	return k.record(ctx, op, ConsoleCall{Name: "AuthenticatePasswordChange", Right: acl.User.Write(), Action: AuditUpdate, Request: in})
}
