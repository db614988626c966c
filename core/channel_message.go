package core

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/heroiclabs/nakama-common/api"
	"github.com/heroiclabs/nakama-common/rtapi"
	"google.golang.org/protobuf/types/known/timestamppb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"kumi/presence"
	"kumi/store"
	"kumi/store/fault"
)

// Codes of messages. Those about groups are sent by the server in the name of
// the user concerned.
const (
	messageChat = iota
	messageUpdate
	messageRemove
	messageGroupJoin
	messageGroupAdd
	messageGroupLeave
	messageGroupKick
	messageGroupPromote
	messageGroupBan
	messageGroupDemote
)

var (
	errNoMessageToUpdate = fault.New(fault.NotFound, "Could not find message to update in channel history")
	errNoMessageToRemove = fault.New(fault.NotFound, "Could not find message to remove in channel history")
)

// message is one message on a channel.
type message struct {
	id, sender       uuid.UUID
	username         string
	content          string // a JSON object
	code             int32
	created, updated time.Time
	persistent       bool // stored
}

func messageID(text string) (uuid.UUID, error) {
	id, err := uuid.FromString(text)
	if err != nil {
		return uuid.Nil, invalid("Invalid message identifier")
	}
	return id, nil
}

func checkContent(content string) error {
	if !isObject(content) {
		return invalid("Message content must be a valid JSON object")
	}
	return nil
}

// messageTime returns the current time in the precision of both databases.
func (c *Core) messageTime() time.Time { return c.now().UTC().Truncate(time.Microsecond) }

// sendMessage stores a message, if persistent, and sends it to the channel.
func (c *Core) sendMessage(ctx context.Context, to presence.Stream, m message) (*rtapi.ChannelMessageAck, error) {
	if err := checkContent(m.content); err != nil {
		return nil, err
	}
	if err := c.newMessage(&m); err != nil {
		return nil, failed("send the message", err)
	}
	if m.persistent {
		err := c.db.Tx(ctx, func(ctx context.Context, q store.Querier) error { return c.storeMessage(ctx, q, to, &m) })
		if err != nil {
			return nil, messageError("Could not persist message to channel history", err)
		}
	}
	return c.broadcast(to, &m), nil
}

// newMessage sets the id and time of a message.
func (c *Core) newMessage(m *message) (err error) {
	m.id, err = uuid.NewV4()
	m.created = c.messageTime()
	m.updated = m.created
	return err
}

// storeMessage stores a message as part of a transaction. The caller
// broadcasts it after the commit.
func (c *Core) storeMessage(ctx context.Context, q store.Querier, on presence.Stream, m *message) error {
	content, err := c.db.Dialect().JSON(m.content)
	if err != nil {
		return err
	}
	_, err = q.ExecContext(ctx, `INSERT INTO message (id, code, sender_id, username, stream_mode, stream_subject, stream_descriptor, stream_label, content, create_time, update_time)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
		m.id, m.code, m.sender, m.username, int(on.Mode), on.Subject, on.Subcontext, on.Label, content, m.created, m.updated)
	return err
}

func messageError(failure string, err error) error {
	switch {
	case store.IsInvalidText(err):
		return fault.Wrap(fault.InvalidArgument, failure+": it has text that cannot be stored", err)
	case store.IsForeignKey(err):
		return fault.Wrap(fault.InvalidArgument, failure+": its sender does not exist", err)
	}
	return failedWith(failure, err)
}

// onChannel is the SQL condition for messages of a channel, with arguments $1
// to $4.
const onChannel = "stream_mode = $1 AND stream_subject = $2 AND stream_descriptor = $3 AND stream_label = $4"

// updateMessage changes the content of a stored message of the same sender on
// the same channel, and sends the update to the channel. A message that is not
// persistent is only sent.
func (c *Core) updateMessage(ctx context.Context, on presence.Stream, m message) (*rtapi.ChannelMessageAck, error) {
	if err := checkContent(m.content); err != nil {
		return nil, err
	}
	m.code, m.updated = messageUpdate, c.messageTime()
	m.created = m.updated
	if m.persistent {
		content, err := c.db.Dialect().JSON(m.content)
		if err != nil {
			return nil, messageError("Could not persist message update to channel history", err)
		}
		err = c.changeMessage(ctx, errNoMessageToUpdate, &m.created, "UPDATE message SET content = $7, username = $8, update_time = $9 WHERE "+onChannel+
			" AND id = $5 AND sender_id = $6 RETURNING create_time",
			int(on.Mode), on.Subject, on.Subcontext, on.Label, m.id, m.sender, content, m.username, m.updated)
		if err != nil {
			return nil, messageError("Could not persist message update to channel history", err)
		}
	}
	return c.broadcast(on, &m), nil
}

// removeMessage deletes a stored message of the same sender on the same
// channel, and sends the removal to the channel.
func (c *Core) removeMessage(ctx context.Context, on presence.Stream, m message) (*rtapi.ChannelMessageAck, error) {
	m.code, m.content, m.updated = messageRemove, "{}", c.messageTime()
	m.created = m.updated
	if m.persistent {
		err := c.changeMessage(ctx, errNoMessageToRemove, &m.created, "DELETE FROM message WHERE "+onChannel+
			" AND id = $5 AND sender_id = $6 RETURNING create_time",
			int(on.Mode), on.Subject, on.Subcontext, on.Label, m.id, m.sender)
		if err != nil {
			return nil, messageError("Could not remove message from channel history", err)
		}
	}
	return c.broadcast(on, &m), nil
}

// changeMessage runs a statement that returns the creation time of the
// message; notFound is the error if there is none.
func (c *Core) changeMessage(ctx context.Context, notFound error, created *time.Time, query string, args ...any) error {
	err := c.db.Tx(ctx, func(ctx context.Context, q store.Querier) error {
		return q.QueryRowContext(ctx, query, args...).Scan(created)
	})
	if errors.Is(err, sql.ErrNoRows) {
		return notFound
	}
	return err
}

// broadcast sends a message to everyone on a channel and returns the
// acknowledgement for its sender.
func (c *Core) broadcast(on presence.Stream, m *message) *rtapi.ChannelMessageAck {
	at := placeOf(on)
	told := m.listed(&at)
	c.router.SendToStream(on, presence.NewMessage(&rtapi.Envelope{Message: &rtapi.Envelope_ChannelMessage{ChannelMessage: told}}))
	return &rtapi.ChannelMessageAck{
		ChannelId: at.id, MessageId: told.MessageId, Code: told.Code, Username: m.username,
		CreateTime: told.CreateTime, UpdateTime: told.UpdateTime, Persistent: told.Persistent,
		RoomName: at.room, GroupId: at.group, UserIdOne: at.userOne, UserIdTwo: at.userTwo,
	}
}

// listed returns a message as clients see it.
func (m *message) listed(at *place) *api.ChannelMessage {
	return &api.ChannelMessage{
		ChannelId: at.id, MessageId: m.id.String(), Code: wrapperspb.Int32(m.code),
		SenderId: m.sender.String(), Username: m.username, Content: m.content,
		CreateTime: timestamppb.New(m.created), UpdateTime: timestamppb.New(m.updated), Persistent: wrapperspb.Bool(m.persistent),
		RoomName: at.room, GroupId: at.group, UserIdOne: at.userOne, UserIdTwo: at.userTwo,
	}
}
