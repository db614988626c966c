package core

import (
	"context"
	"strconv"
	"strings"

	"github.com/gofrs/uuid/v5"
	"github.com/heroiclabs/nakama-common/rtapi"
	"github.com/heroiclabs/nakama-common/runtime"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"kumi/presence"
)

// FollowStatus makes a session receive the status events of users, given by id
// or name, and returns those that are online. Unknown users, the caller itself
// and the system user are skipped. InvalidArgument for a bad id or an empty
// name.
func (c *Core) FollowStatus(ctx context.Context, session, self uuid.UUID, in *rtapi.StatusFollow) (*rtapi.Status, error) {
	ids, err := followedIDs(in.GetUserIds())
	if err != nil {
		return nil, err
	}
	for _, name := range in.GetUsernames() {
		if name == "" {
			return nil, invalid("Invalid username")
		}
	}
	out := &rtapi.Status{}
	users, err := c.existingUsers(ctx, ids, in.GetUsernames())
	if err != nil {
		return nil, failed("follow users", err)
	}
	for _, user := range users {
		if user == self || user == uuid.Nil {
			continue
		}
		// Follow before reading presences: a user who comes online in between is in
		// the result, in an event, or in both.
		c.tracker.Follow(session, user)
		out.Presences = append(out.Presences, presence.UserPresences(c.tracker.List(presence.StatusOf(user), false, true))...)
	}
	return out, nil
}

// UnfollowStatus ends what FollowStatus began. InvalidArgument for a bad id.
func (c *Core) UnfollowStatus(session uuid.UUID, in *rtapi.StatusUnfollow) error {
	ids, err := followedIDs(in.GetUserIds())
	if err != nil {
		return err
	}
	c.tracker.Unfollow(session, ids...)
	return nil
}

// UpdateStatus sets the status that a session shows, or takes it offline
// without one. InvalidArgument for a status over 2048 bytes; the errors of the
// tracker for a session that has ended.
func (c *Core) UpdateStatus(session, user uuid.UUID, username string, status *wrapperspb.StringValue) error {
	stream := presence.StatusOf(user)
	if status == nil {
		c.tracker.Untrack(session, stream, runtime.PresenceReasonLeave)
		return nil
	}
	if len(status.Value) > maxStatus {
		return invalid("Status must be %d characters or less", maxStatus)
	}
	_, err := c.tracker.Update(session, stream, presence.Meta{Username: username, Status: status.Value})
	return err
}

func followedIDs(texts []string) ([]uuid.UUID, error) {
	ids := make([]uuid.UUID, len(texts))
	for i, text := range texts {
		var err error
		if ids[i], err = uuid.FromString(text); err != nil {
			return nil, invalid("Invalid user identifier")
		}
	}
	return ids, nil
}

// existingUsers returns the distinct ids of existing users, in no order.
func (c *Core) existingUsers(ctx context.Context, ids []uuid.UUID, names []string) ([]uuid.UUID, error) {
	if len(ids) == 0 && len(names) == 0 {
		return nil, nil
	}
	var where []string
	var args []any
	add := func(column, kind string, list any) {
		args = append(args, list)
		where = append(where, column+" "+c.db.Dialect().AnyOf("$"+strconv.Itoa(len(args)), kind))
	}
	if len(ids) > 0 {
		add("id", "uuid", ids)
	}
	if len(names) > 0 {
		add("username", "text", names)
	}
	rows, err := c.db.Reader().QueryContext(ctx, "SELECT id FROM users WHERE "+strings.Join(where, " OR "), args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var found []uuid.UUID
	for rows.Next() {
		var id uuid.UUID
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		found = append(found, id)
	}
	return found, rows.Err()
}
