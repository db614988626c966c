package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"time"
)

const (
	requestTimeout = 15 * time.Second
	maxAnswer      = 4 << 20
)

// httpConn is a keep-alive HTTP/1.1 connection for requests that are built
// once as bytes. The standard client would use as much CPU as the servers
// measured here. It may be used by one goroutine at a time.
type httpConn struct {
	address string
	conn    net.Conn
	r       *bufio.Reader
	body    []byte
}

func newHTTPConn(address string) *httpConn { return &httpConn{address: address} }

// request builds the bytes of a request. An empty authorization is left out.
func request(method, path, host, authorization, body string) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: %s\r\n", method, path, host)
	if authorization != "" {
		fmt.Fprintf(&b, "Authorization: %s\r\n", authorization)
	}
	if body != "" || method != "GET" {
		fmt.Fprintf(&b, "Content-Type: application/json\r\nContent-Length: %d\r\n", len(body))
	}
	b.WriteString("\r\n")
	b.WriteString(body)
	return b.Bytes()
}

// do sends a request and reads the response. The body is valid until the next
// call. A connection that the server has closed is reopened once.
func (h *httpConn) do(request []byte) (status int, body []byte, err error) {
	reused := h.conn != nil
	status, body, err = h.try(request)
	if err != nil && reused && errors.Is(err, errNoResponse) {
		status, body, err = h.try(request)
	}
	return status, body, err
}

// errNoResponse marks a connection closed before the first byte of a response,
// as a server does with an idle one.
var errNoResponse = errors.New("connection closed before an answer")

func (h *httpConn) try(request []byte) (status int, body []byte, err error) {
	if h.conn == nil {
		if h.conn, err = net.DialTimeout("tcp", h.address, requestTimeout); err != nil {
			h.conn = nil
			return 0, nil, err
		}
		h.r = bufio.NewReader(h.conn)
	}
	defer func() {
		if err != nil {
			h.close()
		}
	}()
	_ = h.conn.SetDeadline(time.Now().Add(requestTimeout))
	if _, err := h.conn.Write(request); err != nil {
		return 0, nil, fmt.Errorf("%w: %w", errNoResponse, err)
	}
	return h.read()
}

func (h *httpConn) close() {
	if h.conn != nil {
		_ = h.conn.Close()
		h.conn = nil
	}
}

// read reads one response.
func (h *httpConn) read() (status int, body []byte, err error) {
	line, err := h.line()
	if err != nil {
		return 0, nil, fmt.Errorf("%w: %w", errNoResponse, err)
	}
	if len(line) < 12 || !bytes.HasPrefix(line, []byte("HTTP/1.")) {
		return 0, nil, fmt.Errorf("not an HTTP response: %.40q", line)
	}
	if status, err = strconv.Atoi(string(line[9:12])); err != nil {
		return 0, nil, fmt.Errorf("not an HTTP response: %.40q", line)
	}
	length, chunked, last := -1, false, false
	for {
		if line, err = h.line(); err != nil {
			return 0, nil, err
		}
		if len(line) == 0 {
			break
		}
		name, value, _ := bytes.Cut(line, []byte(":"))
		value = bytes.TrimSpace(value)
		switch {
		case bytes.EqualFold(name, []byte("content-length")):
			if length, err = strconv.Atoi(string(value)); err != nil || length < 0 || length > maxAnswer {
				return 0, nil, fmt.Errorf("bad response length %.20q", value)
			}
		case bytes.EqualFold(name, []byte("transfer-encoding")):
			chunked = bytes.EqualFold(value, []byte("chunked"))
		case bytes.EqualFold(name, []byte("connection")):
			last = bytes.EqualFold(value, []byte("close"))
		}
	}
	h.body = h.body[:0]
	switch {
	case chunked:
		err = h.readChunks()
	case length >= 0:
		err = h.readBytes(length)
	case status != 204 && status != 304:
		last = true
		h.body, err = io.ReadAll(io.LimitReader(h.r, maxAnswer))
	}
	if last {
		h.close()
	}
	return status, h.body, err
}

func (h *httpConn) line() ([]byte, error) {
	line, err := h.r.ReadSlice('\n')
	if err != nil {
		return nil, err
	}
	return bytes.TrimRight(line, "\r\n"), nil
}

func (h *httpConn) readBytes(n int) error {
	have := len(h.body)
	if need := have + n; need > cap(h.body) {
		h.body = append(make([]byte, 0, need+need/2), h.body...)
	}
	h.body = h.body[:have+n]
	_, err := io.ReadFull(h.r, h.body[have:])
	return err
}

func (h *httpConn) readChunks() error {
	for {
		line, err := h.line()
		if err != nil {
			return err
		}
		size, _, _ := bytes.Cut(line, []byte(";"))
		n, err := strconv.ParseUint(string(bytes.TrimSpace(size)), 16, 31)
		if err != nil || int(n)+len(h.body) > maxAnswer {
			return fmt.Errorf("bad chunk size %.20q", line)
		}
		if n == 0 {
			break
		}
		if err := h.readBytes(int(n)); err != nil {
			return err
		}
		if _, err := h.line(); err != nil {
			return err
		}
	}
	for { // trailers
		line, err := h.line()
		if err != nil || len(line) == 0 {
			return err
		}
	}
}
