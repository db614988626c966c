package test

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"github.com/heroiclabs/nakama-common/api"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"kumi/core/social/socialtest"
	"kumi/server/servertest"
)

// signIn sends the body to a provider's call and checks the answer.
func signIn(t *testing.T, srv *servertest.Server, what, path, body string, status, code int, text string) servertest.Answer {
	t.Helper()
	a := srv.Do(t, "POST", "/v2/account/authenticate/"+path, servertest.ServerKey, body)
	if a.Status != status || a.Code() != code || !strings.Contains(a.Body, text) {
		t.Errorf("%s: got %d %s, want %d with code %d and %q", what, a.Status, a.Body, status, code, text)
	}
	return a
}

func token(text string) string { return `{"token":"` + text + `"}` }

// The errors of signing in have Nakama's codes and texts, with the reason behind them.
func TestSignInErrors(t *testing.T) {
	t.Parallel()
	p, srv := providers(t)
	for _, tc := range []struct{ path, missing, bad, field string }{
		{"apple", "Apple ID token is required.", "Could not authenticate Apple profile. ", "token"},
		{"google", "Google access token is required.", "Could not authenticate Google profile. ", "token"},
		{"facebook", "Facebook access token is required.", "Could not authenticate Facebook profile. ", "token"},
		{"steam", "Steam access token is required.", "Could not authenticate Steam profile. Steam says: Invalid ticket", "token"},
		{"facebookinstantgame", "Signed Player Info for a Facebook Instant Game is required.", "", "signed_player_info"},
	} {
		signIn(t, srv, tc.path+" without a body", tc.path, "", 400, 3, tc.missing)
		signIn(t, srv, tc.path+" without a token", tc.path, "{}", 400, 3, tc.missing)
		if tc.bad != "" {
			signIn(t, srv, tc.path+" with a bad token", tc.path, token("bad"), 401, 16, tc.bad)
		}
	}
	signIn(t, srv, "bad player info", "facebookinstantgame", `{"signed_player_info":"`+socialtest.SignInstant("1", "HMAC-SHA256", "guess")+`"}`, 500, 15,
		"Error extracting the Facebook Instant Game player ID or validating the signature")
	signIn(t, srv, "Game Center, nothing", "gamecenter", "{}", 400, 3, "GameCenter access credentials are required.")
	for field, name := range map[string]string{
		"player_id": "player ID", "bundle_id": "bundle ID", "timestamp_seconds": "timestamp", "salt": "salt", "signature": "signature", "public_key_url": "public key URL",
	} {
		body := strings.Replace(p.GameCenterJSON("1"), `"`+field+`"`, `"not_`+field+`"`, 1)
		signIn(t, srv, "Game Center without "+field, "gamecenter", body, 400, 3, "GameCenter "+name+" is required.")
	}
	signIn(t, srv, "Game Center by another", "gamecenter", strings.Replace(p.GameCenterJSON("1"), `"player_id":"1"`, `"player_id":"2"`, 1), 401, 16, "Could not authenticate GameCenter profile. The signature does not match.")
	signIn(t, srv, "Game Center elsewhere", "gamecenter", strings.Replace(p.GameCenterJSON("1"), "static.gc.apple.com", "apple.example.com", 1), 401, 16, "not on a host of Apple")

	apple := func(what string, more map[string]any, status, code int, text string) {
		t.Helper()
		signIn(t, srv, what, "apple", token(p.IDToken(socialtest.Apple, "1", more)), status, code, text)
	}
	apple("first", nil, 200, 0, `"created":true`)
	apple("again", nil, 200, 0, "token")
	apple("expired", map[string]any{"exp": p.Now().Unix() - 3600}, 401, 16, "The token has expired.")
	apple("another audience", map[string]any{"aud": "com.example.other"}, 401, 16, `The token is for \"com.example.other\".`)
	apple("another issuer", map[string]any{"iss": "https://example.com"}, 401, 16, `The token was issued by \"https://example.com\".`)
	old := p.IDToken(socialtest.Apple, "1", nil)
	p.Rotate(socialtest.Apple)
	apple("a new key", nil, 200, 0, "token")
	signIn(t, srv, "the old key", "apple", token(old), 401, 16, "a key that the provider does not publish")
	signIn(t, srv, "unknown account", "google?create=false", token(p.IDToken(socialtest.Google, "9", nil)), 404, 5, "User account not found.")

	// A provider that is away is told apart from a bad token.
	for host, call := range map[string][2]string{
		socialtest.Steam:      {"steam", token(p.SteamTicket("1"))},
		socialtest.Graph:      {"facebook", token(p.FacebookToken("1"))},
		socialtest.Facebook:   {"facebook", token(p.IDToken(socialtest.Facebook, "1", nil))},
		socialtest.GoogleAuth: {"google", token(p.GoogleCode("1"))},
		socialtest.GameCenter: {"gamecenter", p.GameCenterJSON("1")},
	} {
		// The tests above may have made the server keep this certificate.
		body := strings.Replace(call[1], "gc-prod-10", "gc-prod-11", 1)
		p.Break(host, 503)
		signIn(t, srv, host+" is away", call[0], body, 503, 14, "cannot be asked at the moment, try again later.")
		p.Break(host, 0)
		if host != socialtest.GameCenter {
			signIn(t, srv, host+" is back", call[0], body, 200, 0, "token")
		}
	}

	bare := servertest.Start(t)
	signIn(t, bare, "Apple", "apple", token("x"), 400, 9, "Apple authentication is not configured.")
	signIn(t, bare, "Steam", "steam", token("x"), 400, 9, "Steam authentication is not configured.")
	signIn(t, bare, "Instant", "facebookinstantgame", `{"signed_player_info":"`+socialtest.SignInstant("1", "HMAC-SHA256", "")+`"}`, 400, 9, "not configured")
	if _, err := servertest.TryStart(t, servertest.Flags("--google_auth.credentials_json", "{}")); err == nil || !strings.Contains(err.Error(), "google_auth.credentials_json") {
		t.Errorf("bad credentials: %v", err)
	}
}

// Friends are imported through the API, with the profile of the provider.
func TestSignInFriends(t *testing.T) {
	t.Parallel()
	p, srv := providers(t)
	for _, id := range []string{"1", "2", "3", "4", "5"} {
		signIn(t, srv, "Facebook "+id, "facebook?username=f"+id, token(p.FacebookToken(id)), 200, 0, `"created":true`)
	}
	p.Friends("6", "1", "2", "3")
	a := signIn(t, srv, "with sync", "facebook?username=f6&sync=true", token(p.FacebookToken("6")), 200, 0, `"created":true`)
	bearer := "Bearer " + a.Get("token")
	do := func(method, path, body string) servertest.Answer { return srv.Do(t, method, path, bearer, body) }
	friends := func(what string, want ...string) {
		t.Helper()
		list := do("GET", "/v2/friend?state=0", "").Body
		if n := strings.Count(list, `"username"`); n != len(want) {
			t.Errorf("%s: %d friends, want %q: %s", what, n, want, list)
		}
		for _, name := range want {
			if !strings.Contains(list, `"username":"`+name+`"`) {
				t.Errorf("%s: %s is missing in %s", what, name, list)
			}
		}
	}
	friends("sync", "f1", "f2", "f3")
	account := do("GET", "/v2/account", "")
	for field, want := range map[string]string{
		"user.display_name": "Facebook 6", "user.avatar_url": "https://example.com/f/6.png", "user.facebook_id": "6", "email": "6@facebook.example",
	} {
		if got := account.Get(field); got != want {
			t.Errorf("%s is %q, want %q", field, got, want)
		}
	}
	p.Friends("6", "3", "4", "5")
	if a := do("POST", "/v2/friend/facebook", token(p.FacebookToken("6"))); a.Status != 200 {
		t.Errorf("import: %d %s", a.Status, a.Body)
	}
	friends("import", "f1", "f2", "f3", "f4", "f5")
	if a := do("POST", "/v2/friend/facebook?reset=true", token(p.FacebookToken("6"))); a.Status != 200 {
		t.Errorf("reset: %d %s", a.Status, a.Body)
	}
	friends("reset", "f3", "f4", "f5")
	for path, want := range map[string]int{"facebook": 401, "steam": 401} {
		if a := do("POST", "/v2/friend/"+path+"?reset=true", token("bad")); a.Status != want || a.Code() != 16 {
			t.Errorf("import by a bad token from %s: %d %s", path, a.Status, a.Body)
		}
		if a := do("POST", "/v2/friend/"+path, "{}"); a.Status != 400 || a.Code() != 3 {
			t.Errorf("import without a token from %s: %d %s", path, a.Status, a.Body)
		}
	}
	friends("failed", "f3", "f4", "f5")
}

// All calls of providers work over gRPC too.
func TestSignInGRPC(t *testing.T) {
	t.Parallel()
	p, srv := providers(t)
	conn, err := grpc.NewClient(srv.GRPC, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	call := func(authorization, method string, in, out proto.Message) error {
		return conn.Invoke(metadata.AppendToOutgoingContext(t.Context(), "authorization", authorization), "/nakama.api.Nakama/"+method, in, out)
	}
	gameCenter := func(id string) *api.AccountGameCenter {
		g := p.GameCenter(id)
		return &api.AccountGameCenter{PlayerId: g.PlayerID, BundleId: g.BundleID, TimestampSeconds: g.Timestamp, Salt: g.Salt, Signature: g.Signature, PublicKeyUrl: g.PublicKeyURL}
	}
	apple := func(id string) *api.AccountApple {
		return &api.AccountApple{Token: p.IDToken(socialtest.Apple, id, nil)}
	}
	google := func(id string) *api.AccountGoogle { return &api.AccountGoogle{Token: p.GoogleCode(id)} }
	facebook := func(id string) *api.AccountFacebook { return &api.AccountFacebook{Token: p.FacebookToken(id)} }
	instant := func(id string) *api.AccountFacebookInstantGame {
		return &api.AccountFacebookInstantGame{SignedPlayerInfo: p.InstantInfo(id)}
	}
	steam := func(id string) *api.AccountSteam { return &api.AccountSteam{Token: p.SteamTicket(id)} }
	bearer := ""
	for i, c := range []struct {
		name string
		in   proto.Message
	}{
		{"AuthenticateApple", &api.AuthenticateAppleRequest{Account: apple("1"), Create: wrapperspb.Bool(true)}},
		{"AuthenticateGoogle", &api.AuthenticateGoogleRequest{Account: google("1")}},
		{"AuthenticateFacebook", &api.AuthenticateFacebookRequest{Account: facebook("1"), Sync: wrapperspb.Bool(true)}},
		{"AuthenticateFacebookInstantGame", &api.AuthenticateFacebookInstantGameRequest{Account: instant("1")}},
		{"AuthenticateGameCenter", &api.AuthenticateGameCenterRequest{Account: gameCenter("1")}},
		{"AuthenticateSteam", &api.AuthenticateSteamRequest{Account: steam("1"), Sync: wrapperspb.Bool(true)}},
	} {
		var session api.Session
		err := call("Basic "+base64.StdEncoding.EncodeToString([]byte("defaultkey:")), c.name, c.in, &session)
		if err != nil || !session.Created {
			t.Fatalf("%s: %v, %v", c.name, &session, err)
		}
		if i == 0 {
			bearer = "Bearer " + session.Token
		}
	}
	for _, c := range []struct {
		name string
		in   proto.Message
	}{
		{"LinkApple", apple("2")}, {"LinkGoogle", google("2")}, {"LinkFacebook", &api.LinkFacebookRequest{Account: facebook("2")}},
		{"LinkFacebookInstantGame", instant("2")}, {"LinkGameCenter", gameCenter("2")}, {"LinkSteam", &api.LinkSteamRequest{Account: steam("2")}},
		{"ImportFacebookFriends", &api.ImportFacebookFriendsRequest{Account: facebook("2")}},
		{"ImportSteamFriends", &api.ImportSteamFriendsRequest{Account: steam("2"), Reset_: wrapperspb.Bool(true)}},
		{"UnlinkApple", apple("2")}, {"UnlinkGoogle", &api.AccountGoogle{}}, {"UnlinkFacebook", facebook("2")},
		{"UnlinkFacebookInstantGame", instant("2")}, {"UnlinkGameCenter", gameCenter("2")},
	} {
		if err := call(bearer, c.name, c.in, &emptypb.Empty{}); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	err = call(bearer, "UnlinkSteam", steam("2"), &emptypb.Empty{})
	if status.Code(err) != codes.PermissionDenied {
		t.Errorf("unlink the last one: %v", err)
	}
	if want := "Cannot unlink last account identifier."; !strings.Contains(fmt.Sprint(err), want) {
		t.Errorf("got %v, want %s", err, want)
	}
}
