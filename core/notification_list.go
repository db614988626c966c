package core

import (
	"context"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/heroiclabs/nakama-common/api"

	"kumi/store"
	"kumi/store/fault"
)

// notificationPosition is the end of a page of notifications. Clients keep it
// to poll for new ones.
type notificationPosition struct {
	Created time.Time `json:"t"`
	ID      uuid.UUID `json:"i"`
}

func (p *notificationPosition) decode(cursor string) error {
	if err := decodeCursor(notificationCursor, cursor, p); err != nil {
		if err = p.fromNakama(cursor); err != nil {
			return err
		}
	}
	if !storable(p.Created) {
		return errCursor
	}
	return nil
}

// ListNotifications lists the caller's stored notifications, oldest first. A
// page has 1 to 100, by default 1. There is always a cursor, with which
// clients can poll for new ones.
//
// Errors: InvalidArgument for a bad limit or cursor.
func (c *Core) ListNotifications(ctx context.Context, caller uuid.UUID, in *api.ListNotificationsRequest) (*api.NotificationList, error) {
	limit, err := limitOf(in.GetLimit(), 1, 100)
	if err != nil {
		return nil, err
	}
	list, cursor, _, err := c.listNotifications(ctx, caller, limit, in.GetCacheableCursor())
	if err != nil {
		return nil, err
	}
	return &api.NotificationList{Notifications: list, CacheableCursor: cursor}, nil
}

// listNotifications also reports whether there is another page.
func (c *Core) listNotifications(ctx context.Context, user uuid.UUID, limit int, cursor string) (list []*api.Notification, next string, more bool, err error) {
	from := notificationPosition{Created: store.Epoch}
	if cursor != "" {
		if err := from.decode(cursor); err != nil {
			return nil, "", false, fault.Wrap(fault.InvalidArgument, "Error retrieving notifications. The cursor is not one of this list.", err)
		}
	}
	rows, err := c.db.Reader().QueryContext(ctx, `SELECT id, subject, content, code, sender_id, create_time FROM notification
		WHERE user_id = $1 AND (create_time, id) > ($2, $3) ORDER BY create_time, id LIMIT $4`, user, from.Created, from.ID, limit+1)
	if err != nil {
		return nil, "", false, failedWith("Error retrieving notifications.", err)
	}
	defer rows.Close()
	for rows.Next() {
		n := &api.Notification{Persistent: true}
		var id, sender uuid.UUID
		var created time.Time
		if err := rows.Scan(&id, &n.Subject, &n.Content, &n.Code, &sender, &created); err != nil {
			return nil, "", false, failedWith("Error retrieving notifications.", err)
		}
		if len(list) == limit {
			more = true
			break
		}
		n.Id, n.CreateTime = id.String(), seconds(created)
		if !sender.IsNil() {
			n.SenderId = sender.String()
		}
		list = append(list, n)
		from = notificationPosition{created, id}
	}
	if err := rows.Err(); err != nil {
		return nil, "", false, failedWith("Error retrieving notifications.", err)
	}
	if next, err = encodeCursor(notificationCursor, from); err != nil {
		return nil, "", false, failedWith("Error retrieving notifications.", err)
	}
	return list, next, more, nil
}

// DeleteNotifications deletes notifications of the caller. Unknown ids are
// skipped; an invalid id is Internal, as in the protocol.
func (c *Core) DeleteNotifications(ctx context.Context, caller uuid.UUID, in *api.DeleteNotificationsRequest) error {
	ids := make([]uuid.UUID, 0, len(in.GetIds()))
	for _, text := range in.GetIds() {
		id, err := uuid.FromString(text)
		if err != nil {
			return fault.Mistaken("Error while deleting notifications.", err)
		}
		ids = append(ids, id)
	}
	return c.deleteNotifications(ctx, &caller, ids)
}

// deleteNotifications deletes notifications of a user, or of any if it is nil.
func (c *Core) deleteNotifications(ctx context.Context, user *uuid.UUID, ids []uuid.UUID) error {
	if len(ids) == 0 {
		return nil
	}
	query := "DELETE FROM notification WHERE id " + c.db.Dialect().AnyOf("$1", "uuid")
	args := []any{ids}
	if user != nil {
		query += " AND user_id = $2"
		args = append(args, *user)
	}
	if _, err := c.db.Exec(ctx, query, args...); err != nil {
		return failedWith("Error while deleting notifications.", err)
	}
	return nil
}
