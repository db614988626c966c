package api

import (
	"context"

	"github.com/gofrs/uuid/v5"
	"github.com/heroiclabs/nakama-common/api"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"kumi/core"
	"kumi/core/social"
)

// orSync returns whether linking imports friends, which it does by default.
func orSync(sync *wrapperspb.BoolValue) bool { return sync == nil || sync.Value }

func gameCenter(in *api.AccountGameCenter) social.GameCenter {
	return social.GameCenter{
		PlayerID: in.GetPlayerId(), BundleID: in.GetBundleId(), Timestamp: in.GetTimestampSeconds(),
		Salt: in.GetSalt(), Signature: in.GetSignature(), PublicKeyURL: in.GetPublicKeyUrl(),
	}
}

func authenticateApple(c *call, in *api.AuthenticateAppleRequest) (*api.Session, error) {
	return c.signIn(in.GetAccount().GetVars(), func() (core.Identity, error) {
		return c.Core.AuthenticateApple(c.ctx, in.GetAccount().GetToken(), in.Username, orCreate(in.Create))
	})
}

func authenticateFacebook(c *call, in *api.AuthenticateFacebookRequest) (*api.Session, error) {
	return c.signIn(in.GetAccount().GetVars(), func() (core.Identity, error) {
		return c.Core.AuthenticateFacebook(c.ctx, in.GetAccount().GetToken(), in.Username, orCreate(in.Create), in.GetSync().GetValue())
	})
}

func authenticateFacebookInstantGame(c *call, in *api.AuthenticateFacebookInstantGameRequest) (*api.Session, error) {
	return c.signIn(in.GetAccount().GetVars(), func() (core.Identity, error) {
		return c.Core.AuthenticateFacebookInstantGame(c.ctx, in.GetAccount().GetSignedPlayerInfo(), in.Username, orCreate(in.Create))
	})
}

func authenticateGameCenter(c *call, in *api.AuthenticateGameCenterRequest) (*api.Session, error) {
	return c.signIn(in.GetAccount().GetVars(), func() (core.Identity, error) {
		return c.Core.AuthenticateGameCenter(c.ctx, gameCenter(in.GetAccount()), in.Username, orCreate(in.Create))
	})
}

func authenticateGoogle(c *call, in *api.AuthenticateGoogleRequest) (*api.Session, error) {
	return c.signIn(in.GetAccount().GetVars(), func() (core.Identity, error) {
		return c.Core.AuthenticateGoogle(c.ctx, in.GetAccount().GetToken(), in.Username, orCreate(in.Create))
	})
}

func authenticateSteam(c *call, in *api.AuthenticateSteamRequest) (*api.Session, error) {
	return c.signIn(in.GetAccount().GetVars(), func() (core.Identity, error) {
		return c.Core.AuthenticateSteam(c.ctx, in.GetAccount().GetToken(), in.Username, orCreate(in.Create), in.GetSync().GetValue())
	})
}

func linkFacebook(c *call, in *api.LinkFacebookRequest) error {
	return c.Core.LinkFacebook(c.ctx, c.caller(), "", in.GetAccount().GetToken(), orSync(in.Sync))
}

func linkSteam(c *call, in *api.LinkSteamRequest) error {
	return c.Core.LinkSteam(c.ctx, c.caller(), "", in.GetAccount().GetToken(), orSync(in.Sync))
}

func linkGameCenter(c *call, in *api.AccountGameCenter) error {
	return c.Core.LinkGameCenter(c.ctx, c.caller(), gameCenter(in))
}

func unlinkGameCenter(c *call, in *api.AccountGameCenter) error {
	return c.Core.UnlinkGameCenter(c.ctx, c.caller(), gameCenter(in))
}

// tokenCommand makes a handler of an operation for the caller and one token.
func tokenCommand[In any](do func(*core.Core, context.Context, uuid.UUID, string) error, token func(In) string) func(*call, In) error {
	return func(c *call, in In) error { return do(c.Core, c.ctx, c.caller(), token(in)) }
}
