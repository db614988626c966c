// Package presence knows who is where, and sends to them.
//
// A presence is one session on one stream. The Tracker holds them, in shards,
// and reports joins and leaves; the Router delivers an envelope, encoded once
// per wire format, to every session on a stream or to a list of presences.
// Sessions registers the open sockets. All three may be used from any
// goroutine, and none of them ever blocks on a slow session.
package presence

import (
	"github.com/gofrs/uuid/v5"
	"github.com/heroiclabs/nakama-common/runtime"
)

// Stream modes that the protocol gives a meaning; from 8 up they belong to
// game code.
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

// Stream is a place where sessions can be present. It is comparable, and used
// as a map key.
type Stream struct {
	Mode       uint8
	Subject    uuid.UUID
	Subcontext uuid.UUID
	Label      string
}

// ID names one session in the cluster.
type ID struct {
	Node    string
	Session uuid.UUID
}

// Meta is what a session says of itself on one stream.
type Meta struct {
	Hidden      bool // in no list and no event
	Persistence bool // chat: store its messages
	Username    string
	Status      string
	Reason      runtime.PresenceReason // in events: why it came or went
}

// Presence is one session on one stream. Values handed out are not changed
// afterwards; an update replaces the pointer. It implements runtime.Presence.
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
