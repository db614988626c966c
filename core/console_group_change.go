package core

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"strings"

	"github.com/gofrs/uuid/v5"
	"github.com/heroiclabs/nakama-common/api"

	"kumi/core/consolepb"
	"kumi/store/fault"
)

// EditGroup changes what is given of a group. InvalidArgument for a bad value and for a
// name in use, NotFound.
func (k *Console) EditGroup(ctx context.Context, in *consolepb.UpdateGroupRequest) error {
	if _, err := k.GetGroup(ctx, &consolepb.GroupId{Id: in.Id}); err != nil {
		return err
	}
	ch := GroupChange{Name: given(in.Name), LangTag: given(in.LangTag), Description: given(in.Description), AvatarURL: given(in.AvatarUrl)}
	if in.Open != nil {
		ch.Open = &in.Open.Value
	}
	if in.MaxCount != nil {
		n := int(in.MaxCount.Value)
		ch.MaxCount = &n
	}
	if text := in.Metadata.GetValue(); text != "" {
		d := json.NewDecoder(bytes.NewReader([]byte(text)))
		d.UseNumber() // keeps large ones
		if err := d.Decode(&ch.Metadata); err != nil || ch.Metadata == nil {
			return invalid("Metadata must be a JSON object.")
		}
	}
	return k.updateGroup(ctx, uuid.Nil, uuid.FromStringOrNil(in.Id), ch)
}

// AddMembers adds users to a group, or lets them ask to join it.
func (k *Console) AddMembers(ctx context.Context, in *consolepb.AddGroupUsersRequest) error {
	if _, err := k.GetGroup(ctx, &consolepb.GroupId{Id: in.GroupId}); err != nil {
		return err
	}
	group := uuid.FromStringOrNil(in.GroupId)
	var users []uuid.UUID
	for text := range strings.SplitSeq(in.Ids, ",") {
		id, err := playerID(strings.TrimSpace(text))
		if err != nil {
			return err
		}
		users = append(users, id)
	}
	if !in.JoinRequest {
		return k.manage(ctx, uuid.Nil, group, users, addMembers)
	}
	for _, user := range users {
		if err := k.joinGroup(ctx, group, user, ""); err != nil {
			return err
		}
	}
	return nil
}

// PromoteMember and DemoteMember change the state of a member by one.
// FailedPrecondition if that is not possible.
func (k *Console) PromoteMember(ctx context.Context, in *consolepb.UpdateGroupUserStateRequest) error {
	return k.moveMember(ctx, in.GroupId, in.Id, promoteMembers, "The user cannot be promoted.")
}

// DemoteMember is the inverse of PromoteMember. The last superadmin stays one.
func (k *Console) DemoteMember(ctx context.Context, in *consolepb.UpdateGroupUserStateRequest) error {
	return k.moveMember(ctx, in.GroupId, in.Id, demoteMembers, "The user cannot be demoted, or is the last superadmin.")
}

// RemoveMember removes a user from a group. FailedPrecondition for the last superadmin and
// for a user who is not in it.
func (k *Console) RemoveMember(ctx context.Context, in *consolepb.DeleteGroupUserRequest) error {
	return k.moveMember(ctx, in.GroupId, in.Id, kickMembers, "The user is not in the group, or is the last superadmin.")
}

// moveMember manages one member, and fails with FailedPrecondition if that changes nothing.
func (k *Console) moveMember(ctx context.Context, groupText, userText string, how management, nothing string) error {
	if _, err := k.GetGroup(ctx, &consolepb.GroupId{Id: groupText}); err != nil {
		return err
	}
	user, err := playerID(userText)
	if err != nil {
		return err
	}
	group := uuid.FromStringOrNil(groupText)
	before, err := k.memberState(ctx, group, user)
	if err != nil {
		return err
	}
	if err := k.manage(ctx, uuid.Nil, group, []uuid.UUID{user}, how); err != nil {
		return err
	}
	after, err := k.memberState(ctx, group, user)
	if err == nil && before == after {
		return fault.New(fault.FailedPrecondition, nothing)
	}
	return err
}

func (k *Console) memberState(ctx context.Context, group, user uuid.UUID) (state int, err error) {
	err = k.db.Reader().QueryRowContext(ctx, "SELECT state FROM group_edge WHERE source_id = $1 AND destination_id = $2", group, user).Scan(&state)
	if errors.Is(err, sql.ErrNoRows) {
		return groupNone, nil
	}
	if err != nil {
		return 0, failed("read the group member", err)
	}
	return state, nil
}

// DeleteFriend ends what is between two users; that there is nothing is no error.
func (k *Console) DeleteFriend(ctx context.Context, in *consolepb.DeleteFriendRequest) error {
	user, err := playerID(in.Id)
	if err != nil {
		return err
	}
	friend, err := playerID(in.FriendId)
	if err != nil {
		return err
	}
	return k.DeleteFriends(ctx, user, &api.DeleteFriendsRequest{Ids: []string{friend.String()}})
}
