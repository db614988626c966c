package core

import (
	"context"

	"github.com/gofrs/uuid/v5"
	"github.com/heroiclabs/nakama-common/api"
)

// memberRule returns the new state of a user, given the rank of the user who
// acts, the number of superadmins in the group and the old state. The same
// state means no change.
type memberRule func(rank, superadmins, state int) int

func addRule(_, _, state int) int {
	if state == groupNone || state == groupRequest {
		return groupMember
	}
	return state
}

// mayRemove reports whether a user may be removed from the group. An admin
// cannot remove other admins, and one superadmin has to stay.
func mayRemove(rank, superadmins, state int) bool {
	switch state {
	case groupSuperadmin:
		return rank == groupSuperadmin && superadmins > 1
	case groupAdmin:
		return rank == groupSuperadmin
	}
	return state != groupNone
}

// kickRule also rejects requests and lifts bans.
func kickRule(rank, superadmins, state int) int {
	if mayRemove(rank, superadmins, state) {
		return groupNone
	}
	return state
}

func banRule(rank, superadmins, state int) int {
	if mayRemove(rank, superadmins, state) {
		return groupBanned
	}
	return state
}

func promoteRule(rank, _, state int) int {
	if state == groupMember || state == groupAdmin && rank == groupSuperadmin {
		return state - 1
	}
	return state
}

func demoteRule(rank, superadmins, state int) int {
	if state == groupAdmin || state == groupSuperadmin && rank == groupSuperadmin && superadmins > 1 {
		return state + 1
	}
	return state
}

// AddGroupUsers makes users members, unless they are banned, and notifies
// them.
//
// Errors of this and the next four: InvalidArgument for a bad id, NotFound if
// the group does not exist or the caller is not an admin of it. Of this one
// only: InvalidArgument for an unknown user or a full group.
func (c *Core) AddGroupUsers(ctx context.Context, caller uuid.UUID, in *api.AddGroupUsersRequest) error {
	return c.clientManages(ctx, caller, in.GetGroupId(), in.GetUserIds(), addMembers)
}

// KickGroupUsers removes users from the group. Users that the caller may not
// remove are skipped.
func (c *Core) KickGroupUsers(ctx context.Context, caller uuid.UUID, in *api.KickGroupUsersRequest) error {
	return c.clientManages(ctx, caller, in.GetGroupId(), in.GetUserIds(), kickMembers)
}

// BanGroupUsers removes users from the group and bans them.
func (c *Core) BanGroupUsers(ctx context.Context, caller uuid.UUID, in *api.BanGroupUsersRequest) error {
	return c.clientManages(ctx, caller, in.GetGroupId(), in.GetUserIds(), banMembers)
}

// PromoteGroupUsers makes members admins, and admins superadmins.
func (c *Core) PromoteGroupUsers(ctx context.Context, caller uuid.UUID, in *api.PromoteGroupUsersRequest) error {
	return c.clientManages(ctx, caller, in.GetGroupId(), in.GetUserIds(), promoteMembers)
}

// DemoteGroupUsers is the opposite. InvalidArgument without users.
func (c *Core) DemoteGroupUsers(ctx context.Context, caller uuid.UUID, in *api.DemoteGroupUsersRequest) error {
	if len(in.GetUserIds()) == 0 {
		return errGroupID // the protocol's wording
	}
	return c.clientManages(ctx, caller, in.GetGroupId(), in.GetUserIds(), demoteMembers)
}

// management is an operation on members.
type management struct {
	doing string
	rule  memberRule
	code  int32 // of the message to the group's channel
}

var (
	addMembers     = management{"add group users", addRule, messageGroupAdd}
	kickMembers    = management{"kick group users", kickRule, messageGroupKick}
	banMembers     = management{"ban group users", banRule, messageGroupBan}
	promoteMembers = management{"promote group users", promoteRule, messageGroupPromote}
	demoteMembers  = management{"demote group users", demoteRule, messageGroupDemote}
)

func (c *Core) clientManages(ctx context.Context, caller uuid.UUID, group string, users []string, how management) error {
	id, err := groupID(group)
	if err != nil {
		return err
	}
	ids := make([]uuid.UUID, len(users))
	for i, text := range users {
		if ids[i], err = uuid.FromString(text); err != nil || ids[i].IsNil() {
			return invalid("User ID must be a valid ID.")
		}
	}
	return c.manage(ctx, caller, id, ids, how)
}

// manage runs an operation for a caller, or for the server if it is nil.
func (c *Core) manage(ctx context.Context, caller, group uuid.UUID, users []uuid.UUID, how management) error {
	if len(users) == 0 {
		return nil
	}
	err := c.inGroup(ctx, group, func(ctx context.Context, g *groupWork) error { return g.manage(ctx, caller, users, how) })
	if err != nil {
		return failed(how.doing, err)
	}
	return nil
}

func (g *groupWork) manage(ctx context.Context, caller uuid.UUID, users []uuid.UUID, how management) error {
	rank, err := g.manager(ctx, caller)
	if err != nil {
		return err
	}
	states, err := g.states(ctx, users)
	if err != nil {
		return err
	}
	superadmins, err := g.superadmins(ctx)
	if err != nil {
		return err
	}
	names, err := usernames(ctx, g.c.db.Dialect(), g.q, users)
	if err != nil {
		return err
	}
	adds := how.code == messageGroupAdd
	for _, user := range users {
		name, known := names[user]
		if adds && !known {
			return errGroupUser
		}
		from, has := states[user]
		if !has {
			from = groupNone
		}
		to := how.rule(rank, superadmins, from)
		if user == caller || to == from {
			continue
		}
		if err := g.move(ctx, user, from, to); err != nil {
			return err
		}
		states[user] = to
		switch groupSuperadmin {
		case from:
			superadmins--
		case to:
			superadmins++
		}
		if !known || !adds && !isMember(from) {
			continue // rejected requests and lifted bans are not announced
		}
		if err := g.say(user, name, how.code); err != nil {
			return err
		}
		if adds {
			g.notices = append(g.notices, notice(user, caller, notifyGroupAdd, "You've been added to group "+g.name,
				"group_id", g.id.String(), "name", g.name))
		}
	}
	return nil
}
