package testkit

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"kumi/vm"
)

// logBook keeps the log of the server, since the running test began.
type logBook struct {
	mu    sync.Mutex
	lines []map[string]any
}

// maxLines is how many lines are kept of one test.
const maxLines = 10_000

// Write implements io.Writer: it takes one line of JSON.
func (b *logBook) Write(line []byte) (int, error) {
	var fields map[string]any
	if err := json.Unmarshal(line, &fields); err != nil {
		fields = map[string]any{"message": string(line)}
	}
	rename(fields, "msg", "message")
	rename(fields, "ts", "time")
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.lines) == maxLines {
		b.lines = slices.Delete(b.lines, 0, maxLines/2)
	}
	b.lines = append(b.lines, fields)
	return len(line), nil
}

func rename(fields map[string]any, from, to string) {
	if v, ok := fields[from]; ok {
		delete(fields, from)
		fields[to] = v
	}
}

// print adds a line that the test file printed.
func (b *logBook) print(level, message string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.lines = append(b.lines, map[string]any{"time": time.Now().UTC().Format("2006-01-02T15:04:05.000Z"), "level": level, "message": message})
}

// reset forgets all lines.
func (b *logBook) reset() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.lines = nil
}

func (b *logBook) snapshot() []map[string]any {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.lines)
}

// maxShown is how many lines of the log are printed with a failed test.
const maxShown = 30

// text returns the last lines, for people.
func (b *logBook) text() (out []string) {
	lines := b.snapshot()
	if n := len(lines) - maxShown; n > 0 {
		out = append(out, fmt.Sprintf("… %d earlier lines", n))
		lines = lines[n:]
	}
	for _, l := range lines {
		var s strings.Builder
		at, _ := l["time"].(string)
		if _, clock, ok := strings.Cut(at, "T"); ok {
			at = strings.TrimSuffix(clock, "Z")
		}
		fmt.Fprintf(&s, "%s %-5v %v", at, l["level"], l["message"])
		for _, key := range slices.Sorted(maps.Keys(l)) {
			switch key {
			case "time", "level", "message", "stack", "module_version":
			default:
				fmt.Fprintf(&s, " %s=%v", key, l[key])
			}
		}
		if stack, ok := l["stack"].(string); ok {
			s.WriteString("\n" + stack)
		}
		out = append(out, s.String())
	}
	return out
}

// logOf returns the lines of the running test as a list.
func logOf(h *host, c *vm.Call) error {
	lines := h.log.snapshot()
	list := make([]any, len(lines))
	for i, l := range lines {
		list[i] = l
	}
	return c.ReturnAny("lines", list, nil)
}
