package core

import (
	"context"
	"encoding/json"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/heroiclabs/nakama-common/api"
	"github.com/heroiclabs/nakama-common/runtime"

	"kumi/store"
)

// NotificationSend implements runtime.NakamaModule. Codes are above 0, or from
// -2000 to -1000; those in between are the server's.
func (m *Module) NotificationSend(ctx context.Context, user, subject string, content map[string]any, code int, sender string, persistent bool) error {
	return m.NotificationsSend(ctx, []*runtime.NotificationSend{{
		UserID: user, Subject: subject, Content: content, Code: code, Sender: sender, Persistent: persistent,
	}})
}

// NotificationsSend implements runtime.NakamaModule: it sends all or none.
func (m *Module) NotificationsSend(ctx context.Context, list []*runtime.NotificationSend) error {
	all := make([]Notification, len(list))
	for i, s := range list {
		if s == nil {
			return invalid("expects a notification")
		}
		n, err := newNotification(s.Subject, s.Content, s.Code, s.Persistent, true)
		if err != nil {
			return err
		}
		if n.UserID, err = userID(s.UserID); err != nil {
			return err
		}
		if n.SenderID, err = ownerID(s.Sender); err != nil {
			return err
		}
		all[i] = n
	}
	return m.core.SendNotifications(ctx, all)
}

// NotificationSendAll implements runtime.NakamaModule. It returns before a
// persistent notification has been stored for every account.
func (m *Module) NotificationSendAll(_ context.Context, subject string, content map[string]any, code int, persistent bool) error {
	n, err := newNotification(subject, content, code, persistent, false)
	if err != nil {
		return err
	}
	return m.core.notifyAll(n)
}

// newNotification validates what all notifications of module code have in
// common. With window the codes below 0 for modules are allowed too.
func newNotification(subject string, content map[string]any, code int, persistent, window bool) (Notification, error) {
	switch {
	case subject == "":
		return Notification{}, invalid("notification subject must not be empty")
	case code <= 0 && !window:
		return Notification{}, invalid("notification code must be above 0")
	case code <= 0 && (code < minReservedCode || code > maxReservedCode):
		return Notification{}, invalid("notification code must be above 0 or from %d to %d: the others are the server's", minReservedCode, maxReservedCode)
	case code > maxNotificationCode:
		return Notification{}, invalid("notification code must be at most %d", maxNotificationCode)
	case len(clip(subject, 255)) < len(subject):
		return Notification{}, invalid("notification subject must be at most 255 characters")
	}
	text, err := objectText(content)
	if err != nil {
		return Notification{}, invalid("notification content cannot be written as JSON: %v", err)
	}
	return Notification{Subject: subject, Content: text, Code: int32(code), Persistent: persistent}, nil
}

// objectText returns a map as a JSON object, {} for nil.
func objectText(m map[string]any) (string, error) {
	if len(m) == 0 {
		return "{}", nil
	}
	text, err := json.Marshal(m)
	return string(text), err
}

// NotificationsList implements runtime.NakamaModule. limit is 0 to 1000; the
// cursor is empty at the end.
func (m *Module) NotificationsList(ctx context.Context, user string, limit int, cursor string) ([]*api.Notification, string, error) {
	id, err := userID(user)
	if err != nil {
		return nil, "", err
	}
	if limit < 0 || limit > 1000 {
		return nil, "", invalid("limit must be 0-1000")
	}
	if limit == 0 {
		return []*api.Notification{}, "", nil
	}
	list, next, more, err := m.core.listNotifications(ctx, id, limit, cursor)
	if !more {
		next = ""
	}
	return notNil(list), next, err
}

// NotificationsUpdate implements runtime.NakamaModule. Absent fields are left
// unchanged, unknown ids are skipped, and nothing is sent to sockets.
func (m *Module) NotificationsUpdate(ctx context.Context, updates ...runtime.NotificationUpdate) error {
	type change struct {
		id, sender       uuid.UUID
		subject, content *string
	}
	changes := make([]change, len(updates))
	for i, u := range updates {
		ch := &changes[i]
		var err error
		if ch.id, err = notificationID(u.Id); err != nil {
			return err
		}
		if u.Subject != nil && *u.Subject == "" {
			return invalid("notification subject must not be empty")
		}
		ch.subject = u.Subject
		if u.Content != nil {
			if len(u.Content) == 0 {
				return invalid("notification content must not be empty")
			}
			text, err := objectText(u.Content)
			if err != nil {
				return invalid("notification content cannot be written as JSON: %v", err)
			}
			if text, err = m.core.db.Dialect().JSON(text); err != nil {
				return notificationError("update notifications", err)
			}
			ch.content = &text
		}
		if u.Sender != nil {
			if ch.sender, err = userID(*u.Sender); err != nil {
				return err
			}
		}
	}
	if len(changes) == 0 {
		return nil
	}
	err := m.core.db.Tx(ctx, func(ctx context.Context, q store.Querier) error {
		for i := range changes {
			ch := &changes[i]
			var sender *uuid.UUID
			if updates[i].Sender != nil {
				sender = &ch.sender
			}
			_, err := q.ExecContext(ctx, `UPDATE notification SET subject = coalesce($2, subject), content = coalesce($3, content),
				sender_id = coalesce($4, sender_id) WHERE id = $1`, ch.id, ch.subject, ch.content, sender)
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return notificationError("update notifications", err)
	}
	return nil
}

// NotificationsDelete implements runtime.NakamaModule: each is deleted if it
// belongs to its user.
func (m *Module) NotificationsDelete(ctx context.Context, deletes []*runtime.NotificationDelete) error {
	users := make([]uuid.UUID, len(deletes))
	ids := make([]uuid.UUID, len(deletes))
	for i, d := range deletes {
		var err error
		if users[i], err = userID(d.UserID); err != nil {
			return err
		}
		if ids[i], err = notificationID(d.NotificationID); err != nil {
			return err
		}
	}
	if len(ids) == 0 {
		return nil
	}
	err := m.core.db.Tx(ctx, func(ctx context.Context, q store.Querier) error {
		for i := range ids {
			if _, err := q.ExecContext(ctx, "DELETE FROM notification WHERE id = $1 AND user_id = $2", ids[i], users[i]); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return failed("delete notifications", err)
	}
	return nil
}

// NotificationsGetId implements runtime.NakamaModule: it returns those that
// exist, and belong to the user if one is given.
func (m *Module) NotificationsGetId(ctx context.Context, user string, ids []string) ([]*runtime.Notification, error) {
	of, wanted, err := ofUser(user, ids)
	if err != nil || len(wanted) == 0 {
		return listed[*runtime.Notification](nil, err)
	}
	query := "SELECT id, user_id, subject, content, code, sender_id, create_time FROM notification WHERE id " +
		m.core.db.Dialect().AnyOf("$1", "uuid")
	args := []any{wanted}
	if of != nil {
		query += " AND user_id = $2"
		args = append(args, *of)
	}
	rows, err := m.core.db.Reader().QueryContext(ctx, query+" ORDER BY create_time, id", args...)
	if err != nil {
		return nil, failed("read notifications", err)
	}
	defer rows.Close()
	found := []*runtime.Notification{}
	for rows.Next() {
		n := &runtime.Notification{Persistent: true}
		var id, owner, sender uuid.UUID
		var content string
		var created time.Time
		if err := rows.Scan(&id, &owner, &n.Subject, &content, &n.Code, &sender, &created); err != nil {
			return nil, failed("read notifications", err)
		}
		if err := json.Unmarshal([]byte(content), &n.Content); err != nil {
			return nil, failed("read notifications", err)
		}
		n.Id, n.UserID, n.CreateTime = id.String(), owner.String(), seconds(created)
		if !sender.IsNil() {
			n.Sender = sender.String()
		}
		found = append(found, n)
	}
	if err := rows.Err(); err != nil {
		return nil, failed("read notifications", err)
	}
	return found, nil
}

// NotificationsDeleteId implements runtime.NakamaModule.
func (m *Module) NotificationsDeleteId(ctx context.Context, user string, ids []string) error {
	of, wanted, err := ofUser(user, ids)
	if err != nil {
		return err
	}
	return m.core.deleteNotifications(ctx, of, wanted)
}

// ofUser parses the ids of notifications and of their owner; nil means any
// owner.
func ofUser(user string, texts []string) (of *uuid.UUID, ids []uuid.UUID, err error) {
	if user != "" {
		id, err := userID(user)
		if err != nil {
			return nil, nil, err
		}
		of = &id
	}
	ids = make([]uuid.UUID, len(texts))
	for i, text := range texts {
		if ids[i], err = notificationID(text); err != nil {
			return nil, nil, err
		}
	}
	return of, ids, nil
}

func notificationID(text string) (uuid.UUID, error) {
	id, err := uuid.FromString(text)
	if err != nil {
		return uuid.Nil, invalid("notification id must be a valid identifier, not %q", text)
	}
	return id, nil
}
