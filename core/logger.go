package core

import (
	"fmt"
	"maps"

	"github.com/heroiclabs/nakama-common/runtime"
	"github.com/rs/zerolog"
)

// Logger is the logger of module code: runtime.Logger over zerolog. It keeps
// its fields, so that modules can read them. It is immutable and may be used
// from any goroutine.
type Logger struct {
	log    zerolog.Logger
	fields map[string]any
}

var _ runtime.Logger = (*Logger)(nil)

// NewLogger wraps a logger for module code.
func NewLogger(log zerolog.Logger) *Logger { return &Logger{log: log} }

// Debug implements runtime.Logger.
func (l *Logger) Debug(format string, v ...any) { send(l.log.Debug(), format, v) }

// Info implements runtime.Logger.
func (l *Logger) Info(format string, v ...any) { send(l.log.Info(), format, v) }

// Warn implements runtime.Logger.
func (l *Logger) Warn(format string, v ...any) { send(l.log.Warn(), format, v) }

// Error implements runtime.Logger.
func (l *Logger) Error(format string, v ...any) { send(l.log.Error(), format, v) }

// WithField implements runtime.Logger.
func (l *Logger) WithField(key string, v any) runtime.Logger {
	return l.WithFields(map[string]any{key: v})
}

// WithFields implements runtime.Logger.
func (l *Logger) WithFields(fields map[string]any) runtime.Logger {
	all := make(map[string]any, len(l.fields)+len(fields))
	maps.Copy(all, l.fields)
	maps.Copy(all, fields)
	return &Logger{log: l.log.With().Fields(fields).Logger(), fields: all}
}

// Fields implements runtime.Logger. The map is a copy.
func (l *Logger) Fields() map[string]any {
	if l.fields == nil {
		return map[string]any{}
	}
	return maps.Clone(l.fields)
}

// Event begins a line with the logger's fields; nil if the level is disabled.
func (l *Logger) Event(level zerolog.Level) *zerolog.Event { return l.log.WithLevel(level) }

// send formats the line only if its level is enabled.
func send(e *zerolog.Event, format string, v []any) {
	if e == nil || !e.Enabled() {
		return
	}
	if len(v) == 0 {
		e.Msg(format)
		return
	}
	e.Msg(fmt.Sprintf(format, v...))
}
