package core

import (
	"context"
	"iter"

	"github.com/gofrs/uuid/v5"
	"github.com/heroiclabs/nakama-common/api"

	"kumi/store"
)

// objectDelete is a validated deletion; version "" means any.
type objectDelete struct {
	objectID
	version string
}

// DeleteStorage deletes objects of the caller, all or none. InvalidArgument if
// one does not exist, has another version or may not be written by clients.
func (c *Core) DeleteStorage(ctx context.Context, caller uuid.UUID, in *api.DeleteStorageObjectsRequest) error {
	deletes := make([]objectDelete, len(in.GetObjectIds()))
	for i, o := range in.GetObjectIds() {
		id, err := newObjectID(o.GetCollection(), o.GetKey(), caller)
		if err != nil {
			return err
		}
		deletes[i] = objectDelete{id, o.GetVersion()}
	}
	return c.deleteStorage(ctx, deletes, true)
}

func (c *Core) deleteStorage(ctx context.Context, deletes []objectDelete, byClient bool) error {
	if len(deletes) == 0 {
		return nil
	}
	err := c.storageTx(ctx, deleted(deletes), func(ctx context.Context, q store.Querier) error {
		return c.deleteObjects(ctx, q, deletes, byClient)
	})
	if err != nil {
		return c.storageError(err, deletingObjects, byClient)
	}
	return nil
}

// deleted yields the objects of deletions.
func deleted(deletes []objectDelete) iter.Seq[objectID] {
	return func(yield func(objectID) bool) {
		for i := range deletes {
			if !yield(deletes[i].objectID) {
				return
			}
		}
	}
}

// deleteObjects runs the deletions as part of a transaction. Module code may
// delete objects that do not exist, unless it gives a version.
func (c *Core) deleteObjects(ctx context.Context, q store.Querier, deletes []objectDelete, byClient bool) error {
	brief := c.db.Brief(ctx)
	for _, i := range inOrder(deletes, func(d *objectDelete) objectID { return d.objectID }) {
		if err := ctx.Err(); err != nil {
			return err
		}
		d := &deletes[i]
		query := "DELETE FROM storage WHERE collection = $1 AND key = $2 AND user_id = $3"
		args := []any{d.collection, d.key, d.owner}
		if byClient {
			query += " AND write = 1"
		}
		if d.version != "" {
			query += " AND version = $4"
			args = append(args, d.version)
		}
		res, err := q.ExecContext(brief, query, args...)
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil {
			return err
		} else if n == 0 && (byClient || d.version != "") {
			return rejectVersion(d.objectID)
		}
	}
	return nil
}
