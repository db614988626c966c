package nk

import (
	"cmp"
	"context"

	"github.com/heroiclabs/nakama-common/api"

	"kumi/core"
	"kumi/vm"
)

var friendTable = []vm.Func[*core.Module]{
	{Name: vm.N("friends_list"), Body: friendsList},
	{Name: vm.N("friends_of_friends_list"), Body: friendsOfFriendsList},
	{Name: vm.N("friends_add"), Body: friendsAdd},
	{Name: vm.N("friends_delete"), Body: friends((*core.Module).FriendsDelete)},
	{Name: vm.N("friends_block"), Body: friends((*core.Module).FriendsBlock)},
	{Name: vm.N("friend_metadata_update"), Body: friendMetadataUpdate},
	{Name: vm.N("users_get_friend_status"), Body: usersGetFriendStatus},
}

var friendShape = vm.NewShape(
	vm.Int("state", func(f *api.Friend) int32 { return f.GetState().GetValue() }),
	vm.Time("update_time", (*api.Friend).GetUpdateTime),
	vm.Sub("user", userShape, (*api.Friend).GetUser),
	vm.JSON("metadata", (*api.Friend).GetMetadata),
)

var friendOfFriendShape = vm.NewShape(
	vm.Str("referrer", (*api.FriendsOfFriendsList_FriendOfFriend).GetReferrer),
	vm.Sub("user", userShape, (*api.FriendsOfFriendsList_FriendOfFriend).GetUser),
)

// friendsList returns no cursor at the end of the list in JavaScript, and an empty one
// in Lua.
func friendsList(nk *core.Module, c *vm.Call) error {
	user := c.UUID("user_id")
	limit := pageLimit(c, 1000)
	state := edgeState(c, 3)
	cursor := c.OptStr("cursor", "")
	if err := c.Err(); err != nil {
		return err
	}
	list, cursor, err := nk.FriendsList(c.Ctx, user, limit, state, cursor)
	if err := vm.ReturnList(c, "friends", friendShape, list, err); err != nil {
		return err
	}
	c.Named()
	if cursor == "" && c.E.Lang() == vm.JS {
		return nil
	}
	return c.ReturnStrOrNil("cursor", cursor, nil)
}

func friendsOfFriendsList(nk *core.Module, c *vm.Call) error {
	user := c.UUID("user_id")
	limit := pageLimit(c, 1000)
	cursor := c.OptStr("cursor", "")
	if err := c.Err(); err != nil {
		return err
	}
	list, cursor, err := nk.FriendsOfFriendsList(c.Ctx, user, limit, cursor)
	return cmp.Or(
		vm.ReturnList(c, "friends_of_friends", friendOfFriendShape, list, err),
		c.ReturnStrOrNil("cursor", cursor, err))
}

func friendsAdd(nk *core.Module, c *vm.Call) error {
	user, username := c.UUID("user_id"), c.StrNonEmpty("username")
	ids, usernames := c.OptUUIDs("user_ids"), c.OptStrs("usernames")
	metadata := c.OptMap("metadata")
	if err := c.Err(); err != nil {
		return err
	}
	return nk.FriendsAdd(c.Ctx, user, username, ids, usernames, metadata)
}

// friends implements the functions that act on friends and take no metadata.
func friends(do func(nk *core.Module, ctx context.Context, user, username string, ids, usernames []string) error) func(*core.Module, *vm.Call) error {
	return func(nk *core.Module, c *vm.Call) error {
		user, username := c.UUID("user_id"), c.StrNonEmpty("username")
		ids, usernames := c.OptUUIDs("user_ids"), c.OptStrs("usernames")
		if err := c.Err(); err != nil {
			return err
		}
		return do(nk, c.Ctx, user, username, ids, usernames)
	}
}

func friendMetadataUpdate(nk *core.Module, c *vm.Call) error {
	user, friend, metadata := c.UUID("user_id"), c.UUID("friend_user_id"), c.Map("metadata")
	if err := c.Err(); err != nil {
		return err
	}
	return nk.FriendMetadataUpdate(c.Ctx, user, friend, metadata)
}

func usersGetFriendStatus(nk *core.Module, c *vm.Call) error {
	user, others := c.UUID("user_id"), c.UUIDs("user_ids")
	if err := c.Err(); err != nil {
		return err
	}
	list, err := nk.UsersGetFriendStatus(c.Ctx, user, others)
	return vm.ReturnList(c, "friends", friendShape, list, err)
}
