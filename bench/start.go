package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// healthyTime is how long a server may take to start.
const healthyTime = 30 * time.Second

// started is a server that table runs.
type started struct {
	address string
	cmd     *exec.Cmd
	data    string // directory to remove
	took    time.Duration
	ended   chan struct{}
}

func (s *started) pid() int { return s.cmd.Process.Pid }

// stop stops the server and waits for it. It does nothing on nil.
func (s *started) stop() {
	if s == nil {
		return
	}
	_ = s.cmd.Process.Signal(syscall.SIGTERM)
	kill := time.AfterFunc(healthyTime, func() { _ = s.cmd.Process.Kill() })
	defer kill.Stop()
	<-s.ended
	if s.data != "" {
		_ = os.RemoveAll(s.data)
	}
}

// start runs a server and waits until it is healthy. Without a data folder it
// gets a temporary one, which is removed by stop. Later flags take precedence.
func (t *tabler) start(ctx context.Context, flags, data string) (*started, error) {
	s := &started{ended: make(chan struct{})}
	if data == "" {
		var err error
		if data, err = os.MkdirTemp("", "bench-"); err != nil {
			return nil, err
		}
		s.data = data
	}
	port := t.port
	if port == 0 {
		var err error
		if port, err = freePort(); err != nil {
			return nil, err
		}
	}
	s.address = net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	args := []string{"--runtime.path", t.modules, "--data_dir", data, "--logger.level", "error",
		"--socket.address", "127.0.0.1", "--socket.port", strconv.Itoa(port), "--console.port", "0"}
	args = append(args, strings.Fields(t.flags)...)
	args = append(args, strings.Fields(strings.ReplaceAll(flags, "{filter}", t.filter))...)
	s.cmd = exec.CommandContext(ctx, t.server, args...)
	var said bytes.Buffer
	s.cmd.Stdout, s.cmd.Stderr = &said, &said
	begin := time.Now()
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		_ = s.cmd.Wait()
		close(s.ended)
	}()
	get := request("GET", "/healthcheck", s.address, "", "")
	for time.Since(begin) < healthyTime {
		select {
		case <-s.ended:
			return nil, fmt.Errorf("the server ended: %s", said.Bytes())
		default:
		}
		c := newHTTPConn(s.address)
		status, _, err := c.do(get)
		c.close()
		if err == nil && status == 200 {
			s.took = time.Since(begin)
			return s, nil
		}
		time.Sleep(time.Millisecond)
	}
	s.stop()
	return nil, fmt.Errorf("the server is not healthy after %s: %s", healthyTime, said.Bytes())
}

// freePort finds two adjacent free ports and returns the upper; gRPC uses the
// lower. It looks outside the range that systems use for outgoing connections,
// of which there may be thousands.
func freePort() (int, error) {
	for range 100 {
		port := 20000 + rand.N(12000)
		if free(port) && free(port-1) {
			return port, nil
		}
	}
	return 0, errors.New("no two adjacent free ports")
}

func free(port int) bool {
	l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return false
	}
	_ = l.Close()
	return true
}

// starting measures the time from start to the first successful health check,
// with a new data folder and an existing one, the median of several, and the
// memory of the idle server.
func starting(ctx context.Context, t *tabler) ([][]float64, error) {
	const times = 5
	var fresh, again, memory []float64
	for range times {
		s, err := t.start(ctx, "", "")
		if err != nil {
			return nil, err
		}
		fresh = append(fresh, s.took.Seconds()*1000)
		s.stop()
	}
	data, err := os.MkdirTemp("", "bench-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(data)
	for i := range times + 1 {
		s, err := t.start(ctx, "", data)
		if err != nil {
			return nil, err
		}
		if i > 0 {
			again = append(again, s.took.Seconds()*1000)
		}
		if i == times {
			if err := wait(ctx, t.duration, nil); err != nil {
				s.stop()
				return nil, err
			}
			n, err := (&process{pid: s.pid()}).rss()
			if err != nil {
				s.stop()
				return nil, err
			}
			memory = append(memory, float64(n)/(1<<20))
		}
		s.stop()
	}
	return [][]float64{{median(fresh), median(again)}, memory}, nil
}

func median(v []float64) float64 {
	slices.Sort(v)
	return v[len(v)/2]
}
