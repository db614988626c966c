package main

import (
	"bufio"
	"bytes"
	"net"
	"strings"
	"testing"
	"time"
)

func TestHistogramQuantiles(t *testing.T) {
	t.Parallel()
	var a, b histogram
	for i := range 1000 {
		h := &a
		if i%2 == 0 {
			h = &b
		}
		h.add(time.Duration(i+1) * time.Microsecond)
	}
	a.merge(&b)
	for _, c := range []struct {
		q    float64
		want time.Duration
	}{{0.5, 500 * time.Microsecond}, {0.95, 950 * time.Microsecond}, {0.99, 990 * time.Microsecond}} {
		got := a.quantile(c.q)
		if got < c.want || got > c.want*106/100 {
			t.Errorf("quantile %v is %v, want %v to 6 %% more", c.q, got, c.want)
		}
	}
	if a.max != time.Millisecond || a.quantile(1) != time.Millisecond || a.total != 1000 {
		t.Errorf("max %v, total %d", a.max, a.total)
	}
	var edge histogram
	edge.add(-1)
	edge.add(1<<63 - 1)
	if edge.quantile(0) != 0 || edge.quantile(1) != 1<<63-1 {
		t.Errorf("extremes are %v and %v", edge.quantile(0), edge.quantile(1))
	}
}

func TestBucketsCoverAllWithoutGaps(t *testing.T) {
	t.Parallel()
	for _, v := range []uint64{0, 1, 31, 32, 33, 63, 64, 65, 127, 128, 1000, 1 << 20, 1<<40 + 12345} {
		b := bucket(v)
		if floor(b) > v || floor(b+1) <= v {
			t.Errorf("%d is in bucket %d, which spans %d to %d", v, b, floor(b), floor(b+1)-1)
		}
	}
}

func TestProcessStateIsRead(t *testing.T) {
	t.Parallel()
	line := "42 (a (b) c) S 7 1 1 0 -1 4194560 1 0 0 0 150 50 30 20 20 0 1 0"
	s, err := parseStat([]byte(line))
	if err != nil || s.parent != 7 || s.own != 2*time.Second || s.children != 500*time.Millisecond {
		t.Errorf("read %+v, %v", s, err)
	}
	for _, bad := range []string{"", "42 (a)", "42 (a) S 7 1 1 0 -1 4194560 1 0 0 0 x 50 30 20"} {
		if _, err := parseStat([]byte(bad)); err == nil {
			t.Errorf("%q was accepted", bad)
		}
	}
	if n, ok := kilobytes([]byte("Name: x\nVmRSS:\t  1234 kB\n"), "VmRSS:"); !ok || n != 1234 {
		t.Errorf("memory read as %d, %v", n, ok)
	}
}

func TestHTTPAnswers(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, answer string
		status       int
		body         string
		bad          bool
	}{
		{"length", "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello", 200, "hello", false},
		{"nothing", "HTTP/1.1 204 No Content\r\n\r\n", 204, "", false},
		{"chunks", "HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n2\r\nde\r\n0\r\nT: 1\r\n\r\n", 201, "abcde", false},
		{"to the end", "HTTP/1.0 200 OK\r\n\r\nall of it", 200, "all of it", false},
		{"no HTTP", "SSH-2.0-x\r\n", 0, "", true},
		{"bad length", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", 0, "", true},
		{"bad chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 0, "", true},
		{"cut off", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe", 0, "", true},
	} {
		ours, theirs := net.Pipe()
		t.Cleanup(func() { _ = ours.Close(); _ = theirs.Close() })
		h := &httpConn{conn: ours, r: bufio.NewReader(strings.NewReader(c.answer))}
		status, body, err := h.read()
		if (err != nil) != c.bad {
			t.Errorf("%s: error %v", c.name, err)
		} else if !c.bad && (status != c.status || string(body) != c.body) {
			t.Errorf("%s: got %d %q, want %d %q", c.name, status, body, c.status, c.body)
		}
	}
}

func TestHTTPConnectionIsOpenedAgain(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for { // one answer per connection, closed without a word about it
			c, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = bufio.NewReader(c).ReadString('\n')
			_, _ = c.Write([]byte("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"))
			_ = c.Close()
		}
	}()
	h := newHTTPConn(l.Addr().String())
	defer h.close()
	get := request("GET", "/", l.Addr().String(), "", "")
	for range 3 {
		if status, body, err := h.do(get); err != nil || status != 200 || string(body) != "ok" {
			t.Fatalf("got %d %q %v", status, body, err)
		}
	}
}

func TestMatchIDIsFoundInAnyShape(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ body, want string }{
		{`{"payload":"a.b"}`, "a.b"},
		{`{"payload":"\"a.b\""}`, "a.b"},
		{`{"payload":"{\"match_id\":\"a.b\"}"}`, "a.b"},
		{`{"payload":"{\"matchId\":\"a.b\"}"}`, "a.b"},
		{`{"payload":""}`, ""},
		{`{"payload":"{}"}`, ""},
		{`oops`, ""},
	} {
		got, err := matchIDOf([]byte(c.body))
		if got != c.want || (err == nil) != (c.want != "") {
			t.Errorf("%s gave %q, %v", c.body, got, err)
		}
	}
}

func TestHelpListsScenarios(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	if code := run(t.Context(), nil, &out, &out); code != 0 {
		t.Errorf("help ended with %d", code)
	}
	for _, s := range scenarios {
		if !strings.Contains(out.String(), s.name) {
			t.Errorf("help does not list %s", s.name)
		}
	}
}
