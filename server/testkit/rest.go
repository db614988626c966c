package testkit

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"kumi/store/fault"
)

func escape(s string) string { return url.QueryEscape(s) }

// serverKey is the authorization of calls without a session.
func (h *host) serverKey() string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(string(h.config.Socket.ServerKey)+":"))
}

// recorder takes a response.
type recorder struct {
	header http.Header
	status int
	body   bytes.Buffer
}

// Header implements http.ResponseWriter.
func (r *recorder) Header() http.Header { return r.header }

// WriteHeader implements http.ResponseWriter.
func (r *recorder) WriteHeader(status int) {
	if r.status == 0 {
		r.status = status
	}
}

// Write implements http.ResponseWriter.
func (r *recorder) Write(p []byte) (int, error) {
	r.WriteHeader(http.StatusOK)
	return r.body.Write(p)
}

// request makes a REST call by calling the server's handler. An answer that is not 2xx is
// an error with the code and the message that it has.
func (h *host) request(method, path, authorization string, body []byte) ([]byte, error) {
	r, err := http.NewRequest(method, "http://"+address.String()+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.RemoteAddr, r.RequestURI = address.String(), path
	if authorization != "" {
		r.Header.Set("Authorization", authorization)
	}
	if len(body) > 0 {
		r.Header.Set("Content-Type", "application/json")
	}
	w := &recorder{header: http.Header{}}
	h.handler.ServeHTTP(w, r)
	if w.status/100 == 2 || w.status == 0 {
		return w.body.Bytes(), nil
	}
	var failure struct {
		Code    int
		Message string
	}
	if json.Unmarshal(w.body.Bytes(), &failure) != nil || failure.Message == "" {
		failure.Message = strings.TrimSpace(w.body.String())
		if failure.Message == "" {
			failure.Message = fmt.Sprintf("%s %s: %d %s", method, path, w.status, http.StatusText(w.status))
		}
	}
	if failure.Code == 0 {
		failure.Code = int(fault.Internal)
	}
	return nil, fault.New(fault.Code(failure.Code), failure.Message)
}

// claims are the parts of a session token that a client reads.
type claims struct {
	UserID   string `json:"uid"`
	Username string `json:"usn"`
	Expires  int64  `json:"exp"`
}

func (h *host) claims(token string) (c claims, err error) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return c, fmt.Errorf("the session token is not a JWT: %q", token)
	}
	text, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return c, fmt.Errorf("read the session token: %w", err)
	}
	return c, json.Unmarshal(text, &c)
}

// dataKeys are the properties whose text is JSON that belongs to the game. The SDKs take
// and return it as data, and so do tests. numberKeys are 64-bit numbers, which are texts in
// the JSON of the protocol.
var (
	dataKeys   = map[string]bool{"value": true, "metadata": true, "content": true, "wallet": true}
	numberKeys = map[string]bool{"score": true, "subscore": true, "rank": true, "op_code": true, "max_num_score": true}
)

// decoded changes data of the protocol to what tests get, in place.
func decoded(x any) any {
	switch x := x.(type) {
	case []any:
		for i := range x {
			x[i] = decoded(x[i])
		}
	case map[string]any:
		for k, v := range x {
			text, isText := v.(string)
			switch {
			case isText && dataKeys[k] && isJSON(text):
				var data any
				if json.Unmarshal([]byte(text), &data) == nil {
					x[k] = data
				}
			case isText && numberKeys[k]:
				if n := json.Number(text); json.Valid([]byte(text)) {
					x[k] = n
				}
			default:
				x[k] = decoded(v)
			}
		}
	}
	return x
}

// encoded is the opposite, for what tests send.
func encoded(x any) any {
	switch x := x.(type) {
	case []any:
		for i := range x {
			x[i] = encoded(x[i])
		}
	case map[string]any:
		for k, v := range x {
			switch v.(type) {
			case string, nil:
			default:
				if !dataKeys[k] {
					x[k] = encoded(v)
				} else if text, err := json.Marshal(v); err == nil {
					x[k] = string(text)
				}
			}
		}
	}
	return x
}

// number reads a number of Export.
func number(x any) (float64, bool) {
	switch n := x.(type) {
	case int64:
		return float64(n), true
	case float64:
		return n, true
	case int:
		return float64(n), true
	case json.Number:
		f, err := n.Float64()
		return f, err == nil
	}
	return 0, false
}
