package api

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/gzip"

	"kumi/store/fault"
)

var errTooLarge = fault.New(fault.InvalidArgument, "http: request body too large")

// readBody reads and decompresses the body of r into buf, whose content it overwrites.
// It returns the size as received. It fails with InvalidArgument for a body that is
// too large or damaged.
func (a *Server) readBody(w http.ResponseWriter, r *http.Request, buf *buffer) (received int, err error) {
	if r.Body == nil || r.ContentLength == 0 {
		buf.b = buf.b[:0]
		return 0, nil
	}
	if r.ContentLength > a.maxBody {
		return 0, errTooLarge
	}
	var body io.Reader = r.Body
	if r.ContentLength < 0 {
		body = http.MaxBytesReader(w, r.Body, a.maxBody)
	}
	if buf.b, err = readInto(body, buf.b[:0], r.ContentLength); err != nil {
		var tooLarge *http.MaxBytesError
		if errors.As(err, &tooLarge) {
			return 0, errTooLarge
		}
		return 0, fault.Wrap(fault.InvalidArgument, "Could not read the request body.", err)
	}
	received = len(buf.b)
	if encoding := r.Header["Content-Encoding"]; len(encoding) > 0 {
		err = a.inflate(buf, encoding[0])
	}
	return received, err
}

// readInto is io.ReadAll into a given slice. size is the expected size, or negative if
// unknown.
func readInto(r io.Reader, b []byte, size int64) ([]byte, error) {
	// One byte more than needed lets the last read see the end.
	if want := int(max(size, 511)) + 1; cap(b) < want {
		b = make([]byte, 0, want)
	}
	for {
		n, err := r.Read(b[len(b):cap(b)])
		b = b[:len(b)+n]
		if err == io.EOF {
			return b, nil
		}
		if err != nil {
			return b, err
		}
		if len(b) == cap(b) {
			b = append(b, 0)[:len(b)]
		}
	}
}

// inflate decompresses buf in place. The limit of bodies also applies to the
// decompressed size. A body that claims to be gzip but is not is used as it is;
// unknown encodings are ignored.
func (a *Server) inflate(buf *buffer, encoding string) error {
	var plain io.Reader
	switch encoding {
	case "gzip":
		z, err := gzip.NewReader(bytes.NewReader(buf.b))
		if err != nil {
			return nil
		}
		plain = z
	case "deflate":
		plain = flate.NewReader(bytes.NewReader(buf.b))
	default:
		return nil
	}
	out, err := io.ReadAll(io.LimitReader(plain, a.maxBody+1))
	if err != nil {
		return fault.Wrap(fault.InvalidArgument, fmt.Sprintf("Could not decompress the request body: %v", err), err)
	}
	if int64(len(out)) > a.maxBody {
		return errTooLarge
	}
	buf.b = out
	return nil
}
