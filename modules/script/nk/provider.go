package nk

import (
	"context"

	"kumi/core"
	"kumi/core/social"
	"kumi/vm"
)

// providerTable has the functions of sign-in providers.
var providerTable = []vm.Func[*core.Module]{
	{Name: vm.N("authenticate_apple"), Body: authenticateWith("token", signing((*core.Module).AuthenticateApple))},
	{Name: vm.N("authenticate_facebook"), Body: authenticateSync("token", (*core.Module).AuthenticateFacebook)},
	{Name: vm.N("authenticate_facebook_instant_game"), Body: authenticateWith("signed_player_info", signing((*core.Module).AuthenticateFacebookInstantGame))},
	{Name: vm.N("authenticate_game_center"), Body: authenticateGameCenter},
	{Name: vm.N("authenticate_google"), Body: authenticateWith("token", signing((*core.Module).AuthenticateGoogle))},
	{Name: vm.N("authenticate_steam"), Body: authenticateSync("token", (*core.Module).AuthenticateSteamSync)},

	{Name: vm.N("link_apple"), Body: linkWith("token", true, linking((*core.Module).LinkApple))},
	{Name: vm.N("link_facebook"), Body: linkSync((*core.Module).LinkFacebook)},
	{Name: vm.N("link_facebook_instant_game"), Body: linkWith("signed_player_info", true, linking((*core.Module).LinkFacebookInstantGame))},
	{Name: vm.NameAs("link_gamecenter", "linkGameCenter"), Body: linkGameCenter},
	{Name: vm.N("link_google"), Body: linkWith("token", true, linking((*core.Module).LinkGoogle))},
	{Name: vm.N("link_steam"), Body: linkSync((*core.Module).LinkSteam)},

	{Name: vm.N("unlink_apple"), Body: linkWith("token", false, linking((*core.Module).UnlinkApple))},
	{Name: vm.N("unlink_facebook"), Body: linkWith("token", false, linking((*core.Module).UnlinkFacebook))},
	{Name: vm.N("unlink_facebook_instant_game"), Body: linkWith("signed_player_info", false, linking((*core.Module).UnlinkFacebookInstantGame))},
	{Name: vm.NameAs("unlink_gamecenter", "unlinkGameCenter"), Body: unlinkGameCenter},
	{Name: vm.N("unlink_google"), Body: linkWith("token", false, linking((*core.Module).UnlinkGoogle))},
	{Name: vm.N("unlink_steam"), Body: linkWith("token", false, linking((*core.Module).UnlinkSteam))},
}

// The functions below ask a provider, so their VM does not count as busy meanwhile.

func signing(do func(nk *core.Module, ctx context.Context, token, username string, create bool) (string, string, bool, error)) func(*core.Module, context.Context, string, string, bool) (string, string, bool, error) {
	return func(nk *core.Module, ctx context.Context, token, username string, create bool) (string, string, bool, error) {
		defer vm.Waiting(ctx)()
		return do(nk, ctx, token, username, create)
	}
}

func linking(do func(nk *core.Module, ctx context.Context, user, token string) error) func(*core.Module, context.Context, string, string) error {
	return func(nk *core.Module, ctx context.Context, user, token string) error {
		defer vm.Waiting(ctx)()
		return do(nk, ctx, user, token)
	}
}

// authenticateSync implements the functions that can import friends.
func authenticateSync(arg string, do func(nk *core.Module, ctx context.Context, token string, sync bool, username string, create bool) (string, string, bool, error)) func(*core.Module, *vm.Call) error {
	return func(nk *core.Module, c *vm.Call) error {
		token := c.Str(arg)
		sync := c.OptBool("import_friends", true)
		username := c.OptStr("username", "")
		create := c.OptBool("create", true)
		if err := c.Err(); err != nil {
			return err
		}
		user, username, created, err := func() (string, string, bool, error) {
			defer vm.Waiting(c.Ctx)()
			return do(nk, c.Ctx, token, sync, username, create)
		}()
		return returnIdentity(c, user, username, created, err)
	}
}

func authenticateGameCenter(nk *core.Module, c *vm.Call) error {
	g := gameCenter(c)
	username := c.OptStr("username", "")
	create := c.OptBool("create", true)
	if err := c.Err(); err != nil {
		return err
	}
	user, username, created, err := func() (string, string, bool, error) {
		defer vm.Waiting(c.Ctx)()
		return nk.AuthenticateGameCenter(c.Ctx, g.PlayerID, g.BundleID, g.Timestamp, g.Salt, g.Signature, g.PublicKeyURL, username, create)
	}()
	return returnIdentity(c, user, username, created, err)
}

// gameCenter reads what Game Center says about a player.
func gameCenter(c *vm.Call) social.GameCenter {
	return social.GameCenter{
		PlayerID: c.Str("player_id"), BundleID: c.Str("bundle_id"), Timestamp: c.Int("timestamp"),
		Salt: c.Str("salt"), Signature: c.Str("signature"), PublicKeyURL: c.Str("public_key_url"),
	}
}

// linkSync implements the functions that can import friends.
func linkSync(do func(nk *core.Module, ctx context.Context, user, username, token string, sync bool) error) func(*core.Module, *vm.Call) error {
	return func(nk *core.Module, c *vm.Call) error {
		user := c.UUID("user_id")
		username := c.StrNonEmpty("username")
		token := c.Str("token")
		sync := c.OptBool("import_friends", true)
		if err := c.Err(); err != nil {
			return err
		}
		defer vm.Waiting(c.Ctx)()
		return do(nk, c.Ctx, user, username, token, sync)
	}
}

func linkGameCenter(nk *core.Module, c *vm.Call) error {
	user := c.UUID("user_id")
	g := gameCenter(c)
	if err := c.Err(); err != nil {
		return err
	}
	defer vm.Waiting(c.Ctx)()
	return nk.LinkGameCenter(c.Ctx, user, g.PlayerID, g.BundleID, g.Timestamp, g.Salt, g.Signature, g.PublicKeyURL)
}

func unlinkGameCenter(nk *core.Module, c *vm.Call) error {
	user := c.UUID("user_id")
	g := social.GameCenter{
		PlayerID: c.OptStr("player_id", ""), BundleID: c.OptStr("bundle_id", ""), Timestamp: c.OptInt("timestamp", 0),
		Salt: c.OptStr("salt", ""), Signature: c.OptStr("signature", ""), PublicKeyURL: c.OptStr("public_key_url", ""),
	}
	if err := c.Err(); err != nil {
		return err
	}
	defer vm.Waiting(c.Ctx)()
	return nk.UnlinkGameCenter(c.Ctx, user, g.PlayerID, g.BundleID, g.Timestamp, g.Salt, g.Signature, g.PublicKeyURL)
}
