package presence

import (
	"bytes"
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"github.com/gofrs/uuid/v5"
)

// NodeID identifies a node in the ids of its sessions and to other nodes: the first
// six bytes of the SHA-1 of its name.
type NodeID [6]byte

// String returns the id in hexadecimal.
func (n NodeID) String() string { return hex.EncodeToString(n[:]) }

// ParseNodeID reads what String returns.
func ParseNodeID(text string) (id NodeID, err error) {
	b, err := hex.DecodeString(text)
	if err != nil || len(b) != len(id) {
		return id, fmt.Errorf("%q is not the id of a node", text)
	}
	return NodeID(b), nil
}

// NodeHash returns the id of the node with a name.
func NodeHash(node string) (id NodeID) {
	sum := sha1.Sum([]byte(node))
	copy(id[:], sum[:])
	return id
}

// NewSessionID makes a time-based (version 1) UUID with the node's id in its
// last six bytes. It may be called from any goroutine.
func NewSessionID(node NodeID) (uuid.UUID, error) {
	id, err := uuid.NewV1()
	if err != nil {
		return uuid.Nil, err
	}
	copy(id[10:], node[:])
	return id, nil
}

// NodeOf returns the node that made a session id.
func NodeOf(session uuid.UUID) NodeID { return NodeID(session[10:]) }

// OnNode reports whether a session id was made by a node.
func OnNode(session uuid.UUID, node NodeID) bool { return NodeOf(session) == node }

// Older reports whether a session began before another one, by the clocks of their nodes;
// of two that began at the same time one is older, too.
func Older(session, than uuid.UUID) bool {
	a, errA := uuid.TimestampFromV1(session)
	b, errB := uuid.TimestampFromV1(than)
	if errA == nil && errB == nil && a != b {
		return a < b
	}
	return bytes.Compare(session[:], than[:]) < 0
}

// StatusOf returns the stream of a user's online status.
func StatusOf(user uuid.UUID) Stream { return Stream{Mode: ModeStatus, Subject: user} }

// NotificationsOf returns the stream of a user's notifications.
func NotificationsOf(user uuid.UUID) Stream { return Stream{Mode: ModeNotifications, Subject: user} }

// RelayedMatch returns the stream of a relayed match.
func RelayedMatch(id uuid.UUID) Stream { return Stream{Mode: ModeMatchRelayed, Subject: id} }

// AuthoritativeMatch returns the stream of an authoritative match.
func AuthoritativeMatch(id uuid.UUID, node string) Stream {
	return Stream{Mode: ModeMatchAuthoritative, Subject: id, Label: node}
}

// MatchID returns the id of the match or party on stream s: "<uuid>.<label>".
func (s Stream) MatchID() string { return s.Subject.String() + "." + s.Label }

// ChannelID returns the id of the chat channel on stream s:
// "<mode>.<subject>.<subcontext>.<label>", with nil ids left empty.
func (s Stream) ChannelID() string {
	var b strings.Builder
	b.WriteString(strconv.Itoa(int(s.Mode)))
	b.WriteByte('.')
	b.WriteString(idText(s.Subject))
	b.WriteByte('.')
	b.WriteString(idText(s.Subcontext))
	b.WriteByte('.')
	b.WriteString(s.Label)
	return b.String()
}

func idText(id uuid.UUID) string {
	if id == uuid.Nil {
		return ""
	}
	return id.String()
}
