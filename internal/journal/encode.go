package journal

import (
	"encoding/binary"
	"errors"
)

// ErrCorrupt means that bytes are not what was written.
var ErrCorrupt = errors.New("the recording is damaged")

// Append appends an entry in binary form to b.
func (e *Entry) Append(b []byte) []byte {
	b = append(b, byte(e.Kind))
	b = binary.AppendVarint(b, e.Number)
	if e.Kind == Time || e.Kind == Fired {
		return b
	}
	b = binary.LittleEndian.AppendUint64(b, e.Args)
	b = AppendText(b, e.Name)
	return AppendText(b, e.Data)
}

// AppendText appends text or bytes with their length.
func AppendText[T string | []byte](b []byte, text T) []byte {
	b = binary.AppendUvarint(b, uint64(len(text)))
	return append(b, text...)
}

// Reader reads what was appended. After the first error it returns zero values.
type Reader struct {
	b   []byte
	err error
}

// NewReader returns a reader of b, which it keeps.
func NewReader(b []byte) *Reader { return &Reader{b: b} }

// Err returns the first error.
func (r *Reader) Err() error { return r.err }

// Len returns how many bytes are left.
func (r *Reader) Len() int { return len(r.b) }

// Fail makes the reader return zero values and ErrCorrupt from now on.
func (r *Reader) Fail() { r.b, r.err = nil, ErrCorrupt }

// Take reads n bytes. They are part of what is read.
func (r *Reader) Take(n int) []byte {
	if n < 0 || n > len(r.b) {
		r.Fail()
		return nil
	}
	x := r.b[:n:n]
	r.b = r.b[n:]
	return x
}

// Byte reads a byte.
func (r *Reader) Byte() byte {
	if len(r.b) == 0 {
		r.Fail()
		return 0
	}
	x := r.b[0]
	r.b = r.b[1:]
	return x
}

// Int reads a number written by binary.AppendVarint.
func (r *Reader) Int() int64 {
	x, n := binary.Varint(r.b)
	if n <= 0 {
		r.Fail()
		return 0
	}
	r.b = r.b[n:]
	return x
}

// Uint reads a number written by binary.AppendUvarint.
func (r *Reader) Uint() uint64 {
	x, n := binary.Uvarint(r.b)
	if n <= 0 {
		r.Fail()
		return 0
	}
	r.b = r.b[n:]
	return x
}

// Uint64 reads a number of eight bytes.
func (r *Reader) Uint64() uint64 {
	if len(r.b) < 8 {
		r.Fail()
		return 0
	}
	x := binary.LittleEndian.Uint64(r.b)
	r.b = r.b[8:]
	return x
}

// Bytes reads bytes with their length. They are part of what is read.
func (r *Reader) Bytes() []byte {
	n := r.Uint()
	if n > uint64(len(r.b)) {
		r.Fail()
		return nil
	}
	x := r.b[:n:n]
	r.b = r.b[n:]
	return x
}

// Text reads text with its length.
func (r *Reader) Text() string { return string(r.Bytes()) }

// Count reads the number of items that follow, each of at least one byte.
func (r *Reader) Count() int {
	n := r.Uint()
	if n > uint64(len(r.b)) {
		r.Fail()
		return 0
	}
	return int(n)
}

// Entry reads an entry.
func (r *Reader) Entry() (e Entry) {
	e.Kind, e.Number = Kind(r.Byte()), r.Int()
	if e.Kind == Time || e.Kind == Fired {
		return e
	}
	e.Args, e.Name, e.Data = r.Uint64(), r.Text(), r.Bytes()
	return e
}
