package core

import (
	"bytes"
	"cmp"
	"errors"
	"slices"

	"github.com/gofrs/uuid/v5"
	"github.com/heroiclabs/nakama-common/runtime"

	"kumi/store/fault"
)

// Read permissions of an object. Of the write permissions only 1, the owner,
// allows clients to write.
const (
	readNobody = 0 // server only
	readOwner  = 1
	readPublic = 2
)

// objectID identifies a storage object. The nil owner is the server.
type objectID struct {
	collection, key string
	owner           uuid.UUID
}

func (a objectID) compare(b objectID) int {
	return cmp.Or(
		cmp.Compare(a.collection, b.collection),
		cmp.Compare(a.key, b.key),
		bytes.Compare(a.owner[:], b.owner[:]),
	)
}

var (
	errObjectName  = fault.New(fault.InvalidArgument, "Invalid collection or key value supplied. They must be set.")
	errObjectOwner = fault.New(fault.InvalidArgument, "Invalid user ID - make sure user ID is a valid UUID.")
)

func newObjectID(collection, key string, owner uuid.UUID) (objectID, error) {
	if collection == "" || key == "" {
		return objectID{}, errObjectName
	}
	return objectID{collection, key, owner}, nil
}

// inOrder returns the indexes of items in the order in which a transaction
// accesses them. It is always the same, so that transactions cannot deadlock.
func inOrder[T any](items []T, id func(*T) objectID) []int {
	order := make([]int, len(items))
	for i := range order {
		order[i] = i
	}
	if len(items) > 1 {
		slices.SortStableFunc(order, func(a, b int) int { return id(&items[a]).compare(id(&items[b])) })
	}
	return order
}

// rejection is the rejection of one object, which undoes the whole call. Its
// cause is an error value of the runtime package.
type rejection struct {
	cause      error
	collection string
	reason     string // metric label
}

func (r *rejection) Error() string { return r.cause.Error() }
func (r *rejection) Unwrap() error { return r.cause }

func rejectVersion(id objectID) error {
	return &rejection{runtime.ErrStorageRejectedVersion, id.collection, "version"}
}

func rejectPermission(id objectID) error {
	return &rejection{runtime.ErrStorageRejectedPermission, id.collection, "permission"}
}

// storageError converts the error of a storage transaction for a client, or
// for module code, which gets the bare errors of the runtime package to
// compare with. It counts rejections.
func (c *Core) storageError(err error, doing string, forClient bool) error {
	var r *rejection
	if !errors.As(err, &r) {
		return failedWith(doing, err)
	}
	c.metrics.StorageReject(r.collection, r.reason, forClient)
	if !forClient {
		return r.cause
	}
	switch {
	case doing == deletingObjects:
		return fault.Wrap(fault.InvalidArgument,
			"Storage delete rejected - not found, version check failed, or permission denied.", r.cause)
	case errors.Is(r.cause, runtime.ErrStorageRejectedPermission):
		return fault.Wrap(fault.InvalidArgument, r.cause.Error(), r.cause)
	}
	return fault.Wrap(fault.InvalidArgument, r.cause.Error(), r.cause)
}

const (
	writingObjects  = "Error writing storage objects."
	deletingObjects = "Error deleting storage objects."
	readingObjects  = "Error reading storage objects."
	listingObjects  = "Error listing storage objects."
)
