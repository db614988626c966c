package socket

import (
	"fmt"
	"slices"
)

// incoming is what was read from the network and is not yet handled. It is the
// reader's.
type incoming struct {
	buffer *[]byte // nil while there is nothing
	at     int     // what comes before has been handled
	// parts is the message that comes in several frames, kind its kind: 0 when
	// there is none.
	parts []byte
	kind  byte
}

// closedError says that the peer sent a close frame.
type closedError struct{ code closeCode }

// Error implements error.
func (e closedError) Error() string { return fmt.Sprintf("the peer closed with code %d", e.code) }

// protocolError says that the peer does not speak the protocol.
type protocolError struct{ error }

// Unwrap gives what is wrong.
func (e protocolError) Unwrap() error { return e.error }

// next waits for a message. It is valid until next is called again, by this
// goroutine or by the one that took over. Control frames are dealt with on the
// way.
func (s *session) next() (message []byte, kind byte, err error) {
	n := &s.incoming
	for {
		var b []byte
		if n.buffer != nil {
			b = (*n.buffer)[n.at:]
		}
		f, size, err := nextFrame(b, s.limits.message-len(n.parts))
		if err != nil {
			return nil, 0, protocolError{err}
		}
		if size > len(b) {
			if err := s.fill(); err != nil {
				return nil, 0, err
			}
			continue
		}
		n.at += size
		if f.kind >= opClose {
			if err := s.control(f); err != nil {
				return nil, 0, err
			}
			continue
		}
		switch first := n.kind == 0; {
		case first != (f.kind != opContinue):
			return nil, 0, protocolError{errOrder}
		case first && f.final:
			return f.payload, f.kind, nil
		case first:
			n.kind = f.kind
		}
		n.parts = append(n.parts, f.payload...)
		if f.final {
			message, kind = n.parts, n.kind
			n.parts, n.kind = nil, 0
			return message, kind, nil
		}
	}
}

// control deals with a control frame.
func (s *session) control(f frame) error {
	switch f.kind {
	case opPing:
		var b [2 + maxControl]byte
		if err := s.wire.control(appendFrame(b[:0], opPong, f.payload)); err != nil {
			s.writeFailed(err)
		}
	case opPong:
		s.alive()
	case opClose:
		code, err := readClose(f.payload)
		if err != nil {
			return protocolError{err}
		}
		if !s.closing.Load() {
			s.settle()
			s.farewell(code, "")
		}
		return closedError{code}
	}
	return nil
}

// fill reads from the network, behind what is left of what was read before.
// What was answered goes out first, all of it at once.
func (s *session) fill() error {
	s.flush()
	s.watch.leave(s)
	n := &s.incoming
	if n.buffer != nil && n.at == len(*n.buffer) {
		putRead(n.buffer)
		n.buffer = nil
	}
	if n.buffer == nil {
		n.at = 0
		if s.wire.wait != nil {
			var err error
			n.buffer, err = s.wire.wait.read()
			return err
		}
		n.buffer = getRead()
	}
	b := *n.buffer
	b = b[:copy(b, b[n.at:])]
	n.at = 0
	if len(b) == cap(b) {
		b = slices.Grow(b, len(b)) // by what has come, not by what was announced
	}
	read, err := s.wire.Read(b[len(b):cap(b)])
	*n.buffer = b[:len(b)+read]
	if read > 0 {
		return nil // an error comes again
	}
	return err
}

// part leaves to another goroutine what the caller's message is not a part of.
func (n *incoming) part() {
	if n.buffer == nil {
		return
	}
	rest := (*n.buffer)[n.at:]
	n.buffer, n.at = nil, 0
	n.begin(rest)
}

// begin makes a copy of b what was read first.
func (n *incoming) begin(b []byte) {
	if len(b) > 0 {
		n.buffer = getRead()
		*n.buffer = append(*n.buffer, b...)
	}
}
