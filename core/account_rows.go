package core

import (
	"context"
	"database/sql"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/heroiclabs/nakama-common/api"
	"google.golang.org/protobuf/types/known/timestamppb"

	"kumi/store"
)

// userColumns and accountColumns are scanned by userRow and accountRow. Each
// starts with the one before.
const (
	userColumns = `u.id, u.username, u.display_name, u.avatar_url, u.lang_tag, u.location, u.timezone, u.metadata,
u.apple_id, u.facebook_id, u.facebook_instant_game_id, u.google_id, u.gamecenter_id, u.steam_id,
u.edge_count, u.create_time, u.update_time`
	accountColumns = userColumns + `, u.wallet, u.email, u.custom_id, u.verify_time, u.disable_time, d.id`
	accountTables  = ` FROM users u LEFT JOIN user_device d ON d.user_id = u.id `
)

// userRow is a row of users being scanned.
type userRow struct {
	id                                                            uuid.UUID
	username                                                      string
	displayName, avatarURL, langTag, location, timezone           sql.NullString
	metadata                                                      string
	apple, facebook, facebookInstant, google, gameCenter, steamID sql.NullString
	edges                                                         int32
	created, updated                                              time.Time
}

func (r *userRow) into() []any {
	return []any{
		&r.id, &r.username, &r.displayName, &r.avatarURL, &r.langTag, &r.location, &r.timezone, &r.metadata,
		&r.apple, &r.facebook, &r.facebookInstant, &r.google, &r.gameCenter, &r.steamID,
		&r.edges, &r.created, &r.updated,
	}
}

func (r *userRow) user(online bool) *api.User {
	return &api.User{
		Id: r.id.String(), Username: r.username,
		DisplayName: r.displayName.String, AvatarUrl: r.avatarURL.String, LangTag: r.langTag.String,
		Location: r.location.String, Timezone: r.timezone.String, Metadata: r.metadata,
		AppleId: r.apple.String, FacebookId: r.facebook.String, FacebookInstantGameId: r.facebookInstant.String,
		GoogleId: r.google.String, GamecenterId: r.gameCenter.String, SteamId: r.steamID.String,
		Online: online, EdgeCount: r.edges, CreateTime: seconds(r.created), UpdateTime: seconds(r.updated),
	}
}

// readUsers runs a query for userColumns.
func (c *Core) readUsers(ctx context.Context, q store.Querier, query string, args ...any) ([]*api.User, error) {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var users []*api.User
	for rows.Next() {
		var r userRow
		if err := rows.Scan(r.into()...); err != nil {
			return nil, err
		}
		users = append(users, r.user(c.online(r.id)))
	}
	return users, rows.Err()
}

// readAccounts runs a query for accountColumns, with one row per device. The
// rows of an account must be adjacent.
func (c *Core) readAccounts(ctx context.Context, q store.Querier, query string, args ...any) ([]*api.Account, error) {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var accounts []*api.Account
	var last uuid.UUID
	for rows.Next() {
		var r userRow
		var wallet string
		var email, customID, device sql.NullString
		var verified, disabled time.Time
		if err := rows.Scan(append(r.into(), &wallet, &email, &customID, &verified, &disabled, &device)...); err != nil {
			return nil, err
		}
		if len(accounts) == 0 || r.id != last {
			last = r.id
			accounts = append(accounts, &api.Account{
				User: r.user(c.online(r.id)), Wallet: wallet, Email: email.String, CustomId: customID.String,
				VerifyTime: secondsOrNone(verified), DisableTime: secondsOrNone(disabled),
			})
		}
		if device.Valid {
			a := accounts[len(accounts)-1]
			a.Devices = append(a.Devices, &api.AccountDevice{Id: device.String})
		}
	}
	return accounts, rows.Err()
}

// online reports whether the user shows a status, which every connected client
// does unless it hides.
func (c *Core) online(user uuid.UUID) bool { return c.tracker != nil && c.tracker.Online(user) }

// seconds returns a time as most of the API shows it: without fractions.
func seconds(t time.Time) *timestamppb.Timestamp { return &timestamppb.Timestamp{Seconds: t.Unix()} }

func secondsOrNone(t time.Time) *timestamppb.Timestamp {
	if !isSet(t) {
		return nil
	}
	return seconds(t)
}
