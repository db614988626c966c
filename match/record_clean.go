package match

import (
	"cmp"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// cleanShare is the part of RecorderOptions.MaxFolder that is written until the folder is read
// again, and that is free in it afterwards.
const cleanShare = 64

// abandoned is the age from which on a hidden file is one that a killed server left. They are
// hidden while one write lasts.
const abandoned = time.Hour

// limit cleans the folder if so much was written that it may be too large. It keeps the file
// newest.
func (r *Recorder) limit(newest string) {
	if r.o.MaxFolder > 0 && r.written > r.o.MaxFolder/cleanShare {
		r.clean(newest)
	}
}

// clean removes the oldest files until there is room for what is written before the next time,
// and hidden files that nobody writes any more.
func (r *Recorder) clean(newest string) {
	r.written = 0
	if err := r.removeFiles(newest); err != nil {
		r.o.Logger.Warn().Err(err).Msg("old recordings of matches were not removed")
	}
}

func (r *Recorder) removeFiles(newest string) error {
	files, err := os.ReadDir(r.o.Folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	type recording struct {
		path string
		info fs.FileInfo
	}
	var all []recording
	total, failed := int64(0), error(nil)
	for _, f := range files {
		if !f.Type().IsRegular() {
			continue
		}
		info, err := f.Info()
		switch name := f.Name(); {
		case err != nil: // it was removed
		case strings.HasSuffix(name, RecordingEnding+hiddenEnding) && time.Since(info.ModTime()) > abandoned:
			failed = errors.Join(failed, os.Remove(filepath.Join(r.o.Folder, name)))
		case strings.HasSuffix(name, RecordingEnding):
			all = append(all, recording{filepath.Join(r.o.Folder, f.Name()), info})
			total += info.Size()
		}
	}
	slices.SortFunc(all, func(a, b recording) int {
		return cmp.Or(a.info.ModTime().Compare(b.info.ModTime()), strings.Compare(a.path, b.path))
	})
	for _, f := range all {
		if r.o.MaxFolder <= 0 || total <= r.o.MaxFolder-r.o.MaxFolder/cleanShare {
			break
		}
		if f.path == newest {
			continue
		}
		if err := os.Remove(f.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			failed = errors.Join(failed, err) // it names the file
			continue
		}
		total -= f.info.Size()
	}
	return failed
}
