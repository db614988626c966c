package core

import (
	"context"
	"database/sql"
	"encoding/json"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/heroiclabs/nakama-common/api"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"kumi/presence"
)

// accountExport is all data of a user, as API messages in JSON with the field
// names of their definitions.
type accountExport struct {
	Account            json.RawMessage   `json:"account"`
	Objects            []json.RawMessage `json:"objects,omitempty"`
	Friends            []json.RawMessage `json:"friends,omitempty"`
	Groups             []json.RawMessage `json:"groups,omitempty"`
	Messages           []json.RawMessage `json:"messages,omitempty"`
	LeaderboardRecords []json.RawMessage `json:"leaderboard_records,omitempty"`
	Notifications      []json.RawMessage `json:"notifications,omitempty"`
	WalletLedgers      []json.RawMessage `json:"wallet_ledgers,omitempty"`
}

// exportedLedgerItem is a row of the wallet ledger. Changeset and metadata are
// strings that contain JSON, as in the API's messages.
type exportedLedgerItem struct {
	ID         string    `json:"id"`
	UserID     string    `json:"user_id"`
	Changeset  string    `json:"changeset"`
	Metadata   string    `json:"metadata"`
	CreateTime time.Time `json:"create_time"`
	UpdateTime time.Time `json:"update_time"`
}

// AccountExportId implements runtime.NakamaModule: it returns all data of a
// user as JSON.
func (m *Module) AccountExportId(ctx context.Context, id string) (string, error) {
	user, err := userID(id)
	if err != nil {
		return "", err
	}
	if user.IsNil() {
		return "", invalid("the system user cannot be exported")
	}
	account, err := m.core.account(ctx, user)
	if err != nil {
		return "", err
	}
	var out accountExport
	if out.Account, err = exported.Marshal(account); err != nil {
		return "", failed("export the user account", err)
	}
	for _, part := range []struct {
		into  *[]json.RawMessage
		query string
		scan  func(*sql.Rows) (any, error)
	}{
		{&out.Objects, objectColumns + "user_id = $1 ORDER BY collection, key", exportObject},
		{&out.Friends, "SELECT " + userColumns + `, e.state, e.update_time, e.metadata FROM user_edge e
			JOIN users u ON u.id = e.destination_id WHERE e.source_id = $1 ORDER BY e.state, e.position`, exportFriend},
		{&out.Groups, `SELECT g.id, g.creator_id, g.name, g.description, g.avatar_url, g.lang_tag, g.metadata, g.state,
			g.edge_count, g.max_count, g.create_time, g.update_time FROM group_edge e
			JOIN groups g ON g.id = e.destination_id WHERE e.source_id = $1 ORDER BY e.state, e.position`, exportGroup},
		{&out.Messages, `SELECT id, code, sender_id, username, stream_mode, stream_subject, stream_descriptor, stream_label,
			content, create_time, update_time FROM message WHERE sender_id = $1 ORDER BY create_time, id`, exportMessage},
		{&out.LeaderboardRecords, `SELECT leaderboard_id, owner_id, username, score, subscore, num_score, max_num_score, metadata,
			create_time, update_time, expiry_time FROM leaderboard_record WHERE owner_id = $1
			ORDER BY leaderboard_id, expiry_time`, exportRecord},
		{&out.Notifications, `SELECT id, subject, content, code, sender_id, create_time FROM notification
			WHERE user_id = $1 ORDER BY create_time, id`, exportNotification},
		{&out.WalletLedgers, "SELECT " + ledgerColumns + " FROM wallet_ledger WHERE user_id = $1 ORDER BY create_time, id", exportLedgerItem},
	} {
		if *part.into, err = m.core.exportRows(ctx, part.query, user, part.scan); err != nil {
			return "", failed("export the user account", err)
		}
	}
	text, err := json.Marshal(out)
	if err != nil {
		return "", failed("export the user account", err)
	}
	return string(text), nil
}

var exported = protojson.MarshalOptions{UseProtoNames: true, UseEnumNumbers: true}

func (c *Core) exportRows(ctx context.Context, query string, user uuid.UUID, scan func(*sql.Rows) (any, error)) ([]json.RawMessage, error) {
	rows, err := c.db.Reader().QueryContext(ctx, query, user)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []json.RawMessage
	for rows.Next() {
		item, err := scan(rows)
		if err != nil {
			return nil, err
		}
		var text []byte
		if message, ok := item.(proto.Message); ok {
			text, err = exported.Marshal(message)
		} else {
			text, err = json.Marshal(item)
		}
		if err != nil {
			return nil, err
		}
		all = append(all, text)
	}
	return all, rows.Err()
}

func exportObject(rows *sql.Rows) (any, error) {
	o, _, err := scanObject(rows)
	return o, err
}

func exportFriend(rows *sql.Rows) (any, error) {
	var r userRow
	var state int32
	var updated time.Time
	f := &api.Friend{}
	if err := rows.Scan(append(r.into(), &state, &updated, &f.Metadata)...); err != nil {
		return nil, err
	}
	f.User, f.State, f.UpdateTime = r.user(false), wrapperspb.Int32(state), seconds(updated)
	return f, nil
}

func exportGroup(rows *sql.Rows) (any, error) {
	g := &api.Group{}
	var description, avatar sql.NullString
	var state int
	var created, updated time.Time
	err := rows.Scan(&g.Id, &g.CreatorId, &g.Name, &description, &avatar, &g.LangTag, &g.Metadata, &state,
		&g.EdgeCount, &g.MaxCount, &created, &updated)
	g.Description, g.AvatarUrl, g.Open = description.String, avatar.String, wrapperspb.Bool(state == 0)
	g.CreateTime, g.UpdateTime = seconds(created), seconds(updated)
	return g, err
}

func exportMessage(rows *sql.Rows) (any, error) {
	msg := &api.ChannelMessage{Persistent: wrapperspb.Bool(true)}
	var code int32
	var s presence.Stream
	var created, updated time.Time
	err := rows.Scan(&msg.MessageId, &code, &msg.SenderId, &msg.Username, &s.Mode, &s.Subject, &s.Subcontext, &s.Label,
		&msg.Content, &created, &updated)
	msg.Code, msg.ChannelId = wrapperspb.Int32(code), s.ChannelID()
	msg.CreateTime, msg.UpdateTime = seconds(created), seconds(updated)
	switch s.Mode {
	case presence.ModeRoom:
		msg.RoomName = s.Label
	case presence.ModeGroup:
		msg.GroupId = s.Subject.String()
	case presence.ModeDirect:
		msg.UserIdOne, msg.UserIdTwo = s.Subject.String(), s.Subcontext.String()
	}
	return msg, err
}

func exportRecord(rows *sql.Rows) (any, error) {
	r := &api.LeaderboardRecord{}
	var username sql.NullString
	var created, updated, expiry time.Time
	err := rows.Scan(&r.LeaderboardId, &r.OwnerId, &username, &r.Score, &r.Subscore, &r.NumScore, &r.MaxNumScore, &r.Metadata,
		&created, &updated, &expiry)
	if username.Valid {
		r.Username = wrapperspb.String(username.String)
	}
	r.CreateTime, r.UpdateTime, r.ExpiryTime = seconds(created), seconds(updated), secondsOrNone(expiry)
	return r, err
}

func exportNotification(rows *sql.Rows) (any, error) {
	n := &api.Notification{Persistent: true}
	var sender uuid.UUID
	var created time.Time
	err := rows.Scan(&n.Id, &n.Subject, &n.Content, &n.Code, &sender, &created)
	if !sender.IsNil() {
		n.SenderId = sender.String()
	}
	n.CreateTime = seconds(created)
	return n, err
}

func exportLedgerItem(rows *sql.Rows) (any, error) {
	var i exportedLedgerItem
	err := rows.Scan(&i.ID, &i.UserID, &i.Changeset, &i.Metadata, &i.CreateTime, &i.UpdateTime)
	i.CreateTime, i.UpdateTime = i.CreateTime.UTC().Truncate(time.Second), i.UpdateTime.UTC().Truncate(time.Second)
	return i, err
}
