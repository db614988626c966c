package nk

import (
	"cmp"
	"context"

	"github.com/heroiclabs/nakama-common/runtime"

	"kumi/core"
	"kumi/vm"
)

var authenticateTable = []vm.Func[*core.Module]{
	{Name: vm.N("authenticate_custom"), Body: authenticateWith("id", (*core.Module).AuthenticateCustom)},
	{Name: vm.N("authenticate_device"), Body: authenticateWith("id", (*core.Module).AuthenticateDevice)},
	{Name: vm.N("authenticate_email"), Body: authenticateEmail},
	{Name: vm.N("authenticate_token_generate"), Body: authenticateTokenGenerate},
}

var linkTable = []vm.Func[*core.Module]{
	{Name: vm.N("link_custom"), Body: linkWith("custom_id", true, (*core.Module).LinkCustom)},
	{Name: vm.N("link_device"), Body: linkWith("device_id", true, (*core.Module).LinkDevice)},
	{Name: vm.N("link_email"), Body: linkEmail},
	{Name: vm.N("unlink_custom"), Body: linkWith("custom_id", false, (*core.Module).UnlinkCustom)},
	{Name: vm.N("unlink_device"), Body: linkWith("device_id", true, (*core.Module).UnlinkDevice)},
	{Name: vm.N("unlink_email"), Body: linkWith("email", false, (*core.Module).UnlinkEmail)},
}

var sessionTable = []vm.Func[*core.Module]{
	{Name: vm.N("session_disconnect"), Body: sessionDisconnect},
	{Name: vm.N("session_logout"), Body: sessionLogout},
}

// returnIdentity returns the authenticated user.
func returnIdentity(c *vm.Call, id, username string, created bool, err error) error {
	if err != nil {
		return err
	}
	return cmp.Or(
		c.ReturnStr("user_id", id, nil),
		c.ReturnStr("username", username, nil),
		c.ReturnBool("created", created, nil))
}

func authenticateWith(arg string, do func(nk *core.Module, ctx context.Context, id, username string, create bool) (string, string, bool, error)) func(*core.Module, *vm.Call) error {
	return func(nk *core.Module, c *vm.Call) error {
		id := c.Str(arg)
		username := c.OptStr("username", "")
		create := c.OptBool("create", true)
		if err := c.Err(); err != nil {
			return err
		}
		user, username, created, err := do(nk, c.Ctx, id, username, create)
		return returnIdentity(c, user, username, created, err)
	}
}

func authenticateEmail(nk *core.Module, c *vm.Call) error {
	email := c.OptStr("email", "")
	password := c.Str("password")
	username := c.OptStr("username", "")
	create := c.OptBool("create", true)
	if err := c.Err(); err != nil {
		return err
	}
	user, username, created, err := nk.AuthenticateEmail(c.Ctx, email, password, username, create)
	return returnIdentity(c, user, username, created, err)
}

func authenticateTokenGenerate(nk *core.Module, c *vm.Call) error {
	user := c.UUID("user_id")
	username := c.OptStr("username", "")
	exp := c.OptInt("exp", 0)
	vars := c.OptStrMap("vars")
	if err := c.Err(); err != nil {
		return err
	}
	token, exp, err := nk.AuthenticateTokenGenerate(user, username, exp, vars)
	if err != nil {
		return err
	}
	return cmp.Or(c.ReturnStr("token", token, nil), c.ReturnInt("exp", exp, nil))
}

// linkWith implements the functions that take a user and one string.
func linkWith(arg string, required bool, do func(nk *core.Module, ctx context.Context, user, id string) error) func(*core.Module, *vm.Call) error {
	return func(nk *core.Module, c *vm.Call) error {
		user := c.UUID("user_id")
		id := ""
		if required {
			id = c.Str(arg)
		} else {
			id = c.OptStr(arg, "")
		}
		if err := c.Err(); err != nil {
			return err
		}
		return do(nk, c.Ctx, user, id)
	}
}

func linkEmail(nk *core.Module, c *vm.Call) error {
	user := c.UUID("user_id")
	email := c.Str("email")
	password := c.Str("password")
	if err := c.Err(); err != nil {
		return err
	}
	return nk.LinkEmail(c.Ctx, user, email, password)
}

func sessionDisconnect(nk *core.Module, c *vm.Call) error {
	session := c.UUID("session_id")
	var reason []runtime.PresenceReason
	if n := c.OptIntPtr("reason"); n != nil {
		if *n < 0 || *n > int64(runtime.PresenceReasonDisconnect) {
			c.Invalid("reason", "expected a presence reason from 0 to 4")
		}
		reason = []runtime.PresenceReason{runtime.PresenceReason(*n)}
	}
	if err := c.Err(); err != nil {
		return err
	}
	return nk.SessionDisconnect(c.Ctx, session, reason...)
}

func sessionLogout(nk *core.Module, c *vm.Call) error {
	user := c.UUID("user_id")
	token := c.OptStr("token", "")
	refresh := c.OptStr("refresh_token", "")
	if err := c.Err(); err != nil {
		return err
	}
	return nk.Logout(c.Ctx, user, token, refresh)
}
