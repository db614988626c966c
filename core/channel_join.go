package core

import (
	"context"

	"github.com/gofrs/uuid/v5"
	"github.com/heroiclabs/nakama-common/rtapi"
	"github.com/heroiclabs/nakama-common/runtime"

	"kumi/presence"
	"kumi/store/fault"
)

// Errors for messages. Sockets say "identifier" where lists say "ID".
var (
	errChannelIdentifier = fault.Wrap(fault.InvalidArgument, "Invalid channel identifier", runtime.ErrChannelIDInvalid)
	errNotJoinedToSend   = fault.New(fault.InvalidArgument, "Must join channel before sending messages")
	errNotJoinedToUpdate = fault.New(fault.InvalidArgument, "Must join channel before updating messages")
	errNotJoinedToRemove = fault.New(fault.InvalidArgument, "Must join channel before removing messages")
)

// Speaker is the session that a chat operation is done for.
type Speaker struct {
	Session, User uuid.UUID
	Username      string
}

// JoinChannel puts a session on a channel. The first join of a direct channel
// notifies the other user. Unless the client says otherwise, its messages are
// stored and its presence is visible. Joining again only changes whether
// messages are stored.
//
// Errors: InvalidArgument for an invalid target, a group that the caller is
// not a member of, or a user that does not exist or blocks the caller; those
// of the tracker for a session that has ended.
func (c *Core) JoinChannel(ctx context.Context, speaker Speaker, in *rtapi.ChannelJoin) (*rtapi.Channel, error) {
	s, err := c.channelFor(ctx, speaker.User, in.GetTarget(), rtapi.ChannelJoin_Type(in.GetType()))
	if err != nil {
		return nil, err
	}
	persistence := in.GetPersistence() == nil || in.GetPersistence().GetValue()
	self, isNew, err := c.tracker.Track(speaker.Session, s, presence.Meta{
		Username: speaker.Username, Hidden: in.GetHidden().GetValue(), Persistence: persistence,
	})
	if err != nil {
		return nil, err
	}
	if !isNew && self.Persistence != persistence {
		if changed := c.tracker.Persist(speaker.Session, s, persistence); changed != nil {
			self = changed
		}
	}
	if isNew && s.Mode != presence.ModeRoom {
		// Check again: a user removed from the group between the check and Track would
		// stay on the channel. Removal changes the rows first, then clears the
		// channel.
		if _, err := c.channelFor(ctx, speaker.User, in.GetTarget(), rtapi.ChannelJoin_Type(in.GetType())); err != nil {
			c.tracker.Untrack(speaker.Session, s, runtime.PresenceReasonLeave)
			return nil, err
		}
	}
	others := c.tracker.List(s, false, true)
	at := placeOf(s)
	out := &rtapi.Channel{
		Id: at.id, Self: self.UserPresence(), RoomName: at.room, GroupId: at.group, UserIdOne: at.userOne, UserIdTwo: at.userTwo,
	}
	met := false
	for _, p := range others {
		met = met || p.UserID != speaker.User
		if !isNew || p.Session != speaker.Session {
			out.Presences = append(out.Presences, p.UserPresence())
		}
	}
	if s.Mode == presence.ModeDirect && isNew && !met {
		if err := c.inviteToChat(ctx, speaker, s); err != nil {
			// The channel can be used nevertheless.
			c.log.Warn().Err(err).Str("channel", at.id).Msg("could not send the notification of a direct message")
		}
	}
	return out, nil
}

// inviteToChat notifies the other user of a direct channel.
func (c *Core) inviteToChat(ctx context.Context, speaker Speaker, s presence.Stream) error {
	other := s.Subject
	if other == speaker.User {
		other = s.Subcontext
	}
	if other == speaker.User {
		return nil
	}
	return c.SendNotifications(ctx, []Notification{notice(other, speaker.User, notifyDirectMessage,
		speaker.Username+" wants to chat", "username", speaker.Username)})
}

// LeaveChannel takes a session off a channel; a session that is not on it is
// no error. InvalidArgument for a bad id.
func (c *Core) LeaveChannel(speaker Speaker, channelID string) error {
	s, err := ParseChannelID(channelID)
	if err != nil {
		return errChannelIdentifier
	}
	c.tracker.Untrack(speaker.Session, s, runtime.PresenceReasonLeave)
	return nil
}

// speaksOn returns the presence of a session on a channel. Without one it
// fails with notJoined.
func (c *Core) speaksOn(speaker Speaker, channelID string, notJoined error) (*presence.Presence, error) {
	s, err := ParseChannelID(channelID)
	if err != nil {
		return nil, errChannelIdentifier
	}
	p := c.tracker.Get(speaker.Session, s)
	if p == nil {
		return nil, notJoined
	}
	return p, nil
}

// SendToChannel sends a message from a session that is on the channel. It is
// stored if the session joined with persistence.
//
// Errors: InvalidArgument for a bad channel id, content that is not a JSON
// object, or a channel that was not joined; Internal if it cannot be stored.
func (c *Core) SendToChannel(ctx context.Context, speaker Speaker, in *rtapi.ChannelMessageSend) (*rtapi.ChannelMessageAck, error) {
	p, err := c.speaksOn(speaker, in.GetChannelId(), errNotJoinedToSend)
	if err != nil {
		return nil, err
	}
	return c.sendMessage(ctx, p.Stream, message{
		sender: speaker.User, username: speaker.Username, content: in.GetContent(), persistent: p.Persistence,
	})
}

// UpdateOnChannel changes a message of the caller. Errors are those of
// SendToChannel, and InvalidArgument or NotFound for a message that does not
// exist or is not the caller's.
func (c *Core) UpdateOnChannel(ctx context.Context, speaker Speaker, in *rtapi.ChannelMessageUpdate) (*rtapi.ChannelMessageAck, error) {
	p, err := c.speaksOn(speaker, in.GetChannelId(), errNotJoinedToUpdate)
	if err != nil {
		return nil, err
	}
	id, err := messageID(in.GetMessageId())
	if err != nil {
		return nil, err
	}
	return c.updateMessage(ctx, p.Stream, message{
		id: id, sender: speaker.User, username: speaker.Username, content: in.GetContent(), persistent: p.Persistence,
	})
}

// RemoveFromChannel removes a message of the caller. Errors are those of
// UpdateOnChannel.
func (c *Core) RemoveFromChannel(ctx context.Context, speaker Speaker, in *rtapi.ChannelMessageRemove) (*rtapi.ChannelMessageAck, error) {
	p, err := c.speaksOn(speaker, in.GetChannelId(), errNotJoinedToRemove)
	if err != nil {
		return nil, err
	}
	id, err := messageID(in.GetMessageId())
	if err != nil {
		return nil, err
	}
	return c.removeMessage(ctx, p.Stream, message{
		id: id, sender: speaker.User, username: speaker.Username, persistent: p.Persistence,
	})
}
