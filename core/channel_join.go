package core

import (
	"context"

	"github.com/gofrs/uuid/v5"
	"github.com/heroiclabs/nakama-common/rtapi"
	"github.com/heroiclabs/nakama-common/runtime"

	"kumi/presence"
	"kumi/store/fault"
)

// The refusals of messages. Sockets say "identifier" where lists say "ID".
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

// JoinChannel puts a session on a channel. The first message to a user that is
// not there begins with a notification. Without a word from the client its
// messages are stored and others see it. Joining again changes whether they are
// stored, and nothing else.
//
// Errors: InvalidArgument for a target that is none, a group one is no member
// of, or a user that does not exist or blocks the caller; those of the tracker
// for a session that has ended.
func (c *Core) JoinChannel(ctx context.Context, who Speaker, in *rtapi.ChannelJoin) (*rtapi.Channel, error) {
	s, err := c.channelFor(ctx, who.User, in.GetTarget(), rtapi.ChannelJoin_Type(in.GetType()))
	if err != nil {
		return nil, err
	}
	persistence := in.GetPersistence() == nil || in.GetPersistence().GetValue()
	self, isNew, err := c.tracker.Track(who.Session, s, presence.Meta{
		Username: who.Username, Hidden: in.GetHidden().GetValue(), Persistence: persistence,
	})
	if err != nil {
		return nil, err
	}
	if !isNew && self.Persistence != persistence {
		if changed := c.tracker.Persist(who.Session, s, persistence); changed != nil {
			self = changed
		}
	}
	if isNew && s.Mode != presence.ModeRoom {
		// Who was put out between the look and the step would stay in: what puts
		// out changes the rows first and clears the channel then.
		if _, err := c.channelFor(ctx, who.User, in.GetTarget(), rtapi.ChannelJoin_Type(in.GetType())); err != nil {
			c.tracker.Untrack(who.Session, s, runtime.PresenceReasonLeave)
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
		met = met || p.UserID != who.User
		if !isNew || p.Session != who.Session {
			out.Presences = append(out.Presences, p.UserPresence())
		}
	}
	if s.Mode == presence.ModeDirect && isNew && !met {
		if err := c.inviteToChat(ctx, who, s); err != nil {
			// The channel is open all the same.
			c.log.Warn().Err(err).Str("channel", at.id).Msg("could not notify of a direct message")
		}
	}
	return out, nil
}

// inviteToChat tells the other user of a direct channel that somebody waits.
func (c *Core) inviteToChat(ctx context.Context, who Speaker, s presence.Stream) error {
	other := s.Subject
	if other == who.User {
		other = s.Subcontext
	}
	if other == who.User {
		return nil
	}
	return c.SendNotifications(ctx, []Notification{notice(other, who.User, notifyDirectMessage,
		who.Username+" wants to chat", "username", who.Username)})
}

// LeaveChannel takes a session off a channel, also one it is not on. A bad id is
// InvalidArgument.
func (c *Core) LeaveChannel(who Speaker, channelID string) error {
	s, err := ParseChannelID(channelID)
	if err != nil {
		return errChannelIdentifier
	}
	c.tracker.Untrack(who.Session, s, runtime.PresenceReasonLeave)
	return nil
}

// leaveStream takes all sessions of a user off a stream.
func (c *Core) leaveStream(user uuid.UUID, s presence.Stream) {
	for _, session := range c.sessions.OfUser(user) {
		c.tracker.Untrack(session.ID(), s, runtime.PresenceReasonLeave)
	}
}

// speaksOn finds the presence of a session on a channel; without one it may not
// speak there, which is the error notJoined.
func (c *Core) speaksOn(who Speaker, channelID string, notJoined error) (*presence.Presence, error) {
	s, err := ParseChannelID(channelID)
	if err != nil {
		return nil, errChannelIdentifier
	}
	p := c.tracker.Get(who.Session, s)
	if p == nil {
		return nil, notJoined
	}
	return p, nil
}

// SendToChannel sends a message in the name of a session that is on the
// channel. It is stored if the session joined with persistence.
//
// Errors: InvalidArgument for a bad channel id, content that is not a JSON
// object, or a channel that was not joined; Internal when it cannot be stored.
func (c *Core) SendToChannel(ctx context.Context, who Speaker, in *rtapi.ChannelMessageSend) (*rtapi.ChannelMessageAck, error) {
	p, err := c.speaksOn(who, in.GetChannelId(), errNotJoinedToSend)
	if err != nil {
		return nil, err
	}
	return c.sendMessage(ctx, p.Stream, message{
		sender: who.User, username: who.Username, content: in.GetContent(), persistent: p.Persistence,
	})
}

// UpdateOnChannel changes a message of the caller's. Errors as SendToChannel's,
// and InvalidArgument or NotFound for a message that is not there or not its
// own.
func (c *Core) UpdateOnChannel(ctx context.Context, who Speaker, in *rtapi.ChannelMessageUpdate) (*rtapi.ChannelMessageAck, error) {
	p, err := c.speaksOn(who, in.GetChannelId(), errNotJoinedToUpdate)
	if err != nil {
		return nil, err
	}
	id, err := messageID(in.GetMessageId())
	if err != nil {
		return nil, err
	}
	return c.updateMessage(ctx, p.Stream, message{
		id: id, sender: who.User, username: who.Username, content: in.GetContent(), persistent: p.Persistence,
	})
}

// RemoveFromChannel removes a message of the caller's. Errors as
// UpdateOnChannel's.
func (c *Core) RemoveFromChannel(ctx context.Context, who Speaker, in *rtapi.ChannelMessageRemove) (*rtapi.ChannelMessageAck, error) {
	p, err := c.speaksOn(who, in.GetChannelId(), errNotJoinedToRemove)
	if err != nil {
		return nil, err
	}
	id, err := messageID(in.GetMessageId())
	if err != nil {
		return nil, err
	}
	return c.removeMessage(ctx, p.Stream, message{
		id: id, sender: who.User, username: who.Username, persistent: p.Persistence,
	})
}
