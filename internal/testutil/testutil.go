// Package testutil has the small things that tests of several packages do:
// waiting for something, keeping a log, reading metrics. It is for tests only,
// and imports nothing of the server, so that every package's tests can use it.
package testutil

import (
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// Wait is how long a test waits for something before it fails: longer than
// anything takes on a busy machine.
const Wait = time.Minute

// Eventually asks again and again until the answer is yes, and fails the test
// when it never is.
func Eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	deadline := time.NewTimer(Wait)
	defer deadline.Stop()
	again := time.NewTicker(2 * time.Millisecond)
	defer again.Stop()
	for !ok() {
		select {
		case <-again.C:
		case <-deadline.C:
			t.Fatalf("never happened: %s", what)
		}
	}
}

// FreePorts returns the first of n consecutive ports on which nothing listens. They are
// below those that systems give to connections and to listeners without a port of their
// own, so that they are not taken by chance before the test uses them.
func FreePorts(t testing.TB, n int) int {
	t.Helper()
	free := func(port int) bool {
		l, err := net.Listen("tcp", ":"+strconv.Itoa(port))
		if err == nil {
			err = l.Close()
		}
		return err == nil
	}
	for range 1000 {
		first, i := 10_000+rand.IntN(10_000-n), 0
		for i < n && free(first+i) {
			i++
		}
		if i == n {
			return first
		}
	}
	t.Fatalf("no %d consecutive ports are free", n)
	return 0
}

// Log keeps what is logged for a test to read. It may be written to and read
// from any goroutine.
type Log struct {
	mu   sync.Mutex
	text strings.Builder
}

// Write implements io.Writer.
func (l *Log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

// String is all that was logged.
func (l *Log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// Lines are the lines that contain all of the texts.
func (l *Log) Lines(texts ...string) (found []string) {
next:
	for line := range strings.Lines(l.String()) {
		for _, text := range texts {
			if !strings.Contains(line, text) {
				continue next
			}
		}
		found = append(found, line)
	}
	return found
}

// Scrape returns what a handler of metrics answers Prometheus.
func Scrape(t testing.TB, metrics http.Handler) string {
	t.Helper()
	w := httptest.NewRecorder()
	metrics.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/any/path", nil))
	if w.Code != http.StatusOK {
		t.Fatalf("the metrics answered %d %s", w.Code, w.Body)
	}
	return w.Body.String()
}

// WantLines checks that a text has lines that match the expressions.
func WantLines(t testing.TB, text string, lines ...string) {
	t.Helper()
	for _, line := range lines {
		if !regexp.MustCompile("(?m)^" + line + "$").MatchString(text) {
			t.Errorf("no line %s", line)
		}
	}
	if t.Failed() {
		t.Log(text)
	}
}
