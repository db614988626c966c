package command

import (
	"gopkg.in/natefinch/lumberjack.v2"

	"kumi/config"
)

// newRotator is a log file that is rotated by size and swept by age and count.
func newRotator(l *config.Logger) *lumberjack.Logger {
	return &lumberjack.Logger{
		Filename: l.File, MaxSize: l.MaxSize, MaxAge: l.MaxAge, MaxBackups: l.MaxBackups,
		LocalTime: l.LocalTime, Compress: l.Compress,
	}
}
