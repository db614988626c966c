package cluster

import (
	"io"
	"net"
	"sync"
	"testing"
	"time"
)

// proxy is the way from one node to another. It passes on what both send until it is told
// to do otherwise.
type proxy struct {
	listener net.Listener
	target   string

	mu    sync.Mutex
	conns map[net.Conn]bool
	cut   bool
	delay time.Duration // each way
	rate  int           // bytes per second, each way; 0: any
}

func newProxy(t testing.TB, target string) *proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{listener: l, target: target, conns: map[net.Conn]bool{}}
	t.Cleanup(func() { _ = l.Close(); p.Cut() })
	go p.accept()
	return p
}

func (p *proxy) Addr() string { return p.listener.Addr().String() }

func (p *proxy) accept() {
	for {
		in, err := p.listener.Accept()
		if err != nil {
			return
		}
		go p.serve(in)
	}
}

func (p *proxy) serve(in net.Conn) {
	defer in.Close()
	out, err := net.Dial("tcp", p.target)
	if err != nil {
		return
	}
	defer out.Close()
	p.mu.Lock()
	if p.cut {
		p.mu.Unlock()
		return
	}
	p.conns[in], p.conns[out] = true, true
	p.mu.Unlock()
	defer func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.conns, in)
		delete(p.conns, out)
	}()
	done := make(chan struct{}, 2)
	go p.copy(in, out, done)
	go p.copy(out, in, done)
	<-done // the other ends when both connections are closed
}

// piece is what was read at a time.
type piece struct {
	bytes []byte
	at    time.Time
}

// copy passes on what one side sends, late and slowly if asked. Nothing is reordered.
func (p *proxy) copy(from, to net.Conn, done chan<- struct{}) {
	defer func() { done <- struct{}{} }()
	pieces := make(chan piece, 1<<12)
	go func() {
		defer close(pieces)
		for {
			b := make([]byte, 16<<10)
			n, err := from.Read(b)
			if n > 0 {
				pieces <- piece{b[:n], time.Now()}
			}
			if err != nil {
				return
			}
		}
	}()
	for got := range pieces {
		p.mu.Lock()
		delay, rate := p.delay, p.rate
		p.mu.Unlock()
		if delay > 0 {
			time.Sleep(time.Until(got.at.Add(delay)))
		}
		if rate > 0 {
			time.Sleep(time.Duration(len(got.bytes)) * time.Second / time.Duration(rate))
		}
		if _, err := to.Write(got.bytes); err != nil {
			break
		}
	}
	_ = from.Close()
	for range pieces { // its reader ends
	}
}

// Cut closes the connections and refuses new ones until Heal.
func (p *proxy) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cut = true
	for c := range p.conns {
		_ = c.Close()
	}
}

// Heal ends what Cut and Slow began.
func (p *proxy) Heal() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cut, p.delay, p.rate = false, 0, 0
}

// Slow delays what is passed on, and limits it to a rate in bytes per second.
func (p *proxy) Slow(delay time.Duration, rate int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.delay, p.rate = delay, rate
}

// The proxy itself does what the tests of faults rely on.
func TestProxy(t *testing.T) {
	t.Parallel()
	echo, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer echo.Close()
	go func() {
		for {
			c, err := echo.Accept()
			if err != nil {
				return
			}
			go func() { _, _ = io.Copy(c, c) }()
		}
	}()
	p := newProxy(t, echo.Addr().String())
	ask := func(c net.Conn) error {
		if _, err := c.Write([]byte("hello")); err != nil {
			return err
		}
		_, err := io.ReadFull(c, make([]byte, 5))
		return err
	}
	dial := func() net.Conn {
		c, err := net.Dial("tcp", p.Addr())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		return c
	}
	c := dial()
	if err := ask(c); err != nil {
		t.Fatal(err)
	}
	p.Slow(50*time.Millisecond, 0)
	if start := time.Now(); ask(c) != nil || time.Since(start) < 100*time.Millisecond {
		t.Error("the proxy does not delay")
	}
	p.Cut()
	if ask(c) == nil || ask(dial()) == nil {
		t.Error("the proxy passes on what it should not")
	}
	p.Heal()
	if err := ask(dial()); err != nil {
		t.Error(err)
	}
}
