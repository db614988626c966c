package api

import (
	"io"
	"net/http"
	"sync/atomic"
	"time"

	"kumi/store/fault"
)

// A large response stays in memory until the client has read it, and clients may
// request many without reading any.
const (
	largeFrom = 64 << 10  // size in bytes from which a response counts
	maxUnsent = 256 << 20 // bytes of all large responses together
	paceSize  = 256 << 10 // bytes that a client must read per socket.write_timeout_ms
)

var errTooMuchUnsent = fault.New(fault.Unavailable, "Too many large answers are being sent. Try again later.")

// budget limits the number of bytes in use. It may be used from any goroutine.
type budget struct {
	max  int64
	used atomic.Int64
}

// take takes n bytes from the budget and returns true, unless less is left.
func (b *budget) take(n int) bool {
	if b.used.Add(int64(n)) > b.max {
		b.give(n)
		return false
	}
	return true
}

func (b *budget) give(n int) { b.used.Add(-int64(n)) }

// pacedWriter writes a large response in parts, with a deadline for each: a client
// that stops reading is disconnected soon, a slow one is not.
type pacedWriter struct {
	w       io.Writer
	control *http.ResponseController
	wait    time.Duration
}

// Write implements io.Writer.
func (p *pacedWriter) Write(b []byte) (n int, err error) {
	for len(b) > 0 && err == nil {
		_ = p.control.SetWriteDeadline(time.Now().Add(p.wait)) // if supported
		var wrote int
		wrote, err = p.w.Write(b[:min(len(b), paceSize)])
		n, b = n+wrote, b[wrote:]
	}
	return n, err
}
