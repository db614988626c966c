package core

import (
	"context"
	"database/sql"
	"errors"
	"strings"

	"github.com/gofrs/uuid/v5"

	"kumi/store"
	"kumi/store/fault"
)

var errDeviceTaken = fault.New(fault.AlreadyExists, "Device ID already in use.")

// LinkDevice links a device id to the caller's account. An id that is already
// linked to it is no error.
//
// Errors of the link methods: InvalidArgument for a bad value, AlreadyExists
// if it belongs to another account, NotFound if the caller's account does not
// exist any more.
func (c *Core) LinkDevice(ctx context.Context, caller uuid.UUID, id string) error {
	if err := checkDeviceID(id); err != nil {
		return err
	}
	owner, err := deviceOwner(ctx, c.db.Reader(), id)
	if err == nil && owner == caller {
		return nil
	}
	if err == nil {
		return errDeviceTaken
	}
	if !errors.Is(err, sql.ErrNoRows) {
		return failedWith("Error linking Device ID.", err)
	}
	err = c.db.Tx(ctx, func(ctx context.Context, q store.Querier) error {
		if _, err := q.ExecContext(ctx, "INSERT INTO user_device (id, user_id) VALUES ($1, $2)", id, caller); err != nil {
			return err
		}
		_, err := q.ExecContext(ctx, "UPDATE users SET update_time = now() WHERE id = $1", caller)
		return err
	})
	switch _, taken := store.IsUnique(err); {
	case err == nil:
		return nil
	case store.IsForeignKey(err):
		return errAccountNotFound
	case taken:
		// Possibly by another call of the same client, whose commit readers may not
		// see yet; a write transaction does.
		again := c.db.Tx(ctx, func(ctx context.Context, q store.Querier) (err error) {
			owner, err = deviceOwner(ctx, q, id)
			return err
		})
		if again == nil && owner == caller {
			return nil
		}
		return fault.Wrap(fault.AlreadyExists, errDeviceTaken.Message, err)
	}
	return failedWith("Error linking Device ID.", err)
}

func deviceOwner(ctx context.Context, q store.Querier, id string) (owner uuid.UUID, err error) {
	err = q.QueryRowContext(ctx, "SELECT user_id FROM user_device WHERE id = $1", id).Scan(&owner)
	return owner, err
}

// LinkCustom links a custom id to the caller's account, replacing an earlier
// one. Errors are those of LinkDevice.
func (c *Core) LinkCustom(ctx context.Context, caller uuid.UUID, id string) error {
	if err := checkNewCustomID(id); err != nil {
		return err
	}
	return c.linkColumn(ctx, "Custom ID", "UPDATE users SET custom_id = $2, update_time = now() WHERE id = $1", caller, id)
}

// LinkEmail sets the caller's e-mail address and password. Errors are those of
// LinkDevice.
func (c *Core) LinkEmail(ctx context.Context, caller uuid.UUID, email, password string) error {
	if email == "" || password == "" {
		return errEmailAndPassword
	}
	if err := checkEmail(email); err != nil {
		return err
	}
	if err := checkNewPassword(password); err != nil {
		return err
	}
	hash, err := c.passwords.hash(ctx, password)
	if err != nil {
		return err
	}
	return c.linkColumn(ctx, "Email", "UPDATE users SET email = $2, password = $3, update_time = now() WHERE id = $1",
		caller, strings.ToLower(email), hash)
}

func (c *Core) linkColumn(ctx context.Context, what, query string, args ...any) error {
	res, err := c.db.Exec(ctx, query, args...)
	if _, taken := store.IsUnique(err); taken {
		return fault.Wrap(fault.AlreadyExists, what+" is already in use.", err)
	}
	if err != nil {
		return failed("link "+what, err)
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return errAccountNotFound
	}
	return nil
}

// identities are the columns that hold a way to log in.
var identities = []string{
	"apple_id", "custom_id", "email", "facebook_id", "facebook_instant_game_id", "gamecenter_id", "google_id", "steam_id",
}

// UnlinkDevice unlinks a device id from the caller's account. PermissionDenied
// if the id is not linked to it or no other way to log in is left.
func (c *Core) UnlinkDevice(ctx context.Context, caller uuid.UUID, id string) error {
	if id == "" {
		return invalid("A device ID must be supplied.")
	}
	return c.unlink(ctx, "Could not unlink device ID.", `DELETE FROM user_device WHERE user_id = $1 AND id = $2 AND (
		EXISTS (SELECT 1 FROM user_device o WHERE o.user_id = $1 AND o.id <> $2)
		OR EXISTS (SELECT 1 FROM users WHERE id = $1 AND (`+anyIdentity("")+`)))`, caller, id)
}

// UnlinkCustom unlinks the caller's custom id, whichever it is if id is empty.
// Errors are those of UnlinkDevice.
func (c *Core) UnlinkCustom(ctx context.Context, caller uuid.UUID, id string) error {
	return c.unlinkColumn(ctx, "Error while trying to unlink custom ID.", "custom_id", "custom_id = NULL", caller, id)
}

// UnlinkEmail removes the caller's e-mail address and password; email must be
// the current one or empty. Errors are those of UnlinkDevice.
func (c *Core) UnlinkEmail(ctx context.Context, caller uuid.UUID, email string) error {
	return c.unlinkColumn(ctx, "Error while trying to unlink email.", "email", "email = NULL, password = NULL", caller, strings.ToLower(email))
}

func (c *Core) unlinkColumn(ctx context.Context, failure, column, set string, caller uuid.UUID, value string) error {
	query := "UPDATE users SET " + set + ", update_time = now() WHERE id = $1 AND (" + anyIdentity(column) +
		" OR EXISTS (SELECT 1 FROM user_device WHERE user_id = $1))"
	if value == "" {
		return c.unlink(ctx, failure, query, caller)
	}
	return c.unlink(ctx, failure, query+" AND "+column+" = $2", caller, value)
}

// errLastIdentity is also the error for an identity that is not linked.
var errLastIdentity = fault.New(fault.PermissionDenied, "Cannot unlink last account identifier. Check profile exists and is not last link.")

func (c *Core) unlink(ctx context.Context, failure, query string, args ...any) error {
	res, err := c.db.Exec(ctx, query, args...)
	if err != nil {
		return failedWith(failure, err)
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return errLastIdentity
	}
	return nil
}

// anyIdentity is the SQL condition that a column other than except is set. An e-mail
// address without a password, from a sign-in provider, is no way to log in.
func anyIdentity(except string) string {
	var b strings.Builder
	for _, column := range identities {
		if column == except {
			continue
		}
		if b.Len() > 0 {
			b.WriteString(" OR ")
		}
		if b.WriteString(column + " IS NOT NULL"); column == "email" {
			b.WriteString(" AND password IS NOT NULL")
		}
	}
	return b.String()
}
