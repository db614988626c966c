package core

import (
	"context"
	"database/sql"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/gofrs/uuid/v5"
	"github.com/heroiclabs/nakama-common/api"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"kumi/core/consolepb"
)

// accountPage is the number of accounts of a page without a limit, and of a search by
// pattern.
const (
	accountPage    = 50
	maxAccountPage = 1000
)

// maxDisplayNames is the number of accounts that a search by display name finds.
const maxDisplayNames = 100

// accountList are all accounts, by id.
func (k *Console) accountList() *pagedList[*api.User, uuid.UUID] {
	return &pagedList[*api.User, uuid.UUID]{
		cursor: accountCursor, query: "SELECT " + userColumns + " FROM users u", order: []string{"u.id"},
		scan: func(rows *sql.Rows) (*api.User, uuid.UUID, error) {
			var r userRow
			err := rows.Scan(r.into()...)
			return r.user(k.online(r.id)), r.id, err
		},
		values: func(id uuid.UUID) []any { return []any{id} },
	}
}

// ListAccounts lists the accounts in order of their ids, 1 to 1,000 a page, by default 50,
// or those that a filter finds. With tombstones it lists the deletions that were recorded.
// InvalidArgument for another limit.
func (k *Console) ListAccounts(ctx context.Context, in *consolepb.ListAccountsRequest) (*consolepb.AccountList, error) {
	if in.Tombstones {
		return k.tombstones(ctx, in.Filter)
	}
	total, err := k.rowCount(ctx, "users")
	if err != nil {
		return nil, err
	}
	if filter := strings.TrimSpace(in.Filter); filter != "" {
		users, err := k.findAccounts(ctx, filter)
		return &consolepb.AccountList{Users: users, TotalCount: total}, err
	}
	limit := accountPage
	if in.Limit > 0 {
		limit = int(in.Limit)
	}
	if limit > maxAccountPage {
		return nil, invalid("Limit must be between 1 and %d.", maxAccountPage)
	}
	found, err := k.accountList().read(ctx, k.db.Reader(), conditions{}, limit, in.Cursor)
	return &consolepb.AccountList{Users: found.rows, TotalCount: total, NextCursor: found.next}, err
}

// tombstones lists the deleted accounts that were recorded, or the one with an id. Their
// update time is that of the deletion.
func (k *Console) tombstones(ctx context.Context, filter string) (*consolepb.AccountList, error) {
	var where conditions
	if filter != "" {
		id, err := consoleID("user", filter)
		if err != nil {
			return nil, err
		}
		where.add("user_id = ?", id)
	}
	scan := func(rows *sql.Rows) (*api.User, error) {
		u := &api.User{}
		var deleted time.Time
		err := rows.Scan(&u.Id, &deleted)
		u.UpdateTime = seconds(deleted)
		return u, err
	}
	users, err := scanAll(ctx, k.db.Reader(), scan, "SELECT user_id, create_time FROM user_tombstone"+where.where()+" ORDER BY create_time DESC, user_id LIMIT 50", where.args...)
	if err != nil {
		return nil, failed("list deleted accounts", err)
	}
	return &consolepb.AccountList{Users: users, TotalCount: int32(len(users))}, nil
}

// findAccounts finds accounts by what identifies them, exactly; by a part of their
// display name, of three characters or more; and by a pattern of their username, which
// has a % at its beginning, its end or both.
func (k *Console) findAccounts(ctx context.Context, filter string) ([]*api.User, error) {
	if strings.ContainsRune(filter, 0) || !utf8.ValidString(filter) {
		return nil, invalid("The filter is not valid text.")
	}
	var ids []string
	for _, column := range []string{"username", "email", "custom_id", "facebook_id", "facebook_instant_game_id", "google_id", "gamecenter_id", "steam_id", "apple_id"} {
		ids = append(ids, "SELECT id FROM users WHERE "+column+" = $1")
	}
	ids = append(ids, "SELECT user_id FROM user_device WHERE id = $1")
	args := []any{filter}
	if id, err := uuid.FromString(filter); err == nil {
		ids, args = append(ids, "SELECT id FROM users WHERE id = $2"), append(args, id)
	}
	// A union, so that each part uses its index.
	found, err := k.readUsers(ctx, k.db.Reader(), "SELECT "+userColumns+" FROM users u WHERE u.id IN ("+strings.Join(ids, " UNION ")+") ORDER BY u.id", args...)
	if err != nil {
		return nil, failed("find accounts", err)
	}
	known := map[string]bool{}
	for _, u := range found {
		known[u.Id] = true
	}
	more := func(limit int, column, pattern string) error {
		// In the order of the table, as an index would be followed to each row.
		users, err := k.readUsers(ctx, k.db.Reader(), "SELECT "+userColumns+" FROM users u WHERE "+k.db.Dialect().ILike(column, "$1")+" LIMIT $2", pattern, limit)
		if err != nil {
			return failed("find accounts", err)
		}
		for _, u := range users {
			if !known[u.Id] {
				known[u.Id] = true
				found = append(found, u)
			}
		}
		return nil
	}
	if !k.o.NoDisplayNames && utf8.RuneCountInString(filter) >= 3 {
		if err := more(maxDisplayNames, "u.display_name", "%"+likeText(filter)+"%"); err != nil {
			return nil, err
		}
	}
	if text := strings.Trim(filter, "%"); text != filter && text != "" && !strings.Contains(text, "%") && len(found) < accountPage {
		pattern := strings.Replace(filter, text, likeText(text), 1)
		if err := more(accountPage-len(found), "u.username", pattern); err != nil {
			return nil, err
		}
	}
	return found, nil
}

// likeText returns the pattern that matches a text and nothing else.
func likeText(text string) string {
	return strings.NewReplacer(`\`, `\\`, "%", `\%`, "_", `\_`).Replace(text)
}

// GetAccount returns an account with the time of its ban. NotFound if there is none.
func (k *Console) GetAccount(ctx context.Context, in *consolepb.AccountId) (*consolepb.Account, error) {
	id, err := consoleID("user", in.Id)
	if err != nil {
		return nil, err
	}
	account, err := k.account(ctx, id)
	if err != nil {
		return nil, err
	}
	return &consolepb.Account{Account: account, DisableTime: account.DisableTime}, nil
}

// ExportAccount returns everything that is stored of a user.
func (k *Console) ExportAccount(ctx context.Context, in *consolepb.AccountId) (*consolepb.AccountExport, error) {
	id, err := playerID(in.Id)
	if err != nil {
		return nil, err
	}
	return k.exportAccount(ctx, id)
}

// playerID reads the id of a user who is not the system's. InvalidArgument otherwise.
func playerID(text string) (uuid.UUID, error) {
	id, err := consoleID("user", text)
	if err == nil && id.IsNil() {
		err = errSystemUser
	}
	return id, err
}

// existing is playerID for a user that exists. NotFound if not.
func (k *Console) existing(ctx context.Context, text string) (uuid.UUID, error) {
	id, err := playerID(text)
	if err == nil {
		_, err = k.account(ctx, id)
	}
	return id, err
}

// UnbanAccount enables an account again.
func (k *Console) UnbanAccount(ctx context.Context, in *consolepb.AccountId) error {
	id, err := k.existing(ctx, in.Id)
	if err != nil {
		return err
	}
	return k.unban(ctx, []uuid.UUID{id})
}

// RemoveAccount deletes an account, and records that if it is asked to.
func (k *Console) RemoveAccount(ctx context.Context, in *consolepb.AccountDeleteRequest) error {
	id, err := k.existing(ctx, in.Id)
	if err != nil {
		return err
	}
	return k.deleteAccount(ctx, id, in.RecordDeletion.GetValue())
}

// GetFriends lists all friends of a user, with invitations and blocked users.
func (k *Console) GetFriends(ctx context.Context, in *consolepb.AccountId) (*api.FriendList, error) {
	id, err := consoleID("user", in.Id)
	if err != nil {
		return nil, err
	}
	friends, err := scanAll(ctx, k.db.Reader(), exportFriend, "SELECT "+userColumns+`, e.state, e.update_time, e.metadata FROM user_edge e
		JOIN users u ON u.id = e.destination_id WHERE e.source_id = $1 ORDER BY e.state, e.position`, id)
	if err != nil {
		return nil, failed("list friends", err)
	}
	for _, f := range friends {
		f.User.Online = k.online(uuid.FromStringOrNil(f.User.Id))
	}
	return &api.FriendList{Friends: friends}, nil
}

// GetGroups lists all groups of a user, with requests to join.
func (k *Console) GetGroups(ctx context.Context, in *consolepb.AccountId) (*api.UserGroupList, error) {
	id, err := consoleID("user", in.Id)
	if err != nil {
		return nil, err
	}
	scan := func(rows *sql.Rows) (*api.UserGroupList_UserGroup, error) {
		var r groupRow
		var state int32
		err := rows.Scan(append(r.into(), &state)...)
		return &api.UserGroupList_UserGroup{Group: r.group(), State: wrapperspb.Int32(state)}, err
	}
	groups, err := scanAll(ctx, k.db.Reader(), scan, "SELECT "+groupColumns+`, e.state FROM group_edge e
		JOIN groups g ON g.id = e.destination_id WHERE e.source_id = $1 AND `+liveGroup+" ORDER BY e.state, e.position", id)
	if err != nil {
		return nil, failed("list groups", err)
	}
	return &api.UserGroupList{UserGroups: groups}, nil
}

// ledgerPlace is the place of an item in a user's ledger.
type ledgerPlace struct {
	Time time.Time `json:"t"`
	ID   uuid.UUID `json:"i"`
}

var ledgerPages = pagedList[*consolepb.WalletLedger, ledgerPlace]{
	cursor: ledgerPageCursor, query: "SELECT " + ledgerColumns + " FROM wallet_ledger", order: []string{"create_time", "id"}, descending: true,
	scan: func(rows *sql.Rows) (*consolepb.WalletLedger, ledgerPlace, error) {
		i := &consolepb.WalletLedger{}
		var at ledgerPlace
		var updated time.Time
		err := rows.Scan(&at.ID, &i.UserId, &i.Changeset, &i.Metadata, &at.Time, &updated)
		i.Id, i.CreateTime, i.UpdateTime = at.ID.String(), seconds(at.Time), seconds(updated)
		return i, at, err
	},
	values: func(p ledgerPlace) []any { return []any{p.Time, p.ID} },
}

// GetWalletLedger lists the changes of a user's wallet, newest first, 1 to 100 a page.
func (k *Console) GetWalletLedger(ctx context.Context, in *consolepb.GetWalletLedgerRequest) (*consolepb.WalletLedgerList, error) {
	id, err := consoleID("user", in.AccountId)
	if err != nil {
		return nil, err
	}
	limit, err := pageSize(in.Limit, 0)
	if err != nil {
		return nil, err
	}
	var where conditions
	where.add("user_id = ?", id)
	where.during("create_time", in.After, in.Before)
	found, err := ledgerPages.read(ctx, k.db.Reader(), where, limit, in.Cursor)
	return &consolepb.WalletLedgerList{Items: found.rows, NextCursor: found.next, PrevCursor: found.prev}, err
}
