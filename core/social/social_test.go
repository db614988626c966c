package social_test

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"sync"
	"testing"
	"time"

	"kumi/core/social"
	"kumi/core/social/socialtest"
	"kumi/internal/testutil"
	"kumi/store/fault"
)

func newClient(t *testing.T, change ...func(*social.Options)) (*social.Client, *socialtest.Providers) {
	t.Helper()
	p := socialtest.New()
	o := p.Options()
	for _, f := range change {
		f(&o)
	}
	c, err := social.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return c, p
}

func wantCode(t *testing.T, what string, err error, want fault.Code) {
	t.Helper()
	if got := fault.CodeOf(err); got != want {
		t.Errorf("%s: got code %d (%v), want %d", what, got, err, want)
	}
}

// facebook drops what the other providers do not return.
func facebook(c *social.Client) func(context.Context, string) (social.Profile, error) {
	return func(ctx context.Context, token string) (social.Profile, error) {
		p, _, err := c.Facebook(ctx, token)
		return p, err
	}
}

// The providers with ID tokens check them alike.
func TestIDTokens(t *testing.T) {
	t.Parallel()
	for host, of := range map[string]func(*social.Client) func(context.Context, string) (social.Profile, error){
		socialtest.Apple:    func(c *social.Client) func(context.Context, string) (social.Profile, error) { return c.Apple },
		socialtest.Google:   func(c *social.Client) func(context.Context, string) (social.Profile, error) { return c.Google },
		socialtest.Facebook: facebook,
	} {
		t.Run(host, func(t *testing.T) {
			t.Parallel()
			ctx := t.Context()
			c, p := newClient(t)
			verify := of(c)
			found, err := verify(ctx, p.IDToken(host, "ann", nil))
			if err != nil || found.ID != "ann" {
				t.Fatalf("got %+v, %v; want ann", found, err)
			}
			now := p.Now()
			for what, change := range map[string]map[string]any{
				"another audience":        {"aud": "com.example.other"},
				"no audience":             {"aud": nil},
				"another issuer":          {"iss": "https://example.com"},
				"no issuer":               {"iss": nil},
				"expired":                 {"exp": now.Add(-2 * time.Minute).Unix()},
				"no expiry":               {"exp": nil},
				"issued in the future":    {"iat": now.Add(2 * time.Minute).Unix()},
				"no player":               {"sub": nil},
				"a player who is no text": {"sub": 5},
			} {
				_, err := verify(ctx, p.IDToken(host, "ann", change))
				wantCode(t, what, err, fault.Unauthenticated)
			}
			for what, change := range map[string]map[string]any{
				"expired within the skew":   {"exp": now.Add(-30 * time.Second).Unix()},
				"issued within the skew":    {"iat": now.Add(30 * time.Second).Unix()},
				"one of several audiences":  {"aud": []string{"x", socialtest.AppleBundleID, socialtest.GoogleClientID, socialtest.FacebookAppID}},
				"an address not verified":   {"email": "x@example.com", "email_verified": false},
				"an address, text verified": {"email": "x@example.com", "email_verified": "false"},
			} {
				found, err := verify(ctx, p.IDToken(host, "ann", change))
				wantCode(t, what, err, fault.OK)
				if found.Email == "x@example.com" {
					t.Errorf("%s: the address was taken", what)
				}
			}
			token := p.IDToken(host, "ann", nil)
			part := strings.Split(token, ".")
			for what, bad := range map[string]string{
				"in the JSON form": fmt.Sprintf(`{"x":"x.%s.x","protected":%q,"payload":%q,"signature":%q}`, part[1], part[0], part[1], part[2]),
				"no signature":     token[:strings.LastIndex(token, ".")+1],
				"algorithm none":   "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbm4ifQ.",
				"changed payload":  strings.Replace(token, ".", ".e", 1),
				"noise":            "eyJ.eyJ.eyJ",
			} {
				_, err := verify(ctx, bad)
				wantCode(t, what, err, fault.Unauthenticated)
			}
			_, err = verify(ctx, "")
			wantCode(t, "empty", err, fault.InvalidArgument)
		})
	}
}

func TestKeys(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	c, p := newClient(t)
	verify := func(what, token string, want fault.Code) {
		t.Helper()
		_, err := c.Apple(ctx, token)
		wantCode(t, what, err, want)
	}
	old := p.IDToken(socialtest.Apple, "ann", map[string]any{"exp": p.Now().Add(100 * time.Hour).Unix()})
	for range 20 {
		verify("first key", old, fault.OK)
	}
	if n := p.Requests(socialtest.Apple); n != 1 {
		t.Errorf("%d requests for keys, want 1", n)
	}
	p.Rotate(socialtest.Apple)
	fresh := p.IDToken(socialtest.Apple, "ann", map[string]any{"exp": p.Now().Add(100 * time.Hour).Unix()})
	verify("after the rotation", fresh, fault.OK)
	verify("withdrawn key", old, fault.Unauthenticated)

	// Tokens with made-up keys cause a bounded number of requests, and others go on.
	for range 50 {
		verify("unknown key", p.StrangeToken(socialtest.Apple, "ann"), fault.Unauthenticated)
		verify("known key", fresh, fault.OK)
	}
	if n := p.Requests(socialtest.Apple); n > 5 {
		t.Errorf("%d requests for keys in a minute, want at most 5", n)
	}

	// Without the provider, known keys are used for a day, and unknown ones can be
	// tried again.
	for _, broken := range []int{503, 200, socialtest.Hang} { // 200 is a page of HTML
		p.Break(socialtest.Apple, broken)
		p.Advance(2 * time.Hour)
		if broken == socialtest.Hang {
			short, cancel := context.WithTimeout(ctx, 10*time.Millisecond)
			defer cancel()
			_, err := c.Apple(short, p.StrangeToken(socialtest.Apple, "ann"))
			wantCode(t, "unknown key, hanging", err, fault.Unavailable)
			continue
		}
		verify("known key, broken provider", fresh, fault.OK)
		verify("unknown key, broken provider", p.StrangeToken(socialtest.Apple, "ann"), fault.Unavailable)
	}
	p.Break(socialtest.Apple, 500)
	p.Advance(25 * time.Hour)
	verify("known key, broken for a day", fresh, fault.Unavailable)
	p.Break(socialtest.Apple, 0)
	p.Advance(time.Minute)
	verify("repaired", fresh, fault.OK)
}

// A withdrawn key is not accepted for long, even if all tokens use it.
func TestKeysAreRefreshed(t *testing.T) {
	t.Parallel()
	c, p := newClient(t)
	token := p.IDToken(socialtest.Google, "ann", map[string]any{"exp": p.Now().Add(100 * time.Hour).Unix()})
	_, err := c.Google(t.Context(), token)
	wantCode(t, "before", err, fault.OK)
	p.Rotate(socialtest.Google)
	p.Advance(61 * time.Minute)
	_, err = c.Google(t.Context(), token)
	wantCode(t, "an hour after its key was withdrawn", err, fault.Unauthenticated)
}

func TestKeysAtOnce(t *testing.T) {
	t.Parallel()
	c, p := newClient(t)
	var wait sync.WaitGroup
	for range 20 {
		wait.Go(func() {
			if _, err := c.Apple(t.Context(), p.IDToken(socialtest.Apple, "ann", nil)); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	if n := p.Requests(socialtest.Apple); n != 1 {
		t.Errorf("%d requests for keys, want 1", n)
	}
}

func TestGoogle(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	c, p := newClient(t)
	p.Former("p1", "old-p1")
	found, err := c.Google(ctx, p.GoogleCode("p1"))
	if want := (social.Profile{ID: "p1", FormerID: "old-p1", DisplayName: "Gamer p1", AvatarURL: "https://example.com/p1.png"}); err != nil || found != want {
		t.Errorf("code: got %+v, %v; want %+v", found, err, want)
	}
	_, err = c.Google(ctx, p.GoogleCode("p1"))
	wantCode(t, "used code", err, fault.Unauthenticated)
	_, err = c.Google(ctx, "noise")
	wantCode(t, "noise", err, fault.Unauthenticated)
	for _, host := range []string{socialtest.GoogleAuth, socialtest.Google} {
		p.Break(host, 500)
		_, err = c.Google(ctx, p.GoogleCode("via "+host))
		wantCode(t, "broken "+host, err, fault.Unavailable)
		p.Break(host, 0)
	}
	if n := p.Requests(socialtest.GoogleAuth); n != 5 {
		t.Errorf("%d requests for access tokens, want 5", n)
	}

	other := p.IDToken(socialtest.Google, "ann", map[string]any{"aud": "ios"})
	also, p2 := newClient(t, func(o *social.Options) { o.GoogleClientIDs = []string{"ios"} })
	_, err = also.Google(ctx, p2.IDToken(socialtest.Google, "ann", map[string]any{"aud": "ios"}))
	wantCode(t, "another client of the game", err, fault.OK)
	_, err = c.Google(ctx, other)
	if wantCode(t, "another client", err, fault.Unauthenticated); !strings.Contains(err.Error(), `"ios"`) {
		t.Errorf("the error does not name the audience: %v", err)
	}

	for audience, want := range map[string]fault.Code{
		"123456-ios.apps.googleusercontent.com": fault.OK, "1234567-ios.apps.googleusercontent.com": fault.Unauthenticated, "123456": fault.Unauthenticated,
	} {
		_, err = c.Google(ctx, p.IDToken(socialtest.Google, "ann", map[string]any{"aud": audience}))
		wantCode(t, "the client "+audience, err, want)
	}

	bare, p3 := newClient(t, func(o *social.Options) { o.GoogleCredentials = "" })
	_, err = bare.Google(ctx, p3.IDToken(socialtest.Google, "ann", map[string]any{"aud": "any"}))
	wantCode(t, "no client configured", err, fault.OK)
	_, err = bare.Google(ctx, p3.GoogleCode("p1"))
	wantCode(t, "code without credentials", err, fault.Unauthenticated)
	for _, bad := range []string{"{", "{}", `{"web":{"client_secret":"x"}}`, "[]"} {
		if _, err := social.New(social.Options{GoogleCredentials: bad}); err == nil {
			t.Errorf("credentials %s were accepted", bad)
		}
	}
}

func TestFacebook(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	c, p := newClient(t)
	found, limited, err := c.Facebook(ctx, p.FacebookToken("ann"))
	if want := (social.Profile{ID: "ann", DisplayName: "Facebook ann", AvatarURL: "https://example.com/f/ann.png", Email: "ann@facebook.example"}); err != nil || limited || found != want {
		t.Errorf("got %+v, %v, %v; want %+v", found, limited, err, want)
	}
	_, _, err = c.Facebook(ctx, "noise")
	if wantCode(t, "noise", err, fault.Unauthenticated); !strings.Contains(err.Error(), "Invalid OAuth access token.") {
		t.Errorf("the error does not say what Facebook says: %v", err)
	}
	if _, limited, err := c.Facebook(ctx, p.IDToken(socialtest.Facebook, "ann", nil)); err != nil || !limited {
		t.Errorf("Limited Login: %v, %v", limited, err)
	}
	p.Friends("ann", "ben", "cid", "dan", "eve", "fay")
	ids, err := c.FacebookFriends(ctx, p.FacebookToken("ann"))
	if got := strings.Join(ids, " "); err != nil || got != "ben cid dan eve fay" {
		t.Errorf("friends: %s, %v", got, err)
	}
	_, err = c.FacebookFriends(ctx, p.IDToken(socialtest.Facebook, "ann", nil))
	wantCode(t, "friends by Limited Login", err, fault.Unauthenticated)
	p.Break(socialtest.Graph, 500)
	_, _, err = c.Facebook(ctx, p.FacebookToken("ann"))
	wantCode(t, "broken", err, fault.Unavailable)
	if strings.Contains(err.Error(), "EAA-token") {
		t.Errorf("the error shows the token: %v", err)
	}
	bare, p2 := newClient(t, func(o *social.Options) { o.FacebookAppID = "" })
	_, _, err = bare.Facebook(ctx, p2.IDToken(socialtest.Facebook, "ann", nil))
	wantCode(t, "Limited Login without app id", err, fault.Unauthenticated)
}

func TestFacebookInstant(t *testing.T) {
	t.Parallel()
	c, p := newClient(t)
	found, err := c.FacebookInstant(p.InstantInfo("ann"))
	if err != nil || found.ID != "ann" {
		t.Errorf("got %+v, %v", found, err)
	}
	for what, bad := range map[string]string{
		"another secret":    socialtest.SignInstant("ann", "HMAC-SHA256", "guess"),
		"no secret":         socialtest.SignInstant("ann", "HMAC-SHA256", ""),
		"another algorithm": socialtest.SignInstant("ann", "none", socialtest.InstantSecret),
		"no player":         socialtest.SignInstant("", "HMAC-SHA256", socialtest.InstantSecret),
		"noise":             "noise",
	} {
		_, err := c.FacebookInstant(bad)
		wantCode(t, what, err, fault.Unauthenticated)
	}
	bare, _ := newClient(t, func(o *social.Options) { o.FacebookInstantSecret = "" })
	_, err = bare.FacebookInstant(socialtest.SignInstant("ann", "HMAC-SHA256", ""))
	wantCode(t, "not configured", err, fault.FailedPrecondition)
}

func TestGameCenter(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	c, p := newClient(t)
	for range 3 {
		found, err := c.GameCenter(ctx, p.GameCenter("ann"))
		if err != nil || found.ID != "ann" {
			t.Fatalf("got %+v, %v", found, err)
		}
	}
	if a, b := p.Requests(socialtest.GameCenter), p.Requests(socialtest.Authority); a != 1 || b != 1 {
		t.Errorf("%d and %d requests for certificates, want 1 each", a, b)
	}
	const path = "https://" + socialtest.GameCenter + "/public-key/"
	for what, change := range map[string]func(*social.GameCenter){
		"another player":  func(g *social.GameCenter) { g.PlayerID = "ben" },
		"another bundle":  func(g *social.GameCenter) { g.BundleID = "com.example.other" },
		"another time":    func(g *social.GameCenter) { g.Timestamp++ },
		"another salt":    func(g *social.GameCenter) { g.Salt = "BQYHCA==" },
		"salt not base64": func(g *social.GameCenter) { g.Salt = "!" },
		"no signature":    func(g *social.GameCenter) { g.Signature = "AAAA" },
		"http": func(g *social.GameCenter) {
			g.PublicKeyURL = "http://" + socialtest.GameCenter + "/public-key/gc-prod-10.cer"
		},
		"another host": func(g *social.GameCenter) {
			g.PublicKeyURL = "https://static.gc.apple.com.example.com/public-key/gc-prod-10.cer"
		},
		"a host like Apple":  func(g *social.GameCenter) { g.PublicKeyURL = "https://notapple.com/public-key/gc-prod-10.cer" },
		"a user and a host":  func(g *social.GameCenter) { g.PublicKeyURL = "https://static.gc.apple.com@example.com/gc-prod-10.cer" },
		"another port":       func(g *social.GameCenter) { g.PublicKeyURL = "https://static.gc.apple.com:8443/gc-prod-10.cer" },
		"no path":            func(g *social.GameCenter) { g.PublicKeyURL = "https://static.gc.apple.com/" },
		"unknown path":       func(g *social.GameCenter) { g.PublicKeyURL = path + "none.cer" },
		"trusted by nobody":  func(g *social.GameCenter) { g.PublicKeyURL = path + "self-signed.cer" },
		"not an address":     func(g *social.GameCenter) { g.PublicKeyURL = ":" },
		"a query on the end": func(g *social.GameCenter) { g.PublicKeyURL += "?x" },
	} {
		g := p.GameCenter("ann")
		change(&g)
		_, err := c.GameCenter(ctx, g)
		wantCode(t, what, err, fault.Unauthenticated)
	}
	for what, change := range map[string]func(*social.GameCenter){
		"nothing":      func(g *social.GameCenter) { *g = social.GameCenter{} },
		"no player":    func(g *social.GameCenter) { g.PlayerID = "" },
		"no bundle":    func(g *social.GameCenter) { g.BundleID = "" },
		"no salt":      func(g *social.GameCenter) { g.Salt = "" },
		"no address":   func(g *social.GameCenter) { g.PublicKeyURL = "" },
		"no signature": func(g *social.GameCenter) { g.Signature = "" },
		"no time":      func(g *social.GameCenter) { g.Timestamp = 0 },
	} {
		g := p.GameCenter("ann")
		change(&g)
		_, err := c.GameCenter(ctx, g)
		wantCode(t, what, err, fault.InvalidArgument)
	}
	g := p.GameCenter("ann")
	g.PublicKeyURL = path + "moved.cer"
	_, err := c.GameCenter(ctx, g)
	wantCode(t, "redirected", err, fault.Unavailable)

	// Addresses that players make up cause a bounded number of requests.
	before := p.Requests(socialtest.GameCenter)
	for i := range 100 {
		g.PublicKeyURL = path + strings.Repeat("x", i+1)
		if _, err := c.GameCenter(ctx, g); err == nil {
			t.Error("a made-up address was accepted")
		}
	}
	if n := p.Requests(socialtest.GameCenter) - before; n > 30 {
		t.Errorf("%d requests for certificates in a minute, want at most 30", n)
	}
	_, err = c.GameCenter(ctx, p.GameCenter("ann"))
	wantCode(t, "the known certificate meanwhile", err, fault.OK)

	// Nor do they keep out players whose certificate must be asked for again, or could not
	// be.
	exhaust := func() {
		for i := range 30 {
			g.PublicKeyURL = path + strings.Repeat("y", i+1)
			if _, err := c.GameCenter(ctx, g); err == nil {
				t.Error("a made-up address was accepted")
			}
		}
	}
	p.Advance(25 * time.Hour)
	exhaust()
	_, err = c.GameCenter(ctx, p.GameCenter("ann"))
	wantCode(t, "a day later, while others make up addresses", err, fault.OK)
	p.Break(socialtest.GameCenter, 503)
	p.Advance(time.Hour)
	_, err = c.GameCenter(ctx, p.GameCenter("ann"))
	wantCode(t, "a day later, while Apple cannot be asked", err, fault.OK)
	p.Advance(7 * 24 * time.Hour)
	_, err = c.GameCenter(ctx, p.GameCenter("ann"))
	wantCode(t, "a week later", err, fault.Unavailable)
	p.Break(socialtest.GameCenter, 0)
	_, err = c.GameCenter(ctx, p.GameCenter("ann"))
	wantCode(t, "when Apple can be asked again", err, fault.OK)

	// Another spelling of an address is not another certificate.
	before = p.Requests(socialtest.GameCenter)
	for spelling, want := range map[string]fault.Code{
		"https://STATIC.gc.apple.com:443/public-key/gc-prod-10.cer":           fault.OK,
		"https://static.gc.apple.com/public-key/gc%2Dprod-10.cer":             fault.Unauthenticated,
		"https://static.gc.apple.com/public-key/../public-key/gc-prod-10.cer": fault.Unauthenticated,
		"https://static.gc.apple.com//public-key/gc-prod-10.cer":              fault.Unauthenticated,
	} {
		g.PublicKeyURL = spelling
		_, err := c.GameCenter(ctx, g)
		wantCode(t, spelling, err, want)
	}
	if n := p.Requests(socialtest.GameCenter) - before; n != 0 {
		t.Errorf("%d requests for other spellings", n)
	}

	own, p4 := newClient(t, func(o *social.Options) {
		o.GameCenterBundleIDs = []string{"com.example.mac", p.GameCenter("x").BundleID}
	})
	_, err = own.GameCenter(ctx, p4.GameCenter("ann"))
	wantCode(t, "the game's own bundle", err, fault.OK)
	own.GameCenterBundleIDs = []string{"com.example.mac"}
	_, err = own.GameCenter(ctx, p4.GameCenter("ann"))
	wantCode(t, "the bundle of another app", err, fault.Unauthenticated)

	other, p2 := newClient(t, func(o *social.Options) { o.Roots = socialtest.New().Roots() })
	_, err = other.GameCenter(ctx, p2.GameCenter("ann"))
	wantCode(t, "another root", err, fault.Unauthenticated)
	away, p3 := newClient(t)
	for _, host := range []string{socialtest.GameCenter, socialtest.Authority} {
		p3.Break(host, 503)
		_, err = away.GameCenter(ctx, p3.GameCenter("ann"))
		wantCode(t, "broken "+host, err, fault.Unavailable)
		p3.Break(host, 0)
	}
	_, err = away.GameCenter(ctx, p3.GameCenter("ann"))
	wantCode(t, "repaired", err, fault.OK)
	p3.Advance(2000 * time.Hour)
	_, err = away.GameCenter(ctx, p3.GameCenter("ann"))
	wantCode(t, "expired certificate", err, fault.Unauthenticated)
}

func TestSteam(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	c, p := newClient(t)
	found, err := c.Steam(ctx, p.SteamTicket("76561197960287930"))
	if err != nil || found.ID != "76561197960287930" {
		t.Errorf("got %+v, %v", found, err)
	}
	_, err = c.Steam(ctx, "noise")
	if wantCode(t, "noise", err, fault.Unauthenticated); !strings.Contains(err.Error(), "Invalid ticket") {
		t.Errorf("the error does not say what Steam says: %v", err)
	}
	_, err = c.Steam(ctx, p.SteamTicket("0"))
	wantCode(t, "no player", err, fault.Unauthenticated)
	p.Friends("1", "2", "3")
	ids, err := c.SteamFriends(ctx, "1")
	if got := strings.Join(ids, " "); err != nil || got != "2 3" {
		t.Errorf("friends: %s, %v", got, err)
	}
	p.Hide("1")
	if _, err := c.SteamFriends(ctx, "1"); err != social.ErrSteamPrivate {
		t.Errorf("private friends: %v", err)
	}
	for _, status := range []int{403, 429, 500} {
		p.Break(socialtest.Steam, status)
		_, err = c.Steam(ctx, p.SteamTicket("1"))
		wantCode(t, "broken", err, fault.Unavailable)
		if strings.Contains(err.Error(), socialtest.SteamKey) {
			t.Errorf("the error shows the key: %v", err)
		}
	}
	p.Break(socialtest.Steam, socialtest.Hang)
	short, err := social.New(func() social.Options { o := p.Options(); o.Timeout = time.Millisecond; return o }())
	if err != nil {
		t.Fatal(err)
	}
	_, err = short.Steam(ctx, p.SteamTicket("1"))
	if wantCode(t, "time-out", err, fault.Unavailable); strings.Contains(err.Error(), socialtest.SteamKey) {
		t.Errorf("the error shows the key: %v", err)
	}
	bare, _ := newClient(t, func(o *social.Options) { o.SteamAppID = 0 })
	_, err = bare.Steam(ctx, "x")
	wantCode(t, "not configured", err, fault.FailedPrecondition)
}

// A token that is too long for an address is refused without asking the provider, which
// could not tell the player what is wrong.
func TestLongTokens(t *testing.T) {
	t.Parallel()
	c, p := newClient(t)
	long := strings.Repeat("a", 9000)
	_, _, err := c.Facebook(t.Context(), long)
	wantCode(t, "Facebook", err, fault.Unauthenticated)
	_, err = c.FacebookFriends(t.Context(), long)
	wantCode(t, "Facebook's friends", err, fault.Unauthenticated)
	_, err = c.Steam(t.Context(), long)
	wantCode(t, "Steam", err, fault.Unauthenticated)
	if n := p.Requests(socialtest.Graph) + p.Requests(socialtest.Steam); n != 0 {
		t.Errorf("%d requests", n)
	}
}

// Every request is reported, those for certificates under one name.
func TestObserve(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	seen := map[string]int{}
	c, p := newClient(t, func(o *social.Options) {
		o.Observe = func(host string, ok bool, took time.Duration) {
			mu.Lock()
			defer mu.Unlock()
			if seen[fmt.Sprint(host, " ", ok)]++; took < 0 {
				t.Errorf("%s took %v", host, took)
			}
		}
	})
	ctx := t.Context()
	_, _ = c.Google(ctx, p.GoogleCode("1"))
	_, _ = c.GameCenter(ctx, p.GameCenter("1"))
	_, _ = c.Steam(ctx, p.SteamTicket("1"))
	p.Break(socialtest.Steam, 500)
	_, _ = c.Steam(ctx, p.SteamTicket("1"))
	want := map[string]int{"oauth2.googleapis.com true": 1, "www.googleapis.com true": 1, "apple.com true": 2, "partner.steam-api.com true": 1, "partner.steam-api.com false": 1}
	if !maps.Equal(seen, want) {
		t.Errorf("got %v, want %v", seen, want)
	}
}

// Requests to a provider that hangs do not pile up, and others are not affected.
func TestHanging(t *testing.T) {
	t.Parallel()
	c, p := newClient(t, func(o *social.Options) { o.Timeout = time.Minute })
	release := p.Hold(socialtest.Steam)
	var wait sync.WaitGroup
	for range 256 {
		wait.Go(func() {
			if _, err := c.Steam(t.Context(), p.SteamTicket("1")); err != nil {
				t.Error(err)
			}
		})
	}
	testutil.Eventually(t, "256 requests", func() bool { return p.Requests(socialtest.Steam) == 256 })
	_, err := c.Steam(t.Context(), p.SteamTicket("1"))
	wantCode(t, "one more", err, fault.Unavailable)
	_, _, err = c.Facebook(t.Context(), p.FacebookToken("1"))
	wantCode(t, "another provider", err, fault.OK)
	release()
	wait.Wait()
	_, err = c.Steam(t.Context(), p.SteamTicket("1"))
	wantCode(t, "afterwards", err, fault.OK)
}
