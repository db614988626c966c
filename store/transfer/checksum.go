package transfer

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash"
	"math/bits"
)

// checksum is the number of rows of a table and the sum of their hashes modulo 2¹²⁸.
// It does not depend on the order of the rows, nor on which database holds them: the
// hash of a row is the beginning of the SHA-256 of its columns in the order of their
// names, each with its name and its value in canonical form; columns that are computed from
// others do not count.
type checksum struct {
	rows   int64
	hi, lo uint64
}

func (s checksum) String() string { return fmt.Sprintf("%016x%016x", s.hi, s.lo) }

func (s *checksum) add(h [sha256.Size]byte) {
	var carry uint64
	s.lo, carry = bits.Add64(s.lo, binary.BigEndian.Uint64(h[8:]), 0)
	s.hi, _ = bits.Add64(s.hi, binary.BigEndian.Uint64(h[:]), carry)
	s.rows++
}

// hasher computes the hashes of rows of one table. It is used by one goroutine.
type hasher struct {
	p      *pair
	sha    hash.Hash
	buffer []byte
}

func newHasher(p *pair) *hasher { return &hasher{p: p, sha: sha256.New()} }

func (h *hasher) hash(r row) (out [sha256.Size]byte) {
	h.buffer = h.buffer[:0]
	for i, v := range r {
		if h.p.columns[i].computed {
			continue
		}
		h.field([]byte(h.p.columns[i].name))
		if v == nil {
			h.buffer = append(h.buffer, 0)
			continue
		}
		h.buffer = append(h.buffer, 1)
		h.field(v)
	}
	h.sha.Reset()
	h.sha.Write(h.buffer)
	h.sha.Sum(out[:0])
	return out
}

// field appends a text with its length, so that no two rows have the same bytes.
func (h *hasher) field(v []byte) {
	h.buffer = binary.AppendUvarint(h.buffer, uint64(len(v)))
	h.buffer = append(h.buffer, v...)
}

// sum reads a whole table.
func sum(ctx context.Context, s side, p *pair) (out checksum, err error) {
	h := newHasher(p)
	for r, err := range s.read(ctx, p, anyOrder, nil) {
		if err != nil {
			return out, err
		}
		out.add(h.hash(r))
	}
	return out, nil
}
