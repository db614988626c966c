package core

import (
	"context"
	"errors"

	"github.com/gofrs/uuid/v5"
	"github.com/heroiclabs/nakama-common/api"
	"github.com/heroiclabs/nakama-common/rtapi"
	"github.com/heroiclabs/nakama-common/runtime"

	"kumi/presence"
)

// bare unwraps the errors of the runtime package, which module code compares
// with.
func bare(err error, known ...error) error {
	for _, k := range known {
		if errors.Is(err, k) {
			return k
		}
	}
	return err
}

func bareChannel(err error) error {
	return bare(err, runtime.ErrChannelIDInvalid, runtime.ErrChannelCursorInvalid, runtime.ErrChannelGroupNotFound,
		runtime.ErrInvalidChannelTarget, runtime.ErrInvalidChannelType)
}

// ChannelIdBuild implements runtime.NakamaModule. With a sender the channel is
// checked as if it joined; a direct channel needs one.
func (m *Module) ChannelIdBuild(ctx context.Context, sender, target string, kind runtime.ChannelType) (string, error) {
	user, err := ownerID(sender)
	if err != nil {
		return "", err
	}
	if kind < runtime.Room || kind > runtime.Group {
		return "", runtime.ErrInvalidChannelType
	}
	s, err := m.core.channelFor(ctx, user, target, rtapi.ChannelJoin_Type(kind))
	if err != nil {
		return "", bareChannel(err)
	}
	return s.ChannelID(), nil
}

// newMessage parses what the message functions have in common.
func (m *Module) newMessage(channelID, id string, content map[string]any, sender, username string, persist bool) (s presence.Stream, msg message, err error) {
	if s, err = ParseChannelID(channelID); err != nil {
		return s, msg, bareChannel(err)
	}
	msg = message{username: username, persistent: persist}
	if msg.sender, err = ownerID(sender); err != nil {
		return s, msg, err
	}
	if id != "" {
		if msg.id, err = messageID(id); err != nil {
			return s, msg, err
		}
	}
	if msg.content, err = objectText(content); err != nil {
		return s, msg, invalid("message content cannot be written as JSON: %v", err)
	}
	return s, msg, nil
}

// ChannelMessageSend implements runtime.NakamaModule. Without a sender it
// comes from the server.
func (m *Module) ChannelMessageSend(ctx context.Context, channelID string, content map[string]any, sender, username string, persist bool) (*rtapi.ChannelMessageAck, error) {
	s, msg, err := m.newMessage(channelID, "", content, sender, username, persist)
	if err != nil {
		return nil, err
	}
	return m.core.sendMessage(ctx, s, msg)
}

// ChannelMessageUpdate implements runtime.NakamaModule. The message must be on
// the channel and belong to the sender.
func (m *Module) ChannelMessageUpdate(ctx context.Context, channelID, id string, content map[string]any, sender, username string, persist bool) (*rtapi.ChannelMessageAck, error) {
	s, msg, err := m.newMessage(channelID, id, content, sender, username, persist)
	if err != nil {
		return nil, err
	}
	if msg.id == uuid.Nil {
		return nil, invalid("Invalid message identifier")
	}
	return m.core.updateMessage(ctx, s, msg)
}

// ChannelMessageRemove implements runtime.NakamaModule. The message must be on
// the channel and belong to the sender.
func (m *Module) ChannelMessageRemove(ctx context.Context, channelID, id, sender, username string, persist bool) (*rtapi.ChannelMessageAck, error) {
	s, msg, err := m.newMessage(channelID, id, nil, sender, username, persist)
	if err != nil {
		return nil, err
	}
	if msg.id == uuid.Nil {
		return nil, invalid("Invalid message identifier")
	}
	return m.core.removeMessage(ctx, s, msg)
}

// ChannelMessagesList implements runtime.NakamaModule; limit is 1 to 100.
func (m *Module) ChannelMessagesList(ctx context.Context, channelID string, limit int, forward bool, cursor string) (messages []*api.ChannelMessage, next, previous string, err error) {
	s, err := ParseChannelID(channelID)
	if err != nil {
		return nil, "", "", bareChannel(err)
	}
	if limit < 1 || limit > 100 {
		return nil, "", "", invalid("limit must be 1-100")
	}
	list, err := m.core.listMessages(ctx, s, limit, forward, cursor)
	if err != nil {
		return nil, "", "", bareChannel(err)
	}
	return list.Messages, list.NextCursor, list.PrevCursor, nil
}
