//go:build !no_cluster

package bus

import (
	"fmt"
	"sync"
	"time"

	"github.com/rs/zerolog"
)

// repeatAfter is for how long a kind of line is not logged again. The server repeats
// what it cannot do every second.
const repeatAfter = 30 * time.Second

// serverLog is the log of the embedded server.
type serverLog struct {
	log   zerolog.Logger
	fatal chan string

	mu   sync.Mutex
	last map[string]time.Time
}

func newServerLog(log zerolog.Logger) *serverLog {
	return &serverLog{log: log.With().Str("part", "nats").Logger(), fatal: make(chan string, 1), last: map[string]time.Time{}}
}

func (l *serverLog) line(e *zerolog.Event, format string, args []any) {
	l.mu.Lock()
	known := time.Since(l.last[format]) < repeatAfter
	if !known {
		l.last[format] = time.Now()
	}
	l.mu.Unlock()
	if !known {
		e.Msgf(format, args...)
	}
}

// Noticef logs what goes as it should.
func (l *serverLog) Noticef(format string, args ...any) { l.log.Debug().Msgf(format, args...) }

// Warnf logs what the server can live with.
func (l *serverLog) Warnf(format string, args ...any) { l.line(l.log.Warn(), format, args) }

// Errorf logs what another node did wrong, or what does not work now.
func (l *serverLog) Errorf(format string, args ...any) { l.line(l.log.Warn(), format, args) }

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
