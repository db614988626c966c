package upstream

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"kumi/internal/testutil"
)

func get(t *testing.T, url string) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	return req
}

// Requests are limited per host, until their responses have been read: a host that sends
// the head of its responses and then hangs is limited too.
func TestAtOnce(t *testing.T) {
	t.Parallel()
	for _, part := range []string{"head", "body"} {
		t.Run(part, func(t *testing.T) {
			t.Parallel()
			release := make(chan struct{})
			var mu sync.Mutex
			arrived := 0
			hang := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				if part == "body" {
					w.WriteHeader(http.StatusOK)
					_ = http.NewResponseController(w).Flush()
				}
				mu.Lock()
				arrived++
				mu.Unlock()
				<-release
				fmt.Fprint(w, "done")
			}))
			defer hang.Close()
			other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
			defer other.Close()
			c := New(Options{Timeout: time.Hour, MaxResponse: 10})
			defer c.Close()
			var all sync.WaitGroup
			for range MaxAtOnce {
				all.Go(func() {
					if res, err := c.Do(get(t, hang.URL)); err != nil || string(res.Body) != "done" {
						t.Errorf("%+v, %v", res, err)
					}
				})
			}
			testutil.Eventually(t, "all requests", func() bool { mu.Lock(); defer mu.Unlock(); return arrived == MaxAtOnce })
			if _, err := c.Do(get(t, hang.URL)); !errors.Is(err, ErrBusy) {
				t.Errorf("one more: %v", err)
			}
			if _, err := c.Do(get(t, other.URL)); err != nil {
				t.Errorf("another host: %v", err)
			}
			close(release)
			all.Wait()
			if _, err := c.Do(get(t, hang.URL)); err != nil {
				t.Errorf("afterwards: %v", err)
			}
		})
	}
}

// Each request is reported once, with how it ended.
func TestObserve(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/moved":
			w.Header().Set("Location", "/fine")
			w.WriteHeader(http.StatusFound)
		case "/failing":
			w.WriteHeader(http.StatusBadGateway)
		case "/large":
			fmt.Fprint(w, strings.Repeat("x", 11))
		case "/short":
			w.Header().Set("Content-Length", "9")
			fmt.Fprint(w, "x")
		case "/hanging":
			<-r.Context().Done()
		default:
			fmt.Fprint(w, strings.Repeat("x", 10))
		}
	}))
	defer server.Close()
	var sent []Sent
	o := Options{
		Timeout: time.Minute, MaxResponse: 10,
		Group: func(string) string { return "the host" }, Observe: func(s Sent) { sent = append(sent, s) },
	}
	patient := New(o)
	o.Timeout = 20 * time.Millisecond
	hasty := New(o)
	for _, step := range []struct {
		path   string
		status int
		ok     bool
		err    error
	}{
		{"/fine", 200, true, nil},
		{"/moved", 302, true, nil},
		{"/failing", 502, false, nil},
		{"/large", 200, true, ErrTooLarge},
		{"/short", 200, false, io.ErrUnexpectedEOF},
		{"/hanging", 0, false, context.DeadlineExceeded},
	} {
		sent = nil
		c := patient
		if step.path == "/hanging" {
			c = hasty
		}
		res, err := c.Do(get(t, server.URL+step.path+"?key=secret"))
		if !errors.Is(err, step.err) || err == nil && res.Status != step.status {
			t.Errorf("%s: %d, %v", step.path, res.Status, err)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: the error shows the query: %v", step.path, err)
		}
		if len(sent) != 1 || sent[0].Group != "the host" || sent[0].Status != step.status || sent[0].OK() != step.ok || sent[0].Took <= 0 || sent[0].Request.URL.Path != step.path {
			t.Errorf("%s: observed %+v", step.path, sent)
		}
	}
}
