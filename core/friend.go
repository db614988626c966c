package core

import (
	"bytes"
	"slices"

	"github.com/gofrs/uuid/v5"
	"github.com/heroiclabs/nakama-common/runtime"

	"kumi/store/fault"
)

// States of a user's edge to another.
const (
	friendMutual   = iota
	friendSent     // invited the other
	friendReceived // was invited
	friendBlocked  // blocks the other
	// friendNone means that there is no edge.
	friendNone
)

var errFriendCursor = fault.Wrap(fault.InvalidArgument, "Cursor is invalid.", runtime.ErrFriendInvalidCursor)

func bareFriend(err error) error { return bare(err, runtime.ErrFriendInvalidCursor) }

// bond is the relation of two users: the caller's state and the other's.
type bond struct{ mine, theirs int }

// A bondRule returns the relation after an operation, and the code of the
// notification for the other user, 0 for none.
type bondRule func(b bond) (after bond, code int32)

// addFriend invites, or accepts an invitation. It does nothing if one blocks
// the other.
func addFriend(b bond) (bond, int32) {
	switch b {
	case bond{friendNone, friendNone}:
		return bond{friendSent, friendReceived}, notifyFriendRequest
	case bond{friendReceived, friendSent}:
		return bond{friendMutual, friendMutual}, notifyFriendAccept
	}
	return b, 0
}

// deleteFriend ends a friendship, an invitation in either direction, or the
// caller's block.
func deleteFriend(b bond) (bond, int32) {
	switch b.mine {
	case friendNone:
		return b, 0
	case friendBlocked:
		return bond{friendNone, b.theirs}, 0
	}
	return bond{friendNone, friendNone}, notifyFriendRemove
}

// blockFriend removes the other's edge, unless that is a block too.
func blockFriend(b bond) (bond, int32) {
	if b.theirs != friendBlocked {
		b.theirs = friendNone
	}
	return bond{friendBlocked, b.theirs}, 0
}

// importFriend makes friends of two users who are friends elsewhere. It does
// nothing if one blocks the other.
func importFriend(b bond) (bond, int32) {
	switch b {
	case bond{friendNone, friendNone}, bond{friendSent, friendReceived}, bond{friendReceived, friendSent}:
		return bond{friendMutual, friendMutual}, notifyFriendJoin
	}
	return b, 0
}

// resetFriend removes both edges, unless they are blocks.
func resetFriend(b bond) (bond, int32) {
	if b.mine != friendBlocked {
		b.mine = friendNone
	}
	if b.theirs != friendBlocked {
		b.theirs = friendNone
	}
	return b, 0
}

// friendNotice returns the notification for the other user.
func friendNotice(to, from uuid.UUID, username string, code int32) Notification {
	if code == notifyFriendJoin {
		return notice(to, from, code, "Your friend has just joined the game", "username", username)
	}
	what := map[int32]string{
		notifyFriendRequest: " wants to add you as a friend",
		notifyFriendAccept:  " accepted your friend request",
		notifyFriendRemove:  " removed you as a friend",
	}[code]
	return notice(to, from, code, username+what, "username", username)
}

// sortedIDs returns distinct ids in the order in which their rows are locked.
func sortedIDs(ids []uuid.UUID) []uuid.UUID {
	sorted := slices.Clone(ids)
	slices.SortFunc(sorted, func(a, b uuid.UUID) int { return bytes.Compare(a[:], b[:]) })
	return slices.Compact(sorted)
}
