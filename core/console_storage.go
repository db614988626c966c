package core

import (
	"context"
	"database/sql"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/gofrs/uuid/v5"
	"github.com/heroiclabs/nakama-common/api"

	"kumi/core/consolepb"
	"kumi/store/fault"
)

const storagePage = 100

// ListStorageCollections lists the names of the collections. It finds each one in the
// primary key, and so does not read the whole table.
func (k *Console) ListStorageCollections(ctx context.Context) (*consolepb.StorageCollectionsList, error) {
	scan := func(rows *sql.Rows) (name string, err error) { return name, rows.Scan(&name) }
	names, err := scanAll(ctx, k.db.Reader(), scan, `WITH RECURSIVE names(name) AS (
			SELECT min(collection) FROM storage
			UNION ALL
			SELECT (SELECT min(s.collection) FROM storage s WHERE s.collection > names.name) FROM names WHERE names.name IS NOT NULL
		) SELECT name FROM names WHERE name IS NOT NULL`)
	if err != nil {
		return nil, failed("list storage collections", err)
	}
	return &consolepb.StorageCollectionsList{Collections: names}, nil
}

// storagePlace is the place of an object in the list, which is bound to its filter.
type storagePlace struct {
	Collection string    `json:"c"`
	Key        string    `json:"k"`
	User       uuid.UUID `json:"u"`
}

var storagePages = pagedList[*consolepb.StorageListObject, storagePlace]{
	cursor: consoleStoreCursor, order: []string{"collection", "key", "user_id"},
	query: "SELECT collection, key, user_id, version, read, write, create_time, update_time FROM storage",
	scan: func(rows *sql.Rows) (*consolepb.StorageListObject, storagePlace, error) {
		o := &consolepb.StorageListObject{}
		var at storagePlace
		var created, updated time.Time
		err := rows.Scan(&at.Collection, &at.Key, &at.User, &o.Version, &o.PermissionRead, &o.PermissionWrite, &created, &updated)
		o.Collection, o.Key, o.UserId = at.Collection, at.Key, at.User.String()
		o.CreateTime, o.UpdateTime = seconds(created), seconds(updated)
		return o, at, err
	},
	values: func(p storagePlace) []any { return []any{p.Collection, p.Key, p.User} },
}

// ListAllStorage lists objects without their values, 100 a page: all, or those of a
// collection, of a key or of keys that begin so (with a % at the end) in it, or of a user.
// All objects of one user in all collections are one page.
//
// Errors: InvalidArgument for a key without a collection and for a cursor of another list.
func (k *Console) ListAllStorage(ctx context.Context, in *consolepb.ListStorageRequest) (*consolepb.StorageList, error) {
	var where conditions
	limit := storagePage
	if in.UserId != "" {
		id, err := consoleID("user", in.UserId)
		if err != nil {
			return nil, err
		}
		where.add("user_id = ?", id)
		if in.Collection == "" {
			limit = 0
		}
	}
	switch {
	case in.Key != "" && in.Collection == "":
		return nil, invalid("Requires a collection when a key is given.")
	case limit == 0 && in.Cursor != "":
		return nil, errPageCursor
	}
	if in.Collection != "" {
		where.add("collection = ?", in.Collection)
	}
	if prefix, ok := strings.CutSuffix(in.Key, "%"); ok {
		where.add("substr(key, 1, ?) = ?", utf8.RuneCountInString(prefix), prefix)
	} else if in.Key != "" {
		where.add("key = ?", in.Key)
	}
	total, err := k.rowCount(ctx, "storage")
	if err != nil {
		return nil, err
	}
	found, err := storagePages.read(ctx, k.db.Reader(), where, limit, in.Cursor)
	return &consolepb.StorageList{Objects: found.rows, TotalCount: total, NextCursor: found.next}, err
}

// storageID reads the id of an object. The owner may be left out for the system user.
func storageID(collection, key, user string) (objectID, error) {
	owner, err := consoleID("user", user)
	if err != nil {
		return objectID{}, err
	}
	return newObjectID(collection, key, owner)
}

// GetStorage returns an object. NotFound if there is none.
func (k *Console) GetStorage(ctx context.Context, in *api.ReadStorageObjectId) (*api.StorageObject, error) {
	id, err := storageID(in.Collection, in.Key, in.UserId)
	if err != nil {
		return nil, err
	}
	found, err := k.readStorage(ctx, []objectID{id}, nil)
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, fault.New(fault.NotFound, "Storage object not found.")
	}
	return found[0], nil
}

// WriteStorageObject writes an object, whatever clients may do with it. InvalidArgument
// for a value that is no JSON object and for another version than the one that is given.
func (k *Console) WriteStorageObject(ctx context.Context, in *consolepb.WriteStorageObjectRequest) (*api.StorageObjectAck, error) {
	id, err := storageID(in.Collection, in.Key, in.UserId)
	if err != nil {
		return nil, err
	}
	write, err := k.newObjectWrite(id.collection, id.key, id.owner, in.Value, in.Version, permission(in.PermissionRead), permission(in.PermissionWrite))
	if err != nil {
		return nil, err
	}
	acks, err := k.writeStorage(ctx, []objectWrite{write}, false)
	if err != nil {
		return nil, err
	}
	return acks[0], nil
}

// DeleteStorageObject deletes an object, with a version only if it has that one.
func (k *Console) DeleteStorageObject(ctx context.Context, in *consolepb.DeleteStorageObjectRequest) error {
	id, err := storageID(in.Collection, in.Key, in.UserId)
	if err != nil {
		return err
	}
	return k.deleteStorage(ctx, []objectDelete{{id, in.Version}}, false)
}
