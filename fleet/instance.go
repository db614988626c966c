package fleet

import (
	"encoding/json"
	"net/netip"
	"time"

	"github.com/heroiclabs/nakama-common/runtime"
	"github.com/rs/zerolog"
)

// The values of InstanceInfo.Status.
const (
	Starting = "starting" // not ready for players yet
	Running  = "running"
	Stopping = "stopping" // asked to end
)

// instance is one game server.
type instance struct {
	id         string
	port       int
	maxPlayers int
	created    time.Time
	log        zerolog.Logger
	lines      lineLimit
	started    chan struct{} // closed when its process is known
	ready      chan struct{} // closed when it is ready
	ended      chan struct{} // closed when its process has ended

	exit error // how the process ended; read after ended is closed

	// Guarded by Manager.mu. The process is nil until it runs, and is set once.
	process   *process
	status    string
	players   int
	reserved  []time.Time // ends of reservations, in order
	metadata  string      // JSON
	idleSince time.Time   // zero while there are players or reservations
}

// info describes the instance. The lock is held.
func (in *instance) info(address string) *runtime.InstanceInfo {
	info := &runtime.InstanceInfo{
		Id: in.id, CreateTime: in.created, PlayerCount: in.players, Status: in.status,
		ConnectionInfo: &runtime.ConnectionInfo{Port: in.port},
	}
	if _, err := netip.ParseAddr(address); err == nil {
		info.ConnectionInfo.IpAddress = address
	} else {
		info.ConnectionInfo.DnsName = address
	}
	_ = json.Unmarshal([]byte(in.metadata), &info.Metadata) // was encoded here
	return info
}

// free is the number of players who can still join.
func (in *instance) free() int { return max(0, in.maxPlayers-in.players-len(in.reserved)) }

// expire drops reservations whose time has passed.
func (in *instance) expire(now time.Time) {
	n := 0
	for n < len(in.reserved) && !now.Before(in.reserved[n]) {
		n++
	}
	in.reserved = in.reserved[n:]
	in.noteIdle(now)
}

// setPlayers changes the number of players. Those who came use the oldest
// reservations.
func (in *instance) setPlayers(n int, now time.Time) {
	if came := n - in.players; came > 0 {
		in.reserved = in.reserved[min(came, len(in.reserved)):]
	}
	in.players = n
	in.noteIdle(now)
}

func (in *instance) noteIdle(now time.Time) {
	switch {
	case in.players > 0 || len(in.reserved) > 0:
		in.idleSince = time.Time{}
	case in.idleSince.IsZero():
		in.idleSince = now
	}
}

// encode returns metadata as JSON. It is also what the instance gets, in a variable
// of its environment, whose size systems limit.
func encode(metadata map[string]any) (string, error) {
	const maxMetadata = 64 << 10
	if metadata == nil {
		return "{}", nil
	}
	text, err := json.Marshal(metadata)
	if err != nil {
		return "", invalid("the metadata cannot be encoded as JSON: %v", err)
	}
	if len(text) > maxMetadata {
		return "", invalid("the metadata has %d bytes as JSON, the maximum is %d", len(text), maxMetadata)
	}
	return string(text), nil
}
