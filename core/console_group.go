package core

import (
	"context"
	"database/sql"
	"strings"

	"github.com/gofrs/uuid/v5"
	"github.com/heroiclabs/nakama-common/api"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"kumi/core/consolepb"
	"kumi/store/fault"
)

const groupPage = 50

var groupPages = pagedList[*api.Group, uuid.UUID]{
	cursor: consoleGroupCursor, query: "SELECT " + groupColumns + " FROM groups g", order: []string{"g.id"},
	scan: func(rows *sql.Rows) (*api.Group, uuid.UUID, error) {
		var r groupRow
		err := rows.Scan(r.into()...)
		return r.group(), r.id, err
	},
	values: func(id uuid.UUID) []any { return []any{id} },
}

// ListAllGroups lists the groups in order of their ids, 50 a page: all, or those with the
// id or the name of a filter, which may have a % for any characters.
func (k *Console) ListAllGroups(ctx context.Context, in *consolepb.ListGroupsRequest) (*consolepb.GroupList, error) {
	total, err := k.rowCount(ctx, "groups")
	if err != nil {
		return nil, err
	}
	var where conditions
	where.add(liveGroup)
	if filter := in.Filter; filter != "" {
		id, err := uuid.FromString(filter)
		switch {
		case err == nil:
			where.add("(g.id = ? OR g.name = ?)", id, filter)
		case strings.Contains(filter, "%"):
			where.add(k.db.Dialect().ILike("g.name", "?"), strings.ReplaceAll(likeText(filter), `\%`, "%"))
		default:
			where.add("g.name = ?", filter)
		}
	}
	found, err := groupPages.read(ctx, k.db.Reader(), where, groupPage, in.Cursor)
	return &consolepb.GroupList{Groups: found.rows, TotalCount: total, NextCursor: found.next}, err
}

// GetGroup returns a group. NotFound if there is none.
func (k *Console) GetGroup(ctx context.Context, in *consolepb.GroupId) (*api.Group, error) {
	id, err := consoleID("group", in.Id)
	if err != nil {
		return nil, err
	}
	groups, err := k.groups(ctx, []uuid.UUID{id})
	if err != nil {
		return nil, err
	}
	if len(groups) == 0 {
		return nil, fault.New(fault.NotFound, "Group not found.")
	}
	return groups[0], nil
}

// GetMembers lists all members of a group, with requests to join and banned users.
func (k *Console) GetMembers(ctx context.Context, in *consolepb.GroupId) (*api.GroupUserList, error) {
	id, err := consoleID("group", in.Id)
	if err != nil {
		return nil, err
	}
	scan := func(rows *sql.Rows) (*api.GroupUserList_GroupUser, error) {
		var r userRow
		var state int32
		err := rows.Scan(append(r.into(), &state)...)
		return &api.GroupUserList_GroupUser{User: r.user(k.online(r.id)), State: wrapperspb.Int32(state)}, err
	}
	members, err := scanAll(ctx, k.db.Reader(), scan, "SELECT "+userColumns+`, e.state FROM group_edge e
		JOIN users u ON u.id = e.destination_id WHERE e.source_id = $1 ORDER BY e.state, e.position`, id)
	if err != nil {
		return nil, failed("list group members", err)
	}
	return &api.GroupUserList{GroupUsers: members}, nil
}

// ExportGroup returns a group with its members. NotFound if there is none.
func (k *Console) ExportGroup(ctx context.Context, in *consolepb.GroupId) (*consolepb.GroupExport, error) {
	group, err := k.GetGroup(ctx, in)
	if err != nil {
		return nil, err
	}
	members, err := k.GetMembers(ctx, in)
	if err != nil {
		return nil, err
	}
	return &consolepb.GroupExport{Group: group, Members: members.GroupUsers}, nil
}

// RemoveGroup deletes a group. NotFound if there is none.
func (k *Console) RemoveGroup(ctx context.Context, in *consolepb.GroupId) error {
	if _, err := k.GetGroup(ctx, in); err != nil {
		return err
	}
	return k.deleteGroup(ctx, nil, uuid.FromStringOrNil(in.Id))
}
