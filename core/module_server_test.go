package core

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/google/go-cmp/cmp"
	"github.com/heroiclabs/nakama-common/api"

	"kumi/store"
	"kumi/store/fault"
)

func TestReadFileStaysInside(t *testing.T) {
	t.Parallel()
	outside := t.TempDir()
	folder := filepath.Join(outside, "modules")
	write := func(path, text string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write(filepath.Join(folder, "data", "a.txt"), "inside")
	write(filepath.Join(outside, "secret.txt"), "secret")
	if err := os.Symlink(filepath.Join(outside, "secret.txt"), filepath.Join(folder, "link")); err != nil {
		t.Logf("no symbolic links here: %v", err)
	}
	m := &Module{core: &Core{modules: folder}}
	for _, path := range []string{"data/a.txt", "./data/../data/a.txt", filepath.Join(folder, "data", "a.txt")} {
		f, err := m.ReadFile(path)
		if err != nil {
			t.Errorf("read %q: %v", path, err)
			continue
		}
		text, err := io.ReadAll(f)
		f.Close()
		if err != nil || string(text) != "inside" {
			t.Errorf("read %q: got %q, %v", path, text, err)
		}
	}
	for path, want := range map[string]fault.Code{
		"": fault.InvalidArgument, "missing.txt": fault.NotFound, "../secret.txt": fault.InvalidArgument,
		"data/../../secret.txt": fault.InvalidArgument, filepath.Join(outside, "secret.txt"): fault.InvalidArgument,
		"/etc/passwd": fault.InvalidArgument,
	} {
		_, err := m.ReadFile(path)
		wantCode(t, "read "+path, err, want)
	}
	_, err := m.ReadFile("data")
	wantCode(t, "read a folder", err, fault.InvalidArgument)
	if mkfifo, err := exec.LookPath("mkfifo"); err == nil && exec.Command(mkfifo, filepath.Join(folder, "pipe")).Run() == nil {
		_, err := m.ReadFile("pipe") // which nobody writes to
		wantCode(t, "read a pipe", err, fault.InvalidArgument)
	}
	if f, err := m.ReadFile("link"); err == nil {
		f.Close()
		t.Error("a link that leads outside was followed")
	}
}

func TestEvents(t *testing.T) {
	t.Parallel()
	c := &Core{}
	m := &Module{core: c}
	sent := &api.Event{Name: "n", Properties: map[string]string{"a": "b"}}
	if err := c.Event(t.Context(), uuid.Nil, sent); err != nil { // nobody listens
		t.Fatal(err)
	}
	var got []*api.Event
	c.OnEvent(func(_ context.Context, e *api.Event) { got = append(got, e) })
	if err := c.Event(t.Context(), uuid.Nil, sent); err != nil {
		t.Fatal(err)
	}
	if err := m.Event(t.Context(), sent); err != nil {
		t.Fatal(err)
	}
	if len(got) != 2 || !got[0].External || got[1].External || got[0].Name != "n" || sent.External {
		t.Errorf("got events %v; want the client's external, the module's not", got)
	}
	wantCode(t, "no event", m.Event(t.Context(), nil), fault.InvalidArgument)
}

type counted struct {
	noMetrics
	counters map[string]int64
	negative int // refused, as the server's metrics refuse them
	rejects  []string
}

func (c *counted) CustomCounter(name string, _ map[string]string, delta int64) {
	if delta < 0 {
		c.negative++
		return
	}
	c.counters[name] += delta
}
func (c *counted) StorageReject(collection, reason string, _ bool) {
	c.rejects = append(c.rejects, collection+" "+reason)
}

func (c *counted) JobRun(string, bool) {}

func TestMetrics(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, ctx context.Context, c *testCore) {
		metrics := &counted{counters: map[string]int64{}}
		c.metrics = metrics
		m := c.Module()
		m.MetricsCounterAdd("a", nil, 2)
		m.MetricsCounterAdd("a", nil, -1)
		if metrics.counters["a"] != 2 || metrics.negative != 1 {
			t.Errorf("counter is %d with %d refused, want 2 with 1", metrics.counters["a"], metrics.negative)
		}
		user := c.user(t, "someone")
		_, _ = c.put(ctx, user, &api.WriteStorageObject{Collection: "c", Key: "k", Value: "{}", PermissionWrite: perm(0)})
		_, _ = c.put(ctx, user, &api.WriteStorageObject{Collection: "c", Key: "k", Value: `{"a":1}`})
		_, _ = c.put(ctx, user, &api.WriteStorageObject{Collection: "d", Key: "k", Value: "{}", Version: "x"})
		if diff := cmp.Diff([]string{"c permission", "d version"}, metrics.rejects); diff != "" {
			t.Errorf("rejects counted (-want +got):\n%s", diff)
		}
	})
}

func TestSQL(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, ctx context.Context, c *testCore) {
		m := c.Module()
		if _, err := m.SQLExec(ctx, "CREATE TABLE score (id BIGINT PRIMARY KEY, name TEXT)", nil); err != nil {
			t.Fatal(err)
		}
		n, err := m.SQLExec(ctx, "INSERT INTO score (id, name) VALUES ($1, $2), ($3, $4)", []any{int64(1), "one", int64(2), nil})
		if err != nil || n != 2 {
			t.Fatalf("got %d rows, %v; want 2", n, err)
		}
		columns, rows, err := m.SQLQuery(ctx, "SELECT id, name FROM score ORDER BY id", nil)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"id", "name"}, columns); diff != "" {
			t.Errorf("columns (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([][]any{{int64(1), "one"}, {int64(2), nil}}, rows); diff != "" {
			t.Errorf("rows (-want +got):\n%s", diff)
		}
		_, _, err = m.SQLQuery(ctx, "SELECT id FROM nowhere", nil)
		if err == nil || !strings.Contains(err.Error(), "nowhere") {
			t.Errorf("bad query: got %v, want the database's words", err)
		}
		_, err = m.SQLExec(ctx, "", nil)
		wantCode(t, "no statement", err, fault.InvalidArgument)
		if _, err = m.SQLExec(ctx, "INSERT INTO score (id) VALUES (1)", nil); err == nil {
			t.Error("a duplicate key was inserted")
		} else if _, unique := store.IsUnique(err); !unique {
			t.Errorf("duplicate key: got %v", err)
		}
	})
}

func TestHTTPRequest(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/echo":
			body, _ := io.ReadAll(r.Body)
			w.Header().Add("X-Two", "1")
			w.Header().Add("X-Two", "2")
			w.WriteHeader(http.StatusTeapot)
			_, _ = io.WriteString(w, r.Method+" "+r.Host+" "+r.Header.Get("X-In")+" "+string(body))
		case "/huge":
			chunk := make([]byte, 1<<20)
			for range maxHTTPResponse>>20 + 1 {
				if _, err := w.Write(chunk); err != nil {
					return
				}
			}
		case "/slow":
			select {
			case <-release:
			case <-r.Context().Done():
			}
		}
	}))
	t.Cleanup(func() { close(release); srv.Close() })
	m := &Module{core: &Core{}}
	res, err := m.HTTPRequest(t.Context(), HTTPRequest{URL: srv.URL + "/echo", Method: "post", Body: "body",
		Headers: map[string]string{"x-in": "value", "host": "example.com"}})
	if err != nil {
		t.Fatal(err)
	}
	if want := "POST example.com value body"; res.Code != http.StatusTeapot || res.Body != want {
		t.Errorf("got %d %q, want %d %q", res.Code, res.Body, http.StatusTeapot, want)
	}
	if diff := cmp.Diff([]string{"1", "2"}, res.Headers["X-Two"]); diff != "" {
		t.Errorf("headers (-want +got):\n%s", diff)
	}
	for what, tc := range map[string]struct {
		in   HTTPRequest
		want fault.Code
	}{
		"no url":     {HTTPRequest{Method: "GET"}, fault.InvalidArgument},
		"bad method": {HTTPRequest{URL: srv.URL, Method: "TRACE"}, fault.InvalidArgument},
		"bad url":    {HTTPRequest{URL: "http://%", Method: "GET"}, fault.InvalidArgument},
		"huge":       {HTTPRequest{URL: srv.URL + "/huge", Method: "GET"}, fault.ResourceExhausted},
		"slow":       {HTTPRequest{URL: srv.URL + "/slow", Method: "GET", Timeout: time.Millisecond}, fault.DeadlineExceeded},
		"refused":    {HTTPRequest{URL: "http://127.0.0.1:1", Method: "GET"}, fault.Unavailable},
	} {
		_, err := m.HTTPRequest(t.Context(), tc.in)
		wantCode(t, what, err, tc.want)
		if text := fmt.Sprintf("%q is longer than %d bytes", tc.in.URL, maxHTTPResponse); what == "huge" && !strings.Contains(err.Error(), text) {
			t.Errorf("%s: %q does not say %s", what, err, text)
		}
	}
}

func TestLocalCache(t *testing.T) {
	t.Parallel()
	clock := newClock()
	m := &Module{core: &Core{now: clock.Now}}
	js, lua := m.LocalCache("javascript"), m.LocalCache("lua")
	if m.LocalCache("lua") != lua || js == lua {
		t.Error("a language must have one cache, and its own")
	}
	put := func(key string, value any, ttl time.Duration) {
		t.Helper()
		if err := js.Put(key, value, 8, ttl); err != nil {
			t.Fatal(err)
		}
	}
	has := func(key string, want any) {
		t.Helper()
		got, ok := js.Get(key)
		if ok != (want != nil) || got != want {
			t.Errorf("%s: got %v, want %v", key, got, want)
		}
	}
	put("forever", 1, 0)
	put("minute", "x", time.Minute)
	put("deleted", true, 0)
	js.Delete("deleted")
	has("forever", 1)
	has("minute", "x")
	has("deleted", nil)
	if _, ok := lua.Get("forever"); ok {
		t.Error("one language sees the other's value")
	}
	clock.Add(time.Minute)
	has("minute", nil)
	clock.Add(cacheSweep)
	put("other", 2, 0)
	if n := len(js.entries); n != 2 {
		t.Errorf("%d entries are held after a sweep, want 2", n)
	}
	js.Clear()
	has("forever", nil)
	if js.size != 0 {
		t.Errorf("an empty cache counts %d bytes", js.size)
	}
	wantCode(t, "no key", js.Put("", 1, 8, 0), fault.InvalidArgument)
	wantCode(t, "negative ttl", js.Put("k", 1, 8, -1), fault.InvalidArgument)
}
