// Package logs keeps the last lines of the server's log in memory, for those who look at
// it in the console.
package logs

import (
	"encoding/json"
	"time"

	"github.com/rs/zerolog"

	"kumi/internal/recent"
)

// What a Ring keeps.
const (
	keptLines = 2000
	keptBytes = 2 << 20
	// maxLine is the maximum size of a line in bytes; what is longer is cut.
	maxLine = 32 << 10
	// maxField is the maximum size of a text in a line that is cut.
	maxField = 4 << 10
)

// Line is a line of the log.
type Line struct {
	At    time.Time
	Level zerolog.Level
	Text  []byte // JSON
}

// Ring has the last lines of a log, about 2 MB. It is a writer for zerolog, and may be
// used from any goroutine.
type Ring struct{ *recent.List[Line] }

var _ zerolog.LevelWriter = (*Ring)(nil)

// NewRing makes an empty ring.
func NewRing() *Ring {
	const overhead = 64 // of a Line
	return &Ring{recent.NewList(keptLines, keptBytes, func(l Line) int { return len(l.Text) + overhead })}
}

// Write implements io.Writer, for lines without a level.
func (r *Ring) Write(text []byte) (int, error) { return r.WriteLevel(zerolog.NoLevel, text) }

// WriteLevel implements zerolog.LevelWriter.
func (r *Ring) WriteLevel(level zerolog.Level, text []byte) (int, error) {
	line := Line{At: time.Now(), Level: level}
	if len(text) <= maxLine {
		line.Text = append([]byte(nil), text...)
	} else {
		line.Text = shorten(text)
	}
	r.Add(line)
	return len(text), nil
}

// shorten cuts the texts in a line, and leaves out what else is long.
func shorten(text []byte) []byte {
	var all map[string]any
	if json.Unmarshal(text, &all) != nil {
		return []byte("{}")
	}
	left := maxLine
	for _, name := range append([]string{zerolog.MessageFieldName, zerolog.ErrorFieldName, "stack"}, others(all)...) {
		value, ok := all[name]
		if !ok {
			continue
		}
		if s, ok := value.(string); ok && len(s) > maxField {
			value = s[:maxField] + "…"
			all[name] = value
		}
		encoded, err := json.Marshal(value)
		if err != nil || len(encoded) > left {
			delete(all, name)
			continue
		}
		left -= len(encoded)
	}
	out, err := json.Marshal(all)
	if err != nil {
		return []byte("{}")
	}
	return out
}
