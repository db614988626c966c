package core

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/heroiclabs/nakama-common/api"
	"github.com/heroiclabs/nakama-common/runtime"

	"kumi/store/fault"
)

// StorageList implements runtime.NakamaModule. With a caller it lists what
// that client could read, without one everything. There is no upper limit;
// limit 0 returns nothing.
func (m *Module) StorageList(ctx context.Context, callerID, owner, collection string, limit int, cursor string) ([]*api.StorageObject, string, error) {
	caller, err := ownerID(callerID)
	if err != nil {
		return nil, "", err
	}
	var of *uuid.UUID
	if owner != "" {
		id, err := userID(owner)
		if err != nil {
			return nil, "", err
		}
		of = &id
	}
	if limit < 0 {
		return nil, "", invalid("limit must not be negative")
	}
	if limit == 0 {
		return []*api.StorageObject{}, "", nil
	}
	minRead := int32(readPublic)
	switch {
	case caller.IsNil():
		minRead = readNobody
	case of != nil && *of == caller:
		minRead = readOwner
	}
	objects, next, err := m.core.listStorage(ctx, collection, of, minRead, limit, cursor)
	return notNil(objects), next, err
}

// StorageRead implements runtime.NakamaModule. Objects are in the order of the
// request; missing ones are left out.
func (m *Module) StorageRead(ctx context.Context, reads []*runtime.StorageRead) ([]*api.StorageObject, error) {
	ids := make([]objectID, len(reads))
	for i, r := range reads {
		owner, err := ownerID(r.UserID)
		if err != nil {
			return nil, err
		}
		if ids[i], err = newObjectID(r.Collection, r.Key, owner); err != nil {
			return nil, err
		}
	}
	return m.core.readStorage(ctx, ids, nil)
}

// StorageWrite implements runtime.NakamaModule. A version mismatch is
// runtime.ErrStorageRejectedVersion.
func (m *Module) StorageWrite(ctx context.Context, writes []*runtime.StorageWrite) ([]*api.StorageObjectAck, error) {
	checked, err := m.objectWrites(writes)
	if err != nil {
		return nil, err
	}
	return listed(m.core.writeStorage(ctx, checked, false))
}

func (m *Module) objectWrites(writes []*runtime.StorageWrite) ([]objectWrite, error) {
	checked := make([]objectWrite, len(writes))
	for i, w := range writes {
		owner, err := ownerID(w.UserID)
		if err != nil {
			return nil, err
		}
		checked[i], err = m.core.newObjectWrite(w.Collection, w.Key, owner, w.Value, w.Version,
			int32(w.PermissionRead), int32(w.PermissionWrite))
		if err != nil {
			return nil, err
		}
	}
	return checked, nil
}

// StorageWriteRetry implements runtime.NakamaModule: it reads, calls update
// for what to write, and writes; after a version conflict with another writer
// it starts again. update must set versions for that.
func (m *Module) StorageWriteRetry(ctx context.Context, reads []*runtime.StorageRead, update func([]*api.StorageObject) ([]*runtime.StorageWrite, error), maxRetries int) ([]*api.StorageObjectAck, error) {
	if maxRetries < 0 || maxRetries > 10 {
		return nil, invalid("max retries must be between 0 and 10")
	}
	if update == nil {
		return nil, invalid("an update function is required")
	}
	for try := 0; ; try++ {
		objects, err := m.StorageRead(ctx, reads)
		if err != nil {
			return nil, err
		}
		writes, err := update(objects)
		if err != nil || len(writes) == 0 {
			return nil, err
		}
		acks, err := m.StorageWrite(ctx, writes)
		if !errors.Is(err, runtime.ErrStorageRejectedVersion) {
			return acks, err
		}
		if try >= maxRetries {
			return nil, runtime.ErrStorageWriteExhaustedRetries
		}
		// Longer than one write takes, with jitter so that two losers do not collide
		// again.
		wait := min(time.Duration(try+1)*2*time.Millisecond, 20*time.Millisecond) + rand.N(10*time.Millisecond)
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return nil, fault.Wrap(fault.CodeOf(ctx.Err()), "storage write abandoned", ctx.Err())
		}
	}
}

// StorageDelete implements runtime.NakamaModule.
func (m *Module) StorageDelete(ctx context.Context, deletes []*runtime.StorageDelete) error {
	checked, err := objectDeletes(deletes)
	if err != nil {
		return err
	}
	return m.core.deleteStorage(ctx, checked, false)
}

func objectDeletes(deletes []*runtime.StorageDelete) ([]objectDelete, error) {
	checked := make([]objectDelete, len(deletes))
	for i, d := range deletes {
		owner, err := ownerID(d.UserID)
		if err != nil {
			return nil, err
		}
		id, err := newObjectID(d.Collection, d.Key, owner)
		if err != nil {
			return nil, err
		}
		checked[i] = objectDelete{id, d.Version}
	}
	return checked, nil
}

// ownerID parses the owner of a storage object; empty is the server.
func ownerID(text string) (uuid.UUID, error) {
	if text == "" {
		return uuid.Nil, nil
	}
	return userID(text)
}
