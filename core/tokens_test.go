package core

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/google/go-cmp/cmp"

	"kumi/store/fault"
)

func newTestTokens() (*Tokens, *clock) {
	clock := newClock()
	return newTokens(&testSession{}, clock.Now), clock
}

func testClaims(now time.Time) Claims {
	return Claims{
		TokenID: "9d3c1a3e-6b6f-4d2c-8f5e-0f3f5b8a7c11", UserID: uuid.Must(uuid.FromString("0a6f6f6a-3d0f-4d5a-8c3b-2f1f3f0b9a77")),
		Username: "someone", Vars: map[string]string{"a": "b"}, IssuedAt: now.Unix(),
	}
}

func TestTokenPayload(t *testing.T) {
	t.Parallel()
	tokens, clock := newTestTokens()
	session, refresh, _, err := tokens.pair(testClaims(clock.Now()))
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		token string
		life  int64
	}{{session, 60}, {refresh, 3600}} {
		parts := strings.Split(tc.token, ".")
		if len(parts) != 3 {
			t.Fatalf("token %q has %d parts, want 3", tc.token, len(parts))
		}
		header, _ := base64.RawURLEncoding.DecodeString(parts[0])
		if want := `{"alg":"HS256","typ":"JWT"}`; string(header) != want {
			t.Errorf("got header %s, want %s", header, want)
		}
		payload, _ := base64.RawURLEncoding.DecodeString(parts[1])
		now := clock.Now().Unix()
		want := fmt.Sprintf(`{"tid":"9d3c1a3e-6b6f-4d2c-8f5e-0f3f5b8a7c11","uid":"0a6f6f6a-3d0f-4d5a-8c3b-2f1f3f0b9a77","usn":"someone","vrs":{"a":"b"},"exp":%d,"iat":%d}`, now+tc.life, now)
		if string(payload) != want {
			t.Errorf("got payload %s, want %s", payload, want)
		}
	}
}

// The published JavaScript client reads payloads with atob, which knows neither
// base64url nor UTF-8.
func TestTokenPayloadIsPlain(t *testing.T) {
	t.Parallel()
	tokens, clock := newTestTokens()
	const odd = "é真𝄞>?~\x7f\"\\\n"
	for shift := range 3 { // to every place in a group of three bytes
		claims := testClaims(clock.Now())
		claims.Username = strings.Repeat("x", shift) + odd + strings.Repeat("?~>", 5)
		claims.Vars = map[string]string{odd: odd}
		session, _, _, err := tokens.pair(claims)
		if err != nil {
			t.Fatal(err)
		}
		payload := strings.Split(session, ".")[1]
		text, err := base64.RawStdEncoding.DecodeString(payload)
		if err != nil || strings.ContainsFunc(string(text), func(r rune) bool { return r >= 0x7f }) {
			t.Errorf("the payload %s is not for atob: %v", payload, err)
		}
		again, err := tokens.kinds[sessionToken].parse(session)
		if err != nil || again.Username != claims.Username || again.Vars[odd] != odd {
			t.Errorf("read back as %+v, %v", again, err)
		}
	}
}

func TestTokenVerification(t *testing.T) {
	t.Parallel()
	tokens, clock := newTestTokens()
	session, refresh, want, err := tokens.pair(testClaims(clock.Now()))
	if err != nil {
		t.Fatal(err)
	}
	fresh, _ := newTestTokens() // has nothing in its cache
	for name, verifier := range map[string]*Tokens{"issued here": tokens, "issued elsewhere": fresh, "cached": fresh} {
		got, err := verifier.VerifySession(session)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: claims differ (-want +got):\n%s", name, diff)
		}
	}
	if a, _ := fresh.VerifySession(session); a == nil {
		t.Error("cached token was refused")
	} else if b, _ := fresh.VerifySession(session); a != b {
		t.Error("a token seen before was parsed again")
	}
	if _, err := fresh.VerifyRefresh(refresh); err != nil {
		t.Errorf("refresh token: %v", err)
	}

	payload := strings.Split(session, ".")[1]
	unsigned := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none","typ":"JWT"}`)) + "." + payload + "."
	for name, token := range map[string]string{
		"empty": "", "noise": "noise", "no signature": unsigned, "changed": session[:len(session)-3] + "AAA",
		"refresh as session": refresh, "two parts": session[:strings.LastIndexByte(session, '.')],
	} {
		_, err := tokens.VerifySession(token)
		wantCode(t, name, err, fault.Unauthenticated)
	}
	_, err = tokens.VerifyRefresh(session)
	wantCode(t, "session as refresh", err, fault.Unauthenticated)
	_, err = tokens.VerifyRefresh("")
	wantCode(t, "no refresh token", err, fault.InvalidArgument)

	clock.Add(59 * time.Second)
	_, err = tokens.VerifySession(session)
	wantCode(t, "a second before expiry", err, fault.OK)
	clock.Add(time.Second)
	_, err = tokens.VerifySession(session)
	wantCode(t, "expired in the cache", err, fault.Unauthenticated)
	_, err = tokens.VerifySession(session)
	wantCode(t, "expired, out of the cache", err, fault.Unauthenticated)
	_, err = tokens.VerifyRefresh(refresh)
	wantCode(t, "refresh outlives session", err, fault.OK)
	clock.Add(time.Hour)
	_, err = tokens.VerifyRefresh(refresh)
	wantCode(t, "expired refresh", err, fault.Unauthenticated)
}

func TestTokenWithoutExpiryIsRefused(t *testing.T) {
	t.Parallel()
	tokens, clock := newTestTokens()
	for name, payload := range map[string]map[string]any{
		"no exp":     {"tid": "t", "uid": uuid.Must(uuid.NewV4()).String()},
		"no uid":     {"tid": "t", "exp": clock.Now().Unix() + 10},
		"bad uid":    {"tid": "t", "uid": "someone", "exp": clock.Now().Unix() + 10},
		"exp a text": {"tid": "t", "uid": uuid.Must(uuid.NewV4()).String(), "exp": "never"},
	} {
		text, _ := json.Marshal(payload)
		_, err := tokens.VerifySession(signRaw(t, tokens, string(text)))
		wantCode(t, name, err, fault.Unauthenticated)
	}
}

func signRaw(t testing.TB, tokens *Tokens, payload string) string {
	t.Helper()
	body := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"HS256","typ":"JWT"}`)) + "." +
		base64.RawURLEncoding.EncodeToString([]byte(payload))
	return body + "." + base64.RawURLEncoding.EncodeToString(hs256(tokens.kinds[sessionToken].key, body))
}

func TestTokenCacheIsBounded(t *testing.T) {
	t.Parallel()
	const n = 3 * tokenShards * tokenShardBytes / tokenOverhead
	claims := &Claims{}
	for _, filler := range []int{0, 10, 20_000} { // bytes
		var cache tokenCache
		token := func(i int) string { return fmt.Sprintf("token %d %*s%c-", i, filler, "", 'A'+i%64) }
		last := n / (1 + filler/100)
		for i := range last {
			cache.put(token(i), claims)
		}
		held := 0
		for i := range cache.shards {
			for _, generation := range []map[string]*Claims{cache.shards[i].young, cache.shards[i].old} {
				for token := range generation {
					held += tokenBytes(token)
				}
			}
		}
		if most := 2 * tokenShards * tokenShardBytes; held > most || held < most/4 {
			t.Errorf("the cache holds %d bytes after %d tokens, want at most %d", held, last, most)
		}
		if cache.get(token(last-1)) != claims {
			t.Error("the newest token is not in the cache")
		}
	}
}

func TestLogout(t *testing.T) {
	t.Parallel()
	type chain struct{ session, refresh string }
	setup := func(t *testing.T) (*Tokens, *clock, func() chain, Claims) {
		tokens, clock := newTestTokens()
		user := testClaims(clock.Now())
		login := func() chain {
			c := user
			c.TokenID = uuid.Must(uuid.NewV4()).String()
			c.IssuedAt = clock.Now().Unix()
			s, r, _, _, err := tokens.begin(c, false)
			if err != nil {
				t.Fatal(err)
			}
			return chain{s, r}
		}
		return tokens, clock, login, user
	}
	verify := func(t *testing.T, tokens *Tokens, what string, c chain, session, refresh fault.Code) {
		t.Helper()
		_, err := tokens.VerifySession(c.session)
		wantCode(t, what+": session token", err, session)
		_, err = tokens.VerifyRefresh(c.refresh)
		wantCode(t, what+": refresh token", err, refresh)
	}
	const ok, no = fault.OK, fault.Unauthenticated

	t.Run("one token", func(t *testing.T) {
		t.Parallel()
		tokens, _, login, user := setup(t)
		a, b := login(), login()
		if _, err := tokens.revoke(user.UserID, a.session, ""); err != nil {
			t.Fatal(err)
		}
		verify(t, tokens, "logged out", a, no, ok)
		verify(t, tokens, "the other one", b, ok, ok)
		// A refresh keeps the token id, so it stays refused.
		claims, err := tokens.VerifyRefresh(a.refresh)
		if err != nil {
			t.Fatal(err)
		}
		s, _, _, err := tokens.pair(*claims)
		if err != nil {
			t.Fatal(err)
		}
		_, err = tokens.VerifySession(s)
		wantCode(t, "refreshed after logout", err, no)
		if _, err := tokens.revoke(user.UserID, "", b.refresh); err != nil {
			t.Fatal(err)
		}
		verify(t, tokens, "refresh token logged out", b, ok, no)
	})
	t.Run("both tokens", func(t *testing.T) {
		t.Parallel()
		tokens, _, login, user := setup(t)
		a, b := login(), login()
		if _, err := tokens.revoke(user.UserID, a.session, a.refresh); err != nil {
			t.Fatal(err)
		}
		verify(t, tokens, "logged out", a, no, no)
		verify(t, tokens, "the other one", b, ok, ok)
	})
	t.Run("all", func(t *testing.T) {
		t.Parallel()
		tokens, clock, login, user := setup(t)
		before := login()
		clock.Add(time.Second)
		same := login()
		if _, err := tokens.revoke(user.UserID, "", ""); err != nil {
			t.Fatal(err)
		}
		verify(t, tokens, "of an earlier second", before, no, no)
		verify(t, tokens, "of the same second", same, no, no)
		after := login()
		verify(t, tokens, "of the same second, given out since", after, ok, ok)
		verify(t, tokens, "of the same second, after another was given out", same, no, no)
		clock.Add(time.Second)
		verify(t, tokens, "of a later second", login(), ok, ok)
		// A refresh keeps the id and the time of issue.
		claims, err := tokens.VerifyRefresh(after.refresh)
		if err != nil {
			t.Fatal(err)
		}
		session, refresh, _, err := tokens.pair(*claims)
		if err != nil {
			t.Fatal(err)
		}
		verify(t, tokens, "refreshed from the same second", chain{session, refresh}, ok, ok)
		if _, err := tokens.revoke(user.UserID, "", ""); err != nil {
			t.Fatal(err)
		}
		verify(t, tokens, "of before the second logout", after, no, no)
	})
	t.Run("single", func(t *testing.T) {
		t.Parallel()
		tokens, clock, login, user := setup(t)
		before := login()
		var all []chain
		for i := range 3 { // all in one second
			c := user
			c.TokenID, c.IssuedAt = uuid.Must(uuid.NewV4()).String(), clock.Now().Unix()
			s, r, _, _, err := tokens.begin(c, true)
			if err != nil {
				t.Fatal(err)
			}
			verify(t, tokens, "the one before", before, no, no)
			before = chain{s, r}
			verify(t, tokens, "the latest", before, ok, ok)
			if all = append(all, before); i > 0 {
				verify(t, tokens, "the first", all[0], no, no)
			}
		}
	})
	t.Run("not one's own", func(t *testing.T) {
		t.Parallel()
		tokens, _, login, user := setup(t)
		a := login()
		for what, try := range map[string]struct {
			user             uuid.UUID
			session, refresh string
		}{
			"someone else's":      {uuid.Must(uuid.NewV4()), a.session, ""},
			"noise":               {user.UserID, "noise", ""},
			"session and noise":   {user.UserID, a.session, "noise"},
			"session for refresh": {user.UserID, "", a.session},
		} {
			_, err := tokens.revoke(try.user, try.session, try.refresh)
			wantCode(t, what, err, fault.InvalidArgument)
		}
		verify(t, tokens, "after refused logouts", a, ok, ok)
	})
	t.Run("many", func(t *testing.T) {
		t.Parallel()
		tokens, clock, login, user := setup(t)
		other := login()
		clock.Add(time.Second)
		for range maxRevoked + 10 {
			c := login()
			if _, err := tokens.revoke(user.UserID, c.session, ""); err != nil {
				t.Fatal(err)
			}
			if _, err := tokens.VerifySession(c.session); err == nil {
				t.Fatal("a token is valid after its log-out")
			}
		}
		if n := tokens.bad.single(user.UserID); n > maxRevoked+1 {
			t.Errorf("%d tokens of one user are remembered", n)
		}
		verify(t, tokens, "of another session, after so many log-outs", other, no, no)
	})
	t.Run("forgets what expired", func(t *testing.T) {
		t.Parallel()
		tokens, clock, login, user := setup(t)
		a := login()
		_, _ = tokens.revoke(user.UserID, a.session, a.refresh)
		_, _ = tokens.revoke(user.UserID, "", "")
		clock.Add(2 * time.Hour)
		tokens.revokeAll(uuid.Must(uuid.NewV4()))
		tokens.sweep()
		if n := len(tokens.bad.users); n != 1 {
			t.Errorf("revocations of %d users are held, want those of 1", n)
		}
	})
	t.Run("long tokens stay revoked", func(t *testing.T) {
		t.Parallel()
		tokens, clock, _, user := setup(t)
		user.ExpiresAt = clock.Now().Add(30 * 24 * time.Hour).Unix()
		token, err := tokens.issue(&user)
		if err != nil {
			t.Fatal(err)
		}
		tokens.lives(user.ExpiresAt - clock.Now().Unix())
		clock.Add(time.Second)
		tokens.revokeAll(user.UserID)
		clock.Add(24 * time.Hour)
		if !tokens.sweep() {
			t.Error("nothing was swept")
		}
		_, err = tokens.VerifySession(token)
		wantCode(t, "a day after logout", err, no)
	})
}

// forget drops all revocations, as a restart of the server does.
func (r *revocations) forget() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.users = nil
}

func TestSessions(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, ctx context.Context, c *testCore) {
		id, err := c.AuthenticateDevice(ctx, "device-0001", "one", true)
		if err != nil {
			t.Fatal(err)
		}
		session, first, err := c.StartSession(ctx, id, map[string]string{"a": "1"})
		if err != nil {
			t.Fatal(err)
		}
		if !session.Created {
			t.Error("session of a new account is not marked as created")
		}
		c.clock.Add(10 * time.Second)
		if err := c.Module().AccountUpdateId(ctx, id.UserID.String(), "renamed", nil, "", "", "", "", ""); err != nil {
			t.Fatal(err)
		}
		next, second, err := c.RefreshSession(ctx, session.RefreshToken, nil)
		if err != nil {
			t.Fatal(err)
		}
		want := *first
		want.Username, want.ExpiresAt = "renamed", first.ExpiresAt+10
		if diff := cmp.Diff(&want, second); diff != "" {
			t.Errorf("refreshed claims differ (-want +got):\n%s", diff)
		}
		if next.Created {
			t.Error("refreshed session is marked as created")
		}
		_, third, err := c.RefreshSession(ctx, session.RefreshToken, map[string]string{"b": "2"})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(map[string]string{"b": "2"}, third.Vars); diff != "" {
			t.Errorf("vars given on refresh (-want +got):\n%s", diff)
		}
		if _, err := c.Tokens().VerifySession(session.Token); err != nil {
			t.Errorf("the old session token is refused after a refresh: %v", err)
		}

		c.config.single = true
		c.clock.Add(time.Second)
		if _, _, err := c.StartSession(ctx, id, nil); err != nil {
			t.Fatal(err)
		}
		_, err = c.Tokens().VerifySession(next.Token)
		wantCode(t, "token from before, with single_session", err, fault.Unauthenticated)
		c.config.single = false

		last, _, err := c.StartSession(ctx, id, nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := c.DeleteAccount(ctx, id.UserID); err != nil {
			t.Fatal(err)
		}
		_, _, err = c.RefreshSession(ctx, last.RefreshToken, nil)
		wantCode(t, "refresh with a token of a deleted user", err, fault.Unauthenticated)
		c.tokens.bad.forget()
		_, _, err = c.RefreshSession(ctx, last.RefreshToken, nil)
		wantCode(t, "refresh for a deleted user, after a restart", err, fault.NotFound)
	})
}

func TestTokenGenerate(t *testing.T) {
	t.Parallel()
	tokens, clock := newTestTokens()
	m := &Module{core: &Core{config: &testConfig{}, tokens: tokens, now: clock.Now}}
	user := uuid.Must(uuid.NewV4())
	token, exp, err := m.AuthenticateTokenGenerate(user.String(), "", 0, map[string]string{"a": "b"})
	if err != nil || exp != clock.Now().Unix()+60 {
		t.Fatalf("got expiry %d, %v; want a minute from now", exp, err)
	}
	claims, err := tokens.VerifySession(token)
	if err != nil || claims.UserID != user || len(claims.Username) != 10 || claims.Vars["a"] != "b" {
		t.Errorf("got claims %+v, %v", claims, err)
	}
	at := clock.Now().Add(time.Hour).Unix()
	if _, exp, err := m.AuthenticateTokenGenerate(user.String(), "name", at, nil); err != nil || exp != at {
		t.Errorf("got expiry %d, %v; want %d", exp, err, at)
	}
	_, _, err = m.AuthenticateTokenGenerate("someone", "name", 0, nil)
	wantCode(t, "bad user id", err, fault.InvalidArgument)
}

func FuzzVerifySession(f *testing.F) {
	tokens, clock := newTestTokens()
	session, refresh, _, err := tokens.pair(testClaims(clock.Now()))
	if err != nil {
		f.Fatal(err)
	}
	other, _ := newTestTokens()
	f.Add(session)
	f.Add(refresh)
	f.Add("")
	f.Add("a.b.c")
	f.Fuzz(func(t *testing.T, token string) {
		claims, err := other.VerifySession(token)
		if (claims == nil) == (err == nil) {
			t.Fatalf("got claims %v with error %v", claims, err)
		}
		if err == nil && token != session {
			t.Fatalf("token %q was not issued but is accepted", token)
		}
		if err != nil && fault.CodeOf(err) != fault.Unauthenticated {
			t.Fatalf("token %q: code %d", token, fault.CodeOf(err))
		}
	})
}

// Revocations are stored, read by the next server, and deleted when no token
// can be meant any more; those of tokens with a long life of their own later.
func TestStoredRevocations(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, ctx context.Context, c *testCore) {
		restart := func() *testCore {
			t.Helper()
			next := newTestCore(t, c.db)
			next.clock.Add(c.clock.Now().Sub(next.clock.Now()))
			if err := next.LoadRevocations(ctx); err != nil {
				t.Fatal(err)
			}
			return next
		}
		user, long := c.user(t, "user"), c.user(t, "long")
		if exists, err := c.db.HasTable(ctx, "kumi_revocation"); exists || err != nil {
			t.Errorf("there is a table before it is needed: %v, %v", exists, err)
		}
		restart()
		if err := c.Logout(ctx, user, "", ""); err != nil {
			t.Fatal(err)
		}
		lasting, _, err := c.Module().AuthenticateTokenGenerate(long.String(), "", c.clock.Now().Add(30*24*time.Hour).Unix(), nil)
		if err != nil {
			t.Fatal(err)
		}
		c.Close() // what was to be stored later is
		c.clock.Add(time.Second)
		second := restart()
		if err := second.Logout(ctx, long, "", ""); err != nil {
			t.Fatal(err)
		}
		c.clock.Add(24 * time.Hour)
		third := restart()
		_, err = third.Tokens().VerifySession(lasting)
		wantCode(t, "a token of thirty days, a day and two restarts after its log-out", err, fault.Unauthenticated)
		var rows int
		if err := c.db.Reader().QueryRowContext(ctx, "SELECT count(*) FROM kumi_revocation WHERE user_id = $1", user.String()).Scan(&rows); err != nil || rows != 0 {
			t.Errorf("%d rows are kept of a log-out whose tokens expired, %v", rows, err)
		}
	})
}
