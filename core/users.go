package core

import (
	"context"
	"strconv"
	"strings"

	"github.com/gofrs/uuid/v5"
	"github.com/heroiclabs/nakama-common/api"
)

// GetUsers returns the users that match any of the ids, names or Facebook ids.
// Unknown ones are left out, the order is unspecified. InvalidArgument for a
// bad id.
func (c *Core) GetUsers(ctx context.Context, in *api.GetUsersRequest) (*api.Users, error) {
	ids := make([]uuid.UUID, len(in.GetIds()))
	for i, text := range in.GetIds() {
		var err error
		if ids[i], err = uuid.FromString(text); err != nil {
			return nil, invalid("ID '%s' is not a valid system ID.", text)
		}
	}
	users, err := c.users(ctx, ids, in.GetUsernames(), in.GetFacebookIds())
	if err != nil {
		return nil, err
	}
	return &api.Users{Users: users}, nil
}

func (c *Core) users(ctx context.Context, ids []uuid.UUID, names, facebook []string) ([]*api.User, error) {
	d := c.db.Dialect()
	var where []string
	var args []any
	add := func(column, kind string, list any) {
		args = append(args, list)
		where = append(where, column+" "+d.AnyOf("$"+strconv.Itoa(len(args)), kind))
	}
	if len(ids) > 0 {
		add("u.id", "uuid", ids)
	}
	if len(names) > 0 {
		add("u.username", "text", names)
	}
	if len(facebook) > 0 {
		add("u.facebook_id", "text", facebook)
	}
	if len(where) == 0 {
		return nil, nil
	}
	users, err := c.readUsers(ctx, c.db.Reader(), "SELECT "+userColumns+" FROM users u WHERE "+strings.Join(where, " OR "), args...)
	if err != nil {
		return nil, failed("read users", err)
	}
	return users, nil
}

// randomUsers returns up to count users after a random point in the order of
// ids. Ids are random themselves, so each user is equally likely.
func (c *Core) randomUsers(ctx context.Context, count int) ([]*api.User, error) {
	if count < 0 || count > 1000 {
		return nil, invalid("count must be between 0 and 1000")
	}
	if count == 0 {
		return nil, nil
	}
	from, err := uuid.NewV4()
	if err != nil {
		return nil, failed("pick random users", err)
	}
	const query = "SELECT " + userColumns + " FROM users u WHERE u.id "
	users, err := c.readUsers(ctx, c.db.Reader(), query+"> $1 ORDER BY u.id LIMIT $2", from, count)
	if err == nil && len(users) < count {
		var rest []*api.User
		rest, err = c.readUsers(ctx, c.db.Reader(), query+"<= $1 AND u.id <> $2 ORDER BY u.id LIMIT $3",
			from, uuid.Nil, count-len(users))
		users = append(users, rest...)
	}
	if err != nil {
		return nil, failed("pick random users", err)
	}
	return users, nil
}

// userID parses a required user id.
func userID(text string) (uuid.UUID, error) {
	id, err := uuid.FromString(text)
	if err != nil {
		return uuid.Nil, invalid("user id must be a valid identifier, not %q", text)
	}
	return id, nil
}

func userIDs(texts []string) ([]uuid.UUID, error) {
	ids := make([]uuid.UUID, 0, len(texts))
	for _, text := range texts {
		id, err := userID(text)
		if err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, nil
}
