package command

import (
	"gopkg.in/natefinch/lumberjack.v2"

	"kumi/config"
)

// newRotator returns a log file that is rotated by size; old files are removed by age
// and number.
func newRotator(l *config.Logger) *lumberjack.Logger {
	return &lumberjack.Logger{
		Filename: l.File, MaxSize: l.MaxSize, MaxAge: l.MaxAge, MaxBackups: l.MaxBackups,
		LocalTime: l.LocalTime, Compress: l.Compress,
	}
}
