package core

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/gofrs/uuid/v5"
	"github.com/heroiclabs/nakama-common/api"
	"github.com/heroiclabs/nakama-common/rtapi"

	"kumi/presence"
	"kumi/store"
	"kumi/store/fault"
)

// Codes of the server's own notifications. Those of games are above zero.
const (
	notifyDirectMessage = -1
	notifyFriendRequest = -2
	notifyFriendAccept  = -3
	notifyGroupAdd      = -4
	notifyGroupRequest  = -5
	notifyFriendJoin    = -6
	notifyFriendRemove  = -9
)

// Module code may also use a range of codes below the server's own.
const (
	minReservedCode = -2000
	maxReservedCode = -1000
)

// maxNotificationCode is the maximum of the column.
const maxNotificationCode = 1<<15 - 1

// Notification is one message to one user. The nil sender is the server.
type Notification struct {
	UserID, SenderID uuid.UUID
	Subject          string
	Content          string // a JSON object
	Code             int32
	Persistent       bool // stored until it is deleted

	id uuid.UUID
}

// SendNotifications stores the persistent ones, all or none, and then sends
// all to the sockets of their users. Unknown users are an error for persistent
// notifications, and ignored for others.
//
// Errors: InvalidArgument for text that cannot be stored, NotFound for an
// unknown user.
func (c *Core) SendNotifications(ctx context.Context, all []Notification) error {
	stored := 0
	for i := range all {
		if all[i].Persistent {
			stored++
		}
	}
	if stored > 0 {
		err := c.db.Tx(ctx, func(ctx context.Context, q store.Querier) error { return c.storeNotifications(ctx, q, all) })
		if err != nil {
			return notificationError("send notifications", err)
		}
	} else if err := nameNotifications(all); err != nil {
		return failed("send notifications", err)
	}
	c.pushNotifications(all)
	return nil
}

func notificationError(doing string, err error) error {
	switch {
	case store.IsForeignKey(err):
		return fault.Wrap(fault.NotFound, "notification is for a user that does not exist", err)
	case store.IsTooLong(err):
		return fault.Wrap(fault.InvalidArgument, "notification subject must be at max 255 characters", err)
	case store.IsInvalidText(err):
		return fault.Wrap(fault.InvalidArgument, "notification has text that cannot be stored", err)
	}
	return failed(doing, err)
}

// nameNotifications sets missing ids.
func nameNotifications(all []Notification) (err error) {
	for i := range all {
		if all[i].id.IsNil() {
			if all[i].id, err = uuid.NewV4(); err != nil {
				return err
			}
		}
	}
	return nil
}

// notificationBatch is the maximum number of rows per statement.
const notificationBatch = 64

// storeNotifications stores the persistent ones as part of a transaction. The
// caller pushes them after the commit.
func (c *Core) storeNotifications(ctx context.Context, q store.Querier, all []Notification) error {
	if err := nameNotifications(all); err != nil {
		return err
	}
	args := make([]any, 0, 6*min(len(all), notificationBatch))
	for i := range all {
		n := &all[i]
		if n.Persistent {
			content, err := c.db.Dialect().JSON(n.Content)
			if err != nil {
				return err
			}
			args = append(args, n.id, n.UserID, n.Subject, content, n.Code, n.SenderID)
		}
		if len(args) == 6*notificationBatch || i == len(all)-1 && len(args) > 0 {
			if err := store.InsertRows(ctx, q, "INSERT INTO notification (id, user_id, subject, content, code, sender_id)", 6, notificationBatch, args); err != nil {
				return err
			}
			args = args[:0]
		}
	}
	return nil
}

// pushNotifications sends notifications to the sockets of their users;
// consecutive ones of one user share an envelope.
func (c *Core) pushNotifications(all []Notification) {
	for len(all) > 0 {
		n := 1
		for n < len(all) && all[n].UserID == all[0].UserID {
			n++
		}
		c.pushTo(all[0].UserID, all[:n])
		all = all[n:]
	}
}

func (c *Core) pushTo(user uuid.UUID, all []Notification) {
	stream := presence.NotificationsOf(user)
	if c.tracker.Count(stream) == 0 {
		return
	}
	list := make([]*api.Notification, len(all))
	for i := range all {
		list[i] = all[i].message(c)
	}
	c.router.SendToStream(stream, notificationsMessage(list))
}

func notificationsMessage(list []*api.Notification) *presence.Message {
	return presence.NewMessage(&rtapi.Envelope{Message: &rtapi.Envelope_Notifications{Notifications: &rtapi.Notifications{Notifications: list}}})
}

// message returns a notification as sockets see it. There the server as sender
// has the nil id, unlike in lists.
func (n *Notification) message(c *Core) *api.Notification {
	return &api.Notification{
		Id: n.id.String(), Subject: n.Subject, Content: n.Content, Code: n.Code,
		SenderId: n.SenderID.String(), CreateTime: seconds(c.now()), Persistent: n.Persistent,
	}
}

// notice makes a notification of the server's own, which are persistent.
// content is pairs of keys and values.
func notice(to, from uuid.UUID, code int32, subject string, content ...string) Notification {
	m := make(map[string]string, len(content)/2)
	for i := 0; i+1 < len(content); i += 2 {
		m[content[i]] = content[i+1]
	}
	text, _ := json.Marshal(m) // strings cannot fail
	return Notification{UserID: to, SenderID: from, Code: code, Subject: clip(subject, 255), Content: string(text), Persistent: true}
}

// clip truncates a text to a number of characters.
func clip(s string, max int) string {
	n := 0
	for i := range s {
		if n == max {
			return s[:i]
		}
		n++
	}
	return s
}

// notifyAll sends a notification to everyone: a persistent one to every
// account, in the background, any other to open sockets.
func (c *Core) notifyAll(n Notification) error {
	if !n.Persistent {
		one := []Notification{n}
		if err := nameNotifications(one); err != nil {
			return failed("send notifications", err)
		}
		c.router.SendToAll(notificationsMessage([]*api.Notification{one[0].message(c)}))
		return nil
	}
	content, err := c.db.Dialect().JSON(n.Content)
	if err != nil {
		return notificationError("send notifications", err)
	}
	c.later("send a notification to all users", func(ctx context.Context) error {
		after := uuid.Nil // the system user, which gets none
		for {
			sent, last, err := c.notifyNext(ctx, n, content, conditions{}, after)
			if err != nil {
				return fmt.Errorf("after user %s: %w", after, err)
			}
			c.pushNotifications(sent)
			if len(sent) < c.notifyBatch {
				return nil
			}
			after = last
		}
	})
	return nil
}

// notifyNext stores a notification for the next accounts in the order of ids, of those
// that conditions, about the rows u of users, are true of.
func (c *Core) notifyNext(ctx context.Context, n Notification, content string, where conditions, after uuid.UUID) (sent []Notification, last uuid.UUID, err error) {
	where = where.clone()
	where.add("u.id > ?", after)
	var columns []string
	for i, value := range []any{n.Subject, content, n.Code, n.SenderID} {
		column := where.bind(value)
		if c.db.Dialect() == store.Postgres { // a SELECT does not infer types from the target columns
			column += [...]string{"::text", "::jsonb", "::smallint", "::uuid"}[i]
		}
		columns = append(columns, column)
	}
	limit := where.bind(c.notifyBatch)
	err = c.db.Tx(ctx, func(ctx context.Context, q store.Querier) error {
		sent, last = make([]Notification, 0, c.notifyBatch), after
		rows, err := q.QueryContext(ctx, `INSERT INTO notification (id, user_id, subject, content, code, sender_id)
			SELECT gen_random_uuid(), n.id, `+strings.Join(columns, ", ")+` FROM (SELECT u.id FROM users u`+where.where()+` ORDER BY u.id LIMIT `+limit+`) n
			RETURNING id, user_id`, where.args...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			one := n
			if err := rows.Scan(&one.id, &one.UserID); err != nil {
				return err
			}
			if bytes.Compare(one.UserID[:], last[:]) > 0 {
				last = one.UserID
			}
			sent = append(sent, one)
		}
		return rows.Err()
	})
	return sent, last, err
}
