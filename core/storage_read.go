package core

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/heroiclabs/nakama-common/api"

	"kumi/store"
)

const objectColumns = "SELECT collection, key, user_id, value, version, read, write, create_time, update_time FROM storage WHERE "

// ReadStorage reads objects, in the order of the request. Objects that do not
// exist or that the caller may not read are left out. An empty user id and the
// nil id mean the server. InvalidArgument for a missing name or a bad id.
func (c *Core) ReadStorage(ctx context.Context, caller uuid.UUID, in *api.ReadStorageObjectsRequest) (*api.StorageObjects, error) {
	ids := make([]objectID, len(in.GetObjectIds()))
	for i, o := range in.GetObjectIds() {
		var owner uuid.UUID
		var err error
		if o.GetUserId() != "" {
			if owner, err = uuid.FromString(o.GetUserId()); err != nil {
				return nil, errObjectOwner
			}
		}
		if ids[i], err = newObjectID(o.GetCollection(), o.GetKey(), owner); err != nil {
			return nil, err
		}
	}
	objects, err := c.readStorage(ctx, ids, func(owner uuid.UUID, read int32) bool {
		return read >= readPublic || read == readOwner && owner == caller
	})
	if err != nil {
		return nil, err
	}
	return &api.StorageObjects{Objects: objects}, nil
}

// maxReadBatch is the maximum number of objects per statement.
const maxReadBatch = 256

// maxConditions is the maximum number of objects that a statement has a condition each
// for. The time SQLite takes for parameters grows with the square of their number: 256
// objects take 30 ms with conditions and 3 ms from a list.
const maxConditions = 16

// readStorage reads the existing objects for which allowed returns true, each
// once. A nil allowed means all.
func (c *Core) readStorage(ctx context.Context, ids []objectID, allowed func(owner uuid.UUID, read int32) bool) ([]*api.StorageObject, error) {
	found := make([]*api.StorageObject, 0, len(ids))
	for len(ids) > 0 {
		n := min(len(ids), maxReadBatch)
		var err error
		if found, err = c.readBatch(ctx, found, ids[:n], allowed); err != nil {
			return nil, failedWith(readingObjects, err)
		}
		ids = ids[n:]
	}
	return found, nil
}

func (c *Core) readBatch(ctx context.Context, found []*api.StorageObject, ids []objectID, allowed func(uuid.UUID, int32) bool) ([]*api.StorageObject, error) {
	query, args := selectObjects(c.db.Dialect(), ids)
	ctx = c.db.Brief(ctx)
	rows, err := c.db.Reader().QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	if len(ids) == 1 {
		return scanObjects(ctx, rows, found, allowed, nil)
	}
	positions := make(map[objectID]int, len(ids))
	for i, id := range ids {
		if _, seen := positions[id]; !seen {
			positions[id] = i
		}
	}
	placed := make([]*api.StorageObject, len(ids))
	_, err = scanObjects(ctx, rows, nil, allowed, func(id objectID, o *api.StorageObject) { placed[positions[id]] = o })
	if err != nil {
		return nil, err
	}
	for _, o := range placed {
		if o != nil {
			found = append(found, o)
		}
	}
	return found, nil
}

// selectObjects builds the query for a batch.
func selectObjects(d store.Dialect, ids []objectID) (string, []any) {
	if len(ids) > maxConditions {
		return selectListed(d, ids)
	}
	var b strings.Builder
	b.WriteString(objectColumns)
	args := make([]any, 0, 3*len(ids))
	for i, id := range ids {
		if i > 0 {
			b.WriteString(" OR ")
		}
		at := func(k int) string { return strconv.Itoa(3*i + k) }
		b.WriteString("(collection = $" + at(1) + " AND key = $" + at(2) + " AND user_id = $" + at(3) + ")")
		args = append(args, id.collection, id.key, id.owner)
	}
	return b.String(), args
}

// selectListed builds the query for a large batch, which is the same for all sizes.
func selectListed(d store.Dialect, ids []objectID) (string, []any) {
	if d == store.Postgres {
		collections, keys, owners := make([]string, len(ids)), make([]string, len(ids)), make([]uuid.UUID, len(ids))
		for i, id := range ids {
			collections[i], keys[i], owners[i] = id.collection, id.key, id.owner
		}
		return objectColumns + "(collection, key, user_id) IN (SELECT * FROM unnest($1::text[], $2::text[], $3::uuid[]))", []any{collections, keys, owners}
	}
	list := make([]any, len(ids))
	for i, id := range ids {
		list[i] = []string{id.collection, id.key, id.owner.String()}
	}
	return objectColumns + "(collection, key, user_id) IN (SELECT value->>0, value->>1, value->>2 FROM json_each($1))", []any{list}
}

// objectRows is the part of *sql.Rows that reading objects needs.
type objectRows interface {
	Next() bool
	Scan(...any) error
	Err() error
}

// scanObjects reads rows of objectColumns. They are appended to found, or
// passed to place if that is set. See WithReserve for ctx.
func scanObjects(ctx context.Context, rows objectRows, found []*api.StorageObject, allowed func(uuid.UUID, int32) bool,
	place func(objectID, *api.StorageObject)) ([]*api.StorageObject, error) {
	reserve := reserveOf(ctx)
	for rows.Next() {
		o, owner, err := scanObject(rows)
		if err == nil && reserve != nil {
			err = reserve(len(o.Value))
		}
		if err != nil {
			return nil, err
		}
		if allowed != nil && !allowed(owner, o.PermissionRead) {
			continue
		}
		if place != nil {
			place(objectID{o.Collection, o.Key, owner}, o)
		} else {
			found = append(found, o)
		}
	}
	return found, rows.Err()
}

func scanObject(row interface{ Scan(...any) error }) (*api.StorageObject, uuid.UUID, error) {
	o := &api.StorageObject{}
	var owner uuid.UUID
	var created, updated time.Time
	err := row.Scan(&o.Collection, &o.Key, &owner, &o.Value, &o.Version,
		&o.PermissionRead, &o.PermissionWrite, &created, &updated)
	o.UserId = owner.String()
	o.CreateTime, o.UpdateTime = seconds(created), seconds(updated)
	return o, owner, err
}
