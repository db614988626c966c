package fleet

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/heroiclabs/nakama-common/runtime"
)

// reportPrefix begins the lines of standard output that are meant for the manager.
const reportPrefix = "@fleet "

// maxLine is how much of a line is read, in bytes. The rest is dropped.
const maxLine = 16 << 10

// output reads the lines of one stream of an instance. Only the goroutine that copies
// the stream writes to it.
type output struct {
	m      *Manager
	in     *instance
	stream string
	line   []byte
}

// Write implements io.Writer. It waits until the process is known: an instance that is
// ready is told who joins.
func (o *output) Write(p []byte) (int, error) {
	<-o.in.started
	n := len(p)
	for len(p) > 0 {
		end := bytes.IndexByte(p, '\n')
		part := p
		if end >= 0 {
			part = p[:end]
		}
		o.line = append(o.line, part[:min(len(part), maxLine-len(o.line))]...)
		if end < 0 {
			break
		}
		o.flush()
		p = p[end+1:]
	}
	return n, nil
}

// flush handles the line that was read.
func (o *output) flush() {
	line := strings.TrimRight(strings.ToValidUTF8(string(o.line), "�"), "\r")
	o.line = o.line[:0]
	if o.m.o.Ready == ReadyLine && strings.Contains(line, o.m.o.ReadyText) {
		o.m.becomesReady(o.in)
	}
	report, ok := strings.CutPrefix(line, reportPrefix)
	if ok && o.stream == "stdout" {
		o.m.report(o.in, strings.TrimSpace(report))
		return
	}
	if dropped, ok := o.in.lines.take(); ok {
		if dropped > 0 {
			o.in.log.Warn().Int("lines", dropped).Msg("the game server printed more lines than are logged (fleet.log_lines_per_sec)")
		}
		o.in.log.Info().Str("stream", o.stream).Msg(line)
	}
}

// report handles what an instance reports of itself.
func (m *Manager) report(in *instance, text string) {
	what, value, _ := strings.Cut(text, " ")
	m.mu.Lock()
	defer m.mu.Unlock()
	switch what {
	case "ready": // see Options.ReadyText
		return
	case "players":
		if n, err := strconv.Atoi(value); err == nil && n >= 0 && n <= in.maxPlayers {
			in.setPlayers(n, m.o.Now())
			return
		}
	case "metadata":
		var v map[string]any
		if json.Unmarshal([]byte(value), &v) == nil && v != nil {
			if text, err := encode(v); err == nil {
				in.metadata = text
				return
			}
		}
	}
	if _, ok := in.lines.take(); ok {
		in.log.Warn().Str("report", text).Msg("the game server reported something that the fleet manager does not understand")
	}
}

// join is what an instance is told on its standard input, as a line of JSON.
type join struct {
	Type     string                 `json:"type"` // "join"
	Sessions []*runtime.SessionInfo `json:"sessions"`
	Metadata map[string]string      `json:"metadata,omitempty"`
}

// tell tells an instance who joins. It does not wait until the instance has read it.
func (in *instance) tell(sessions []*runtime.SessionInfo, metadata map[string]string) {
	if len(sessions) == 0 {
		return
	}
	line, err := json.Marshal(join{"join", sessions, metadata})
	if err == nil {
		err = in.process.write(append(line, '\n'))
	}
	in.notRead(err)
}

// notRead logs why an instance was not told who joins, unless err is nil.
func (in *instance) notRead(err error) {
	if err == nil {
		return
	}
	if _, ok := in.lines.take(); ok {
		in.log.Warn().Err(err).Msg("the game server does not read who joins from its standard input")
	}
}

// lineLimit limits the lines that are logged of an instance.
type lineLimit struct {
	perSecond int
	now       func() time.Time

	mu      sync.Mutex
	second  int64
	taken   int
	dropped int
}

// take reports whether a line may be logged, and how many were not since the last one
// that was.
func (l *lineLimit) take() (dropped int, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if s := l.now().Unix(); s != l.second {
		l.second, l.taken = s, 0
	}
	if l.taken >= l.perSecond {
		l.dropped++
		return 0, false
	}
	l.taken++
	dropped, l.dropped = l.dropped, 0
	return dropped, true
}
