package core

import (
	"cmp"
	"context"
	"crypto/md5"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"iter"
	"strings"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/heroiclabs/nakama-common/api"
	"google.golang.org/protobuf/types/known/timestamppb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"kumi/store"
)

// objectWrite is a validated write.
type objectWrite struct {
	objectID
	value       string // as stored
	hash        string // the new version
	version     string // the expected one: "" any, "*" none
	read, write int32
}

// WriteStorage writes objects of the caller, all or none. The acknowledgements
// are in the order of the request.
//
// Errors: InvalidArgument for a bad object, a version mismatch, or an object
// that clients may not write.
func (c *Core) WriteStorage(ctx context.Context, caller uuid.UUID, in *api.WriteStorageObjectsRequest) (*api.StorageObjectAcks, error) {
	writes := make([]objectWrite, len(in.GetObjects()))
	for i, o := range in.GetObjects() {
		read, write := permission(o.GetPermissionRead()), permission(o.GetPermissionWrite())
		var err error
		if writes[i], err = c.newObjectWrite(o.GetCollection(), o.GetKey(), caller, o.GetValue(), o.GetVersion(), read, write); err != nil {
			return nil, err
		}
	}
	acks, err := c.writeStorage(ctx, writes, true)
	if err != nil {
		return nil, err
	}
	return &api.StorageObjectAcks{Acks: acks}, nil
}

// permission returns a permission of a message; the default is the owner.
func permission(v *wrapperspb.Int32Value) int32 {
	if v == nil {
		return 1
	}
	return v.GetValue()
}

// newObjectWrite validates a write and computes its version, which is the MD5
// of the value as submitted.
func (c *Core) newObjectWrite(collection, key string, owner uuid.UUID, value, version string, read, write int32) (objectWrite, error) {
	id, err := newObjectID(collection, key, owner)
	if err != nil {
		return objectWrite{}, err
	}
	if value == "" {
		return objectWrite{}, errObjectName
	}
	if read < readNobody || read > readPublic {
		return objectWrite{}, invalid("Invalid Read permission supplied. It must be either 0, 1 or 2. It is %d for key %q in collection %q.", read, key, collection)
	}
	if write < 0 || write > 1 {
		return objectWrite{}, invalid("Invalid Write permission supplied. It must be either 0 or 1. It is %d for key %q in collection %q.", write, key, collection)
	}
	if !isObject(value) {
		return objectWrite{}, invalid("Value must be a JSON object. It is not for key %q in collection %q.", key, collection)
	}
	if err := cmp.Or(checkLength(writingObjects, "collection", collection, 128), checkLength(writingObjects, "key", key, 128)); err != nil {
		return objectWrite{}, err
	}
	stored, err := c.db.Dialect().JSON(value)
	if err != nil {
		return objectWrite{}, failedWith(writingObjects, err)
	}
	sum := md5.Sum([]byte(value))
	return objectWrite{objectID: id, value: stored, hash: hex.EncodeToString(sum[:]), version: version, read: read, write: write}, nil
}

func isObject(text string) bool {
	return strings.HasPrefix(strings.TrimLeft(text, " \t\r\n"), "{") && json.Valid([]byte(text))
}

// writeStorage runs the writes in one transaction. With byClient it checks
// write permissions.
func (c *Core) writeStorage(ctx context.Context, writes []objectWrite, byClient bool) ([]*api.StorageObjectAck, error) {
	if len(writes) == 0 {
		return nil, nil
	}
	var acks []*api.StorageObjectAck
	err := c.storageTx(ctx, written(writes), func(ctx context.Context, q store.Querier) (err error) {
		acks, err = c.writeObjects(ctx, q, writes, byClient)
		return err
	})
	if err != nil {
		return nil, c.storageError(err, writingObjects, byClient)
	}
	return acks, nil
}

// written yields the objects of writes.
func written(writes []objectWrite) iter.Seq[objectID] {
	return func(yield func(objectID) bool) {
		for i := range writes {
			if !yield(writes[i].objectID) {
				return
			}
		}
	}
}

// writeObjects runs the writes as part of a transaction.
func (c *Core) writeObjects(ctx context.Context, q store.Querier, writes []objectWrite, byClient bool) ([]*api.StorageObjectAck, error) {
	acks := make([]*api.StorageObjectAck, len(writes))
	brief := c.db.Brief(ctx)
	for _, i := range inOrder(writes, func(w *objectWrite) objectID { return w.objectID }) {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		w := &writes[i]
		created, updated, err := w.run(brief, q, byClient)
		if err != nil {
			return nil, err
		}
		acks[i] = &api.StorageObjectAck{
			Collection: w.collection, Key: w.key, UserId: w.owner.String(), Version: w.hash,
			CreateTime: timestamppb.New(created), UpdateTime: timestamppb.New(updated),
		}
	}
	return acks, nil
}

const (
	insertObject = `INSERT INTO storage (collection, key, user_id, value, version, read, write)
VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (collection, key, user_id) DO `
	setObject = `UPDATE SET value = excluded.value, version = excluded.version,
read = excluded.read, write = excluded.write, update_time = now()
WHERE NOT (storage.version = excluded.version AND storage.read = excluded.read AND storage.write = excluded.write)`
	ackObject = ` RETURNING create_time, update_time`

	createObject       = insertObject + "NOTHING" + ackObject
	upsertObject       = insertObject + setObject + ackObject
	upsertObjectClient = insertObject + setObject + " AND storage.write = 1" + ackObject

	replaceObject = `UPDATE storage SET value = $4, version = $5, read = $6, write = $7, update_time = now()
WHERE collection = $1 AND key = $2 AND user_id = $3 AND version = $8`
	replaceObjectAny    = replaceObject + ackObject
	replaceObjectClient = replaceObject + " AND write = 1" + ackObject
)

// run needs one statement if the write succeeds, and a second one to find out
// why it did not.
func (w *objectWrite) run(ctx context.Context, q store.Querier, byClient bool) (created, updated time.Time, err error) {
	args := [8]any{w.collection, w.key, w.owner, w.value, w.hash, w.read, w.write, w.version}
	query, n := upsertObject, 7
	switch {
	case w.version == "*":
		query = createObject
	case w.version != "" && byClient:
		query, n = replaceObjectClient, 8
	case w.version != "":
		query, n = replaceObjectAny, 8
	case byClient:
		query = upsertObjectClient
	}
	err = q.QueryRowContext(ctx, query, args[:n]...).Scan(&created, &updated)
	if !errors.Is(err, sql.ErrNoRows) {
		return created, updated, err
	}
	if w.version == "*" {
		return created, updated, rejectVersion(w.objectID)
	}

	var write int32
	err = q.QueryRowContext(ctx, `SELECT write, create_time, update_time FROM storage
		WHERE collection = $1 AND key = $2 AND user_id = $3`, args[:3]...).Scan(&write, &created, &updated)
	switch {
	case errors.Is(err, sql.ErrNoRows) && w.version == "":
		return w.run(ctx, q, byClient) // deleted between the two statements
	case errors.Is(err, sql.ErrNoRows):
		err = rejectVersion(w.objectID)
	case err != nil:
	case byClient && write != 1:
		err = rejectPermission(w.objectID)
	case w.version != "":
		err = rejectVersion(w.objectID)
	}
	// Otherwise the object already has these contents.
	return created, updated, err
}
