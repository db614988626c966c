package core

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"time"

	"github.com/gofrs/uuid/v5"
	"google.golang.org/protobuf/types/known/timestamppb"

	"kumi/core/acl"
	"kumi/core/consolepb"
	"kumi/store"
	"kumi/store/fault"
)

// adminEmail is in the row of the administrator that the configuration names, which has
// the zero id and is not listed.
const adminEmail = "admin@nakama"

var errNoOperator = fault.New(fault.NotFound, "Console user not found.")

// operatorRow is a row of console_user.
type operatorRow struct {
	id                  uuid.UUID
	username, email     string
	rights              acl.Set
	password            []byte // bcrypt's hash; nil: none
	mfaSecret, mfaCodes []byte // encrypted; nil: none
	mfaRequired         bool
	disabled            bool
	created, updated    time.Time
}

const operatorColumns = "id, username, email, acl, password, mfa_secret, mfa_recovery_codes, mfa_required, disable_time, create_time, update_time"

func scanOperator(row interface{ Scan(...any) error }) (*operatorRow, error) {
	r := &operatorRow{}
	var rights string
	var required sql.NullBool
	var disabled time.Time
	if err := row.Scan(&r.id, &r.username, &r.email, &rights, &r.password, &r.mfaSecret, &r.mfaCodes, &required, &disabled, &r.created, &r.updated); err != nil {
		return nil, err
	}
	r.mfaRequired, r.disabled = required.Bool, isSet(disabled)
	if len(r.mfaSecret) == 0 {
		r.mfaSecret = nil
	}
	return r, json.Unmarshal([]byte(rights), &r.rights)
}

// findOperator returns the row that a condition finds, or errNoOperator.
func (k *Console) findOperator(ctx context.Context, q store.Querier, where string, args ...any) (*operatorRow, error) {
	row, err := scanOperator(q.QueryRowContext(ctx, "SELECT "+operatorColumns+" FROM console_user WHERE "+where, args...))
	if errors.Is(err, sql.ErrNoRows) {
		return nil, errNoOperator
	}
	if err != nil {
		return nil, failed("read console users", err)
	}
	return row, nil
}

// changeOperators runs an update and returns how many rows it changed.
func (k *Console) changeOperators(ctx context.Context, update string, args ...any) (int64, error) {
	result, err := k.db.Exec(ctx, "UPDATE console_user "+update, args...)
	if err != nil {
		return 0, failed("change console users", err)
	}
	n, err := result.RowsAffected()
	if err != nil {
		return 0, failed("change console users", err)
	}
	return n, nil
}

// adminRow returns the row of the administrator that the configuration names, which it
// makes if there is none.
func (k *Console) adminRow(ctx context.Context) (*operatorRow, error) {
	row, err := k.findOperator(ctx, k.db.Reader(), "id = $1", uuid.Nil)
	if err == nil && row.username == k.o.Username {
		row.rights = acl.Admin
		return row, nil
	}
	if err != nil && !errors.Is(err, errNoOperator) {
		return nil, err
	}
	rights, err := k.storedRights(acl.Admin)
	if err != nil {
		return nil, err
	}
	_, err = k.db.Exec(ctx, `INSERT INTO console_user (id, username, email, acl, create_time, update_time) VALUES ($1, $2, $3, $4, now(), now())
		ON CONFLICT (id) DO UPDATE SET username = excluded.username`, uuid.Nil, k.o.Username, adminEmail, rights)
	if err != nil {
		return nil, failedWith("The administrator that the configuration names cannot be stored: another console user may have that name.", err)
	}
	row, err = k.findOperator(ctx, k.db.Reader(), "id = $1", uuid.Nil)
	if err == nil {
		row.rights = acl.Admin
	}
	return row, err
}

// storedRights returns rights as the column has them.
func (k *Console) storedRights(rights acl.Set) (string, error) {
	text, err := json.Marshal(rights)
	if err != nil {
		return "", failed("write rights", err)
	}
	return k.db.Dialect().JSON(string(text))
}

func (r *operatorRow) message() *consolepb.User {
	return &consolepb.User{
		Id: r.id.String(), Username: r.username, Email: r.email, Acl: permissions(r.rights),
		MfaRequired: r.mfaRequired, MfaEnabled: r.mfaSecret != nil,
		CreateTime: timestamppb.New(r.created), UpdateTime: timestamppb.New(r.updated),
	}
}

// permissions returns rights as messages have them.
func permissions(rights acl.Set) map[string]*consolepb.Permissions {
	out := map[string]*consolepb.Permissions{}
	for name, l := range rights.ByResource() {
		out[name] = &consolepb.Permissions{Read: l.Read, Write: l.Write, Delete: l.Delete}
	}
	return out
}

// rightsOf is the inverse of permissions. Unknown names are skipped.
func rightsOf(in map[string]*consolepb.Permissions) acl.Set {
	all := make(map[string]acl.Levels, len(in))
	for name, p := range in {
		all[name] = acl.Levels{Read: p.GetRead(), Write: p.GetWrite(), Delete: p.GetDelete()}
	}
	return acl.FromResources(all)
}

// CheckRight fails with InvalidArgument unless a text is empty or a right of operators, a
// resource and a level as in ACCOUNT:write.
func CheckRight(text string) error {
	if text == "" {
		return nil
	}
	if _, err := acl.Parse(text); err != nil {
		return invalid("the right %v", err)
	}
	return nil
}
