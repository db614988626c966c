package presence

import (
	"encoding/binary"
	"math/bits"

	"github.com/gofrs/uuid/v5"
)

// The hashes here are part of the protocol between nodes: all must compute the
// same. They need not resist an attacker: maps have hashes of their own, and who
// brings many streams into one shard makes them share a lock.

// hash chooses the shard of a stream.
func (s *Stream) hash() uint64 {
	h := mixID(uint64(s.Mode), &s.Subject)
	if s.Subcontext != uuid.Nil {
		h = mixID(h, &s.Subcontext)
	}
	return mixText(h, s.Label)
}

// sumOfSession is a session in a node's checksum.
func sumOfSession(id, user uuid.UUID, username string) uint64 {
	return mixText(mixID(mixID(1, &id), &user), username)
}

// sumOf is the presence of a session on a stream in a node's checksum.
func sumOf(session uuid.UUID, streamHash uint64, username, status string, flags flags) uint64 {
	h := mixID(streamHash^uint64(flags), &session)
	return mixText(mixText(h, username), status)
}

func (p *Presence) sum(streamHash uint64) uint64 {
	return sumOf(p.Session, streamHash, p.Username, p.Status, p.flags())
}

func mixID(h uint64, id *uuid.UUID) uint64 {
	return mix(h^0x9E3779B97F4A7C15^binary.LittleEndian.Uint64(id[:8]), 0xD6E8FEB86659FD93^binary.LittleEndian.Uint64(id[8:]))
}

func mixText(h uint64, s string) uint64 {
	h ^= uint64(len(s)) * 0xA0761D6478BD642F
	for len(s) >= 8 {
		h = mix(h^word(s), 0xE7037ED1A0B428DB)
		s = s[8:]
	}
	var last uint64
	for i := range len(s) {
		last |= uint64(s[i]) << (8 * i)
	}
	return mix(h^last, 0x8EBC6AF09C88C6E3)
}

// word is the first eight bytes of s.
func word(s string) uint64 {
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
		uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
}

func mix(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a, b)
	return hi ^ lo
}

// flags are the flags of a presence.
type flags uint8

const (
	flagHidden flags = 1 << iota
	flagPersistence
)

func (m *Meta) flags() (f flags) {
	if m.Hidden {
		f |= flagHidden
	}
	if m.Persistence {
		f |= flagPersistence
	}
	return f
}
