package core

import (
	"context"
	"strings"
	"unicode/utf8"

	"github.com/gofrs/uuid/v5"
	"github.com/heroiclabs/nakama-common/api"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"kumi/store/fault"
)

// objectPosition is the end of a page of storage objects. It is bound neither
// to the collection nor to the owner.
type objectPosition struct {
	Read  int32     `json:"r"`
	Key   string    `json:"k"`
	Owner uuid.UUID `json:"u"`
}

// decode decodes a cursor and rejects values that databases reject.
func (p *objectPosition) decode(cursor string) error {
	if err := decodeCursor(storageCursor, cursor, p); err != nil {
		if err = p.fromNakama(cursor); err != nil {
			return err
		}
	}
	if p.Read < readNobody || p.Read > readPublic || strings.ContainsRune(p.Key, 0) || !utf8.ValidString(p.Key) {
		return errCursor
	}
	return nil
}

// ListStorage lists a collection: without a user id all public objects; with
// the caller's id its own objects that it may read; with another user's id, or
// the nil id for the server, the public ones. A page has 1 to 100 objects, by
// default 1.
//
// Errors: InvalidArgument for a bad limit, user id or cursor.
func (c *Core) ListStorage(ctx context.Context, caller uuid.UUID, in *api.ListStorageObjectsRequest) (*api.StorageObjectList, error) {
	limit, err := limitOf(in.GetLimit(), 1, 100)
	if err != nil {
		return nil, err
	}
	minRead := int32(readPublic)
	var owner *uuid.UUID
	if in.GetUserId() != "" {
		id, err := uuid.FromString(in.GetUserId())
		if err != nil {
			return nil, errObjectOwner
		}
		if owner = &id; id == caller {
			minRead = readOwner
		}
	}
	objects, cursor, err := c.listStorage(ctx, in.GetCollection(), owner, minRead, limit, in.GetCursor())
	if err != nil {
		return nil, err
	}
	return &api.StorageObjectList{Objects: objects, Cursor: cursor}, nil
}

// limitOf returns the limit of a message, which must be between 1 and max.
func limitOf(v *wrapperspb.Int32Value, missing, max int) (int, error) {
	if v == nil {
		return missing, nil
	}
	if limit := int(v.GetValue()); limit >= 1 && limit <= max {
		return limit, nil
	}
	return 0, invalid("Invalid limit - limit must be between 1 and %d.", max)
}

// listStorage reads a page of the objects of a collection, of one owner or of
// all, that have at least the given read permission. They are ordered by read
// permission, key and owner.
func (c *Core) listStorage(ctx context.Context, collection string, owner *uuid.UUID, minRead int32, limit int, cursor string) ([]*api.StorageObject, string, error) {
	args := []any{collection, minRead, limit + 1}
	query := objectColumns + "collection = $1 AND read >= $2"
	if cursor != "" {
		var from objectPosition
		if err := from.decode(cursor); err != nil {
			return nil, "", fault.Wrap(fault.InvalidArgument, "Malformed cursor was used.", err)
		}
		args = append(args, from.Read, from.Key, from.Owner)
		query += " AND (read, key, user_id) > ($4, $5, $6)"
	}
	switch {
	case owner != nil && cursor != "":
		args = append(args, *owner)
		query += " AND user_id = $7"
	case owner != nil:
		args = append(args, *owner)
		query += " AND user_id = $4"
	}
	rows, err := c.db.Reader().QueryContext(ctx, query+" ORDER BY read, key, user_id LIMIT $3", args...)
	if err != nil {
		return nil, "", failedWith(listingObjects, err)
	}
	defer rows.Close()
	objects, err := scanObjects(ctx, rows, nil, nil, nil)
	if err != nil {
		return nil, "", failedWith(listingObjects, err)
	}
	if len(objects) <= limit {
		return objects, "", nil
	}
	objects = objects[:limit]
	last := objects[limit-1]
	next, err := encodeCursor(storageCursor, objectPosition{
		Read: last.PermissionRead, Key: last.Key, Owner: uuid.FromStringOrNil(last.UserId),
	})
	if err != nil {
		return nil, "", failedWith(listingObjects, err)
	}
	if next == cursor {
		next = ""
	}
	return objects, next, nil
}
