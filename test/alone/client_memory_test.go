package alone

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"encoding/json"
	"io"
	"net/http"
	"runtime"
	"strings"
	"testing"

	"kumi/server/servertest"
)

func heap() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// Requests do not make the heap grow: the size limit of bodies applies after
// decompression, and the vars of sessions have a limit of their own. Not parallel, because
// it measures the heap of the whole process.
func TestRequestsDoNotGrowTheHeap(t *testing.T) {
	srv := servertest.Start(t)
	pack := func(encoding, text string) *bytes.Buffer {
		var b bytes.Buffer
		var w io.WriteCloser = gzip.NewWriter(&b)
		if encoding == "deflate" {
			w, _ = flate.NewWriter(&b, flate.BestCompression)
		}
		_, _ = io.WriteString(w, text)
		_ = w.Close()
		return &b
	}
	authenticate := func(encoding string, body *bytes.Buffer) (int, string) {
		t.Helper()
		req, _ := http.NewRequest("POST", srv.URL+"/v2/account/authenticate/device", body)
		req.Header.Set("Authorization", servertest.ServerKey)
		if encoding != "" {
			req.Header.Set("Content-Encoding", encoding)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		text, _ := io.ReadAll(resp.Body)
		return resp.StatusCode, string(text)
	}
	account := func(bytes int) string {
		text, _ := json.Marshal(map[string]any{"id": "one-and-the-same", "vars": map[string]string{"v": strings.Repeat("x", bytes)}})
		return string(text)
	}
	if status, body := authenticate("", bytes.NewBufferString(account(8000))); status != 200 {
		t.Fatalf("vars of 8,000 bytes: %d %s", status, body)
	}

	before := heap()
	for _, encoding := range []string{"gzip", "deflate"} {
		large := pack(encoding, account(7<<20))
		for range 60 {
			if status, body := authenticate(encoding, bytes.NewBuffer(large.Bytes())); status != 400 || !strings.Contains(body, "too large") {
				t.Fatalf("%s of 7 MB in %d bytes: %d %s", encoding, large.Len(), status, body[:min(200, len(body))])
			}
		}
		if status, body := authenticate(encoding, pack(encoding, account(1000))); status != 200 {
			t.Errorf("a small body in %s: %d %s", encoding, status, body)
		}
	}
	for range 200 {
		if status, body := authenticate("", bytes.NewBufferString(account(250_000))); status != 400 || !strings.Contains(body, "Session vars invalid") {
			t.Fatalf("vars of 250 KB: %d %s", status, body[:min(200, len(body))])
		}
	}
	for range 2000 {
		if status, _ := authenticate("", bytes.NewBufferString(account(8000))); status != 200 {
			t.Fatal(status)
		}
	}
	if after := heap(); after > before+24<<20 {
		t.Errorf("the heap grew from %d to %d MB", before>>20, after>>20)
	}
}
