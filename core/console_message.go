package core

import (
	"context"
	"database/sql"
	"time"
	"unicode/utf8"

	"github.com/gofrs/uuid/v5"
	"github.com/heroiclabs/nakama-common/api"
	"google.golang.org/protobuf/types/known/structpb"

	"kumi/core/consolepb"
	"kumi/presence"
	"kumi/store"
	"kumi/store/fault"
)

// messagePage is the number of messages of a page, notificationPage of notifications if
// no limit is given.
const (
	messagePage      = 50
	notificationPage = 100
)

// ListMessages lists the messages of a room, a group or two users, newest first, 50 a page.
// InvalidArgument for a channel that cannot be.
func (k *Console) ListMessages(ctx context.Context, in *consolepb.ListChannelMessagesRequest) (*api.ChannelMessageList, error) {
	var on presence.Stream
	switch in.Type {
	case consolepb.ListChannelMessagesRequest_ROOM:
		if n := utf8.RuneCountInString(in.Label); n < 1 || n > 64 {
			return nil, invalid("The label of a room must have 1 to 64 characters.")
		}
		on = presence.Stream{Mode: presence.ModeRoom, Label: in.Label}
	case consolepb.ListChannelMessagesRequest_GROUP:
		group, err := consoleID("group", in.GroupId)
		if err != nil {
			return nil, err
		}
		on = groupChannel(group)
	case consolepb.ListChannelMessagesRequest_DIRECT:
		one, err := consoleID("user", in.UserIdOne)
		if err != nil {
			return nil, err
		}
		two, err := consoleID("user", in.UserIdTwo)
		if err != nil {
			return nil, err
		}
		on = directChannel(one, two)
	default:
		return nil, invalid("The type of the channel must be 2 (room), 3 (group) or 4 (direct).")
	}
	return k.listMessages(ctx, on, messagePage, false, in.Cursor)
}

// notificationPlace is the place of a notification in the list of all.
type notificationPlace struct {
	User uuid.UUID `json:"u"`
	Time time.Time `json:"t"`
	ID   uuid.UUID `json:"i"`
}

var notificationPages = pagedList[*consolepb.Notification, notificationPlace]{
	cursor: consoleNotifCursor, query: "SELECT user_id, create_time, id, subject, content, code, sender_id FROM notification",
	order: []string{"user_id", "create_time", "id"},
	scan: func(rows *sql.Rows) (*consolepb.Notification, notificationPlace, error) {
		n := &consolepb.Notification{Persistent: true}
		var at notificationPlace
		var sender uuid.UUID
		err := rows.Scan(&at.User, &at.Time, &at.ID, &n.Subject, &n.Content, &n.Code, &sender)
		n.Id, n.UserId, n.CreateTime, n.SenderId = at.ID.String(), at.User.String(), seconds(at.Time), ownerText(sender)
		return n, at, err
	},
	values: func(p notificationPlace) []any { return []any{p.User, p.Time, p.ID} },
}

// ListAllNotifications lists stored notifications, of a user or of all, by user and time, 1
// to 100 a page, by default 100.
func (k *Console) ListAllNotifications(ctx context.Context, in *consolepb.ListNotificationsRequest) (*consolepb.NotificationList, error) {
	limit, err := pageSize(in.Limit, notificationPage)
	if err != nil {
		return nil, err
	}
	var where conditions
	if in.UserId != "" {
		id, err := consoleID("user", in.UserId)
		if err != nil {
			return nil, err
		}
		where.add("user_id = ?", id)
	}
	found, err := notificationPages.read(ctx, k.db.Reader(), where, limit, in.Cursor)
	return &consolepb.NotificationList{Notifications: found.rows, NextCursor: found.next, PrevCursor: found.prev}, err
}

// GetNotification returns a stored notification. NotFound if there is none.
func (k *Console) GetNotification(ctx context.Context, in *consolepb.NotificationId) (*consolepb.Notification, error) {
	id, err := consoleID("notification", in.Id)
	if err != nil {
		return nil, err
	}
	var where conditions
	where.add("id = ?", id)
	found, err := notificationPages.read(ctx, k.db.Reader(), where, 1, "")
	if err != nil {
		return nil, err
	}
	if len(found.rows) == 0 {
		return nil, fault.New(fault.NotFound, "Notification not found.")
	}
	return found.rows[0], nil
}

// DeleteNotification deletes a stored notification; one that does not exist is no error.
func (k *Console) DeleteNotification(ctx context.Context, in *consolepb.NotificationId) error {
	id, err := consoleID("notification", in.Id)
	if err != nil {
		return err
	}
	return k.deleteNotifications(ctx, nil, []uuid.UUID{id})
}

// DeleteMessages deletes stored messages: those with the given ids, and those of all
// channels before a time. InvalidArgument if neither is given.
func (k *Console) DeleteMessages(ctx context.Context, in *consolepb.DeleteChannelMessagesRequest) (*consolepb.DeleteChannelMessagesResponse, error) {
	if len(in.Ids) == 0 && in.Before == nil {
		return nil, invalid("Requires ids of messages, or a time before which they are deleted.")
	}
	ids := make([]uuid.UUID, len(in.Ids))
	for i, text := range in.Ids {
		var err error
		if ids[i], err = consoleID("message", text); err != nil {
			return nil, err
		}
	}
	out := &consolepb.DeleteChannelMessagesResponse{}
	err := k.db.Tx(ctx, func(ctx context.Context, q store.Querier) error {
		out.Total = 0
		remove := func(where string, value any) error {
			result, err := q.ExecContext(ctx, "DELETE FROM message WHERE "+where, value)
			if err != nil {
				return err
			}
			n, err := result.RowsAffected()
			out.Total += n
			return err
		}
		if len(ids) > 0 {
			if err := remove("id "+k.db.Dialect().AnyOf("$1", "uuid"), ids); err != nil {
				return err
			}
		}
		if in.Before != nil {
			return remove("create_time < $1", in.Before.AsTime())
		}
		return nil
	})
	if err != nil {
		return nil, failed("delete messages", err)
	}
	return out, nil
}

// SendNotification sends a notification to some users, or to everybody. Errors as in
// SendNotifications.
func (k *Console) SendNotification(ctx context.Context, in *consolepb.SendNotificationRequest) error {
	n, err := consoleNotification(in.Subject, in.Content, in.Code, in.Persistent, in.SenderId)
	if err != nil {
		return err
	}
	if len(in.UserIds) == 0 {
		return k.notifyAll(n)
	}
	all := make([]Notification, len(in.UserIds))
	for i, text := range in.UserIds {
		all[i] = n
		if all[i].UserID, err = playerID(text); err != nil {
			return err
		}
	}
	return k.SendNotifications(ctx, all)
}

// consoleNotification makes a notification of what an operator sends.
func consoleNotification(subject string, content *structpb.Struct, code int32, persistent bool, sender string) (Notification, error) {
	fields := map[string]any{}
	if content != nil {
		fields = content.AsMap()
	}
	n, err := newNotification(subject, fields, int(code), persistent, false)
	if err == nil && sender != "" {
		n.SenderID, err = consoleID("sender", sender)
	}
	return n, err
}
