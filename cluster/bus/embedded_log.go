//go:build !no_cluster

package bus

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/rs/zerolog"
)

// repeatAfter is for how long a kind of line is not logged again. The server repeats
// what it cannot do every second.
const repeatAfter = time.Minute

// serverLog is the log of the embedded server. The server tells only there why another
// one refuses it.
type serverLog struct {
	log   zerolog.Logger
	fatal chan string
	// refused has the first refusal of a connection that this server made, ended a value
	// for each one that failed for any reason.
	refused chan error
	ended   chan struct{}

	mu    sync.Mutex
	lines map[string]*repeats
	why   map[string]string // why a connection fails, by its number, until it is closed
}

// repeats are those of a kind of line.
type repeats struct {
	last time.Time
	left int // that were not logged since
}

func newServerLog(log zerolog.Logger) *serverLog {
	return &serverLog{
		log: log.With().Str("part", "nats").Logger(), fatal: make(chan string, 1),
		refused: make(chan error, 1), ended: make(chan struct{}, 64), lines: map[string]*repeats{}, why: map[string]string{},
	}
}

var (
	// routeLine is a line about a connection to another node, whose number is in no other.
	routeLine = regexp.MustCompile(`(?s)^(\S+) - rid:(\d+) - (.*)$`)
	// closedLine is that of its end. One that this server made has the other's address, as
	// Join got it.
	closedLine = regexp.MustCompile(`^Router connection closed: (.*?)(?: - (?:Remote: .*, )?Host: (\S+))?$`)
)

// warn logs a line unless one of its kind was logged a short time ago.
func (l *serverLog) warn(kind, text string) {
	l.mu.Lock()
	r := l.lines[kind]
	if r == nil {
		r = &repeats{}
		l.lines[kind] = r
	}
	if time.Since(r.last) < repeatAfter {
		r.left++
		l.mu.Unlock()
		return
	}
	left := r.left
	*r = repeats{last: time.Now()}
	l.mu.Unlock()
	e := l.log.Warn()
	if left > 0 {
		e = e.Int("repeated", left)
	}
	e.Msg(text)
}

// Noticef logs what goes as it should. The end of a connection is logged there, too.
func (l *serverLog) Noticef(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	l.log.Debug().Msg(text)
	route := routeLine.FindStringSubmatch(text)
	if route == nil {
		return
	}
	if closed := closedLine.FindStringSubmatch(route[3]); closed != nil {
		l.closed(route[1], route[2], closed[1], closed[2])
	}
}

// The reasons of the server, and what of its errors says that two nodes cannot fit.
const (
	authViolation = "Authorization Violation"
	otherCluster  = "Cluster Name Conflict"
	tlsFailed     = "TLS route handshake error: "
)

// untold are the reasons when the other server has closed a connection before this one could
// read why. The next attempt, after a second, is told.
var untold = []string{server.WriteError.String(), server.ReadError.String(), server.ClientClosed.String()}

// closed is told that a connection has ended. One that the other node made has no host.
func (l *serverLog) closed(remote, number, reason, host string) {
	l.mu.Lock()
	why := l.why[number]
	delete(l.why, number)
	l.mu.Unlock()
	var kind, text string
	detail, tls := strings.CutPrefix(why, tlsFailed)
	refused := false
	switch {
	case why == authViolation:
		kind, refused = authViolation, true
		text = "the node at " + host + " refuses this one: cluster.secret must be the same on all nodes"
	case tls && host != "":
		kind, text = tlsFailed, "there is no TLS connection to the node at "+host+": "+detail+" (cluster.tls_cert, cluster.tls_key and cluster.tls_ca of all nodes must fit)"
		refused = strings.Contains(detail, "certificate") || strings.Contains(detail, "first record")
	case tls:
		kind, text = "from another node: "+tlsFailed, "the connection of a node at "+remote+" was refused: "+detail+" (cluster.tls_cert, cluster.tls_key and cluster.tls_ca of all nodes must fit)"
	case reason == otherCluster && host != "":
		kind, text = otherCluster, "the node at "+host+" is of another cluster: cluster.name must be the same on all nodes"
	}
	if text != "" {
		l.warn(kind, text)
	}
	if host == "" || text == "" && slices.Contains(untold, reason) {
		return
	}
	if refused {
		select {
		case l.refused <- fmt.Errorf("join the cluster: %s", text):
		default:
		}
	}
	l.failed()
}

func (l *serverLog) failed() {
	select {
	case l.ended <- struct{}{}:
	default: // nobody waits
	}
}

// Warnf logs what the server can live with.
func (l *serverLog) Warnf(format string, args ...any) { l.problem(format, args) }

// Errorf logs what another node did wrong, or what does not work now.
func (l *serverLog) Errorf(format string, args ...any) { l.problem(format, args) }

func (l *serverLog) problem(format string, args []any) {
	kind, text := format, fmt.Sprintf(format, args...)
	route := routeLine.FindStringSubmatch(text)
	if route == nil {
		l.warn(kind, text)
		if strings.Contains(text, "connect to route (attempt 1)") {
			l.failed()
		}
		return
	}
	remote, number, text := route[1], route[2], route[3]
	if f := routeLine.FindStringSubmatch(format); f != nil {
		kind = f[3]
	}
	switch {
	case strings.HasPrefix(text, "Route Error '"+authViolation):
		l.because(number, authViolation)
	case strings.HasPrefix(text, tlsFailed):
		l.because(number, text)
	case strings.HasPrefix(text, "Error flushing"): // the other node has closed it
		l.log.Debug().Msg(remote + ": " + text)
	case strings.HasPrefix(text, "authentication error"):
		l.warn("authentication error", "a node at "+remote+" was refused: cluster.secret must be the same on all nodes")
	default:
		l.warn(kind, remote+": "+text)
	}
}

// because keeps why a connection fails until its end, which is logged next.
func (l *serverLog) because(number, why string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.why[number] = why
}

// Fatalf ends the start of the server.
func (l *serverLog) Fatalf(format string, args ...any) {
	select {
	case l.fatal <- fmt.Sprintf(format, args...):
	default:
	}
}

// Debugf logs nothing.
func (l *serverLog) Debugf(string, ...any) {}

// Tracef logs nothing.
func (l *serverLog) Tracef(string, ...any) {}
