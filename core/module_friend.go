package core

import (
	"context"

	"github.com/heroiclabs/nakama-common/api"
)

// FriendsAdd implements runtime.NakamaModule. The username is the one in the
// notifications.
func (m *Module) FriendsAdd(ctx context.Context, user, username string, ids, usernames []string, metadata map[string]any) error {
	text, err := objectText(metadata)
	if err != nil {
		return invalid("friend metadata cannot be written as JSON: %v", err)
	}
	return m.befriend(ctx, friendCall{doing: "add friends", self: selfAdd, rule: addFriend, metadata: text, needsSomeone: true}, user, username, ids, usernames)
}

// FriendsDelete implements runtime.NakamaModule.
func (m *Module) FriendsDelete(ctx context.Context, user, username string, ids, usernames []string) error {
	return m.befriend(ctx, friendCall{doing: "delete friends", self: selfDelete, rule: deleteFriend}, user, username, ids, usernames)
}

// FriendsBlock implements runtime.NakamaModule.
func (m *Module) FriendsBlock(ctx context.Context, user, username string, ids, usernames []string) error {
	return m.befriend(ctx, friendCall{doing: "block friends", self: selfBlock, rule: blockFriend, needsSomeone: true}, user, username, ids, usernames)
}

func (m *Module) befriend(ctx context.Context, call friendCall, user, username string, ids, usernames []string) (err error) {
	if call.user, err = userID(user); err != nil {
		return err
	}
	if username == "" {
		return invalid("expects a username")
	}
	if call.ids, err = peopleIDs(ids); err != nil {
		return err
	}
	call.username, call.usernames = username, usernames
	return m.core.befriend(ctx, call)
}

// FriendsList implements runtime.NakamaModule; limit is 1 to 1000.
func (m *Module) FriendsList(ctx context.Context, user string, limit int, state *int, cursor string) ([]*api.Friend, string, error) {
	id, err := userID(user)
	if err != nil {
		return nil, "", err
	}
	if limit < 1 || limit > 1000 {
		return nil, "", invalid("limit must be 1-1000")
	}
	friends, next, err := m.core.listFriends(ctx, id, limit, state, cursor)
	return notNil(friends), next, bareFriend(err)
}

// FriendsOfFriendsList implements runtime.NakamaModule; limit is 1 to 1000.
func (m *Module) FriendsOfFriendsList(ctx context.Context, user string, limit int, cursor string) ([]*api.FriendsOfFriendsList_FriendOfFriend, string, error) {
	id, err := userID(user)
	if err != nil {
		return nil, "", err
	}
	if limit < 1 || limit > 1000 {
		return nil, "", invalid("limit must be 1-1000")
	}
	found, next, err := m.core.listFriendsOfFriends(ctx, id, limit, cursor)
	return notNil(found), next, bareFriend(err)
}

// FriendMetadataUpdate implements runtime.NakamaModule: it replaces the
// metadata of the user's edge to the friend. NotFound if there is no edge.
func (m *Module) FriendMetadataUpdate(ctx context.Context, user, friend string, metadata map[string]any) error {
	id, err := userID(user)
	if err != nil {
		return err
	}
	other, err := userID(friend)
	if err != nil {
		return err
	}
	text, err := objectText(metadata)
	if err != nil {
		return invalid("friend metadata cannot be written as JSON: %v", err)
	}
	return m.core.updateFriendMetadata(ctx, id, other, text)
}

// UsersGetFriendStatus implements runtime.NakamaModule: it returns the user's
// relations to others; those without one are left out.
func (m *Module) UsersGetFriendStatus(ctx context.Context, user string, others []string) ([]*api.Friend, error) {
	id, err := userID(user)
	if err != nil {
		return nil, err
	}
	ids, err := userIDs(others)
	if err != nil {
		return nil, err
	}
	return listed(m.core.friendStatus(ctx, id, ids))
}
