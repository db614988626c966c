package core

import (
	"context"
	"strings"

	"kumi/store"
)

// The tables that are emptied, in an order in which no row is left without the one that it
// refers to. Rows that belong to a row of another table are deleted with it.
var (
	// playerTables are those of the players' own rows, users and storage apart. Most would
	// be emptied by deleting the users, one by one, which takes several times as long.
	playerTables = []string{"leaderboard_record", "group_edge", "groups", "message", "notification", "wallet_ledger", "users_notes", "user_edge", "user_device"}
	// gameTables are all that a game has beside storage and players' rows.
	gameTables = []string{"purchase", "subscription", "user_tombstone", "leaderboard"}
)

// playerObjects are the storage objects that are not the system's.
const playerObjects = "storage WHERE user_id <> '00000000-0000-0000-0000-000000000000'"

// DeleteAllStorage deletes all storage objects.
func (k *Console) DeleteAllStorage(ctx context.Context) error {
	return k.wipe(ctx, false, "storage")
}

// DeleteAllAccounts deletes all accounts but that of the system, with everything that
// belongs to them: groups, messages, records, their storage objects. Leaderboards and the
// system's objects stay. Sessions end, and their tokens are void.
func (k *Console) DeleteAllAccounts(ctx context.Context) error {
	return k.wipe(ctx, true, append([]string{playerObjects}, playerTables...)...)
}

// DeleteAllData deletes everything that a game stores. What operators have stays: their
// accounts, rights, settings and the audit log.
func (k *Console) DeleteAllData(ctx context.Context) error {
	tables := append([]string{"storage"}, playerTables...)
	return k.wipe(ctx, true, append(tables, gameTables...)...)
}

// wipe empties tables, and with users deletes the accounts of all players, in one
// transaction. Then indexes, counts of ranks and sessions are as if nothing had been.
func (k *Console) wipe(ctx context.Context, users bool, tables ...string) error {
	if err := k.boardTables(ctx); err != nil {
		return failed("delete data", err)
	}
	banned, err := k.bans.exists(ctx, k.db)
	if err != nil {
		return failed("delete data", err)
	}
	var objects []objectID
	ids := func(yield func(objectID) bool) {
		for _, id := range objects {
			if !yield(id) {
				return
			}
		}
	}
	err = k.storageTx(ctx, ids, func(ctx context.Context, q store.Querier) (err error) {
		if objects, err = k.indexedIDs(ctx, q); err != nil {
			return err
		}
		statements := make([]string, 0, len(tables)+6)
		for _, table := range tables {
			statements = append(statements, "DELETE FROM "+table)
			switch table {
			case "leaderboard_record":
				statements = append(statements, "DELETE FROM kumi_rank_count", "UPDATE leaderboard SET size = 0 WHERE size <> 0")
			case "leaderboard":
				statements = append(statements, "DELETE FROM kumi_board_event")
			}
		}
		if users {
			statements = append(statements, "DELETE FROM users WHERE id <> '00000000-0000-0000-0000-000000000000'")
			if err := k.forgetBans(ctx, q, banned, nil); err != nil {
				return err
			}
		}
		for _, s := range statements {
			if _, err := q.ExecContext(ctx, s); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return failed("delete data", err)
	}
	k.log.Warn().Bool("accounts", users).Str("tables", strings.Join(tables, ", ")).Msg("an operator deleted all rows of tables")
	k.boardsChanged()
	if !users {
		return nil
	}
	k.storeRevocations(ctx, k.tokens.revokeAll(everyone))
	k.closeAll()
	k.give(order{CloseAll: true})
	return nil
}

// indexedIDs returns the objects of the collections that have a storage index.
func (k *Console) indexedIDs(ctx context.Context, q store.Querier) (ids []objectID, err error) {
	for collection := range k.indexes.set.Load().byCollection {
		rows, err := q.QueryContext(ctx, "SELECT key, user_id FROM storage WHERE collection = $1", collection)
		if err != nil {
			return nil, err
		}
		for rows.Next() {
			id := objectID{collection: collection}
			if err := rows.Scan(&id.key, &id.owner); err != nil {
				rows.Close()
				return nil, err
			}
			ids = append(ids, id)
		}
		rows.Close()
		if err := rows.Err(); err != nil {
			return nil, err
		}
	}
	return ids, nil
}
