package nk

import (
	"github.com/heroiclabs/nakama-common/api"

	"kumi/core"
	"kumi/modules/script"
	"kumi/vm"
)

var accountTable = []vm.Func[*core.Module]{
	{Name: vm.N("account_get_id"), Body: accountGetID},
	{Name: vm.N("accounts_get_id"), Body: accountsGetID},
	{Name: vm.N("account_update_id"), Body: accountUpdateID},
	{Name: vm.N("account_delete_id"), Body: accountDeleteID},
	{Name: vm.N("account_export_id"), Body: accountExportID},
	{Name: vm.N("account_import_id"), Body: accountImportID},
}

var userTable = []vm.Func[*core.Module]{
	{Name: vm.N("users_get_id"), Body: usersGetID},
	{Name: vm.N("users_get_username"), Body: usersGetUsername},
	{Name: vm.N("users_get_random"), Body: usersGetRandom},
	{Name: vm.N("users_ban_id"), Body: usersBanID},
	{Name: vm.N("users_unban_id"), Body: usersUnbanID},
	{Name: vm.N("status_follow"), Body: statusFollow},
	{Name: vm.N("status_unfollow"), Body: statusUnfollow},
}

// userFields are the properties of a user, in an object that user finds the user of.
func userFields[T any](user func(T) *api.User) []vm.Property[T] {
	str := func(name string, get func(*api.User) string) vm.Property[T] {
		return vm.Str(name, func(v T) string { return get(user(v)) })
	}
	opt := func(name string, get func(*api.User) string) vm.Property[T] {
		return vm.StrOpt(name, func(v T) string { return get(user(v)) })
	}
	return []vm.Property[T]{
		str("user_id", (*api.User).GetId),
		str("username", (*api.User).GetUsername),
		str("display_name", (*api.User).GetDisplayName),
		str("avatar_url", (*api.User).GetAvatarUrl),
		str("lang_tag", (*api.User).GetLangTag),
		str("location", (*api.User).GetLocation),
		str("timezone", (*api.User).GetTimezone),
		opt("apple_id", (*api.User).GetAppleId),
		opt("facebook_id", (*api.User).GetFacebookId),
		opt("facebook_instant_game_id", (*api.User).GetFacebookInstantGameId),
		opt("google_id", (*api.User).GetGoogleId),
		opt("gamecenter_id", (*api.User).GetGamecenterId),
		opt("steam_id", (*api.User).GetSteamId),
		vm.Bool("online", func(v T) bool { return user(v).GetOnline() }),
		vm.Int("edge_count", func(v T) int32 { return user(v).GetEdgeCount() }),
		vm.Int("create_time", func(v T) int64 { return user(v).GetCreateTime().GetSeconds() }),
		vm.Int("update_time", func(v T) int64 { return user(v).GetUpdateTime().GetSeconds() }),
		vm.JSON("metadata", func(v T) string { return user(v).GetMetadata() }),
	}
}

var userShape = vm.NewShape(userFields(func(u *api.User) *api.User { return u })...)

var deviceShape = vm.NewShape(vm.Str("id", (*api.AccountDevice).GetId))

// accounts differ by language: Lua has the user's properties both beside those of the
// account and under user.
var accounts = script.NewPerLang(func(lang vm.Lang) *vm.Shape[*api.Account] {
	var fields []vm.Property[*api.Account]
	if lang == vm.Lua {
		fields = userFields((*api.Account).GetUser)
	}
	return vm.NewShape(append(fields,
		vm.Sub("user", userShape, (*api.Account).GetUser),
		vm.JSON("wallet", (*api.Account).GetWallet),
		vm.StrOpt("email", (*api.Account).GetEmail),
		vm.List("devices", deviceShape, (*api.Account).GetDevices).When(func(a *api.Account) bool { return len(a.GetDevices()) > 0 }),
		vm.StrOpt("custom_id", (*api.Account).GetCustomId),
		vm.Time("verify_time", (*api.Account).GetVerifyTime),
		vm.Time("disable_time", (*api.Account).GetDisableTime),
	)...)
})

func accountGetID(nk *core.Module, c *vm.Call) error {
	id := c.UUID("user_id")
	if err := c.Err(); err != nil {
		return err
	}
	a, err := nk.AccountGetId(c.Ctx, id)
	return vm.Return(c, "account", accounts.In(c.E), a, err)
}

func accountsGetID(nk *core.Module, c *vm.Call) error {
	ids := c.OptUUIDs("user_ids")
	devices := c.OptStrs("device_ids")
	if err := c.Err(); err != nil {
		return err
	}
	as, err := nk.AccountsGetId(c.Ctx, ids, devices)
	return vm.ReturnList(c, "accounts", accounts.In(c.E), as, err)
}

// accountUpdateID has another order of arguments in each language. An empty string
// leaves a field unchanged in Lua and clears it in JavaScript.
func accountUpdateID(nk *core.Module, c *vm.Call) error {
	u := core.AccountUpdate{UserID: c.UUID("user_id")}
	if c.E.Lang() == vm.Lua {
		u.Metadata = c.OptMap("metadata")
	}
	for _, f := range []struct {
		name string
		to   **string
	}{
		{"username", &u.Username}, {"display_name", &u.DisplayName}, {"timezone", &u.Timezone},
		{"location", &u.Location}, {"lang_tag", &u.LangTag}, {"avatar_url", &u.AvatarURL},
	} {
		*f.to = c.OptStrPtr(f.name)
		if s := *f.to; s != nil && *s == "" && c.E.Lang() == vm.Lua {
			*f.to = nil
		}
	}
	if c.E.Lang() == vm.JS {
		u.Metadata = c.OptMap("metadata")
	}
	if err := c.Err(); err != nil {
		return err
	}
	return nk.AccountUpdate(c.Ctx, u)
}

func accountDeleteID(nk *core.Module, c *vm.Call) error {
	id := c.UUID("user_id")
	recorded := c.OptBool("recorded", false)
	if err := c.Err(); err != nil {
		return err
	}
	return nk.AccountDeleteId(c.Ctx, id, recorded)
}

func accountExportID(nk *core.Module, c *vm.Call) error {
	id := c.UUID("user_id")
	if err := c.Err(); err != nil {
		return err
	}
	text, err := nk.AccountExportId(c.Ctx, id)
	return c.ReturnStr("export", text, err)
}

func accountImportID(nk *core.Module, c *vm.Call) error {
	data := c.StrNonEmpty("data")
	user := c.OptUUID("user_id", "")
	if err := c.Err(); err != nil {
		return err
	}
	a, err := nk.AccountImportId(c.Ctx, data, user)
	return vm.Return(c, "account", accounts.In(c.E), a, err)
}

func usersGetID(nk *core.Module, c *vm.Call) error {
	ids := c.OptUUIDs("user_ids")
	facebook := c.OptStrs("facebook_ids")
	if err := c.Err(); err != nil {
		return err
	}
	if len(ids)+len(facebook) == 0 {
		return vm.ReturnList(c, "users", userShape, nil, nil)
	}
	us, err := nk.UsersGetId(c.Ctx, ids, facebook)
	return vm.ReturnList(c, "users", userShape, us, err)
}

func usersGetUsername(nk *core.Module, c *vm.Call) error {
	names := c.Strs("usernames")
	if err := c.Err(); err != nil {
		return err
	}
	if len(names) == 0 {
		return vm.ReturnList(c, "users", userShape, nil, nil)
	}
	us, err := nk.UsersGetUsername(c.Ctx, names)
	return vm.ReturnList(c, "users", userShape, us, err)
}

func usersGetRandom(nk *core.Module, c *vm.Call) error {
	count := optInRange(c, "count", 0, 0, 1000)
	if err := c.Err(); err != nil {
		return err
	}
	us, err := nk.UsersGetRandom(c.Ctx, count)
	return vm.ReturnList(c, "users", userShape, us, err)
}

func usersBanID(nk *core.Module, c *vm.Call) error {
	ids := c.UUIDs("user_ids")
	if err := c.Err(); err != nil {
		return err
	}
	return nk.UsersBanId(c.Ctx, ids)
}

func usersUnbanID(nk *core.Module, c *vm.Call) error {
	ids := c.UUIDs("user_ids")
	if err := c.Err(); err != nil {
		return err
	}
	return nk.UsersUnbanId(c.Ctx, ids)
}

func statusFollow(nk *core.Module, c *vm.Call) error {
	session := c.UUID("session_id")
	ids := c.UUIDs("user_ids")
	if err := c.Err(); err != nil || len(ids) == 0 {
		return err
	}
	return nk.StatusFollow(session, ids)
}

func statusUnfollow(nk *core.Module, c *vm.Call) error {
	session := c.UUID("session_id")
	ids := c.UUIDs("user_ids")
	if err := c.Err(); err != nil || len(ids) == 0 {
		return err
	}
	return nk.StatusUnfollow(session, ids)
}
