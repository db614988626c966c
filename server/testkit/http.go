package testkit

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"

	"kumi/vm"
)

// stubs answer the requests that modules and sign-in providers send to other servers. What
// has no stub fails: a test depends on no network.
type stubs struct {
	mu       sync.Mutex
	byURL    []stub
	requests []map[string]any
}

type stub struct {
	url    string // of requests, or their beginning if it ends in *
	answer answer
}

// answer is the response of a stub.
type answer struct {
	status  int
	headers map[string]string
	body    string
}

// httpTable is the global variable http.
var httpTable = []vm.Func[*host]{
	{Name: vm.N("stub"), Body: func(h *host, c *vm.Call) error {
		url := c.StrNonEmpty("url")
		v := c.Any("answer")
		if c.E.IsNil(v) {
			c.Invalid("answer", "expected an answer: text, data, or {status, headers, body}")
		}
		if err := c.Err(); err != nil {
			return err
		}
		a, err := answerOf(c.E, v)
		if err != nil {
			return err
		}
		h.stubs.mu.Lock()
		defer h.stubs.mu.Unlock()
		h.stubs.byURL = append(h.stubs.byURL, stub{url, a})
		return nil
	}},
	{Name: vm.N("requests"), Property: true, Body: func(h *host, c *vm.Call) error {
		h.stubs.mu.Lock()
		list := make([]any, len(h.stubs.requests))
		for i, r := range h.stubs.requests {
			list[i] = r
		}
		h.stubs.mu.Unlock()
		return c.ReturnAny("requests", list, nil)
	}},
}

// answerOf reads an answer: an object with status or body is one in full, other data is
// the body as JSON.
func answerOf(e vm.Engine, v vm.Ref) (answer, error) {
	a := answer{status: http.StatusOK, headers: map[string]string{}}
	x, err := vm.Export(e, v)
	if err != nil {
		return a, err
	}
	body := x
	if m, ok := x.(map[string]any); ok && (m["status"] != nil || m["body"] != nil) {
		if n, ok := number(m["status"]); ok {
			a.status = int(n)
		}
		if h, ok := m["headers"].(map[string]any); ok {
			for k, v := range h {
				a.headers[k] = fmt.Sprint(v)
			}
		}
		body = m["body"]
	}
	switch b := body.(type) {
	case nil:
	case string:
		a.body = b
	default:
		text, err := json.Marshal(b)
		if err != nil {
			return a, err
		}
		a.body = string(text)
		if a.headers["Content-Type"] == "" {
			a.headers["Content-Type"] = "application/json"
		}
	}
	return a, nil
}

// reset forgets stubs and requests.
func (s *stubs) reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.byURL, s.requests = nil, nil
}

// RoundTrip implements http.RoundTripper. Later stubs hide earlier ones.
func (s *stubs) RoundTrip(r *http.Request) (*http.Response, error) {
	var body []byte
	if r.Body != nil {
		var err error
		if body, err = io.ReadAll(r.Body); err != nil {
			return nil, err
		}
		_ = r.Body.Close()
	}
	url := r.URL.String()
	headers := map[string]any{}
	for k := range r.Header {
		headers[strings.ToLower(k)] = r.Header.Get(k)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = append(s.requests, map[string]any{"method": r.Method, "url": url, "headers": headers, "body": string(body)})
	for i := len(s.byURL) - 1; i >= 0; i-- {
		st := &s.byURL[i]
		if prefix, ok := strings.CutSuffix(st.url, "*"); st.url != url && !(ok && strings.HasPrefix(url, prefix)) {
			continue
		}
		res := &http.Response{
			StatusCode: st.answer.status, Status: http.StatusText(st.answer.status), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
			Header: http.Header{}, Body: io.NopCloser(strings.NewReader(st.answer.body)), ContentLength: int64(len(st.answer.body)), Request: r,
		}
		for k, v := range st.answer.headers {
			res.Header.Set(k, v)
		}
		return res, nil
	}
	return nil, fmt.Errorf("%s %s is not stubbed: the test needs http.stub(%q, …)", r.Method, url, url)
}
