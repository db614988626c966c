package core

import (
	"context"
	"slices"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/heroiclabs/nakama-common/api"

	"kumi/presence"
)

// messagePosition is a message that a page of a channel's history begins
// behind. It is bound to the channel and the direction of the list.
type messagePosition struct {
	Channel string    `json:"c"`
	Created time.Time `json:"t"`
	ID      uuid.UUID `json:"i"`
	Forward bool      `json:"f"`
	Back    bool      `json:"b,omitempty"` // leads to the page before
}

func (p *messagePosition) decode(cursor, channel string, forward bool) error {
	if err := decodeCursor(messageCursor, cursor, p); err != nil {
		if err = p.fromNakama(cursor); err != nil {
			return err
		}
	}
	if p.Channel != channel || p.Forward != forward || !storable(p.Created) {
		return errCursor
	}
	return nil
}

// ListChannelMessages pages through the history of a channel, oldest first
// unless it asks for the other direction. A page has 1 to 100 messages, 1 when
// no limit is given. Rooms are open to all, the rest to those who may join.
//
// Errors: InvalidArgument for a bad id, limit or cursor, or a channel that is
// not the caller's.
func (c *Core) ListChannelMessages(ctx context.Context, caller uuid.UUID, in *api.ListChannelMessagesRequest) (*api.ChannelMessageList, error) {
	s, err := ParseChannelID(in.GetChannelId())
	if err != nil {
		return nil, err
	}
	limit, err := limitOf(in.GetLimit(), 1, 100)
	if err != nil {
		return nil, err
	}
	switch s.Mode {
	case presence.ModeGroup:
		if err := c.checkMember(ctx, caller, s.Subject); err != nil {
			return nil, err
		}
	case presence.ModeDirect:
		if caller != s.Subject && caller != s.Subcontext {
			return nil, errChannelID
		}
	}
	return c.listMessages(ctx, s, limit, in.GetForward() == nil || in.GetForward().GetValue(), in.GetCursor())
}

const selectMessages = "SELECT id, code, sender_id, username, content, create_time, update_time FROM message WHERE "

func (c *Core) listMessages(ctx context.Context, on presence.Stream, limit int, forward bool, cursor string) (*api.ChannelMessageList, error) {
	at := placeOf(on)
	var from messagePosition
	if cursor != "" {
		if err := from.decode(cursor, at.id, forward); err != nil {
			return nil, errChannelCursor
		}
	}
	query := selectMessages + onChannel
	args := []any{int(on.Mode), on.Subject, on.Subcontext, on.Label, limit + 1}
	compare, order := ">", ""
	if forward == from.Back {
		compare, order = "<", " DESC"
	}
	if cursor != "" {
		query += " AND (create_time, id) " + compare + " ($6, $7)"
		args = append(args, from.Created, from.ID)
	}
	found, err := c.readMessages(ctx, query+" ORDER BY create_time"+order+", id"+order+" LIMIT $5", args...)
	if err != nil {
		return nil, failed("list channel messages", err)
	}
	more := len(found) > limit
	found = found[:min(len(found), limit)]
	if from.Back {
		slices.Reverse(found)
	}

	out := &api.ChannelMessageList{Messages: make([]*api.ChannelMessage, len(found))}
	for i := range found {
		out.Messages[i] = found[i].listed(&at)
	}
	point := func(m *message, forward, back bool) (text string) {
		if err == nil {
			text, err = encodeCursor(messageCursor, messagePosition{at.id, m.created, m.id, forward, back})
		}
		return text
	}
	if len(found) == 0 {
		out.CacheableCursor = cursor
		return out, nil
	}
	first, last := &found[0], &found[len(found)-1]
	if more || from.Back {
		out.NextCursor = point(last, forward, false)
	}
	if cursor != "" && (more || !from.Back) {
		out.PrevCursor = point(first, forward, true)
	}
	out.CacheableCursor = point(last, true, false) // for clients that poll for new messages
	if err != nil {
		return nil, failed("list channel messages", err)
	}
	return out, nil
}

func (c *Core) readMessages(ctx context.Context, query string, args ...any) ([]message, error) {
	rows, err := c.db.Reader().QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var found []message
	for rows.Next() {
		m := message{persistent: true}
		if err := rows.Scan(&m.id, &m.code, &m.sender, &m.username, &m.content, &m.created, &m.updated); err != nil {
			return nil, err
		}
		found = append(found, m)
	}
	return found, rows.Err()
}
