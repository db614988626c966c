package match

import (
	"cmp"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// cleanShare is the part of RecorderOptions.MaxFolder that is written until the folder is read
// again, and that is free in it afterwards.
const cleanShare = 64

// limit cleans the folder if so much was written that it may be too large. It keeps the file
// newest.
func (r *Recorder) limit(newest string) {
	if r.written > r.o.MaxFolder/cleanShare {
		r.clean(newest)
	}
}

// clean removes the oldest files until there is room for what is written before the next time.
func (r *Recorder) clean(newest string) {
	r.written = 0
	if err := r.removeOldest(newest); err != nil {
		r.o.Logger.Warn().Err(err).Msg("old recordings of matches were not removed")
	}
}

func (r *Recorder) removeOldest(newest string) error {
	if r.o.MaxFolder <= 0 {
		return nil
	}
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
	total := int64(0)
	for _, f := range files {
		if !f.Type().IsRegular() || !strings.HasSuffix(f.Name(), RecordingEnding) {
			continue
		}
		if info, err := f.Info(); err == nil {
			all = append(all, recording{filepath.Join(r.o.Folder, f.Name()), info})
			total += info.Size()
		}
	}
	slices.SortFunc(all, func(a, b recording) int {
		return cmp.Or(a.info.ModTime().Compare(b.info.ModTime()), strings.Compare(a.path, b.path))
	})
	var failed error
	for _, f := range all {
		if total <= r.o.MaxFolder-r.o.MaxFolder/cleanShare {
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
