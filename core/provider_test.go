package core

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/gofrs/uuid/v5"
	"github.com/heroiclabs/nakama-common/api"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"kumi/core/social"
	"kumi/core/social/socialtest"
	"kumi/store"
	"kumi/store/fault"
	"kumi/store/storetest"
)

// eachWithProviders is each with a core that has sign-in providers.
func eachWithProviders(t *testing.T, test func(t *testing.T, ctx context.Context, c *testCore, p *socialtest.Providers)) {
	t.Helper()
	each(t, func(t *testing.T, ctx context.Context, c *testCore) {
		p := socialtest.New()
		c.social = newSocial(t, p)
		test(t, ctx, c, p)
	})
}

func newSocial(t *testing.T, p *socialtest.Providers) *social.Client {
	t.Helper()
	client, err := social.New(p.Options())
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// signIn is how players of one provider sign in to a core.
type signIn struct {
	name         string
	authenticate func(c *Core, ctx context.Context, p *socialtest.Providers, id, username string, create bool) (Identity, error)
	link, unlink func(c *Core, ctx context.Context, p *socialtest.Providers, user uuid.UUID, id string) error
	// clear unlinks without a token.
	clear func(c *Core, ctx context.Context, user uuid.UUID) error
	of    func(u *api.User) string
}

// signInWith is signIn for a provider whose players have a token.
func signInWith(name string, token func(p *socialtest.Providers, id string) string,
	authenticate func(c *Core, ctx context.Context, token, username string, create bool) (Identity, error),
	link, unlink func(c *Core, ctx context.Context, user uuid.UUID, token string) error, of func(*api.User) string,
) signIn {
	return signIn{
		name: name,
		authenticate: func(c *Core, ctx context.Context, p *socialtest.Providers, id, username string, create bool) (Identity, error) {
			return authenticate(c, ctx, token(p, id), username, create)
		},
		link: func(c *Core, ctx context.Context, p *socialtest.Providers, user uuid.UUID, id string) error {
			return link(c, ctx, user, token(p, id))
		},
		unlink: func(c *Core, ctx context.Context, p *socialtest.Providers, user uuid.UUID, id string) error {
			return unlink(c, ctx, user, token(p, id))
		},
		clear: func(c *Core, ctx context.Context, user uuid.UUID) error { return unlink(c, ctx, user, "") },
		of:    of,
	}
}

// idTokenOf returns ID tokens of a provider, named by its host.
func idTokenOf(host string) func(p *socialtest.Providers, id string) string {
	return func(p *socialtest.Providers, id string) string { return p.IDToken(host, id, nil) }
}

var signIns = []signIn{
	signInWith("Apple", idTokenOf(socialtest.Apple), (*Core).AuthenticateApple, (*Core).LinkApple, (*Core).UnlinkApple, (*api.User).GetAppleId),
	signInWith("Google", idTokenOf(socialtest.Google), (*Core).AuthenticateGoogle, (*Core).LinkGoogle, (*Core).UnlinkGoogle, (*api.User).GetGoogleId),
	signInWith("Facebook", (*socialtest.Providers).FacebookToken,
		func(c *Core, ctx context.Context, token, username string, create bool) (Identity, error) {
			return c.AuthenticateFacebook(ctx, token, username, create, false)
		},
		func(c *Core, ctx context.Context, user uuid.UUID, token string) error {
			return c.LinkFacebook(ctx, user, "", token, false)
		},
		(*Core).UnlinkFacebook, (*api.User).GetFacebookId),
	signInWith("Facebook Instant Game", (*socialtest.Providers).InstantInfo,
		(*Core).AuthenticateFacebookInstantGame, (*Core).LinkFacebookInstantGame, (*Core).UnlinkFacebookInstantGame, (*api.User).GetFacebookInstantGameId),
	signInWith("Steam", (*socialtest.Providers).SteamTicket,
		func(c *Core, ctx context.Context, ticket, username string, create bool) (Identity, error) {
			return c.AuthenticateSteam(ctx, ticket, username, create, false)
		},
		func(c *Core, ctx context.Context, user uuid.UUID, ticket string) error {
			return c.LinkSteam(ctx, user, "", ticket, false)
		},
		(*Core).UnlinkSteam, (*api.User).GetSteamId),
	{
		"GameCenter",
		func(c *Core, ctx context.Context, p *socialtest.Providers, id, username string, create bool) (Identity, error) {
			return c.AuthenticateGameCenter(ctx, p.GameCenter(id), username, create)
		},
		func(c *Core, ctx context.Context, p *socialtest.Providers, user uuid.UUID, id string) error {
			return c.LinkGameCenter(ctx, user, p.GameCenter(id))
		},
		func(c *Core, ctx context.Context, p *socialtest.Providers, user uuid.UUID, id string) error {
			return c.UnlinkGameCenter(ctx, user, p.GameCenter(id))
		},
		func(c *Core, ctx context.Context, user uuid.UUID) error {
			return c.UnlinkGameCenter(ctx, user, social.GameCenter{})
		},
		(*api.User).GetGamecenterId,
	},
}

func TestProviders(t *testing.T) {
	t.Parallel()
	eachWithProviders(t, func(t *testing.T, ctx context.Context, c *testCore, p *socialtest.Providers) {
		for i, d := range signIns {
			ann, ben := fmt.Sprint(100+i), fmt.Sprint(200+i)
			_, err := d.authenticate(c.Core, ctx, p, ann, "", false)
			wantCode(t, d.name+", unknown", err, fault.NotFound)
			_, err = d.authenticate(c.Core, ctx, p, ann, "a\nb", true)
			wantCode(t, d.name+", bad name", err, fault.InvalidArgument)
			first, err := d.authenticate(c.Core, ctx, p, ann, "ann of "+d.name, true)
			if err != nil || !first.Created || first.Username != "ann of "+d.name {
				t.Fatalf("%s, first: got %+v, %v; want a created account", d.name, first, err)
			}
			again, err := d.authenticate(c.Core, ctx, p, ann, "another", true)
			if err != nil || again.Created || again.UserID != first.UserID || again.Username != first.Username {
				t.Errorf("%s, again: got %+v, %v; want %+v", d.name, again, err, first)
			}
			_, err = d.authenticate(c.Core, ctx, p, ben, "ann of "+d.name, true)
			wantCode(t, d.name+", taken name", err, fault.AlreadyExists)

			account, err := c.account(ctx, first.UserID)
			if err != nil || d.of(account.User) != ann {
				t.Errorf("%s: the account has %v, %v; want %s", d.name, account.GetUser(), err, ann)
			}
			// It is the only way in.
			wantCode(t, d.name+", unlink the last", d.unlink(c.Core, ctx, p, first.UserID, ann), fault.PermissionDenied)
			wantCode(t, d.name+", clear the last", d.clear(c.Core, ctx, first.UserID), fault.PermissionDenied)

			other := c.user(t, fmt.Sprint("ben-", i))
			err = d.link(c.Core, ctx, p, other, ann)
			if wantCode(t, d.name+", link one in use", err, fault.AlreadyExists); !strings.HasSuffix(err.Error(), " is already in use.") && !strings.Contains(err.Error(), " is already in use.:") {
				t.Errorf("%s: %v", d.name, err)
			}
			wantCode(t, d.name+", link", d.link(c.Core, ctx, p, other, ben), fault.OK)
			wantCode(t, d.name+", link again", d.link(c.Core, ctx, p, other, ben), fault.OK)
			wantCode(t, d.name+", link no account", d.link(c.Core, ctx, p, uuid.Must(uuid.NewV4()), "300"), fault.NotFound)
			if in, err := d.authenticate(c.Core, ctx, p, ben, "", true); err != nil || in.UserID != other {
				t.Errorf("%s, by the linked id: got %+v, %v; want %v", d.name, in, err, other)
			}
			wantCode(t, d.name+", unlink another player", d.unlink(c.Core, ctx, p, other, ann), fault.PermissionDenied)
			wantCode(t, d.name+", unlink", d.unlink(c.Core, ctx, p, other, ben), fault.OK)
			wantCode(t, d.name+", unlink again", d.unlink(c.Core, ctx, p, other, ben), fault.PermissionDenied)
			wantCode(t, d.name+", link after unlink", d.link(c.Core, ctx, p, other, ben), fault.OK)
			wantCode(t, d.name+", clear", d.clear(c.Core, ctx, other), fault.OK)

			if err := c.Module().UsersBanId(ctx, []string{first.UserID.String()}); err != nil {
				t.Fatal(err)
			}
			_, err = d.authenticate(c.Core, ctx, p, ann, "", true)
			wantCode(t, d.name+", banned", err, fault.PermissionDenied)
		}
	})
}

// Many calls for one player at once, on two servers, make one account.
func TestProvidersAtOnce(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		p := socialtest.New()
		servers := []*testCore{newTestCore(t, db), newTestCore(t, db)}
		for _, c := range servers {
			c.social = newSocial(t, p)
		}
		for i, d := range signIns {
			var wait sync.WaitGroup
			ids := make([]Identity, 6)
			for n := range ids {
				wait.Go(func() {
					var err error
					if ids[n], err = d.authenticate(servers[n%2].Core, t.Context(), p, fmt.Sprint(100+i), "", true); err != nil {
						t.Errorf("%s: %v", d.name, err)
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
					t.Errorf("%s: got users %v and %v, want one", d.name, id.UserID, ids[0].UserID)
				}
			}
			if created != 1 {
				t.Errorf("%s: %d calls say they created the account, want 1", d.name, created)
			}

			// Of two who link the same player, one does.
			users := []uuid.UUID{servers[0].user(t, fmt.Sprint("x-", i)), servers[1].user(t, fmt.Sprint("y-", i))}
			errs := make([]error, 2)
			for n := range users {
				wait.Go(func() { errs[n] = d.link(servers[n].Core, t.Context(), p, users[n], fmt.Sprint(200+i)) })
			}
			wait.Wait()
			if (errs[0] == nil) == (errs[1] == nil) {
				t.Errorf("%s: linked by two: %v, %v", d.name, errs[0], errs[1])
			}
		}
	})
}

func TestProviderProfiles(t *testing.T) {
	t.Parallel()
	eachWithProviders(t, func(t *testing.T, ctx context.Context, c *testCore, p *socialtest.Providers) {
		look := func(user uuid.UUID) string {
			t.Helper()
			a, err := c.account(ctx, user)
			if err != nil {
				t.Fatal(err)
			}
			return strings.Join([]string{a.User.DisplayName, a.User.AvatarUrl, a.Email}, "|")
		}
		token := func(id string, more map[string]any) string { return p.IDToken(socialtest.Google, id, more) }
		made := func(id Identity, err error) uuid.UUID {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
			return id.UserID
		}
		ann := made(c.AuthenticateGoogle(ctx, token("ann", map[string]any{"email": "Ann@Google.example"}), "", true))
		if got, want := look(ann), "Google ann|https://example.com/g/ann.png|ann@google.example"; got != want {
			t.Errorf("new account: %s, want %s", got, want)
		}
		// An address without a password does not count as a way in.
		wantCode(t, "unlink the last but the address", c.UnlinkGoogle(ctx, ann, ""), fault.PermissionDenied)
		_, err := c.AuthenticateEmail(ctx, "ann@google.example", "password", "", false)
		wantCode(t, "log in with an address without a password", err, fault.Unauthenticated)

		// What belongs to another account is not taken, nor what cannot be stored.
		other := made(c.AuthenticateGoogle(ctx, token("other", map[string]any{
			"email": "ann@google.example", "name": strings.Repeat("x", 256), "picture": strings.Repeat("x", 513),
		}), "", true))
		if got := look(other); got != "||" {
			t.Errorf("nothing to take over: %s", got)
		}
		// Later it is filled, and does not change what is there.
		made(c.AuthenticateGoogle(ctx, token("other", map[string]any{"picture": nil}), "", true))
		made(c.AuthenticateGoogle(ctx, token("other", map[string]any{"name": "Changed"}), "", true))
		if got, want := look(other), "Google other|https://example.com/g/other.png|"; got != want {
			t.Errorf("filled: %s, want %s", got, want)
		}
		ben := c.user(t, "ben")
		if err := c.LinkEmail(ctx, ben, "ben@example.com", "password"); err != nil {
			t.Fatal(err)
		}
		if err := c.LinkFacebook(ctx, ben, "", p.FacebookToken("ben"), false); err != nil {
			t.Fatal(err)
		}
		if got, want := look(ben), "Facebook ben|https://example.com/f/ben.png|ben@example.com"; got != want {
			t.Errorf("linked: %s, want %s", got, want)
		}

		// A player of Play Games who had another id keeps the account.
		old := made(c.AuthenticateGoogle(ctx, token("old-id", nil), "", true))
		p.Former("new-id", "old-id")
		if got := made(c.AuthenticateGoogle(ctx, p.GoogleCode("new-id"), "", true)); got != old {
			t.Errorf("by the new id: %v, want %v", got, old)
		}
		p.Former("ann2", "ann")
		wantCode(t, "unlink by the new id", c.UnlinkGoogle(ctx, ann, p.GoogleCode("ann2")), fault.PermissionDenied)
		p.Former("other", "ann2") // both have accounts
		if got := made(c.AuthenticateGoogle(ctx, p.GoogleCode("other"), "", true)); got != other {
			t.Errorf("by an id with an account: %v, want %v", got, other)
		}

		// Without connection nothing is created.
		p.Break(socialtest.Steam, 503)
		_, err = c.AuthenticateSteam(ctx, p.SteamTicket("5"), "", true, true)
		wantCode(t, "without connection", err, fault.Unavailable)
	})
}

func TestFriendImport(t *testing.T) {
	t.Parallel()
	eachWithProviders(t, func(t *testing.T, ctx context.Context, c *testCore, p *socialtest.Providers) {
		for _, from := range []struct {
			name, host string
			sign       func(id string, sync bool) (Identity, error)
			load       func(user uuid.UUID, id string, reset bool) error
		}{
			{
				"Facebook", socialtest.Graph,
				func(id string, sync bool) (Identity, error) {
					return c.AuthenticateFacebook(ctx, p.FacebookToken(id), "f"+id, true, sync)
				},
				func(user uuid.UUID, id string, reset bool) error {
					return c.ImportFacebookFriends(ctx, user, &api.ImportFacebookFriendsRequest{Account: &api.AccountFacebook{Token: p.FacebookToken(id)}, Reset_: wrapperspb.Bool(reset)})
				},
			}, {
				"Steam", socialtest.Steam,
				func(id string, sync bool) (Identity, error) {
					return c.AuthenticateSteam(ctx, p.SteamTicket(id), "s"+id, true, sync)
				},
				func(user uuid.UUID, id string, reset bool) error {
					return c.ImportSteamFriends(ctx, user, &api.ImportSteamFriendsRequest{Account: &api.AccountSteam{Token: p.SteamTicket(id)}, Reset_: wrapperspb.Bool(reset)})
				},
			},
		} {
			users := map[string]uuid.UUID{}
			for _, id := range []string{"1", "2", "3", "4", "5", "6", "7"} {
				in, err := from.sign(id, false)
				if err != nil {
					t.Fatal(err)
				}
				users[id] = in.UserID
			}
			m := c.Module()
			act := func(do func(context.Context, string, string, []string, []string) error, a, b string) {
				t.Helper()
				if err := do(ctx, users[a].String(), "x", []string{users[b].String()}, nil); err != nil {
					t.Fatal(err)
				}
			}
			add := func(ctx context.Context, user, username string, ids, names []string) error {
				return m.FriendsAdd(ctx, user, username, ids, names, nil)
			}
			act(add, "3", "1")            // invited
			act(m.FriendsBlock, "4", "1") // blocked
			act(m.FriendsBlock, "1", "5") // blocks
			act(add, "1", "6")            // is no friend there
			stand := func(what, want string) {
				t.Helper()
				for i, pair := range strings.Fields(want) {
					c.friendship(t, fmt.Sprint(from.name, ", ", what, ", with ", i+2), users["1"], users[fmt.Sprint(i+2)], pair)
				}
			}
			p.Friends("1", "2", "3", "4", "5", "1", "99")
			if err := from.load(users["1"], "1", false); err != nil {
				t.Fatal(err)
			}
			stand("import", "0/0 0/0 -/3 3/- 1/2 -/-")
			told := func(id string) (n int) {
				t.Helper()
				list, err := c.ListNotifications(ctx, users[id], &api.ListNotificationsRequest{Limit: wrapperspb.Int32(100)})
				if err != nil {
					t.Fatal(err)
				}
				for _, note := range list.Notifications {
					if note.Code == -6 && note.Subject == "Your friend has just joined the game" && strings.Contains(note.Content, `1"`) && note.SenderId == users["1"].String() {
						n++
					}
				}
				return n
			}
			if told("2") != 1 || told("3") != 1 || told("4") != 0 || told("6") != 0 {
				t.Errorf("%s: notifications: %d %d %d %d", from.name, told("2"), told("3"), told("4"), told("6"))
			}
			if err := from.load(users["1"], "1", false); err != nil {
				t.Fatal(err)
			}
			if stand("import again", "0/0 0/0 -/3 3/- 1/2 -/-"); told("2") != 1 {
				t.Errorf("%s: told again", from.name)
			}

			p.Friends("1", "3", "7")
			if err := from.load(users["1"], "1", true); err != nil {
				t.Fatal(err)
			}
			stand("reset", "-/- 0/0 -/3 3/- -/- 0/0")

			// A failed import changes nothing, and a failed sync does not matter.
			p.Break(from.host, 500)
			wantCode(t, from.name+", broken", from.load(users["1"], "1", true), fault.Unavailable)
			p.Break(from.host, 0)
			if from.name == "Steam" {
				p.Hide("1")
				wantCode(t, "private", from.load(users["1"], "1", false), fault.OK)
				wantCode(t, "private, reset", from.load(users["1"], "1", true), fault.FailedPrecondition)
			}
			stand("failed", "-/- 0/0 -/3 3/- -/- 0/0")
			p.Friends("1")
			if from.name == "Facebook" {
				wantCode(t, "nobody, reset", from.load(users["1"], "1", true), fault.OK)
				stand("reset to nobody", "-/- -/- -/3 3/- -/- -/-")
			}

			p.Friends("8", "2", "3")
			in, err := from.sign("8", true)
			if err != nil {
				t.Fatal(err)
			}
			c.friendship(t, from.name+", sync", in.UserID, users["2"], "0/0")
			c.friendship(t, from.name+", sync", in.UserID, users["3"], "0/0")
		}
		wantCode(t, "Facebook, no token", c.ImportFacebookFriends(ctx, uuid.Nil, &api.ImportFacebookFriendsRequest{}), fault.InvalidArgument)
		wantCode(t, "Steam, no token", c.ImportSteamFriends(ctx, uuid.Nil, &api.ImportSteamFriendsRequest{}), fault.InvalidArgument)
		wantCode(t, "Facebook, bad token", c.ImportFacebookFriends(ctx, uuid.Nil, &api.ImportFacebookFriendsRequest{Account: &api.AccountFacebook{Token: "x"}}), fault.Unauthenticated)
		wantCode(t, "Steam, bad token", c.ImportSteamFriends(ctx, uuid.Nil, &api.ImportSteamFriendsRequest{Account: &api.AccountSteam{Token: "x"}}), fault.Unauthenticated)
	})
}
