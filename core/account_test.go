package core

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/google/go-cmp/cmp"
	"github.com/heroiclabs/nakama-common/api"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"kumi/presence"
	"kumi/store/fault"
)

func text(s string) *wrapperspb.StringValue { return wrapperspb.String(s) }

func TestUpdateAccount(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, ctx context.Context, c *testCore) {
		user := c.user(t, "someone")
		c.user(t, "taken")
		all := &api.UpdateAccountRequest{
			Username: text("new name"), DisplayName: text("Display"), AvatarUrl: text("http://a"),
			LangTag: text("de"), Location: text("here"), Timezone: text("UTC"),
		}
		if err := c.UpdateAccount(ctx, user, all); err != nil {
			t.Fatal(err)
		}
		a, err := c.GetAccount(ctx, user)
		if err != nil {
			t.Fatal(err)
		}
		got := []string{a.User.Username, a.User.DisplayName, a.User.AvatarUrl, a.User.LangTag, a.User.Location, a.User.Timezone, a.User.Metadata, a.Wallet, a.Devices[0].Id}
		want := []string{"new name", "Display", "http://a", "de", "here", "UTC", "{}", "{}", "device-of-someone"}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("account after an update (-want +got):\n%s", diff)
		}
		if a.DisableTime != nil || a.VerifyTime != nil || a.User.CreateTime.GetSeconds() == 0 || a.User.CreateTime.GetNanos() != 0 {
			t.Errorf("times of the account: %v", a)
		}

		// An empty text clears, an absent field stays.
		if err := c.UpdateAccount(ctx, user, &api.UpdateAccountRequest{DisplayName: text(""), Location: text("there")}); err != nil {
			t.Fatal(err)
		}
		if a, err = c.GetAccount(ctx, user); err != nil || a.User.DisplayName != "" || a.User.Location != "there" || a.User.Timezone != "UTC" {
			t.Errorf("got %v, %v", a, err)
		}

		// The row is touched only when something differs.
		stamp := func() (at time.Time) {
			if err := c.db.Reader().QueryRowContext(ctx, "SELECT update_time FROM users WHERE id = $1", user).Scan(&at); err != nil {
				t.Fatal(err)
			}
			return at
		}
		at := stamp()
		if err := c.UpdateAccount(ctx, user, &api.UpdateAccountRequest{DisplayName: text(""), Location: text("there")}); err != nil || !stamp().Equal(at) {
			t.Errorf("an update with the same values moved update_time from %v to %v, %v", at, stamp(), err)
		}
		if err := c.UpdateAccount(ctx, user, &api.UpdateAccountRequest{Location: text("elsewhere")}); err != nil || !stamp().After(at) {
			t.Errorf("an update did not move update_time from %v, %v", at, err)
		}

		long := strings.Repeat("x", 513)
		for what, tc := range map[string]struct {
			in   *api.UpdateAccountRequest
			want fault.Code
		}{
			"nothing":           {&api.UpdateAccountRequest{}, fault.InvalidArgument},
			"empty username":    {&api.UpdateAccountRequest{Username: text("")}, fault.InvalidArgument},
			"long username":     {&api.UpdateAccountRequest{Username: text(long)}, fault.InvalidArgument},
			"taken username":    {&api.UpdateAccountRequest{Username: text("taken")}, fault.InvalidArgument},
			"empty language":    {&api.UpdateAccountRequest{LangTag: text("")}, fault.InvalidArgument},
			"long display name": {&api.UpdateAccountRequest{DisplayName: text(long[:256])}, fault.InvalidArgument},
			"long avatar":       {&api.UpdateAccountRequest{AvatarUrl: text(long)}, fault.InvalidArgument},
			"long language":     {&api.UpdateAccountRequest{LangTag: text(long[:19])}, fault.InvalidArgument},
		} {
			wantCode(t, what, c.UpdateAccount(ctx, user, tc.in), tc.want)
		}
		err = c.UpdateAccount(ctx, user, &api.UpdateAccountRequest{Username: text("taken")})
		if got := fault.MessageOf(err, ""); got != "Username is already in use." {
			t.Errorf("taken username: got message %q", got)
		}
		wantCode(t, "system user", c.UpdateAccount(ctx, uuid.Nil, all), fault.InvalidArgument)
	})
}

func TestModuleAccountUpdate(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, ctx context.Context, c *testCore) {
		user := c.user(t, "someone").String()
		m := c.Module()
		if err := m.AccountUpdateId(ctx, user, "", map[string]any{"b": 1, "aa": []any{"x"}}, "Display", "", "here", "", ""); err != nil {
			t.Fatal(err)
		}
		// For Go an empty text is "unchanged"; AccountUpdate can clear.
		empty, name := "", "else"
		if err := m.AccountUpdateId(ctx, user, "else", nil, "", "", "", "", ""); err != nil {
			t.Fatal(err)
		}
		if err := m.AccountUpdate(ctx, AccountUpdate{UserID: user, Location: &empty, Username: &name}); err != nil {
			t.Fatal(err)
		}
		a, err := m.AccountGetId(ctx, user)
		if err != nil || a.User.Metadata != `{"b": 1, "aa": ["x"]}` || a.User.DisplayName != "Display" || a.User.Location != "" || a.User.Username != "else" {
			t.Errorf("got %v, %v", a, err)
		}
		wantCode(t, "bad id", m.AccountUpdateId(ctx, "someone", "", nil, "", "", "", "", ""), fault.InvalidArgument)
		_, err = m.AccountGetId(ctx, uuid.Must(uuid.NewV4()).String())
		wantCode(t, "unknown account", err, fault.NotFound)
	})
}

func TestUsers(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, ctx context.Context, c *testCore) {
		m := c.Module()
		one, two := c.user(t, "one"), c.user(t, "two")
		c.user(t, "three")
		if err := c.LinkDevice(ctx, one, "second device"); err == nil {
			t.Fatal("a device id with a space was linked")
		}
		if err := c.LinkDevice(ctx, one, "second-device"); err != nil {
			t.Fatal(err)
		}
		names := func(users []*api.User, err error) string {
			if err != nil {
				t.Fatal(err)
			}
			found := map[string]bool{}
			for _, u := range users {
				found[u.Username] = true
			}
			return fmt.Sprint(len(users), found)
		}
		get := func(in *api.GetUsersRequest) string {
			out, err := c.GetUsers(ctx, in)
			return names(out.GetUsers(), err)
		}
		unknown := uuid.Must(uuid.NewV4()).String()
		for what, tc := range map[string]struct{ got, want string }{
			"nothing":         {get(&api.GetUsersRequest{}), "0 map[]"},
			"ids":             {get(&api.GetUsersRequest{Ids: []string{one.String(), unknown, two.String()}}), "2 map[one:true two:true]"},
			"id and username": {get(&api.GetUsersRequest{Ids: []string{one.String()}, Usernames: []string{"one", "three"}}), "2 map[one:true three:true]"},
			"facebook":        {get(&api.GetUsersRequest{FacebookIds: []string{"unknown"}}), "0 map[]"},
			"module, names":   {names(m.UsersGetUsername(ctx, []string{"two", "nobody"})), "1 map[two:true]"},
			"module, ids":     {names(m.UsersGetId(ctx, []string{two.String()}, nil)), "1 map[two:true]"},
			"random, all":     {names(m.UsersGetRandom(ctx, 10)), "3 map[one:true three:true two:true]"},
		} {
			if tc.got != tc.want {
				t.Errorf("%s: got %s, want %s", what, tc.got, tc.want)
			}
		}
		if users, err := m.UsersGetRandom(ctx, 2); err != nil || len(users) != 2 {
			t.Errorf("two random users: got %d, %v", len(users), err)
		}
		_, err := c.GetUsers(ctx, &api.GetUsersRequest{Ids: []string{"one"}})
		wantCode(t, "bad id", err, fault.InvalidArgument)
		_, err = m.UsersGetRandom(ctx, 1001)
		wantCode(t, "1001 random users", err, fault.InvalidArgument)

		accounts, err := m.AccountsGetId(ctx, []string{one.String()}, []string{"device-of-two", "second-device"})
		if err != nil || len(accounts) != 2 {
			t.Fatalf("got %d accounts, %v; want 2", len(accounts), err)
		}
		for _, a := range accounts {
			if want := map[string]int{"one": 2, "two": 1}[a.User.Username]; len(a.Devices) != want {
				t.Errorf("account %q has devices %v, want %d", a.User.Username, a.Devices, want)
			}
		}
	})
}

func TestLinks(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, ctx context.Context, c *testCore) {
		one, two := c.user(t, "one"), c.user(t, "two")
		for _, step := range []struct {
			what string
			err  error
			want fault.Code
		}{
			{"own device again", c.LinkDevice(ctx, one, "device-of-one"), fault.OK},
			{"another's device", c.LinkDevice(ctx, one, "device-of-two"), fault.AlreadyExists},
			{"short device id", c.LinkDevice(ctx, one, "short"), fault.InvalidArgument},
			{"device for nobody", c.LinkDevice(ctx, uuid.Must(uuid.NewV4()), "device-of-nobody"), fault.NotFound},
			{"last identity", c.UnlinkDevice(ctx, one, "device-of-one"), fault.PermissionDenied},
			{"custom id", c.LinkCustom(ctx, one, "custom-one"), fault.OK},
			{"custom id again", c.LinkCustom(ctx, one, "custom-one"), fault.OK},
			{"another's custom id", c.LinkCustom(ctx, two, "custom-one"), fault.AlreadyExists},
			{"custom id for nobody", c.LinkCustom(ctx, uuid.Must(uuid.NewV4()), "custom-nobody"), fault.NotFound},
			{"e-mail", c.LinkEmail(ctx, one, "One@Example.com", "password"), fault.OK},
			{"another's e-mail", c.LinkEmail(ctx, two, "one@example.com", "password"), fault.AlreadyExists},
			{"e-mail without password", c.LinkEmail(ctx, two, "two@example.com", ""), fault.InvalidArgument},
			{"unlink no device", c.UnlinkDevice(ctx, one, ""), fault.InvalidArgument},
			{"unlink another's device", c.UnlinkDevice(ctx, one, "device-of-two"), fault.PermissionDenied},
			{"unlink device", c.UnlinkDevice(ctx, one, "device-of-one"), fault.OK},
			{"unlink wrong custom id", c.UnlinkCustom(ctx, one, "custom-two"), fault.PermissionDenied},
			{"unlink custom id", c.UnlinkCustom(ctx, one, ""), fault.OK},
			{"unlink last e-mail", c.UnlinkEmail(ctx, one, ""), fault.PermissionDenied},
			{"another custom id", c.LinkCustom(ctx, one, "custom-one-again"), fault.OK},
			{"unlink e-mail", c.UnlinkEmail(ctx, one, "ONE@example.com"), fault.OK},
		} {
			wantCode(t, step.what, step.err, step.want)
		}
		_, err := c.AuthenticateEmail(ctx, "one@example.com", "password", "", false)
		wantCode(t, "log-in by an unlinked e-mail", err, fault.NotFound)
		id, err := c.AuthenticateCustom(ctx, "custom-one-again", "", false)
		if err != nil || id.UserID != one {
			t.Errorf("log-in by the linked custom id: got %+v, %v", id, err)
		}
	})
}

// fakeSession records how it was closed.
type fakeSession struct {
	id, user uuid.UUID
	mu       sync.Mutex
	reason   presence.CloseReason
	final    []*presence.Message
}

func (s *fakeSession) ID() uuid.UUID           { return s.id }
func (s *fakeSession) UserID() uuid.UUID       { return s.user }
func (s *fakeSession) Username() string        { return "" }
func (s *fakeSession) Format() presence.Format { return presence.JSON }
func (s *fakeSession) Send(*presence.Message)  {}
func (s *fakeSession) Close(reason presence.CloseReason, final ...*presence.Message) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reason, s.final = reason, final
}

func TestBanAndDeleteCloseSockets(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, ctx context.Context, c *testCore) {
		banned, deleted, other := c.user(t, "banned"), c.user(t, "deleted"), c.user(t, "other")
		sockets := map[uuid.UUID]*fakeSession{}
		tokens := map[uuid.UUID]string{}
		for _, user := range []uuid.UUID{banned, deleted, other} {
			sockets[user] = &fakeSession{id: uuid.Must(uuid.NewV4()), user: user}
			c.sessions.Add(sockets[user])
			s, _, err := c.StartSession(ctx, Identity{UserID: user}, nil)
			if err != nil {
				t.Fatal(err)
			}
			tokens[user] = s.Token
		}
		c.clock.Add(time.Second)
		if err := c.Module().UsersBanId(ctx, []string{banned.String(), uuid.Must(uuid.NewV4()).String()}); err != nil {
			t.Fatal(err)
		}
		if err := c.DeleteAccount(ctx, deleted); err != nil {
			t.Fatal(err)
		}
		for user, want := range map[uuid.UUID]struct {
			reason presence.CloseReason
			code   fault.Code
		}{banned: {presence.Banned, fault.Unauthenticated}, deleted: {presence.Disconnected, fault.Unauthenticated}, other: {}} {
			if got := sockets[user].reason; got != want.reason {
				t.Errorf("socket was closed for %v, want %v", got, want.reason)
			}
			_, err := c.Tokens().VerifySession(tokens[user])
			wantCode(t, "token", err, want.code)
		}
		if final := sockets[banned].final; len(final) != 1 {
			t.Errorf("the banned one was told %d things, want one", len(final))
		} else if told, err := final[0].Bytes(presence.JSON); err != nil || !strings.Contains(string(told), `"code":-8`) {
			t.Errorf("the banned one was told %s, %v", told, err)
		}
		a, err := c.Module().AccountGetId(ctx, banned.String())
		if err != nil || a.DisableTime == nil {
			t.Errorf("account of the banned one: %v, %v", a, err)
		}
		if a, err = c.GetAccount(ctx, banned); err != nil || a.DisableTime != nil {
			t.Errorf("a client sees %v, %v", a, err)
		}
	})
}

func TestDeleteAccount(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, ctx context.Context, c *testCore) {
		user, friend := c.user(t, "leaver"), c.user(t, "friend")
		led, shared := uuid.Must(uuid.NewV4()), uuid.Must(uuid.NewV4())
		exec := func(query string, args ...any) {
			t.Helper()
			if _, err := c.db.Exec(ctx, query, args...); err != nil {
				t.Fatal(err)
			}
		}
		count := func(query string, args ...any) (n int) {
			t.Helper()
			if err := c.db.Reader().QueryRowContext(ctx, query, args...).Scan(&n); err != nil {
				t.Fatal(err)
			}
			return n
		}
		exec("INSERT INTO user_edge (source_id, position, destination_id, state) VALUES ($1, 1, $2, 0), ($2, 1, $1, 0)", user, friend)
		exec("UPDATE users SET edge_count = 1 WHERE id = $1 OR id = $2", user, friend)
		exec("INSERT INTO groups (id, creator_id, name, edge_count) VALUES ($1, $3, 'led', 2), ($2, $3, 'shared', 2)", led, shared, user)
		exec(`INSERT INTO group_edge (source_id, position, destination_id, state) VALUES
			($1, 1, $3, 0), ($3, 1, $1, 0), ($1, 2, $4, 2), ($4, 2, $1, 2),
			($2, 3, $3, 2), ($3, 3, $2, 2), ($2, 4, $4, 0), ($4, 4, $2, 0)`, led, shared, user, friend)
		exec("INSERT INTO leaderboard (id) VALUES ('board')")
		exec("INSERT INTO leaderboard_record (leaderboard_id, owner_id) VALUES ('board', $1), ('board', $2)", user, friend)
		if _, err := c.put(ctx, user, &api.WriteStorageObject{Collection: "c", Key: "k", Value: "{}"}); err != nil {
			t.Fatal(err)
		}

		if err := c.Module().AccountDeleteId(ctx, user.String(), true); err != nil {
			t.Fatal(err)
		}
		for what, tc := range map[string]struct{ got, want int }{
			"users":                   {count("SELECT count(*) FROM users WHERE id = $1", user), 0},
			"devices":                 {count("SELECT count(*) FROM user_device WHERE user_id = $1", user), 0},
			"storage":                 {count("SELECT count(*) FROM storage WHERE user_id = $1", user), 0},
			"friend edges":            {count("SELECT count(*) FROM user_edge"), 0},
			"friend's count":          {count("SELECT edge_count FROM users WHERE id = $1", friend), 0},
			"group led alone":         {count("SELECT count(*) FROM groups WHERE id = $1", led), 0},
			"members of shared group": {count("SELECT edge_count FROM groups WHERE id = $1", shared), 1},
			"group edges":             {count("SELECT count(*) FROM group_edge"), 2},
			"records":                 {count("SELECT count(*) FROM leaderboard_record"), 1},
			"tombstones":              {count("SELECT count(*) FROM user_tombstone WHERE user_id = $1", user), 1},
		} {
			if tc.got != tc.want {
				t.Errorf("%s: got %d, want %d", what, tc.got, tc.want)
			}
		}
		if err := c.DeleteAccount(ctx, friend); err != nil {
			t.Fatal(err)
		}
		if n := count("SELECT count(*) FROM user_tombstone"); n != 1 {
			t.Errorf("%d tombstones after a client deleted its account, want 1", n)
		}
		if err := c.DeleteAccount(ctx, friend); err != nil {
			t.Errorf("deleting twice: %v", err)
		}
		wantCode(t, "system user", c.DeleteAccount(ctx, uuid.Nil), fault.InvalidArgument)
	})
}
