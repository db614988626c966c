package core

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/heroiclabs/nakama-common/api"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"kumi/core/consolepb"
	"kumi/presence"
)

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
	export, err := m.core.exportAccount(ctx, user)
	if err != nil {
		return "", err
	}
	text, err := protojson.MarshalOptions{UseProtoNames: true, UseEnumNumbers: true}.Marshal(export)
	if err != nil {
		return "", failed("export the user account", err)
	}
	var out bytes.Buffer // protojson adds spaces at random
	if err := json.Compact(&out, text); err != nil {
		return "", failed("export the user account", err)
	}
	return out.String(), nil
}

// exportAccount returns all data of a user.
func (c *Core) exportAccount(ctx context.Context, user uuid.UUID) (*consolepb.AccountExport, error) {
	account, err := c.account(ctx, user)
	if err != nil {
		return nil, err
	}
	out := &consolepb.AccountExport{Account: account}
	err = errors.Join(
		exportRows(ctx, c, &out.Objects, exportObject, objectColumns+"user_id = $1 ORDER BY collection, key", user),
		exportRows(ctx, c, &out.Friends, exportFriend, "SELECT "+userColumns+`, e.state, e.update_time, e.metadata FROM user_edge e
			JOIN users u ON u.id = e.destination_id WHERE e.source_id = $1 ORDER BY e.state, e.position`, user),
		exportRows(ctx, c, &out.Groups, exportGroup, `SELECT g.id, g.creator_id, g.name, g.description, g.avatar_url, g.lang_tag, g.metadata, g.state,
			g.edge_count, g.max_count, g.create_time, g.update_time FROM group_edge e
			JOIN groups g ON g.id = e.destination_id WHERE e.source_id = $1 ORDER BY e.state, e.position`, user),
		exportRows(ctx, c, &out.Messages, exportMessage, `SELECT id, code, sender_id, username, stream_mode, stream_subject, stream_descriptor, stream_label,
			content, create_time, update_time FROM message WHERE sender_id = $1 ORDER BY create_time, id`, user),
		exportRows(ctx, c, &out.LeaderboardRecords, exportRecord, `SELECT leaderboard_id, owner_id, username, score, subscore, num_score, max_num_score, metadata,
			create_time, update_time, expiry_time FROM leaderboard_record WHERE owner_id = $1
			ORDER BY leaderboard_id, expiry_time`, user),
		exportRows(ctx, c, &out.Notifications, exportNotification, `SELECT id, subject, content, code, sender_id, create_time FROM notification
			WHERE user_id = $1 ORDER BY create_time, id`, user),
		exportRows(ctx, c, &out.WalletLedgers, scanLedgerMessage, "SELECT "+ledgerColumns+" FROM wallet_ledger WHERE user_id = $1 ORDER BY create_time, id", user),
	)
	if err != nil {
		return nil, failed("export the user account", err)
	}
	return out, nil
}

func exportRows[R any](ctx context.Context, c *Core, into *[]R, scan func(*sql.Rows) (R, error), query string, user uuid.UUID) (err error) {
	*into, err = scanAll(ctx, c.db.Reader(), scan, query, user)
	return err
}

func exportObject(rows *sql.Rows) (*api.StorageObject, error) {
	o, _, err := scanObject(rows)
	return o, err
}

func exportFriend(rows *sql.Rows) (*api.Friend, error) {
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

func exportGroup(rows *sql.Rows) (*api.Group, error) {
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

func exportMessage(rows *sql.Rows) (*api.ChannelMessage, error) {
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

func exportRecord(rows *sql.Rows) (*api.LeaderboardRecord, error) {
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

func exportNotification(rows *sql.Rows) (*api.Notification, error) {
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

// scanLedgerMessage reads ledgerColumns.
func scanLedgerMessage(rows *sql.Rows) (*consolepb.WalletLedger, error) {
	i := &consolepb.WalletLedger{}
	var created, updated time.Time
	err := rows.Scan(&i.Id, &i.UserId, &i.Changeset, &i.Metadata, &created, &updated)
	i.CreateTime, i.UpdateTime = seconds(created), seconds(updated)
	return i, err
}
