package test

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/heroiclabs/nakama-common/runtime"

	"kumi/core/social/socialtest"
	"kumi/modules/golang"
	"kumi/server/servertest"
)

// The same RPC in each language uses every function of sign-in providers, and returns
// what it saw.
var signInModules = map[string]servertest.Option{
	"javascript": servertest.Module("index.ts", `
		export function InitModule(ctx, logger, nk, initializer) {
			initializer.registerRpc("sign_in", (ctx, logger, nk, payload) => {
				const t = JSON.parse(payload), saw = [];
				const who = r => saw.push(r.username + " " + r.created);
				const gc = n => [t["game" + n], t.bundle, t.time, t.salt, t["signature" + n], t.url];
				who(nk.authenticateApple(t.apple1, "apple", true));
				who(nk.authenticateGoogle(t.google1, "google"));
				who(nk.authenticateFacebook(t.facebook1, true, "facebook", true));
				who(nk.authenticateFacebookInstantGame(t.instant1, "instant"));
				who(nk.authenticateGameCenter(...gc(1), "game center", true));
				who(nk.authenticateSteam(t.steam1, true, "steam", true));
				who(nk.authenticateApple(t.apple1, "other"));
				const edges = id => nk.friendsList(nk.usersGetUsername([id])[0].userId, 10).friends.map(f => f.user.username).sort().join();
				saw.push(edges("facebook"), edges("steam"));
				nk.linkApple(t.user, t.apple2);
				nk.linkGoogle(t.user, t.google2);
				nk.linkFacebook(t.user, "ann", t.facebook2, false);
				nk.linkFacebookInstantGame(t.user, t.instant2);
				nk.linkGameCenter(t.user, ...gc(2));
				nk.linkSteam(t.user, "ann", t.steam2, false);
				const ids = () => {
					const u = nk.accountGetId(t.user).user;
					saw.push([u.appleId, u.googleId, u.facebookId, u.facebookInstantGameId, u.gamecenterId, u.steamId].map(id => id || "-").join(" "));
				};
				ids();
				nk.unlinkApple(t.user, t.apple2);
				nk.unlinkGoogle(t.user, t.google2);
				nk.unlinkFacebook(t.user, t.facebook2);
				nk.unlinkFacebookInstantGame(t.user, t.instant2);
				nk.unlinkGameCenter(t.user, ...gc(2));
				nk.unlinkSteam(t.user);
				ids();
				const refused = call => { try { call(); saw.push("accepted"); } catch (e) { saw.push(e.message); } };
				refused(() => nk.authenticateApple("bad"));
				refused(() => nk.authenticateSteam(t.steam2, false, "", false));
				refused(() => nk.linkGoogle(t.user, t.google1));
				refused(() => nk.unlinkApple(nk.usersGetUsername(["apple"])[0].userId));
				return JSON.stringify(saw);
			});
		}`),
	"lua": servertest.Module("main.lua", `
		local nk = require("nakama")
		nk.register_rpc(function(ctx, payload)
			local t, saw = nk.json_decode(payload), {}
			local function see(text) table.insert(saw, text) end
			local function who(id, username, created) see(username .. " " .. tostring(created)) end
			who(nk.authenticate_apple(t.apple1, "apple", true))
			who(nk.authenticate_google(t.google1, "google"))
			who(nk.authenticate_facebook(t.facebook1, true, "facebook", true))
			who(nk.authenticate_facebook_instant_game(t.instant1, "instant"))
			who(nk.authenticate_game_center(t.game1, t.bundle, t.time, t.salt, t.signature1, t.url, "game center", true))
			who(nk.authenticate_steam(t.steam1, true, "steam", true))
			who(nk.authenticate_apple(t.apple1, "other"))
			local function edges(name)
				local names = {}
				for _, f in ipairs(nk.friends_list(nk.users_get_username({ name })[1].user_id, 10)) do table.insert(names, f.user.username) end
				table.sort(names)
				see(table.concat(names, ","))
			end
			edges("facebook"); edges("steam")
			nk.link_apple(t.user, t.apple2)
			nk.link_google(t.user, t.google2)
			nk.link_facebook(t.user, "ann", t.facebook2, false)
			nk.link_facebook_instant_game(t.user, t.instant2)
			nk.link_gamecenter(t.user, t.game2, t.bundle, t.time, t.salt, t.signature2, t.url)
			nk.link_steam(t.user, "ann", t.steam2, false)
			local function ids()
				local u = nk.account_get_id(t.user).user
				see(table.concat({ u.apple_id or "-", u.google_id or "-", u.facebook_id or "-", u.facebook_instant_game_id or "-", u.gamecenter_id or "-", u.steam_id or "-" }, " "))
			end
			ids()
			nk.unlink_apple(t.user, t.apple2)
			nk.unlink_google(t.user, t.google2)
			nk.unlink_facebook(t.user, t.facebook2)
			nk.unlink_facebook_instant_game(t.user, t.instant2)
			nk.unlink_gamecenter(t.user, t.game2, t.bundle, t.time, t.salt, t.signature2, t.url)
			nk.unlink_steam(t.user)
			ids()
			local function refused(f, ...)
				local ok, err = pcall(f, ...)
				see(ok and "accepted" or tostring(err))
			end
			refused(nk.authenticate_apple, "bad")
			refused(nk.authenticate_steam, t.steam2, false, "", false)
			refused(nk.link_google, t.user, t.google1)
			refused(nk.unlink_apple, nk.users_get_username({ "apple" })[1].user_id)
			return nk.json_encode(saw)
		end, "sign_in")`),
	"go": servertest.Flags("--runtime.env", "sign_in=go"),
}

func init() { golang.Register("sign_in", goSignIn) }

func goSignIn(ctx context.Context, _ runtime.Logger, _ *sql.DB, _ runtime.NakamaModule, initializer runtime.Initializer) error {
	if env, _ := ctx.Value(runtime.RUNTIME_CTX_ENV).(map[string]string); env["sign_in"] != "go" {
		return nil
	}
	return initializer.RegisterRpc("sign_in", func(ctx context.Context, _ runtime.Logger, _ *sql.DB, nk runtime.NakamaModule, payload string) (string, error) {
		var t struct {
			User, Apple1, Apple2, Google1, Google2, Facebook1, Facebook2, Instant1, Instant2, Steam1, Steam2 string
			Game1, Game2, Signature1, Signature2, Bundle, Salt, URL                                          string
			Time                                                                                             int64
		}
		if err := json.Unmarshal([]byte(payload), &t); err != nil {
			return "", err
		}
		var saw []string
		var failed error
		who := func(_, username string, created bool, err error) {
			saw = append(saw, fmt.Sprint(username, " ", created))
			if failed == nil {
				failed = err
			}
		}
		do := func(err error) {
			if failed == nil {
				failed = err
			}
		}
		who(nk.AuthenticateApple(ctx, t.Apple1, "apple", true))
		who(nk.AuthenticateGoogle(ctx, t.Google1, "google", true))
		who(nk.AuthenticateFacebook(ctx, t.Facebook1, true, "facebook", true))
		who(nk.AuthenticateFacebookInstantGame(ctx, t.Instant1, "instant", true))
		who(nk.AuthenticateGameCenter(ctx, t.Game1, t.Bundle, t.Time, t.Salt, t.Signature1, t.URL, "game center", true))
		who(nk.AuthenticateSteam(ctx, t.Steam1, "steam", true))
		who(nk.AuthenticateApple(ctx, t.Apple1, "other", true))
		users, err := nk.UsersGetUsername(ctx, []string{"facebook", "steam", "apple"})
		if err != nil || failed != nil || len(users) != 3 {
			return "", fmt.Errorf("%v, %v, %v", users, err, failed)
		}
		// In Go, signing in with Steam imports no friends; linking does.
		only := ""
		for _, u := range users {
			switch u.Username {
			case "steam":
				do(nk.LinkSteam(ctx, u.Id, "steam", t.Steam1, true))
			case "apple":
				only = u.Id
			}
		}
		for _, name := range []string{"facebook", "steam"} {
			for _, u := range users {
				if u.Username != name {
					continue
				}
				friends, _, err := nk.FriendsList(ctx, u.Id, 10, nil, "")
				do(err)
				var names []string
				for _, f := range friends {
					names = append(names, f.User.Username)
				}
				saw = append(saw, strings.Join(names, ","))
			}
		}
		do(nk.LinkApple(ctx, t.User, t.Apple2))
		do(nk.LinkGoogle(ctx, t.User, t.Google2))
		do(nk.LinkFacebook(ctx, t.User, "ann", t.Facebook2, false))
		do(nk.LinkFacebookInstantGame(ctx, t.User, t.Instant2))
		do(nk.LinkGameCenter(ctx, t.User, t.Game2, t.Bundle, t.Time, t.Salt, t.Signature2, t.URL))
		do(nk.LinkSteam(ctx, t.User, "ann", t.Steam2, false))
		ids := func() {
			a, err := nk.AccountGetId(ctx, t.User)
			do(err)
			u := a.GetUser()
			list := []string{u.GetAppleId(), u.GetGoogleId(), u.GetFacebookId(), u.GetFacebookInstantGameId(), u.GetGamecenterId(), u.GetSteamId()}
			for i := range list {
				if list[i] == "" {
					list[i] = "-"
				}
			}
			saw = append(saw, strings.Join(list, " "))
		}
		ids()
		do(nk.UnlinkApple(ctx, t.User, t.Apple2))
		do(nk.UnlinkGoogle(ctx, t.User, t.Google2))
		do(nk.UnlinkFacebook(ctx, t.User, t.Facebook2))
		do(nk.UnlinkFacebookInstantGame(ctx, t.User, t.Instant2))
		do(nk.UnlinkGameCenter(ctx, t.User, t.Game2, t.Bundle, t.Time, t.Salt, t.Signature2, t.URL))
		do(nk.UnlinkSteam(ctx, t.User, ""))
		ids()
		_, _, _, err1 := nk.AuthenticateApple(ctx, "bad", "", true)
		_, _, _, err2 := nk.AuthenticateSteam(ctx, t.Steam2, "", false)
		for _, err := range []error{err1, err2, nk.LinkGoogle(ctx, t.User, t.Google1), nk.UnlinkApple(ctx, only, "")} {
			saw = append(saw, fmt.Sprint(err))
		}
		out, err := json.Marshal(saw)
		do(err)
		return string(out), failed
	})
}

func TestSignInModules(t *testing.T) {
	t.Parallel()
	for language, module := range signInModules {
		for database, option := range map[string]servertest.Option{"SQLite": servertest.Flags(), "PostgreSQL": servertest.Postgres()} {
			t.Run(language+" on "+database, func(t *testing.T) {
				t.Parallel()
				p, srv := providers(t, module, option)
				ann := srv.User(t, "ann")
				// Friends who play: ben on Facebook, cid on Steam.
				for path, body := range map[string]string{
					"facebook?username=ben": `{"token":"` + p.FacebookToken("50") + `"}`, "steam?username=cid": `{"token":"` + p.SteamTicket("60") + `"}`,
				} {
					if a := srv.Do(t, "POST", "/v2/account/authenticate/"+path, servertest.ServerKey, body); a.Status != 200 {
						t.Fatalf("%s: %d %s", path, a.Status, a.Body)
					}
				}
				p.Friends("13", "50", "51")
				p.Friends("16", "60")
				one, two := p.GameCenter("15"), p.GameCenter("25")
				input, err := json.Marshal(map[string]any{
					"user":   ann.ID,
					"apple1": p.IDToken(socialtest.Apple, "11", nil), "apple2": p.IDToken(socialtest.Apple, "21", nil),
					"google1": p.IDToken(socialtest.Google, "12", nil), "google2": p.IDToken(socialtest.Google, "22", nil),
					"facebook1": p.FacebookToken("13"), "facebook2": p.FacebookToken("23"),
					"instant1": p.InstantInfo("14"), "instant2": p.InstantInfo("24"),
					"game1": one.PlayerID, "game2": two.PlayerID, "signature1": one.Signature, "signature2": two.Signature,
					"bundle": one.BundleID, "time": one.Timestamp, "salt": one.Salt, "url": one.PublicKeyURL,
					"steam1": p.SteamTicket("16"), "steam2": p.SteamTicket("26"),
				})
				if err != nil {
					t.Fatal(err)
				}
				got, answer := srv.RPC(t, "sign_in", string(input))
				var saw []string
				if err := json.Unmarshal([]byte(got), &saw); err != nil {
					t.Fatalf("%v: %d %s", err, answer.Status, answer.Body)
				}
				want := []string{
					"apple true", "google true", "facebook true", "instant true", "game center true", "steam true", "apple false",
					"ben", "cid",
					"21 22 23 24 25 26", "- - - - - -",
					"Could not authenticate Apple profile.", "User account not found.", "Google ID is already in use.", "Cannot unlink last account identifier.",
				}
				if len(saw) != len(want) {
					t.Fatalf("got %q, want %q", saw, want)
				}
				for i := range want {
					if i < 11 && saw[i] != want[i] || !strings.Contains(saw[i], want[i]) {
						t.Errorf("%d: got %q, want %q", i, saw[i], want[i])
					}
				}
			})
		}
	}
}

// A script that waits for a provider does not keep others from running.
func TestSignInDoesNotOccupy(t *testing.T) {
	t.Parallel()
	for language, module := range map[string]servertest.Option{
		"js": servertest.Module("index.js", `
			function InitModule(ctx, logger, nk, initializer) {
				initializer.registerRpc("sign_in", (ctx, logger, nk, ticket) => nk.authenticateSteam(ticket, false).username);
				initializer.registerRpc("other", () => "here");
			}`),
		"lua": servertest.Module("main.lua", `
			local nk = require("nakama")
			nk.register_rpc(function(ctx, ticket) local _, name = nk.authenticate_steam(ticket, false) return name end, "sign_in")
			nk.register_rpc(function() return "here" end, "other")`),
	} {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			p, srv := providers(t, module, servertest.Flags("--runtime."+language+"_max_count", "1"))
			release := p.Hold(socialtest.Steam)
			done := make(chan string, 1)
			go func() {
				name, _ := srv.RPC(t, "sign_in", p.SteamTicket("1"))
				done <- name
			}()
			servertest.Eventually(t, "the request to Steam", func() bool { return p.Requests(socialtest.Steam) == 1 })
			if got, a := srv.RPC(t, "other", ""); got != "here" {
				t.Errorf("another call meanwhile: %d %s", a.Status, a.Body)
			}
			if len(done) > 0 {
				t.Error("it did not wait")
			}
			release()
			if name := <-done; name == "" {
				t.Error("it failed after waiting")
			}
		})
	}
}

// providers starts a server with sign-in providers.
func providers(t *testing.T, options ...servertest.Option) (*socialtest.Providers, *servertest.Server) {
	t.Helper()
	p := socialtest.New()
	return p, servertest.Start(t, append(options, servertest.Flags(socialtest.Flags()...), servertest.Providers(p, p.Roots()))...)
}
