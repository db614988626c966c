package api

import (
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"kumi/config"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/gzip"
)

// compressFrom is the size in bytes from which responses are compressed. Smaller ones
// hardly shrink, and compressing them would cost more than the whole call.
const compressFrom = 1024

// lengthFrom is the size in bytes from which net/http does not set the Content-Length
// itself.
const lengthFrom = 2048

// send writes a complete response, compressed if the client accepts that and it is
// large enough. A large one is replaced by an error if maxUnsent bytes are waiting for
// clients.
func (a *Server) send(w http.ResponseWriter, r *http.Request, status int, contentType []string, body []byte) {
	var out io.Writer = w
	if len(body) >= largeFrom {
		if !a.unsent.take(len(body)) {
			a.Log.Warn().Str("path", r.URL.Path).Int("bytes", len(body)).Msg("response refused: too many bytes are waiting for slow clients")
			a.fail(w, r, errTooMuchUnsent)
			return
		}
		defer a.unsent.give(len(body))
		out = &pacedWriter{w, http.NewResponseController(w), config.Milliseconds(a.Config.Socket.WriteTimeoutMs)}
	}
	h := w.Header()
	h["Content-Type"] = contentType
	if len(body) >= compressFrom {
		if encoding := acceptedEncoding(r.Header["Accept-Encoding"]); encoding != "" {
			h["Content-Encoding"] = []string{encoding}
			w.WriteHeader(status)
			compress(out, encoding, body)
			return
		}
		if len(body) >= lengthFrom {
			h["Content-Length"] = []string{strconv.Itoa(len(body))}
		}
	}
	w.WriteHeader(status)
	_, _ = out.Write(body) // a disconnected client is not an error
}

// acceptedEncoding returns the first supported encoding of the list. Quality
// values are ignored.
func acceptedEncoding(accept []string) string {
	for _, line := range accept {
		for name := range strings.SplitSeq(line, ",") {
			name, _, _ = strings.Cut(name, ";")
			switch strings.TrimSpace(name) {
			case "gzip":
				return "gzip"
			case "deflate":
				return "deflate"
			}
		}
	}
	return ""
}

var gzipWriters = sync.Pool{New: func() any {
	w, _ := gzip.NewWriterLevel(nil, gzip.BestSpeed) // fails only for an invalid level
	return w
}}

var flateWriters = sync.Pool{New: func() any {
	w, _ := flate.NewWriter(nil, flate.BestSpeed) // fails only for an invalid level
	return w
}}

// compress writes body; deflate means a raw stream, without zlib's frame.
func compress(w io.Writer, encoding string, body []byte) {
	if encoding == "gzip" {
		z := gzipWriters.Get().(*gzip.Writer)
		defer gzipWriters.Put(z)
		z.Reset(w)
		_, _ = z.Write(body)
		_ = z.Close()
		return
	}
	z := flateWriters.Get().(*flate.Writer)
	defer flateWriters.Put(z)
	z.Reset(w)
	_, _ = z.Write(body)
	_ = z.Close()
}

// buffer is a byte slice from a pool.
type buffer struct{ b []byte }

var bodyBuffers = sync.Pool{New: func() any { return &buffer{make([]byte, 0, 1024)} }}

// keepBuffer is the maximum size of a buffer that is returned to the pool.
const keepBuffer = 64 << 10

func takeBuffer() *buffer { return bodyBuffers.Get().(*buffer) }

// give returns the buffer to the pool. Its bytes must not be used afterwards.
func (b *buffer) give() {
	if cap(b.b) <= keepBuffer {
		b.b = b.b[:0]
		bodyBuffers.Put(b)
	}
}
