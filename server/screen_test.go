package server

import (
	"errors"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/rs/zerolog"
)

// failingListener fails to accept twice, for want of file descriptors and as
// it was interrupted, then ends.
type failingListener struct {
	net.Listener
	errs []error
}

func (l *failingListener) Accept() (net.Conn, error) {
	if len(l.errs) == 0 {
		return nil, net.ErrClosed
	}
	err := l.errs[0]
	l.errs = l.errs[1:]
	return nil, err
}

// A server that can accept no connections warns of it. What else net/http has to
// say is about clients, and is not for operators.
func TestTooManyOpenFilesIsAWarning(t *testing.T) {
	t.Parallel()
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	accept := func(errno syscall.Errno) error {
		return &net.OpError{Op: "accept", Net: "tcp", Err: os.NewSyscallError("accept4", errno)}
	}
	var log strings.Builder
	srv := &http.Server{ErrorLog: quietLog(zerolog.New(&log))}
	l := &failingListener{inner, []error{accept(syscall.EMFILE), accept(syscall.EINTR)}}
	if err := srv.Serve(l); !errors.Is(err, net.ErrClosed) {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(log.String()), "\n")
	for i, want := range []struct{ level, text string }{{"warn", "too many open files"}, {"debug", "interrupted system call"}} {
		if i >= len(lines) || !strings.Contains(lines[i], `"level":"`+want.level+`"`) || !strings.Contains(lines[i], want.text) {
			t.Errorf("the log has %q, want as line %d one of level %s with %q", lines, i, want.level, want.text)
		}
	}
}
