// Package presence tracks which session is on which stream, and sends messages
// to them.
//
// A presence is one session on one stream. The Tracker holds the presences, in
// shards, and reports joins and leaves. The Router delivers a message, encoded
// once per wire format, to every session on a stream or to a list of
// presences. Sessions registers the open sockets. All three may be used from
// any goroutine, and none of them blocks on a slow session.
//
// In a cluster a Tracker also holds a copy of the presences of every other node,
// a Replica, which follows that node's Log. So whatever is read here is complete,
// if some milliseconds old for other nodes.
package presence

import (
	"github.com/gofrs/uuid/v5"
	"github.com/heroiclabs/nakama-common/runtime"
)

// Stream modes that the protocol defines; from 8 up they are free for game
// code.
const (
	ModeNotifications uint8 = iota
	ModeStatus
	ModeRoom
	ModeGroup
	ModeDirect
	ModeMatchRelayed
	ModeMatchAuthoritative
	ModeParty
)

// Stream identifies a stream. It is comparable and used as a map key.
type Stream struct {
	Mode       uint8
	Subject    uuid.UUID
	Subcontext uuid.UUID
	Label      string
}

// ID identifies a session in the cluster.
type ID struct {
	Node    string
	Session uuid.UUID
}

// Meta is the metadata of a session on one stream.
type Meta struct {
	Hidden      bool // not listed and without events
	Persistence bool // chat: store messages sent to the channel
	Username    string
	Status      string
	Reason      runtime.PresenceReason // in events: why it joined or left
	// Admission is the number under which a match or party of another node let the session
	// in, on every node; 0 for all other presences. It stays when the metadata changes, and
	// when the match moves, also to the session's own node. The owner refuses a presence whose
	// number is no longer valid, and ignores a leave with another number than the member's.
	Admission uint64
}

// Presence is one session on one stream. Values are immutable; an update
// replaces the pointer. It implements runtime.Presence.
type Presence struct {
	ID
	Stream Stream
	UserID uuid.UUID
	Meta
}

var _ runtime.Presence = (*Presence)(nil)

// GetUserId implements runtime.Presence.
func (p *Presence) GetUserId() string { return p.UserID.String() }

// GetSessionId implements runtime.Presence.
func (p *Presence) GetSessionId() string { return p.Session.String() }

// GetNodeId implements runtime.Presence.
func (p *Presence) GetNodeId() string { return p.Node }

// GetHidden implements runtime.PresenceMeta.
func (p *Presence) GetHidden() bool { return p.Hidden }

// GetPersistence implements runtime.PresenceMeta.
func (p *Presence) GetPersistence() bool { return p.Persistence }

// GetUsername implements runtime.PresenceMeta.
func (p *Presence) GetUsername() string { return p.Username }

// GetStatus implements runtime.PresenceMeta.
func (p *Presence) GetStatus() string { return p.Status }

// GetReason implements runtime.PresenceMeta.
func (p *Presence) GetReason() runtime.PresenceReason { return p.Reason }
