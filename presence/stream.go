package presence

import (
	"crypto/sha1"
	"strconv"
	"strings"

	"github.com/gofrs/uuid/v5"
)

// NodeHash is what identifies a node inside the ids of its sessions: the first
// six bytes of the SHA-1 of its name.
func NodeHash(node string) (hash [6]byte) {
	sum := sha1.Sum([]byte(node))
	copy(hash[:], sum[:])
	return hash
}

// NewSessionID makes a time-based (version 1) id that carries the node's hash
// in its last six bytes. It may be called from any goroutine.
func NewSessionID(hash [6]byte) (uuid.UUID, error) {
	id, err := uuid.NewV1()
	if err != nil {
		return uuid.Nil, err
	}
	copy(id[10:], hash[:])
	return id, nil
}

// OnNode tells whether a session id was made by the node with this hash.
func OnNode(session uuid.UUID, hash [6]byte) bool { return [6]byte(session[10:]) == hash }

// StatusOf is the stream that a user's online status lives on.
func StatusOf(user uuid.UUID) Stream { return Stream{Mode: ModeStatus, Subject: user} }

// NotificationsOf is the stream that a user's notifications are sent on.
func NotificationsOf(user uuid.UUID) Stream { return Stream{Mode: ModeNotifications, Subject: user} }

// RelayedMatch is the stream of a relayed match.
func RelayedMatch(id uuid.UUID) Stream { return Stream{Mode: ModeMatchRelayed, Subject: id} }

// AuthoritativeMatch is the stream of an authoritative match.
func AuthoritativeMatch(id uuid.UUID, node string) Stream {
	return Stream{Mode: ModeMatchAuthoritative, Subject: id, Label: node}
}

// MatchID is the id of the match or party that lives on s: "<uuid>.<label>".
func (s Stream) MatchID() string { return s.Subject.String() + "." + s.Label }

// ChannelID is the id of the chat channel that lives on s:
// "<mode>.<subject>.<subcontext>.<label>", nil ids written as nothing.
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
