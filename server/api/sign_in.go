package api

import (
	"github.com/heroiclabs/nakama-common/api"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"kumi/core"
)

// orCreate returns the create flag of an authentication, which is true by
// default.
func orCreate(create *wrapperspb.BoolValue) bool { return create == nil || create.Value }

func authenticateCustom(c *call, in *api.AuthenticateCustomRequest) (*api.Session, error) {
	return c.signIn(in.GetAccount().GetVars(), func() (core.Identity, error) {
		return c.Core.AuthenticateCustom(c.ctx, in.GetAccount().GetId(), in.Username, orCreate(in.Create))
	})
}

func authenticateDevice(c *call, in *api.AuthenticateDeviceRequest) (*api.Session, error) {
	return c.signIn(in.GetAccount().GetVars(), func() (core.Identity, error) {
		return c.Core.AuthenticateDevice(c.ctx, in.GetAccount().GetId(), in.Username, orCreate(in.Create))
	})
}

func authenticateEmail(c *call, in *api.AuthenticateEmailRequest) (*api.Session, error) {
	account := in.GetAccount()
	return c.signIn(account.GetVars(), func() (core.Identity, error) {
		ip, _ := c.address()
		return c.Core.LogInByEmail(c.ctx, ip, account.GetEmail(), account.GetPassword(), in.Username, orCreate(in.Create))
	})
}

// signIn authenticates, starts a session with vars, and makes its user the caller for
// the after hook. Invalid vars are refused before anything else.
func (c *call) signIn(vars map[string]string, authenticate func() (core.Identity, error)) (*api.Session, error) {
	if err := core.CheckVars(vars); err != nil {
		return nil, err
	}
	id, err := authenticate()
	if err != nil {
		return nil, err
	}
	session, claims, err := c.Core.StartSession(c.ctx, id, vars)
	c.claims = claims
	return session, err
}

func sessionRefresh(c *call, in *api.SessionRefreshRequest) (*api.Session, error) {
	if c.operator == nil {
		if err := c.Core.MayRefresh(in.Token); err != nil {
			return nil, &reported{err}
		}
	}
	session, claims, err := c.Core.RefreshSession(c.ctx, in.Token, in.Vars)
	c.claims = claims
	return session, err
}

func sessionLogout(c *call, in *api.SessionLogoutRequest) error {
	return c.Core.Logout(c.ctx, c.caller(), in.Token, in.RefreshToken)
}

func linkCustom(c *call, in *api.AccountCustom) error {
	return c.Core.LinkCustom(c.ctx, c.caller(), in.Id)
}

func linkDevice(c *call, in *api.AccountDevice) error {
	return c.Core.LinkDevice(c.ctx, c.caller(), in.Id)
}

func linkEmail(c *call, in *api.AccountEmail) error {
	return c.Core.LinkEmail(c.ctx, c.caller(), in.Email, in.Password)
}

func unlinkCustom(c *call, in *api.AccountCustom) error {
	return c.Core.UnlinkCustom(c.ctx, c.caller(), in.Id)
}

func unlinkDevice(c *call, in *api.AccountDevice) error {
	return c.Core.UnlinkDevice(c.ctx, c.caller(), in.Id)
}

func unlinkEmail(c *call, in *api.AccountEmail) error {
	return c.Core.UnlinkEmail(c.ctx, c.caller(), in.Email)
}
