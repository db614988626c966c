package core

import (
	"context"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/heroiclabs/nakama-common/api"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

var friendEdges = edgeList{
	kind: friendCursor, badCursor: errFriendCursor, columns: "e.update_time, e.metadata, " + userColumns,
	tables: "user_edge e JOIN users u ON u.id = e.destination_id", max: friendBlocked,
}

// ListFriends lists the caller's friends, invitations and blocks, by state and
// then in the order of the invitations. A page has 1 to 1000, by default 1000.
// InvalidArgument for a bad limit, state or cursor.
func (c *Core) ListFriends(ctx context.Context, caller uuid.UUID, in *api.ListFriendsRequest) (*api.FriendList, error) {
	limit, err := limitOf(in.GetLimit(), 1000, 1000)
	if err != nil {
		return nil, err
	}
	var state *int
	if in.GetState() != nil {
		only := int(in.GetState().Value)
		state = &only
	}
	friends, cursor, err := c.listFriends(ctx, caller, limit, state, in.GetCursor())
	if err != nil {
		return nil, err
	}
	return &api.FriendList{Friends: friends, Cursor: cursor}, nil
}

func (c *Core) listFriends(ctx context.Context, user uuid.UUID, limit int, state *int, cursor string) ([]*api.Friend, string, error) {
	if state != nil && (*state < friendMutual || *state > friendBlocked) {
		return nil, "", invalid("Invalid state - state must be between 0 and 3.")
	}
	var friends []*api.Friend
	next, err := friendEdges.page(ctx, c.db.Reader(), user, limit, state, cursor,
		func(row interface{ Scan(...any) error }, state *int, position *int64) error {
			f, err := c.scanFriend(row, state, position)
			friends = append(friends, f)
			return err
		})
	if err != nil {
		return nil, "", failed("list friends", err)
	}
	return friends[:min(limit, len(friends))], next, nil
}

// scanFriend reads state, position and the columns of friendEdges.
func (c *Core) scanFriend(row interface{ Scan(...any) error }, state *int, position *int64) (*api.Friend, error) {
	var r userRow
	var updated time.Time
	var metadata string
	if err := row.Scan(append([]any{state, position, &updated, &metadata}, r.into()...)...); err != nil {
		return nil, err
	}
	r.edges = 0 // friends' edge counts are not shown
	return &api.Friend{
		User: r.user(c.online(r.id)), State: wrapperspb.Int32(int32(*state)), UpdateTime: seconds(updated), Metadata: metadata,
	}, nil
}

// friendStatus returns a user's relations to others; those without an edge are
// left out.
func (c *Core) friendStatus(ctx context.Context, user uuid.UUID, others []uuid.UUID) ([]*api.Friend, error) {
	if len(others) == 0 {
		return nil, nil
	}
	rows, err := c.db.Reader().QueryContext(ctx, "SELECT e.state, e.position, "+friendEdges.columns+" FROM "+friendEdges.tables+
		" WHERE e.source_id = $1 AND e.destination_id "+c.db.Dialect().AnyOf("$2", "uuid")+" ORDER BY e.state, e.position", user, others)
	if err != nil {
		return nil, failed("read the friend status", err)
	}
	defer rows.Close()
	var friends []*api.Friend
	for rows.Next() {
		var state int
		var position int64
		f, err := c.scanFriend(rows, &state, &position)
		if err != nil {
			return nil, failed("read the friend status", err)
		}
		friends = append(friends, f)
	}
	if err := rows.Err(); err != nil {
		return nil, failed("read the friend status", err)
	}
	return friends, nil
}

// friendOfPosition is the position at which a page begins.
type friendOfPosition struct {
	Referrer uuid.UUID `json:"r"`
	User     uuid.UUID `json:"u"`
}

// ListFriendsOfFriends lists the friends of the caller's friends who are not
// friends of the caller: once for each friend in common, in the order of
// those. A page has 1 to 100, by default 10. InvalidArgument for a bad limit
// or cursor.
func (c *Core) ListFriendsOfFriends(ctx context.Context, caller uuid.UUID, in *api.ListFriendsOfFriendsRequest) (*api.FriendsOfFriendsList, error) {
	limit, err := limitOf(in.GetLimit(), 10, 100)
	if err != nil {
		return nil, err
	}
	found, cursor, err := c.listFriendsOfFriends(ctx, caller, limit, in.GetCursor())
	if err != nil {
		return nil, err
	}
	return &api.FriendsOfFriendsList{FriendsOfFriends: found, Cursor: cursor}, nil
}

func (c *Core) listFriendsOfFriends(ctx context.Context, user uuid.UUID, limit int, cursor string) (found []*api.FriendsOfFriendsList_FriendOfFriend, next string, err error) {
	var from friendOfPosition
	if cursor != "" {
		if err := decodeCursor(friendOfCursor, cursor, &from); err != nil {
			return nil, "", errFriendCursor
		}
	}
	rows, err := c.db.Reader().QueryContext(ctx, "SELECT e.destination_id, "+userColumns+` FROM user_edge e
		JOIN user_edge f ON f.source_id = e.destination_id AND f.state = 0
		JOIN users u ON u.id = f.destination_id
		WHERE e.source_id = $1 AND e.state = 0 AND f.destination_id <> $1 AND (e.destination_id, f.destination_id) >= ($2, $3)
		AND NOT EXISTS (SELECT 1 FROM user_edge d WHERE d.source_id = $1 AND d.destination_id = f.destination_id AND d.state = 0)
		ORDER BY e.destination_id, f.destination_id LIMIT $4`, user, from.Referrer, from.User, limit+1)
	if err != nil {
		return nil, "", failed("list friends of friends", err)
	}
	defer rows.Close()
	for rows.Next() {
		var referrer uuid.UUID
		var r userRow
		if err := rows.Scan(append([]any{&referrer}, r.into()...)...); err != nil {
			return nil, "", failed("list friends of friends", err)
		}
		if len(found) == limit {
			if next, err = encodeCursor(friendOfCursor, friendOfPosition{referrer, r.id}); err != nil {
				return nil, "", failed("list friends of friends", err)
			}
			break
		}
		found = append(found, &api.FriendsOfFriendsList_FriendOfFriend{Referrer: referrer.String(), User: r.user(c.online(r.id))})
	}
	if err := rows.Err(); err != nil {
		return nil, "", failed("list friends of friends", err)
	}
	return found, next, nil
}
