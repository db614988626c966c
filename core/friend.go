package core

import (
	"bytes"
	"slices"

	"github.com/gofrs/uuid/v5"
	"github.com/heroiclabs/nakama-common/runtime"

	"kumi/store/fault"
)

// The states of one user's edge to another.
const (
	friendMutual   = iota
	friendSent     // invited the other
	friendReceived // was invited
	friendBlocked  // blocks the other
	// friendNone is the state of who has no edge.
	friendNone
)

var errFriendCursor = fault.Wrap(fault.InvalidArgument, "Cursor is invalid.", runtime.ErrFriendInvalidCursor)

func bareFriend(err error) error { return bare(err, runtime.ErrFriendInvalidCursor) }

// bond is how two users stand: the state of the one who acts, and that of the
// other.
type bond struct{ mine, theirs int }

// A bondRule says how they stand after something was done, and the code of the
// notification that the other gets, 0 for none.
type bondRule func(b bond) (after bond, code int32)

// addFriend invites, or accepts an invitation. Who blocks, or is blocked, does
// neither.
func addFriend(b bond) (bond, int32) {
	switch b {
	case bond{friendNone, friendNone}:
		return bond{friendSent, friendReceived}, notifyFriendRequest
	case bond{friendReceived, friendSent}:
		return bond{friendMutual, friendMutual}, notifyFriendAccept
	}
	return b, 0
}

// deleteFriend ends a friendship, an invitation in either direction, or one's
// own block.
func deleteFriend(b bond) (bond, int32) {
	switch b.mine {
	case friendNone:
		return b, 0
	case friendBlocked:
		return bond{friendNone, b.theirs}, 0
	}
	return bond{friendNone, friendNone}, notifyFriendRemove
}

// blockFriend leaves of the other's edge nothing but a block.
func blockFriend(b bond) (bond, int32) {
	if b.theirs != friendBlocked {
		b.theirs = friendNone
	}
	return bond{friendBlocked, b.theirs}, 0
}

// friendNotice is what the other user is told.
func friendNotice(to, from uuid.UUID, username string, code int32) Notification {
	what := map[int32]string{
		notifyFriendRequest: " wants to add you as a friend",
		notifyFriendAccept:  " accepted your friend request",
		notifyFriendRemove:  " removed you as a friend",
	}[code]
	return notice(to, from, code, username+what, "username", username)
}

// sortedIDs are ids in the order in which their rows are locked, each once.
func sortedIDs(ids []uuid.UUID) []uuid.UUID {
	sorted := slices.Clone(ids)
	slices.SortFunc(sorted, func(a, b uuid.UUID) int { return bytes.Compare(a[:], b[:]) })
	return slices.Compact(sorted)
}
