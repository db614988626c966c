package core

import (
	"context"
	"errors"

	"github.com/gofrs/uuid/v5"
	"github.com/heroiclabs/nakama-common/api"
	"github.com/heroiclabs/nakama-common/runtime"
)

// JoinGroup makes the caller a member of an open group, or requests to join a
// closed one. A user that already has a state in it, even banned, keeps that.
//
// Errors: InvalidArgument for a bad id or a full group, NotFound.
func (c *Core) JoinGroup(ctx context.Context, caller uuid.UUID, in *api.JoinGroupRequest) error {
	group, err := groupID(in.GetGroupId())
	if err != nil {
		return err
	}
	err = c.joinGroup(ctx, group, caller, "")
	if errors.Is(err, runtime.ErrGroupNotFound) {
		return errGroupJoin
	}
	return err
}

// joinGroup uses the user's own name unless another is given.
func (c *Core) joinGroup(ctx context.Context, group, user uuid.UUID, username string) error {
	err := c.inGroup(ctx, group, func(ctx context.Context, g *groupWork) error {
		if g.members >= g.max {
			return errGroupFull
		}
		state, err := g.state(ctx, user)
		if err != nil || state != groupNone {
			return err
		}
		names, err := usernames(ctx, c.db.Dialect(), g.q, []uuid.UUID{user})
		if err != nil {
			return err
		}
		name, known := names[user]
		if !known || user.IsNil() {
			return errGroupUser
		}
		if username == "" {
			username = name
		}
		if g.open {
			if err := g.move(ctx, user, groupNone, groupMember); err != nil {
				return err
			}
			return g.say(user, username, messageGroupJoin)
		}
		if err := g.move(ctx, user, groupNone, groupRequest); err != nil {
			return err
		}
		return g.askAdmins(ctx, user, username)
	})
	if err != nil {
		return failed("join group", err)
	}
	return nil
}

// askAdmins notifies all admins that a user wants to join.
func (g *groupWork) askAdmins(ctx context.Context, user uuid.UUID, username string) error {
	rows, err := g.q.QueryContext(ctx, "SELECT destination_id FROM group_edge WHERE source_id = $1 AND state <= $2 ORDER BY state, position",
		g.id, groupAdmin)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var admin uuid.UUID
		if err := rows.Scan(&admin); err != nil {
			return err
		}
		g.notices = append(g.notices, notice(admin, user, notifyGroupRequest, "User "+username+" wants to join your group",
			"group_id", g.id.String(), "username", username))
	}
	return rows.Err()
}

// LeaveGroup ends the caller's membership, or withdraws its request. A group
// without members is deleted.
//
// Errors: InvalidArgument for a bad id, or for the last superadmin of a group
// with other members.
func (c *Core) LeaveGroup(ctx context.Context, caller uuid.UUID, in *api.LeaveGroupRequest) error {
	group, err := groupID(in.GetGroupId())
	if err != nil {
		return err
	}
	return c.leaveGroup(ctx, group, caller, "")
}

func (c *Core) leaveGroup(ctx context.Context, group, user uuid.UUID, username string) error {
	err := c.inGroup(ctx, group, func(ctx context.Context, g *groupWork) error {
		state, err := g.state(ctx, user)
		if err != nil || state == groupNone || state == groupBanned {
			return err
		}
		if isMember(state) && g.members == 1 {
			return g.delete(ctx)
		}
		if state == groupSuperadmin {
			if n, err := g.superadmins(ctx); err != nil {
				return err
			} else if n == 1 {
				return errGroupLastAdmin
			}
		}
		if err := g.move(ctx, user, state, groupNone); err != nil {
			return err
		}
		if username == "" {
			names, err := usernames(ctx, c.db.Dialect(), g.q, []uuid.UUID{user})
			if err != nil {
				return err
			}
			username = names[user]
		}
		return g.say(user, username, messageGroupLeave)
	})
	if errors.Is(err, runtime.ErrGroupNotFound) {
		return nil
	}
	if err != nil {
		return failed("leave group", err)
	}
	return nil
}
