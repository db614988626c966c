package api

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
)

func TestCORS(t *testing.T) {
	t.Parallel()
	r := newTestServer(t, nil)
	for _, test := range []struct {
		name, method string
		header       []string
		status       int
		want         map[string]string
	}{
		{"plain request", "GET", nil, 200, map[string]string{"Access-Control-Allow-Origin": ""}},
		{"request of a page", "GET", []string{"Origin: http://x"}, 200, map[string]string{"Access-Control-Allow-Origin": "*", "Access-Control-Allow-Credentials": ""}},
		{"preflight", "OPTIONS", []string{"Origin: http://x", "Access-Control-Request-Method: PUT", "Access-Control-Request-Headers: authorization, content-type,accept"}, 200, map[string]string{
			"Access-Control-Allow-Origin": "*", "Access-Control-Allow-Headers": "Authorization,Content-Type",
			"Access-Control-Allow-Methods": "PUT", "Access-Control-Max-Age": "",
		}},
		{"preflight of a simple method", "OPTIONS", []string{"Origin: http://x", "Access-Control-Request-Method: POST"}, 200, map[string]string{
			"Access-Control-Allow-Methods": "", "Access-Control-Allow-Headers": "",
		}},
		{"foreign header", "OPTIONS", []string{"Origin: http://x", "Access-Control-Request-Method: POST", "Access-Control-Request-Headers: x-secret"}, 403, nil},
		{"foreign method", "OPTIONS", []string{"Origin: http://x", "Access-Control-Request-Method: PATCH"}, 405, nil},
		{"no preflight", "OPTIONS", []string{"Origin: http://x"}, 400, nil},
		{"no page", "OPTIONS", nil, 200, nil},
	} {
		got := r.call(test.method, "/healthcheck", "", test.header...)
		if got.status != test.status || test.method == "OPTIONS" && got.body != "" {
			t.Errorf("%s: %d %q, want %d", test.name, got.status, got.body, test.status)
		}
		for name, value := range test.want {
			if got.header.Get(name) != value {
				t.Errorf("%s: %s is %q, want %q", test.name, name, got.header.Get(name), value)
			}
		}
	}
}

func TestCompressedAnswers(t *testing.T) {
	t.Parallel()
	r := newTestServer(t, nil)
	long := strings.Repeat("text ", 1000)
	r.rpc("long", func(context.Context, string) (string, error) { return long, nil })
	const path = "/v2/rpc/long?unwrap&http_key=defaulthttpkey"
	read := map[string]func(io.Reader) io.Reader{
		"":        func(b io.Reader) io.Reader { return b },
		"deflate": func(b io.Reader) io.Reader { return flate.NewReader(b) },
		"gzip": func(b io.Reader) io.Reader {
			z, err := gzip.NewReader(b)
			if err != nil {
				t.Fatal(err)
			}
			return z
		},
	}
	for accept, want := range map[string]string{
		"identity": "", "br": "", "gzip": "gzip", "deflate, gzip": "deflate", "br, gzip;q=0.1, deflate": "gzip",
	} {
		got := r.call("POST", path, "x", "Accept-Encoding: "+accept)
		if got.header.Get("Content-Encoding") != want || got.header.Get("Vary") != "Accept-Encoding" {
			t.Errorf("%s: %v", accept, got.header)
			continue
		}
		plain, err := io.ReadAll(read[want](strings.NewReader(got.body)))
		if err != nil || string(plain) != long {
			t.Errorf("%s: %d bytes, %v", accept, len(plain), err)
		}
	}
	if got := r.call("GET", "/healthcheck", "", "Accept-Encoding: gzip"); got.body != "{}" {
		t.Error("a short answer was compressed:", got)
	}
}

func TestCompressedBodies(t *testing.T) {
	t.Parallel()
	r := newTestServer(t, nil)
	r.rpc("echo", echo)
	const path = "/v2/rpc/echo?unwrap&http_key=defaulthttpkey"
	var zipped, deflated bytes.Buffer
	z := gzip.NewWriter(&zipped)
	_, _ = io.WriteString(z, "hello")
	_ = z.Close()
	d, _ := flate.NewWriter(&deflated, 9)
	_, _ = io.WriteString(d, "hello")
	_ = d.Close()
	for _, test := range []struct {
		encoding, body string
		status         int
		want           string
	}{
		{"gzip", zipped.String(), 200, "hello"},
		{"deflate", deflated.String(), 200, "hello"},
		{"gzip", "hello", 200, "hello"}, // only claims to be gzip
		{"gzip", zipped.String()[:14], 400, ""},
		{"deflate", "\xff\xff\xff", 400, ""},
		{"br", "hello", 200, "hello"},
	} {
		got := r.call("POST", path, test.body, "Content-Encoding: "+test.encoding)
		if got.status != test.status || test.want != "" && got.body != test.want {
			t.Errorf("%s %q: %d %q", test.encoding, test.body, got.status, got.body)
		}
	}
	// A small body that unfolds to far more than may be sent.
	var bomb bytes.Buffer
	z = gzip.NewWriter(&bomb)
	zeros := make([]byte, 1<<20)
	for range 16 {
		_, _ = z.Write(zeros)
	}
	_ = z.Close()
	if got := r.call("POST", path, bomb.String(), "Content-Encoding: gzip"); got.status != 400 {
		t.Error(got.status, len(got.body))
	}
}

func TestRouter(t *testing.T) {
	t.Parallel()
	r := newRouter(table())
	for _, test := range []struct {
		verb, path string
		escaped    bool
		want       string
		params     []string
		otherVerb  bool
	}{
		{"GET", "/v2/storage/c", false, "ListStorageObjects", []string{"c"}, false},
		{"GET", "/v2/storage/c/u", false, "ListStorageObjects", []string{"c", "u"}, false},
		{"PUT", "/v2/storage/delete", false, "DeleteStorageObjects", nil, false},
		{"GET", "/v2/storage/delete", false, "ListStorageObjects", []string{"delete"}, false},
		{"GET", "/v2/storage/delete/u", false, "ListStorageObjects", []string{"delete", "u"}, false},
		{"GET", "/v2/storage/a%2Fb", true, "ListStorageObjects", []string{"a/b"}, false},
		{"GET", "/v2/storage/", false, "", nil, false},
		{"GET", "/v2/storage//u", false, "", nil, false},
		{"GET", "//v2/account", false, "", nil, false},
		{"GET", "/v2/user/u/group", false, "ListUserGroups", []string{"u"}, false},
		{"DELETE", "/v2/storage/c", false, "", nil, true},
		{"BREW", "/v2/account", false, "", nil, true},
		{"GET", "/v2", false, "", nil, false},
		{"GET", "", false, "", nil, false},
	} {
		var params pathParams
		rt, otherVerb := r.find(test.verb, test.path, test.escaped, &params)
		name := ""
		if rt != nil {
			name = rt.name
		}
		if name != test.want || otherVerb != test.otherVerb {
			t.Errorf("%s %s: %q %v, want %q %v", test.verb, test.path, name, otherVerb, test.want, test.otherVerb)
		}
		for i, want := range test.params {
			if params[i] != want {
				t.Errorf("%s %s: parameter %d is %q, want %q", test.verb, test.path, i, params[i], want)
			}
		}
	}
}

func TestFormBody(t *testing.T) {
	t.Parallel()
	rt := newRouter([]*row{operation("ListStorageObjects", nilList, post("/list", ""))})["POST"]
	in := rt.find("list", false, nil, 0)
	req, _ := http.NewRequest("POST", "/list?limit=3", strings.NewReader("collection=c&cursor=x"))
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	m := in.request()
	a := &Server{maxBody: 1000}
	if _, err := a.decode(nil, req, in, &pathParams{}, m); err != nil {
		t.Fatal(err)
	}
	got, _ := appendJSON(nil, m)
	if want := `{"collection":"c","limit":3,"cursor":"x"}`; string(got) != want {
		t.Errorf("%s, want %s", got, want)
	}
}
