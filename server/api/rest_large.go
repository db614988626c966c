package api

import (
	"io"
	"net/http"
	"sync/atomic"
	"time"

	"kumi/store/fault"
)

// A large answer stays in memory until its client has read it, and clients may
// ask for many and read none.
const (
	largeFrom = 64 << 10  // bytes of an answer that counts
	maxUnsent = 256 << 20 // bytes of all of them together
	paceSize  = 256 << 10 // bytes that a client has socket.write_timeout_ms for
)

var errTooMuchUnsent = fault.New(fault.Unavailable, "Too many large answers are being sent. Try again later.")

// budget bounds what is held at once, in bytes. It may be used from any
// goroutine.
type budget struct {
	max  int64
	used atomic.Int64
}

// take takes n of the budget, unless so much is not left.
func (b *budget) take(n int) bool {
	if b.used.Add(int64(n)) > b.max {
		b.give(n)
		return false
	}
	return true
}

func (b *budget) give(n int) { b.used.Add(-int64(n)) }

// pacedWriter writes a large answer in parts, with a deadline for each: a client
// that does not read is cut soon, and one that reads slowly is not.
type pacedWriter struct {
	w       io.Writer
	control *http.ResponseController
	wait    time.Duration
}

// Write implements io.Writer.
func (p *pacedWriter) Write(b []byte) (n int, err error) {
	for len(b) > 0 && err == nil {
		_ = p.control.SetWriteDeadline(time.Now().Add(p.wait)) // where there is one
		var wrote int
		wrote, err = p.w.Write(b[:min(len(b), paceSize)])
		n, b = n+wrote, b[wrote:]
	}
	return n, err
}
