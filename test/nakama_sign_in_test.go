package test

import (
	"testing"

	"kumi/core/social/socialtest"
	"kumi/server/servertest"
)

// The players of a Nakama database sign in with their providers as before.
func TestNakamaSignIn(t *testing.T) {
	t.Parallel()
	p, srv := providers(t, servertest.Flags("--database.address", restoreNakama(t)))
	bob := ""
	for path, body := range map[string]string{
		"apple":      token(p.IDToken(socialtest.Apple, "apple-1", nil)),
		"google":     token(p.IDToken(socialtest.Google, "google-1", nil)),
		"facebook":   token(p.FacebookToken("fb-1")),
		"gamecenter": p.GameCenterJSON("gc-1"),
		"steam":      token(p.SteamTicket("76561190000000001")),
	} {
		a := signIn(t, srv, path, path+"?create=false", body, 200, 0, `"token"`)
		account := srv.Do(t, "GET", "/v2/account", "Bearer "+a.Get("token"), "")
		if account.Get("user.username") != "bob" || account.Get("user.display_name") != "Bob" || account.Get("email") != "bob@example.com" {
			t.Errorf("%s: %s", path, account.Body)
		}
		if id := account.Get("user.id"); bob != "" && id != bob {
			t.Errorf("%s: user %s, want %s", path, id, bob)
		} else {
			bob = id
		}
	}
}
