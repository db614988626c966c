package core

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"kumi/store/fault"
)

func TestAuthenticateRules(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 129)
	each(t, func(t *testing.T, ctx context.Context, c *testCore) {
		c.user(t, "taken")
		device := func(id, name string, create bool) error {
			_, err := c.AuthenticateDevice(ctx, id, name, create)
			return err
		}
		custom := func(id string) error { _, err := c.AuthenticateCustom(ctx, id, "", true); return err }
		email := func(email, password, name string, create bool) error {
			_, err := c.AuthenticateEmail(ctx, email, password, name, create)
			return err
		}
		for _, tc := range []struct {
			what string
			err  error
			want fault.Code
		}{
			{"no device id", device("", "", true), fault.InvalidArgument},
			{"device id of 9 bytes", device("123456789", "", true), fault.InvalidArgument},
			{"device id of 10 bytes", device("1234567890", "", true), fault.OK},
			{"device id of 128 bytes", device(long[1:], "", true), fault.OK},
			{"device id of 129 bytes", device(long, "", true), fault.InvalidArgument},
			{"device id with a space", device("12345 67890", "", true), fault.InvalidArgument},
			{"device id with a tab", device("12345\t67890", "", true), fault.InvalidArgument},
			{"unknown device without create", device("unknown-device", "", false), fault.NotFound},
			{"username of 129 bytes", device("device-long-name", long, true), fault.InvalidArgument},
			{"username with a newline", device("device-newline", "a\nb", true), fault.InvalidArgument},
			{"username with []", device("device-brackets", "a[]b", true), fault.InvalidArgument},
			{"username with spaces", device("device-spaces", "a b", true), fault.OK},
			{"taken username", device("device-another", "taken", true), fault.AlreadyExists},
			{"username in another case", device("device-case", "Taken", true), fault.OK},
			{"existing account, other username", device("device-of-taken", "whatever", false), fault.OK},
			{"no custom id", custom(""), fault.InvalidArgument},
			{"custom id of 5 bytes", custom("12345"), fault.InvalidArgument},
			{"custom id of 6 bytes", custom("123456"), fault.OK},
			{"custom id of 129 bytes", custom(long), fault.InvalidArgument},
			{"e-mail without dot", email("someone@example", "password", "", true), fault.InvalidArgument},
			{"e-mail too short", email("a@b.cdefg", "password", "", true), fault.InvalidArgument},
			{"e-mail with a space", email("some one@example.com", "password", "", true), fault.InvalidArgument},
			{"e-mail, short password", email("one@example.com", "passwor", "", true), fault.InvalidArgument},
			{"e-mail, no password", email("one@example.com", "", "", true), fault.InvalidArgument},
			{"e-mail, password beyond bcrypt", email("one@example.com", long, "", true), fault.InvalidArgument},
			{"unknown e-mail without create", email("one@example.com", "password", "", false), fault.NotFound},
			{"new e-mail", email("One@Example.com", "password", "one", true), fault.OK},
			{"the same in another case", email("one@example.COM", "password", "", false), fault.OK},
			{"wrong password", email("one@example.com", "Password", "", true), fault.Unauthenticated},
			{"by username", email("", "password", "one", true), fault.OK},
			{"by username, wrong password", email("", "passwords", "one", true), fault.Unauthenticated},
			{"by username without one", email("", "password", "", true), fault.InvalidArgument},
			{"by unknown username", email("", "password", "nobody", true), fault.NotFound},
			{"by name of an account without password", email("", "password", "taken", true), fault.Unauthenticated},
		} {
			wantCode(t, tc.what, tc.err, tc.want)
		}
	})
}

func TestAuthenticateFindsTheSameAccount(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, ctx context.Context, c *testCore) {
		for name, authenticate := range map[string]func(username string) (Identity, error){
			"device": func(u string) (Identity, error) { return c.AuthenticateDevice(ctx, "device-0001", u, true) },
			"custom": func(u string) (Identity, error) { return c.AuthenticateCustom(ctx, "custom-0001", u, true) },
			"email": func(u string) (Identity, error) {
				return c.AuthenticateEmail(ctx, "a@example.com", "password", u, true)
			},
		} {
			first, err := authenticate("the " + name)
			if err != nil || !first.Created || first.Username != "the "+name {
				t.Fatalf("%s, first: got %+v, %v; want a created account", name, first, err)
			}
			again, err := authenticate("another name")
			if err != nil || again.Created || again.Username != first.Username || again.UserID != first.UserID {
				t.Errorf("%s, again: got %+v, %v; want %+v, not created", name, again, err, first)
			}
		}
		made, err := c.AuthenticateDevice(ctx, "device-0002", "", true)
		if err != nil || len(made.Username) != 10 {
			t.Errorf("made-up username: got %q, %v; want 10 letters", made.Username, err)
		}
	})
}

func TestAuthenticateAtOnce(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, ctx context.Context, c *testCore) {
		for round := range 5 {
			device := fmt.Sprintf("device-%04d", round)
			var wait sync.WaitGroup
			ids := make([]Identity, 8)
			for i := range ids {
				wait.Go(func() {
					var err error
					if ids[i], err = c.AuthenticateDevice(ctx, device, "name-"+device, true); err != nil {
						t.Errorf("call %d: %v", i, err)
					}
				})
			}
			wait.Wait()
			created := 0
			for _, id := range ids {
				if id.Created {
					created++
				}
				if id.UserID != ids[0].UserID {
					t.Errorf("got users %v and %v, want one", id.UserID, ids[0].UserID)
				}
			}
			if created != 1 {
				t.Errorf("%d calls say they created the account, want 1", created)
			}
		}
	})
}

func TestBannedCannotLogIn(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, ctx context.Context, c *testCore) {
		m := c.Module()
		id, err := c.AuthenticateEmail(ctx, "one@example.com", "password", "one", true)
		if err != nil {
			t.Fatal(err)
		}
		session, _, err := c.StartSession(ctx, id, nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := m.UsersBanId(ctx, []string{id.UserID.String()}); err != nil {
			t.Fatal(err)
		}
		_, err = c.AuthenticateEmail(ctx, "one@example.com", "password", "", true)
		wantCode(t, "log-in of a banned user", err, fault.PermissionDenied)
		_, _, err = c.RefreshSession(ctx, session.RefreshToken, nil)
		wantCode(t, "refresh with a token from before the ban", err, fault.Unauthenticated)
		c.tokens.bad.forget()
		_, _, err = c.RefreshSession(ctx, session.RefreshToken, nil)
		wantCode(t, "refresh of a banned user, after a restart", err, fault.PermissionDenied)

		if err := m.UsersUnbanId(ctx, []string{id.UserID.String()}); err != nil {
			t.Fatal(err)
		}
		_, err = c.AuthenticateEmail(ctx, "one@example.com", "password", "", true)
		wantCode(t, "log-in after the ban", err, fault.OK)
	})
}
