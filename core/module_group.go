package core

import (
	"context"

	"github.com/gofrs/uuid/v5"
	"github.com/heroiclabs/nakama-common/api"

	"github.com/heroiclabs/nakama-common/runtime"
)

// GroupsGetId implements runtime.NakamaModule. Unknown ids are skipped.
func (m *Module) GroupsGetId(ctx context.Context, ids []string) ([]*api.Group, error) {
	groups := make([]uuid.UUID, len(ids))
	for i, text := range ids {
		var err error
		if groups[i], err = groupID(text); err != nil {
			return nil, err
		}
	}
	return listed(m.core.groups(ctx, groups))
}

// GroupCreate implements runtime.NakamaModule. The user becomes superadmin;
// max count 0 means 100.
func (m *Module) GroupCreate(ctx context.Context, user, name, creator, langTag, description, avatarURL string, open bool, metadata map[string]any, maxCount int) (*api.Group, error) {
	id, err := userID(user)
	if err != nil {
		return nil, err
	}
	n := newGroup{name: name, lang: langTag, description: description, avatar: avatarURL, open: open, max: maxCount}
	if n.creator, err = ownerID(creator); err != nil {
		return nil, runtime.ErrGroupCreatorInvalid
	}
	if n.metadata, err = objectText(metadata); err != nil {
		return nil, invalid("group metadata cannot be written as JSON: %v", err)
	}
	made, err := m.core.createGroup(ctx, id, n)
	return made, bareGroup(err)
}

// GroupUpdate implements runtime.NakamaModule: an empty text, a nil map and a
// max count of 0 leave their fields unchanged; open is always set. If a user
// is given, it must be an admin.
func (m *Module) GroupUpdate(ctx context.Context, id, user, name, creator, langTag, description, avatarURL string, open bool, metadata map[string]any, maxCount int) error {
	ch := GroupChange{
		Name: textOrNull(name), LangTag: textOrNull(langTag), Description: textOrNull(description), AvatarURL: textOrNull(avatarURL),
		Open: &open, Metadata: metadata,
	}
	if creator != "" {
		by, err := uuid.FromString(creator)
		if err != nil {
			return runtime.ErrGroupCreatorInvalid
		}
		ch.CreatorID = &by
	}
	if maxCount != 0 {
		ch.MaxCount = &maxCount
	}
	return m.GroupChange(ctx, id, user, ch)
}

// GroupChange is GroupUpdate for callers that can tell an empty text from
// none.
func (m *Module) GroupChange(ctx context.Context, id, user string, ch GroupChange) error {
	group, err := groupID(id)
	if err != nil {
		return err
	}
	caller, err := ownerID(user)
	if err != nil {
		return err
	}
	return bareGroup(m.core.updateGroup(ctx, caller, group, ch))
}

// GroupDelete implements runtime.NakamaModule.
func (m *Module) GroupDelete(ctx context.Context, id string) error {
	group, err := groupID(id)
	if err != nil {
		return err
	}
	return bareGroup(m.core.deleteGroup(ctx, nil, group))
}

// GroupUserJoin implements runtime.NakamaModule: for a closed group it
// requests to join.
func (m *Module) GroupUserJoin(ctx context.Context, groupID, userID, username string) error {
	group, user, err := member(groupID, userID, username)
	if err != nil {
		return err
	}
	return bareGroup(m.core.joinGroup(ctx, group, user, username))
}

// GroupUserLeave implements runtime.NakamaModule.
func (m *Module) GroupUserLeave(ctx context.Context, groupID, userID, username string) error {
	group, user, err := member(groupID, userID, username)
	if err != nil {
		return err
	}
	return bareGroup(m.core.leaveGroup(ctx, group, user, username))
}

func member(groupText, userText, username string) (group, user uuid.UUID, err error) {
	if group, err = groupID(groupText); err != nil {
		return group, user, err
	}
	if user, err = userID(userText); err != nil {
		return group, user, err
	}
	if username == "" {
		err = invalid("expects a username")
	}
	return group, user, err
}

// GroupUsersAdd implements runtime.NakamaModule. In this and the next four an
// empty caller is the server; any other must be an admin of the group.
func (m *Module) GroupUsersAdd(ctx context.Context, callerID, groupID string, userIDs []string) error {
	return m.manage(ctx, callerID, groupID, userIDs, addMembers)
}

// GroupUsersBan implements runtime.NakamaModule.
func (m *Module) GroupUsersBan(ctx context.Context, callerID, groupID string, userIDs []string) error {
	return m.manage(ctx, callerID, groupID, userIDs, banMembers)
}

// GroupUsersKick implements runtime.NakamaModule.
func (m *Module) GroupUsersKick(ctx context.Context, callerID, groupID string, userIDs []string) error {
	return m.manage(ctx, callerID, groupID, userIDs, kickMembers)
}

// GroupUsersPromote implements runtime.NakamaModule.
func (m *Module) GroupUsersPromote(ctx context.Context, callerID, groupID string, userIDs []string) error {
	return m.manage(ctx, callerID, groupID, userIDs, promoteMembers)
}

// GroupUsersDemote implements runtime.NakamaModule.
func (m *Module) GroupUsersDemote(ctx context.Context, callerID, groupID string, userIDs []string) error {
	return m.manage(ctx, callerID, groupID, userIDs, demoteMembers)
}

func (m *Module) manage(ctx context.Context, callerText, groupText string, userTexts []string, how management) error {
	caller, err := ownerID(callerText)
	if err != nil {
		return err
	}
	group, err := groupID(groupText)
	if err != nil {
		return err
	}
	users, err := peopleIDs(userTexts)
	if err != nil {
		return err
	}
	return bareGroup(m.core.manage(ctx, caller, group, users, how))
}

// GroupUsersList implements runtime.NakamaModule; limit is 1 to 10000.
func (m *Module) GroupUsersList(ctx context.Context, id string, limit int, state *int, cursor string) ([]*api.GroupUserList_GroupUser, string, error) {
	group, err := groupID(id)
	if err != nil {
		return nil, "", err
	}
	if limit < 1 || limit > 10_000 {
		return nil, "", invalid("limit must be 1-10000")
	}
	if err := checkGroupState(state); err != nil {
		return nil, "", err
	}
	users, next, err := m.core.listGroupUsers(ctx, group, limit, state, cursor)
	return notNil(users), next, bareGroup(err)
}

// GroupsList implements runtime.NakamaModule; limit is 1 to 100.
func (m *Module) GroupsList(ctx context.Context, name, langTag string, members *int, open *bool, limit int, cursor string) ([]*api.Group, string, error) {
	if limit < 1 || limit > 100 {
		return nil, "", invalid("limit must be 1-100")
	}
	return m.core.listGroups(ctx, groupFilter{name: name, lang: langTag, open: open, members: members}, limit, cursor)
}

// GroupsGetRandom implements runtime.NakamaModule; count is 0 to 1000.
func (m *Module) GroupsGetRandom(ctx context.Context, count int) ([]*api.Group, error) {
	return listed(m.core.randomGroups(ctx, count))
}

// UserGroupsList implements runtime.NakamaModule; limit is 1 to 100.
func (m *Module) UserGroupsList(ctx context.Context, user string, limit int, state *int, cursor string) ([]*api.UserGroupList_UserGroup, string, error) {
	id, err := userID(user)
	if err != nil {
		return nil, "", err
	}
	if limit < 1 || limit > 100 {
		return nil, "", invalid("limit must be 1-100")
	}
	if err := checkGroupState(state); err != nil {
		return nil, "", err
	}
	groups, next, err := m.core.listUserGroups(ctx, id, limit, state, cursor)
	return notNil(groups), next, bareGroup(err)
}
