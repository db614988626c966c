package socket

import (
	"encoding/binary"
	"errors"
	"unicode/utf8"
)

// The kinds of WebSocket frames.
const (
	opContinue = 0x0
	opText     = 0x1
	opBinary   = 0x2
	opClose    = 0x8
	opPing     = 0x9
	opPong     = 0xA
)

// closeCode is why a WebSocket connection is closed, in its protocol.
type closeCode uint16

const (
	closeNormal   closeCode = 1000
	closeLeaving  closeCode = 1001
	closeProtocol closeCode = 1002
	closeNoCode   closeCode = 1005 // never sent: the peer gave none
	closeTooBig   closeCode = 1009
)

// maxControl is the most bytes of a control frame's payload.
const maxControl = 125

// maxHeader is the most bytes before the payload of a client's frame.
const maxHeader = 14

// What a client's frames may have wrong.
var (
	errTooBig     = errors.New("message is too big")
	errReserved   = errors.New("reserved bits of a frame are set")
	errUnmasked   = errors.New("frame of a client is not masked")
	errControl    = errors.New("control frame is too long or in parts")
	errLength     = errors.New("length of a frame is out of range")
	errKind       = errors.New("frame of an unknown kind")
	errOrder      = errors.New("parts of messages are out of order")
	errCloseFrame = errors.New("close frame cannot be read")
)

// frame is one frame of a client.
type frame struct {
	kind    byte
	final   bool
	payload []byte // a part of what was parsed, unmasked in place
}

// nextFrame takes the frame that b begins with; size is its length. Where b
// holds only a part of it, size is more than b has: what is needed to get on. A
// data frame has at most limit bytes of payload.
func nextFrame(b []byte, limit int) (f frame, size int, err error) {
	if len(b) < 2 {
		return f, 2, nil
	}
	const final, reserved, masked = 0x80, 0x70, 0x80
	f.kind, f.final = b[0]&0x0f, b[0]&final != 0
	switch {
	case b[0]&reserved != 0:
		return f, 0, errReserved
	case f.kind > opBinary && f.kind < opClose || f.kind > opPong:
		return f, 0, errKind
	case b[1]&masked == 0:
		return f, 0, errUnmasked
	}
	head, length := 2, uint64(b[1]&^masked)
	switch length {
	case 126:
		if head += 2; len(b) < head {
			return f, head, nil
		}
		length = uint64(binary.BigEndian.Uint16(b[2:]))
	case 127:
		if head += 8; len(b) < head {
			return f, head, nil
		}
		if length = binary.BigEndian.Uint64(b[2:]); length > 1<<63-1 {
			return f, 0, errLength
		}
	}
	switch {
	case f.kind >= opClose && (length > maxControl || !f.final):
		return f, 0, errControl
	case f.kind < opClose && length > uint64(max(limit, 0)):
		return f, 0, errTooBig
	}
	size = head + 4 + int(length)
	if len(b) < size {
		return f, size, nil
	}
	f.payload = b[head+4 : size : size]
	unmask(f.payload, [4]byte(b[head:]))
	return f, size, nil
}

// unmask undoes the mask that clients put on what they send.
func unmask(b []byte, key [4]byte) {
	word := uint64(binary.LittleEndian.Uint32(key[:]))
	word |= word << 32
	for len(b) >= 8 {
		binary.LittleEndian.PutUint64(b, binary.LittleEndian.Uint64(b)^word)
		b = b[8:]
	}
	for i := range b {
		b[i] ^= key[i&3]
	}
}

// readClose reads the payload of a close frame.
func readClose(payload []byte) (closeCode, error) {
	if len(payload) == 0 {
		return closeNoCode, nil
	}
	if len(payload) == 1 || !utf8.Valid(payload[2:]) {
		return 0, errCloseFrame
	}
	code := closeCode(binary.BigEndian.Uint16(payload))
	switch {
	case code >= 3000 && code < 5000, code >= 1000 && code < 1004, code > 1006 && code < 1015:
		return code, nil
	}
	return 0, errCloseFrame
}

// appendFrame appends one whole message as an unmasked frame, which is how
// servers send.
func appendFrame(b []byte, kind byte, payload []byte) []byte {
	const final = 0x80
	b = append(b, final|kind)
	switch n := len(payload); {
	case n < 126:
		b = append(b, byte(n))
	case n < 1<<16:
		b = binary.BigEndian.AppendUint16(append(b, 126), uint16(n))
	default:
		b = binary.BigEndian.AppendUint64(append(b, 127), uint64(n))
	}
	return append(b, payload...)
}

// appendClose appends a close frame; without a code it is an empty one.
func appendClose(b []byte, code closeCode, reason string) []byte {
	if code == closeNoCode {
		return append(b, 0x88, 0)
	}
	reason = reason[:min(len(reason), maxControl-2)]
	b = append(b, 0x88, byte(2+len(reason)))
	b = binary.BigEndian.AppendUint16(b, uint16(code))
	return append(b, reason...)
}

// pingFrame is an empty ping.
var pingFrame = []byte{0x80 | opPing, 0}
