package core

import (
	"context"

	"github.com/gofrs/uuid/v5"
	"github.com/heroiclabs/nakama-common/api"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

var groupUsers = edgeList{
	kind: groupUserCursor, badCursor: errGroupCursor, columns: userColumns,
	tables: "group_edge e JOIN users u ON u.id = e.destination_id", max: groupRequest,
}

var userGroups = edgeList{
	kind: userGroupCursor, badCursor: errUserGroupCursor, columns: groupColumns,
	tables: "group_edge e JOIN groups g ON g.id = e.destination_id", where: " AND " + liveGroup, max: groupRequest,
}

// groupStateOf returns the state that a list is filtered by; nil for all.
func groupStateOf(v *wrapperspb.Int32Value) (*int, error) {
	if v == nil {
		return nil, nil
	}
	state := int(v.Value)
	return &state, checkGroupState(&state)
}

func checkGroupState(state *int) error {
	if state != nil && (*state < groupSuperadmin || *state > groupBanned) {
		return invalid("Invalid state - state must be between 0 and 4.")
	}
	return nil
}

// ListGroupUsers lists the users of a group, by state and then in the order
// they joined. Banned ones are listed only if asked for. A page has 1 to 100,
// by default 100. InvalidArgument for bad arguments.
func (c *Core) ListGroupUsers(ctx context.Context, _ uuid.UUID, in *api.ListGroupUsersRequest) (*api.GroupUserList, error) {
	group, err := groupID(in.GetGroupId())
	if err != nil {
		return nil, err
	}
	limit, err := limitOf(in.GetLimit(), 100, 100)
	if err != nil {
		return nil, err
	}
	state, err := groupStateOf(in.GetState())
	if err != nil {
		return nil, err
	}
	users, cursor, err := c.listGroupUsers(ctx, group, limit, state, in.GetCursor())
	if err != nil {
		return nil, err
	}
	return &api.GroupUserList{GroupUsers: users, Cursor: cursor}, nil
}

func (c *Core) listGroupUsers(ctx context.Context, group uuid.UUID, limit int, state *int, cursor string) ([]*api.GroupUserList_GroupUser, string, error) {
	var users []*api.GroupUserList_GroupUser
	next, err := groupUsers.page(ctx, c.db.Reader(), group, limit, state, cursor,
		func(row interface{ Scan(...any) error }, state *int, position *int64) error {
			var r userRow
			if err := row.Scan(append([]any{state, position}, r.into()...)...); err != nil {
				return err
			}
			users = append(users, &api.GroupUserList_GroupUser{User: r.user(c.online(r.id)), State: wrapperspb.Int32(int32(*state))})
			return nil
		})
	if err != nil {
		return nil, "", failed("list group users", err)
	}
	return users[:min(limit, len(users))], next, nil
}

// ListUserGroups lists the groups of any user, as ListGroupUsers does.
func (c *Core) ListUserGroups(ctx context.Context, _ uuid.UUID, in *api.ListUserGroupsRequest) (*api.UserGroupList, error) {
	if in.GetUserId() == "" {
		return nil, invalid("User ID must be set.")
	}
	user, err := uuid.FromString(in.GetUserId())
	if err != nil {
		return nil, invalid("Group ID must be a valid ID.") // the protocol's wording
	}
	limit, err := limitOf(in.GetLimit(), 100, 100)
	if err != nil {
		return nil, err
	}
	state, err := groupStateOf(in.GetState())
	if err != nil {
		return nil, err
	}
	groups, cursor, err := c.listUserGroups(ctx, user, limit, state, in.GetCursor())
	if err != nil {
		return nil, err
	}
	return &api.UserGroupList{UserGroups: groups, Cursor: cursor}, nil
}

func (c *Core) listUserGroups(ctx context.Context, user uuid.UUID, limit int, state *int, cursor string) ([]*api.UserGroupList_UserGroup, string, error) {
	var groups []*api.UserGroupList_UserGroup
	next, err := userGroups.page(ctx, c.db.Reader(), user, limit, state, cursor,
		func(row interface{ Scan(...any) error }, state *int, position *int64) error {
			var r groupRow
			if err := row.Scan(append([]any{state, position}, r.into()...)...); err != nil {
				return err
			}
			groups = append(groups, &api.UserGroupList_UserGroup{Group: r.group(), State: wrapperspb.Int32(int32(*state))})
			return nil
		})
	if err != nil {
		return nil, "", failed("list user groups", err)
	}
	return groups[:min(limit, len(groups))], next, nil
}
