package nk

import (
	"cmp"
	"context"

	"github.com/gofrs/uuid/v5"
	"github.com/heroiclabs/nakama-common/api"

	"kumi/core"
	"kumi/vm"
)

var groupTable = []vm.Func[*core.Module]{
	{Name: vm.N("groups_get_id"), Body: groupsGetID},
	{Name: vm.N("group_create"), Body: groupCreate},
	{Name: vm.N("group_update"), Body: groupUpdate},
	{Name: vm.N("group_delete"), Body: groupDelete},
	{Name: vm.N("group_user_join"), Body: groupUser((*core.Module).GroupUserJoin)},
	{Name: vm.N("group_user_leave"), Body: groupUser((*core.Module).GroupUserLeave)},
	{Name: vm.N("group_users_add"), Body: groupUsers((*core.Module).GroupUsersAdd)},
	{Name: vm.N("group_users_ban"), Body: groupUsers((*core.Module).GroupUsersBan)},
	{Name: vm.N("group_users_kick"), Body: groupUsers((*core.Module).GroupUsersKick)},
	{Name: vm.N("group_users_promote"), Body: groupUsers((*core.Module).GroupUsersPromote)},
	{Name: vm.N("group_users_demote"), Body: groupUsers((*core.Module).GroupUsersDemote)},
	{Name: vm.N("group_users_list"), Body: groupUsersList},
	{Name: vm.N("groups_list"), Body: groupsList},
	{Name: vm.N("groups_get_random"), Body: groupsGetRandom},
	{Name: vm.N("user_groups_list"), Body: userGroupsList},
}

var groupShape = vm.NewShape(
	vm.Str("id", (*api.Group).GetId),
	vm.Str("creator_id", (*api.Group).GetCreatorId),
	vm.Str("name", (*api.Group).GetName),
	vm.Str("description", (*api.Group).GetDescription),
	vm.Str("avatar_url", (*api.Group).GetAvatarUrl),
	vm.Str("lang_tag", (*api.Group).GetLangTag),
	vm.Bool("open", func(g *api.Group) bool { return g.GetOpen().GetValue() }),
	vm.Int("edge_count", (*api.Group).GetEdgeCount),
	vm.Int("max_count", (*api.Group).GetMaxCount),
	vm.Time("create_time", (*api.Group).GetCreateTime),
	vm.Time("update_time", (*api.Group).GetUpdateTime),
	vm.JSON("metadata", (*api.Group).GetMetadata),
)

var groupUserShape = vm.NewShape(
	vm.Sub("user", userShape, (*api.GroupUserList_GroupUser).GetUser),
	vm.Int("state", func(u *api.GroupUserList_GroupUser) int32 { return u.GetState().GetValue() }),
)

var userGroupShape = vm.NewShape(
	vm.Sub("group", groupShape, (*api.UserGroupList_UserGroup).GetGroup),
	vm.Int("state", func(g *api.UserGroupList_UserGroup) int32 { return g.GetState().GetValue() }),
)

func groupsGetID(nk *core.Module, c *vm.Call) error {
	ids := c.UUIDs("group_ids")
	if err := c.Err(); err != nil {
		return err
	}
	groups, err := nk.GroupsGetId(c.Ctx, ids)
	return vm.ReturnList(c, "groups", groupShape, groups, err)
}

func groupCreate(nk *core.Module, c *vm.Call) error {
	user, name := c.UUID("user_id"), c.StrNonEmpty("name")
	creator := c.OptUUID("creator_id", "")
	lang, description, avatar := c.OptStr("lang_tag", ""), c.OptStr("description", ""), c.OptStr("avatar_url", "")
	open := c.OptBool("open", false)
	metadata := c.OptMap("metadata")
	max := c.OptInt("max_count", 100)
	if max < 1 || max > maxInt32 {
		c.Invalid("max_count", "expected a number of 1 or more")
	}
	if err := c.Err(); err != nil {
		return err
	}
	g, err := nk.GroupCreate(c.Ctx, user, name, creator, lang, description, avatar, open, metadata, int(max))
	return vm.Return(c, "group", groupShape, g, err)
}

const maxInt32 = 1<<31 - 1

// groupUpdate leaves fields that are nil unchanged, and in Lua those that are empty.
func groupUpdate(nk *core.Module, c *vm.Call) error {
	text := func(name string) *string {
		s := c.OptStrPtr(name)
		if s != nil && *s == "" && c.E.Lang() == vm.Lua {
			return nil
		}
		return s
	}
	group, user := c.UUID("group_id"), c.OptUUID("user_id", "")
	var ch core.GroupChange
	ch.Name = text("name")
	if creator := c.OptUUID("creator_id", ""); creator != "" {
		id := uuid.FromStringOrNil(creator)
		ch.CreatorID = &id
	}
	ch.LangTag, ch.Description, ch.AvatarURL = text("lang_tag"), text("description"), text("avatar_url")
	ch.Open = c.OptBoolPtr("open")
	ch.Metadata = c.OptMap("metadata")
	if max := int(c.OptInt("max_count", 0)); max != 0 {
		ch.MaxCount = &max
		if max < 1 || max > maxInt32 {
			c.Invalid("max_count", "expected a number of 1 or more")
		}
	}
	if err := c.Err(); err != nil {
		return err
	}
	return nk.GroupChange(c.Ctx, group, user, ch)
}

func groupDelete(nk *core.Module, c *vm.Call) error {
	group := c.UUID("group_id")
	if err := c.Err(); err != nil {
		return err
	}
	return nk.GroupDelete(c.Ctx, group)
}

// groupUser implements the functions that act for one user.
func groupUser(do func(nk *core.Module, ctx context.Context, group, user, username string) error) func(*core.Module, *vm.Call) error {
	return func(nk *core.Module, c *vm.Call) error {
		group, user, username := c.UUID("group_id"), c.UUID("user_id"), c.StrNonEmpty("username")
		if err := c.Err(); err != nil {
			return err
		}
		return do(nk, c.Ctx, group, user, username)
	}
}

// groupUsers implements the functions that act on several users.
func groupUsers(do func(nk *core.Module, ctx context.Context, caller, group string, users []string) error) func(*core.Module, *vm.Call) error {
	return func(nk *core.Module, c *vm.Call) error {
		group, users, caller := c.UUID("group_id"), c.UUIDs("user_ids"), c.OptUUID("caller_id", "")
		if err := c.Err(); err != nil {
			return err
		}
		return do(nk, c.Ctx, caller, group, users)
	}
}

func groupUsersList(nk *core.Module, c *vm.Call) error {
	group := c.UUID("group_id")
	limit := pageLimit(c, 10_000)
	state := edgeState(c, 4)
	cursor := c.OptStr("cursor", "")
	if err := c.Err(); err != nil {
		return err
	}
	users, cursor, err := nk.GroupUsersList(c.Ctx, group, limit, state, cursor)
	return cmp.Or(
		vm.ReturnList(c, "group_users", groupUserShape, users, err),
		c.ReturnStrOrNil("cursor", cursor, err))
}

func groupsList(nk *core.Module, c *vm.Call) error {
	name, lang := c.OptStr("name", ""), c.OptStr("lang_tag", "")
	open := c.OptBoolPtr("open")
	var members *int
	if n := int(c.OptInt("members", -1)); n != -1 {
		members = &n
	}
	limit := pageLimit(c, 100)
	cursor := c.OptStr("cursor", "")
	if err := c.Err(); err != nil {
		return err
	}
	groups, cursor, err := nk.GroupsList(c.Ctx, name, lang, members, open, limit, cursor)
	return cmp.Or(
		vm.ReturnList(c, "groups", groupShape, groups, err),
		c.ReturnStrOrNil("cursor", cursor, err))
}

func groupsGetRandom(nk *core.Module, c *vm.Call) error {
	count := optInRange(c, "count", 0, 0, 1000)
	if err := c.Err(); err != nil {
		return err
	}
	groups, err := nk.GroupsGetRandom(c.Ctx, count)
	return vm.ReturnList(c, "groups", groupShape, groups, err)
}

func userGroupsList(nk *core.Module, c *vm.Call) error {
	user := c.UUID("user_id")
	limit := pageLimit(c, 100)
	state := edgeState(c, 4)
	cursor := c.OptStr("cursor", "")
	if err := c.Err(); err != nil {
		return err
	}
	groups, cursor, err := nk.UserGroupsList(c.Ctx, user, limit, state, cursor)
	return cmp.Or(
		vm.ReturnList(c, "user_groups", userGroupShape, groups, err),
		c.ReturnStrOrNil("cursor", cursor, err))
}
