package api

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// sink is a response that goes nowhere.
type sink struct {
	header http.Header
	status int
}

func (s *sink) Header() http.Header         { return s.header }
func (s *sink) Write(b []byte) (int, error) { return len(b), nil }
func (s *sink) WriteHeader(status int)      { s.status = status }

// replay makes one request over and over.
type replay struct {
	req  *http.Request
	body *bytes.Reader
}

func newReplay(method, target, body string, header ...string) *replay {
	r := &replay{req: httptest.NewRequest(method, target, nil), body: bytes.NewReader([]byte(body))}
	r.req.ContentLength = int64(len(body))
	for _, h := range header {
		name, value, _ := strings.Cut(h, ": ")
		r.req.Header.Set(name, value)
	}
	return r
}

func (r *replay) run(b *testing.B, h http.Handler) {
	b.ReportAllocs()
	w := &sink{header: http.Header{}}
	for b.Loop() {
		_, _ = r.body.Seek(0, io.SeekStart)
		r.req.Body = io.NopCloser(r.body)
		clear(w.header)
		h.ServeHTTP(w, r.req)
	}
	if w.status != 200 {
		b.Fatal("status", w.status)
	}
}

// Without a connection: what the API itself costs.
func BenchmarkHealthcheck(b *testing.B) {
	newReplay("GET", "/healthcheck", "").run(b, newTestServer(b, nil).api.Handler())
}

func BenchmarkRPC(b *testing.B) {
	r := newTestServer(b, nil)
	r.rpc("echo", echo)
	token := r.user("device-of-the-user")
	body := `"` + strings.Repeat(`{\"player\":12,\"pos\":[1,2]}`, 4) + `"`
	newReplay("POST", "/v2/rpc/echo", body, bearer(token)).run(b, r.api.Handler())
}

func BenchmarkStorageWrite(b *testing.B) {
	r := newTestServer(b, nil)
	token := r.user("device-of-the-user")
	newReplay("PUT", "/v2/storage", `{"objects":[{"collection":"saves","key":"slot1","value":"{\"level\":3,\"items\":[1,2,3]}","permission_read":1,"permission_write":1}]}`,
		bearer(token)).run(b, r.api.Handler())
}

func BenchmarkDecodeStorageWrite(b *testing.B) {
	rt, _ := newRouter(table()).find("PUT", "/v2/storage", false, &pathParams{})
	a := &Server{maxBody: 1 << 18}
	body := `{"objects":[{"collection":"saves","key":"slot1","value":"{\"level\":3,\"items\":[1,2,3]}","permission_read":1,"permission_write":1}]}`
	r := newReplay("PUT", "/v2/storage", body)
	b.ReportAllocs()
	for b.Loop() {
		_, _ = r.body.Seek(0, io.SeekStart)
		r.req.Body = io.NopCloser(r.body)
		if _, err := a.decode(nil, r.req, rt, &pathParams{}, rt.request()); err != nil {
			b.Fatal(err)
		}
	}
}

// Over a connection, beside a handler of net/http alone.
func BenchmarkOverHTTP(b *testing.B) {
	r := newTestServer(b, nil)
	bare := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, "{}")
	}))
	b.Cleanup(bare.Close)
	for name, url := range map[string]string{"bare": bare.URL, "healthcheck": r.http.URL} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				resp, err := http.Get(url + "/healthcheck")
				if err != nil {
					b.Fatal(err)
				}
				_, _ = io.Copy(io.Discard, resp.Body)
				_ = resp.Body.Close()
			}
		})
	}
}
