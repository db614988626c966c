package match

import (
	"encoding/json"
	"strings"
	"sync"
)

// ReplayLog keeps what the code of matches logs in a replay. It is the writer of a
// zerolog.Logger, and may be used from any goroutine.
type ReplayLog struct {
	mu    sync.Mutex
	lines []LogLine
}

// LogLine is a line that a module logged.
type LogLine struct {
	Level, Message string
}

const (
	// maxLogLines is how many lines are kept between two calls of Take, and maxLogLine how many
	// bytes of each.
	maxLogLines = 10_000
	maxLogLine  = 4 << 10
)

// Write implements io.Writer: it takes one line of JSON.
func (w *ReplayLog) Write(line []byte) (int, error) {
	var fields struct{ Level, Message, Msg, Module, Error string }
	if json.Unmarshal(line, &fields) == nil && fields.Module != "" {
		l := LogLine{fields.Level, strings.TrimSpace(fields.Message + fields.Msg)}
		if fields.Error != "" {
			l.Message += ": " + fields.Error
		}
		l.Message = strings.Clone(cut(l.Message, maxLogLine)) // which does not keep the rest
		w.mu.Lock()
		if len(w.lines) < maxLogLines {
			w.lines = append(w.lines, l)
		}
		w.mu.Unlock()
	}
	return len(line), nil
}

// Take returns the lines since the last call.
func (w *ReplayLog) Take() []LogLine {
	w.mu.Lock()
	defer w.mu.Unlock()
	lines := w.lines
	w.lines = nil
	return lines
}
