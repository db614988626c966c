package command

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/mattn/go-isatty"
	"github.com/rs/zerolog"

	"kumi/config"
)

// newLogger makes the logger from the configuration, and resolves its format: auto
// becomes text on a terminal and json elsewhere. also get the lines too, as JSON.
func newLogger(cfg *config.Config, s streams, also ...io.Writer) (log zerolog.Logger, closeLog func(), err error) {
	if cfg.Logger.Format == "auto" || cfg.Logger.Format == "" {
		cfg.Logger.Format = "json"
		if isTerminal(s.out) {
			cfg.Logger.Format = "text"
		}
	}
	level, err := zerolog.ParseLevel(cfg.Logger.Level)
	if err != nil {
		return log, nil, fmt.Errorf("logger.level: %w", err)
	}
	out, closeLog := s.out, func() {}
	if cfg.Logger.File != "" {
		file, err := openLog(&cfg.Logger)
		if err != nil {
			return log, nil, err
		}
		closeLog = func() { _ = file.Close() }
		out = file
		if cfg.Logger.Stdout {
			out = io.MultiWriter(file, s.out)
		}
	}
	out = format(cfg.Logger.Format, out)
	if len(also) > 0 {
		out = zerolog.MultiLevelWriter(append([]io.Writer{out}, also...)...)
	}
	return zerolog.New(out).Level(level).With().Timestamp().Logger(), closeLog, nil
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && isatty.IsTerminal(f.Fd())
}

// The library has the names of fields in global variables, so a process has one set of
// them. These are Nakama's; only the format stackdriver has others.
func init() {
	zerolog.TimestampFieldName, zerolog.MessageFieldName, zerolog.LevelFieldName = "ts", "msg", "level"
	zerolog.TimeFieldFormat = "2006-01-02T15:04:05.000Z0700"
	zerolog.DurationFieldUnit = time.Millisecond
}

func format(name string, out io.Writer) io.Writer {
	switch name {
	case "text":
		return zerolog.ConsoleWriter{Out: out, TimeFormat: "15:04:05.000", NoColor: os.Getenv("NO_COLOR") != "" || !isTerminal(out)}
	case "stackdriver":
		zerolog.TimestampFieldName, zerolog.MessageFieldName, zerolog.LevelFieldName = "time", "message", "severity"
		zerolog.TimeFieldFormat = time.RFC3339Nano
		zerolog.LevelFieldMarshalFunc = func(l zerolog.Level) string {
			switch l {
			case zerolog.DebugLevel, zerolog.TraceLevel:
				return "DEBUG"
			case zerolog.InfoLevel:
				return "INFO"
			case zerolog.WarnLevel:
				return "WARNING"
			case zerolog.ErrorLevel:
				return "ERROR"
			}
			return "CRITICAL"
		}
	}
	return out
}

func openLog(l *config.Logger) (io.WriteCloser, error) {
	if l.Rotation {
		if err := os.MkdirAll(filepath.Dir(l.File), 0o755); err != nil {
			return nil, fmt.Errorf("make the folder of logger.file: %w", err)
		}
		return newRotator(l), nil
	}
	f, err := os.OpenFile(l.File, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, fmt.Errorf("open logger.file: %w", err)
	}
	return f, nil
}
