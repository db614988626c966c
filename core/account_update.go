package core

import (
	"context"
	"encoding/json"
	"strconv"
	"strings"

	"github.com/gofrs/uuid/v5"
	"github.com/heroiclabs/nakama-common/api"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"kumi/store"
	"kumi/store/fault"
)

// AccountUpdate is a change of an account. Nil fields are left unchanged; an
// empty text clears a field (except the language).
type AccountUpdate struct {
	UserID                                                        string
	Username, DisplayName, Timezone, Location, LangTag, AvatarURL *string
	Metadata                                                      map[string]any
}

// UpdateAccount changes the fields that are present in the message; an empty
// text clears a field.
//
// Errors: InvalidArgument for no field at all, an invalid or taken name, and
// texts too long for their column.
func (c *Core) UpdateAccount(ctx context.Context, caller uuid.UUID, in *api.UpdateAccountRequest) error {
	text := func(v *wrapperspb.StringValue) *string {
		if v == nil {
			return nil
		}
		return &v.Value
	}
	u := AccountUpdate{
		Username: text(in.GetUsername()), DisplayName: text(in.GetDisplayName()), Timezone: text(in.GetTimezone()),
		Location: text(in.GetLocation()), LangTag: text(in.GetLangTag()), AvatarURL: text(in.GetAvatarUrl()),
	}
	if u.Username == nil && u.DisplayName == nil && u.Timezone == nil && u.Location == nil && u.LangTag == nil && u.AvatarURL == nil {
		return invalid("No fields to update.")
	}
	return c.updateAccount(ctx, caller, &u)
}

func (c *Core) updateAccount(ctx context.Context, user uuid.UUID, u *AccountUpdate) error {
	change, err := c.accountChange(user, u)
	if err != nil || change.empty() {
		return err
	}
	return accountChangeError(c.db.Tx(ctx, change.run))
}

// accountChange is a validated update, ready to run in a transaction.
type accountChange struct {
	query string
	args  []any
}

func (a accountChange) empty() bool { return a.query == "" }

func (a accountChange) run(ctx context.Context, q store.Querier) error {
	if a.empty() {
		return nil
	}
	_, err := q.ExecContext(ctx, a.query, a.args...)
	return err
}

// accountChangeError adds codes to the errors of a change. A taken name is
// InvalidArgument here, unlike in authentication.
func accountChangeError(err error) error {
	if err == nil {
		return nil
	}
	if constraint, ok := store.IsUnique(err); ok && constraint == "users_username_key" {
		return fault.Wrap(fault.InvalidArgument, errUsernameTaken.Message, err)
	}
	return failed("update account", err)
}

// accountChange validates u and builds its statement, which changes the row
// only if something differs.
func (c *Core) accountChange(user uuid.UUID, u *AccountUpdate) (accountChange, error) {
	if user.IsNil() {
		return accountChange{}, errSystemUser
	}
	var set, differs []string
	args := []any{user}
	add := func(column string, value any) {
		args = append(args, value)
		place := "$" + strconv.Itoa(len(args))
		set = append(set, column+" = "+place)
		differs = append(differs, column+" IS DISTINCT FROM "+place)
	}
	if u.Username != nil {
		if *u.Username == "" {
			return accountChange{}, errUsernameLength
		}
		if err := checkUsername(*u.Username); err != nil {
			return accountChange{}, err
		}
		add("username", *u.Username)
	}
	for _, f := range []struct {
		column   string
		value    *string
		maxChars int
	}{
		{"display_name", u.DisplayName, 255}, {"timezone", u.Timezone, 255}, {"location", u.Location, 255},
		{"lang_tag", u.LangTag, 18}, {"avatar_url", u.AvatarURL, 512},
	} {
		if f.value == nil {
			continue
		}
		if err := checkLength("Error while trying to update account.", f.column, *f.value, f.maxChars); err != nil {
			return accountChange{}, err
		}
		switch {
		case *f.value == "" && f.column == "lang_tag":
			return accountChange{}, invalid("Error while trying to update account. The field lang_tag cannot be cleared.")
		case *f.value == "":
			// Not as an argument: PostgreSQL cannot infer the type of a bare NULL.
			set = append(set, f.column+" = NULL")
			differs = append(differs, f.column+" IS NOT NULL")
		default:
			add(f.column, *f.value)
		}
	}
	if u.Metadata != nil {
		text, err := json.Marshal(u.Metadata)
		if err != nil {
			return accountChange{}, fault.Wrap(fault.InvalidArgument, "Metadata must be JSON: "+err.Error(), err)
		}
		metadata, err := c.db.Dialect().JSON(string(text))
		if err != nil {
			return accountChange{}, fault.Wrap(fault.InvalidArgument, "Metadata must be JSON: "+err.Error(), err)
		}
		add("metadata", metadata)
	}
	if len(set) == 0 {
		return accountChange{}, nil
	}
	return accountChange{
		query: "UPDATE users SET update_time = now(), " + strings.Join(set, ", ") +
			" WHERE id = $1 AND (" + strings.Join(differs, " OR ") + ")",
		args: args,
	}, nil
}
