package core

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"time"

	"github.com/gofrs/uuid/v5"

	"kumi/store"
	"kumi/store/fault"
)

// Identity is an authenticated user. Created is true if the account is new.
type Identity struct {
	UserID   uuid.UUID
	Username string
	Created  bool
}

// login is the part of an account that authentication needs.
type login struct {
	Identity
	password []byte
	disabled time.Time
}

const (
	byDevice   = "SELECT u.id, u.username, u.password, u.disable_time FROM user_device d JOIN users u ON u.id = d.user_id WHERE d.id = $1"
	byCustom   = "SELECT id, username, password, disable_time FROM users WHERE custom_id = $1"
	byEmail    = "SELECT id, username, password, disable_time FROM users WHERE email = $1"
	byUsername = "SELECT id, username, password, disable_time FROM users WHERE username = $1"
)

// AuthenticateDevice returns the account that the device id is linked to. With
// create it creates one if there is none, named username, or by a generated
// name if that is empty. An existing account costs one read.
//
// Errors: InvalidArgument for an invalid id or name, NotFound without create,
// AlreadyExists for a taken name, PermissionDenied for a banned account.
func (c *Core) AuthenticateDevice(ctx context.Context, id, username string, create bool) (Identity, error) {
	if err := checkDeviceID(id); err != nil {
		return Identity{}, err
	}
	return c.authenticate(ctx, byDevice, id, username, create, func(ctx context.Context, q store.Querier, user uuid.UUID, username string) error {
		if _, err := q.ExecContext(ctx, "INSERT INTO users (id, username) VALUES ($1, $2)", user, username); err != nil {
			return err
		}
		_, err := q.ExecContext(ctx, "INSERT INTO user_device (id, user_id) VALUES ($1, $2)", id, user)
		return err
	})
}

// AuthenticateCustom is AuthenticateDevice for a custom id.
func (c *Core) AuthenticateCustom(ctx context.Context, id, username string, create bool) (Identity, error) {
	if err := checkCustomID(id); err != nil {
		return Identity{}, err
	}
	return c.authenticate(ctx, byCustom, id, username, create, func(ctx context.Context, q store.Querier, user uuid.UUID, username string) error {
		_, err := q.ExecContext(ctx, "INSERT INTO users (id, username, custom_id) VALUES ($1, $2, $3)", user, username, id)
		return err
	})
}

// LogInByEmail is AuthenticateEmail for a client at an address. Wrong passwords
// are counted, and too many of them are ResourceExhausted for a while.
func (c *Core) LogInByEmail(ctx context.Context, address, email, password, username string, create bool) (Identity, error) {
	account := username
	if email != "" {
		account = strings.ToLower(email)
	}
	end, err := c.attempts.begin(account, address)
	if err != nil {
		return Identity{}, err
	}
	id, err := c.AuthenticateEmail(ctx, email, password, username, create)
	end(err)
	return id, err
}

// AuthenticateEmail is AuthenticateDevice for an e-mail address and password.
// Without an address it logs in by username and password and never creates an
// account. In addition to the errors of AuthenticateDevice, a wrong password
// is Unauthenticated.
func (c *Core) AuthenticateEmail(ctx context.Context, email, password, username string, create bool) (Identity, error) {
	if email == "" && password == "" && username == "" {
		return Identity{}, errEmailAndPassword
	}
	if email == "" {
		return c.authenticateUsername(ctx, username, password)
	}
	if err := checkEmail(email); err != nil {
		return Identity{}, err
	}
	if err := checkPassword(password); err != nil {
		return Identity{}, err
	}
	if username != "" {
		if err := checkUsername(username); err != nil {
			return Identity{}, err
		}
	}
	email = strings.ToLower(email)

	found, err := c.findLogin(ctx, byEmail, email)
	if errors.Is(err, errAccountNotFound) && create {
		var hash []byte
		if err := checkNewPassword(password); err != nil {
			return Identity{}, err
		}
		if hash, err = c.passwords.hash(ctx, password); err != nil {
			return Identity{}, err
		}
		var made Identity
		made, err = c.authenticate(ctx, byEmail, email, username, true, func(ctx context.Context, q store.Querier, user uuid.UUID, username string) error {
			_, err := q.ExecContext(ctx, "INSERT INTO users (id, username, email, password) VALUES ($1, $2, $3, $4)", user, username, email, hash)
			return err
		})
		if err != nil || made.Created {
			return made, err
		}
		// Another call created an account with this address: log in.
		found, err = c.findLogin(ctx, byEmail, email)
	}
	if err != nil {
		return Identity{}, err
	}
	if err := c.passwords.check(ctx, found.password, password); err != nil {
		return Identity{}, err
	}
	return found.Identity, nil
}

func (c *Core) authenticateUsername(ctx context.Context, username, password string) (Identity, error) {
	if err := checkPassword(password); err != nil {
		return Identity{}, err
	}
	if username == "" {
		return Identity{}, invalid("Username must be set when email is not supplied.")
	}
	if err := checkUsername(username); err != nil {
		return Identity{}, err
	}
	found, err := c.findLogin(ctx, byUsername, username)
	if err != nil {
		return Identity{}, err
	}
	if err := c.passwords.check(ctx, found.password, password); err != nil {
		return Identity{}, err
	}
	return found.Identity, nil
}

// findLogin reads the account that the query finds by key. It fails with
// errAccountNotFound or errAccountBanned.
func (c *Core) findLogin(ctx context.Context, query, key string) (login, error) {
	return c.allowed(ctx)(findLogin(c.db.Brief(ctx), c.db.Reader(), query, key))
}

// allowed lets those sign in whose ban is over.
func (c *Core) allowed(ctx context.Context) func(login, error) (login, error) {
	return func(found login, err error) (login, error) {
		if !errors.Is(err, errAccountBanned) {
			return found, err
		}
		if err := c.stillBanned(ctx, found.UserID, found.disabled); err != nil {
			return login{}, err
		}
		return found, nil
	}
}

// findWinner is findLogin after a conflict with a concurrent call that created
// the same account. It reads in a write transaction, since readers may not see
// the other call's commit yet.
func (c *Core) findWinner(ctx context.Context, query, key string) (found login, err error) {
	err = c.db.Tx(ctx, func(ctx context.Context, q store.Querier) error {
		found, err = findLogin(ctx, q, query, key)
		return err
	})
	return c.allowed(ctx)(found, err)
}

// findLogin returns an account that is banned with errAccountBanned.
func findLogin(ctx context.Context, q store.Querier, query, key string) (login, error) {
	var l login
	err := q.QueryRowContext(ctx, query, key).Scan(&l.UserID, &l.Username, &l.password, &l.disabled)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return login{}, errAccountNotFound
	case err != nil:
		return login{}, failed("find the user account", err)
	case isSet(l.disabled):
		return l, errAccountBanned
	}
	return l, nil
}

// authenticate finds the account by key, or creates one with insert.
func (c *Core) authenticate(ctx context.Context, query, key, username string, create bool,
	insert func(ctx context.Context, q store.Querier, user uuid.UUID, username string) error) (Identity, error) {
	username, err := usernameOrNew(username)
	if err != nil {
		return Identity{}, err
	}
	found, err := c.findLogin(ctx, query, key)
	if err == nil || !errors.Is(err, errAccountNotFound) || !create {
		return found.Identity, err
	}

	user, err := uuid.NewV4()
	if err != nil {
		return Identity{}, failed("make a user id", err)
	}
	err = c.db.Tx(ctx, func(ctx context.Context, q store.Querier) error { return insert(ctx, q, user, username) })
	switch constraint, taken := store.IsUnique(err); {
	case err == nil:
		return Identity{UserID: user, Username: username, Created: true}, nil
	case taken && constraint == "users_username_key":
		// Either the name is taken, or the same client called twice and this call
		// lost.
		if found, err := c.findWinner(ctx, query, key); !errors.Is(err, errAccountNotFound) {
			return found.Identity, err
		}
		return Identity{}, fault.Wrap(fault.AlreadyExists, errUsernameTaken.Message, err)
	case taken:
		// Another call has just created the same identity.
		found, err := c.findWinner(ctx, query, key)
		return found.Identity, err
	}
	return Identity{}, failed("create the user account", err)
}
