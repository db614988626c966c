package core

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/gofrs/uuid/v5"
	"github.com/heroiclabs/nakama-common/rtapi"
	"github.com/heroiclabs/nakama-common/runtime"

	"kumi/presence"
	"kumi/store/fault"
)

// A chat channel is a stream of mode room, group or direct message. Its id,
// which presence.Stream.ChannelID writes, is
// "<mode>.<subject>.<subcontext>.<label>".

// maxRoomName is the maximum length of a room name, in bytes.
const maxRoomName = 64

var (
	errChannelID     = fault.Wrap(fault.InvalidArgument, "Invalid channel ID.", runtime.ErrChannelIDInvalid)
	errChannelTarget = fault.Wrap(fault.InvalidArgument, runtime.ErrInvalidChannelTarget.Error(), runtime.ErrInvalidChannelTarget)
	errChannelType   = fault.Wrap(fault.InvalidArgument, runtime.ErrInvalidChannelType.Error(), runtime.ErrInvalidChannelType)
	errChannelCursor = fault.Wrap(fault.InvalidArgument, "Cursor is invalid or expired.", runtime.ErrChannelCursorInvalid)

	errRoomLength   = badTarget("Channel name is required and must be 1-64 chars", runtime.ErrInvalidChannelTarget)
	errRoomControl  = badTarget("Channel name must not contain control chars", runtime.ErrInvalidChannelTarget)
	errRoomText     = badTarget("Channel name must only contain valid UTF-8 bytes", runtime.ErrInvalidChannelTarget)
	errChannelPeer  = badTarget("Invalid user ID in direct message join", runtime.ErrInvalidChannelTarget)
	errChannelUser  = badTarget("User ID not found", runtime.ErrInvalidChannelTarget)
	errChannelClan  = badTarget("Invalid group ID in group channel join", runtime.ErrInvalidChannelTarget)
	errChannelGroup = badTarget("Group not found", runtime.ErrChannelGroupNotFound)
)

// badTarget is the error for a channel that cannot be joined; value is what
// module code compares with.
func badTarget(why string, value error) error {
	return fault.Wrap(fault.InvalidArgument, why+": "+runtime.ErrInvalidChannelTarget.Error(), value)
}

// ParseChannelID parses the id of a channel. Errors: InvalidArgument.
func ParseChannelID(id string) (s presence.Stream, err error) {
	parts := strings.SplitN(id, ".", 4)
	if len(parts) != 4 {
		return s, errChannelID
	}
	mode, err := strconv.ParseUint(parts[0], 10, 8)
	if err != nil {
		return s, errChannelID
	}
	s.Mode, s.Label = uint8(mode), parts[3]
	for i, into := range []*uuid.UUID{&s.Subject, &s.Subcontext} {
		if text := parts[1+i]; text != "" {
			if *into, err = uuid.FromString(text); err != nil {
				return s, errChannelID
			}
		}
	}
	subject, subcontext, label := !s.Subject.IsNil(), !s.Subcontext.IsNil(), s.Label != ""
	switch s.Mode {
	case presence.ModeRoom:
		if subject || subcontext || checkRoomName(s.Label) != nil {
			return s, errChannelID
		}
	case presence.ModeGroup:
		if !subject || subcontext || label {
			return s, errChannelID
		}
	case presence.ModeDirect:
		if !subject || !subcontext || label {
			return s, errChannelID
		}
	default:
		return s, errChannelID
	}
	return s, nil
}

func checkRoomName(name string) error {
	switch {
	case name == "" || len(name) > maxRoomName:
		return errRoomLength
	case strings.IndexFunc(name, isControl) >= 0:
		return errRoomControl
	case !utf8.ValidString(name):
		return errRoomText
	}
	return nil
}

// directChannel returns the channel for messages between two users. The
// smaller id comes first, so that both get the same channel.
func directChannel(a, b uuid.UUID) presence.Stream {
	if bytes.Compare(a[:], b[:]) > 0 {
		a, b = b, a
	}
	return presence.Stream{Mode: presence.ModeDirect, Subject: a, Subcontext: b}
}

func groupChannel(group uuid.UUID) presence.Stream {
	return presence.Stream{Mode: presence.ModeGroup, Subject: group}
}

// channelFor returns the channel that a user wants to join, if it may: a room
// by its name, a group's channel by the group's id, or a direct channel by the
// other user's id. The nil user is the server, which may join every room and
// group.
func (c *Core) channelFor(ctx context.Context, user uuid.UUID, target string, kind rtapi.ChannelJoin_Type) (s presence.Stream, err error) {
	if target == "" {
		return s, errChannelTarget
	}
	switch kind {
	case rtapi.ChannelJoin_TYPE_UNSPECIFIED, rtapi.ChannelJoin_ROOM:
		if err := checkRoomName(target); err != nil {
			return s, err
		}
		return presence.Stream{Mode: presence.ModeRoom, Label: target}, nil
	case rtapi.ChannelJoin_GROUP:
		group, err := uuid.FromString(target)
		if err != nil || group.IsNil() {
			return s, errChannelClan
		}
		if !user.IsNil() {
			if err := c.checkMember(ctx, user, group); err != nil {
				return s, err
			}
		}
		return groupChannel(group), nil
	case rtapi.ChannelJoin_DIRECT_MESSAGE:
		other, err := uuid.FromString(target)
		if err != nil || other.IsNil() || user.IsNil() {
			return s, errChannelPeer
		}
		if err := c.checkReachable(ctx, user, other); err != nil {
			return s, err
		}
		return directChannel(user, other), nil
	}
	return s, errChannelType
}

// checkMember fails for users that are not members of a group.
func (c *Core) checkMember(ctx context.Context, user, group uuid.UUID) error {
	var state int
	err := c.db.Reader().QueryRowContext(ctx,
		"SELECT state FROM group_edge WHERE source_id = $1 AND destination_id = $2", group, user).Scan(&state)
	switch {
	case errors.Is(err, sql.ErrNoRows), err == nil && !isMember(state):
		return errChannelGroup
	case err != nil:
		return failed("look up the group", err)
	}
	return nil
}

// checkReachable fails for users that do not exist or that block the sender.
func (c *Core) checkReachable(ctx context.Context, user, other uuid.UUID) error {
	var found uuid.UUID
	err := c.db.Reader().QueryRowContext(ctx, `SELECT u.id FROM users u WHERE u.id = $2 AND NOT EXISTS (
		SELECT 1 FROM user_edge e WHERE e.source_id = $2 AND e.destination_id = $1 AND e.state = 3)`, user, other).Scan(&found)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return errChannelUser
	case err != nil:
		return failed("look up the user", err)
	}
	return nil
}

// place describes a channel in messages about it.
type place struct {
	id, room, group, userOne, userTwo string
}

func placeOf(s presence.Stream) place {
	p := place{id: s.ChannelID()}
	switch s.Mode {
	case presence.ModeRoom:
		p.room = s.Label
	case presence.ModeGroup:
		p.group = s.Subject.String()
	case presence.ModeDirect:
		p.userOne, p.userTwo = s.Subject.String(), s.Subcontext.String()
	}
	return p
}
