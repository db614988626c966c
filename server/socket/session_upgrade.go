package socket

import (
	"crypto/sha1"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
)

// upgrade answers the request for a socket and takes over its connection; early
// is what the client sent ahead. Nothing of net/http stays with the connection.
// An error is told to the client where that is still possible.
func upgrade(w http.ResponseWriter, r *http.Request) (conn net.Conn, early []byte, err error) {
	key := strings.TrimSpace(r.Header.Get("Sec-WebSocket-Key"))
	raw, bad := base64.StdEncoding.DecodeString(key)
	refuse := func(status int, text string) (net.Conn, []byte, error) {
		http.Error(w, text, status)
		return nil, nil, errors.New(text)
	}
	switch h := w.Header(); {
	case !r.ProtoAtLeast(1, 1) || !lists(r.Header["Connection"], "upgrade") || !lists(r.Header["Upgrade"], "websocket"):
		h.Set("Connection", "Upgrade")
		h.Set("Upgrade", "websocket")
		return refuse(http.StatusUpgradeRequired, "This is a WebSocket: the request must ask for an upgrade to one")
	case r.Method != http.MethodGet:
		h.Set("Allow", http.MethodGet)
		return refuse(http.StatusMethodNotAllowed, "A WebSocket is opened with GET")
	case r.Header.Get("Sec-WebSocket-Version") != "13":
		h.Set("Sec-WebSocket-Version", "13")
		return refuse(http.StatusBadRequest, "Only version 13 of WebSocket is spoken")
	case len(r.Header["Sec-Websocket-Key"]) != 1 || bad != nil || len(raw) != 16:
		return refuse(http.StatusBadRequest, "Sec-WebSocket-Key must be 16 bytes in Base64")
	}
	const fixed = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11" // the protocol's
	sum := sha1.Sum([]byte(key + fixed))
	w.Header().Set("Upgrade", "websocket")
	w.Header().Set("Connection", "Upgrade")
	w.Header().Set("Sec-WebSocket-Accept", base64.StdEncoding.EncodeToString(sum[:]))
	w.WriteHeader(http.StatusSwitchingProtocols)
	conn, rw, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return nil, nil, fmt.Errorf("take over the connection: %w", err)
	}
	if n := rw.Reader.Buffered(); n > 0 {
		early = make([]byte, n)
		if _, err := rw.Read(early); err != nil {
			_ = conn.Close()
			return nil, nil, fmt.Errorf("take over the connection: %w", err)
		}
	}
	return conn, early, nil
}

// lists says whether a header that is a list of words has one.
func lists(values []string, word string) bool {
	for _, v := range values {
		for part := range strings.SplitSeq(v, ",") {
			if strings.EqualFold(strings.TrimSpace(part), word) {
				return true
			}
		}
	}
	return false
}
