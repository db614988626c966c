//go:build unix

package server

import "syscall"

// rawWrite is a write to the kernel that does not wait. Its fields are of
// whoever writes to the session at the moment.
type rawWrite struct {
	conn syscall.RawConn
	call func(fd uintptr) bool // once, bound once
	data []byte
	n    int
}

// direct says whether tryWrite can do anything on this connection. Encrypted
// ones cannot be written to directly.
func (w *wire) direct() bool {
	if w.raw.conn != nil {
		return true
	}
	c, ok := w.Conn.(syscall.Conn)
	if !ok {
		return false
	}
	conn, err := c.SyscallConn()
	if err != nil {
		return false
	}
	w.raw.conn = conn
	w.raw.call = w.raw.once
	return true
}

// tryWrite writes what the kernel takes without waiting and returns how much
// that was. An error counts as nothing written: the writer will meet it again.
func (w *wire) tryWrite(p []byte) int {
	w.raw.data, w.raw.n = p, 0
	_ = w.raw.conn.Write(w.raw.call)
	w.raw.data = nil
	return w.raw.n
}

// once is one attempt; it always reports that it is done, so that nobody waits.
func (r *rawWrite) once(fd uintptr) bool {
	if n, err := syscall.Write(int(fd), r.data); err == nil {
		r.n = n
	}
	return true
}
