package server

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/fsnotify/fsnotify"

	"kumi/modules/source"
	"kumi/store/fault"
)

// Saving a file causes several events, saving several files even more.
const (
	quiet    = 100 * time.Millisecond // without an event, before modules are reloaded
	maxQuiet = 500 * time.Millisecond // after the first event
	// away is how long the file of a module must be missing to count as deleted: some
	// editors and tools delete a file before writing it.
	away = 2 * time.Second
)

// watch reloads modules when a file in their folder changes, until the server
// stops. It creates the folder if needed.
func (s *Server) watch() error {
	root := s.config.Runtime.Path
	if err := os.MkdirAll(root, 0o755); err != nil {
		return fmt.Errorf("make the modules folder to watch: %w", err)
	}
	w, err := fsnotify.NewWatcher()
	if err != nil {
		return fmt.Errorf("watch the modules folder: %w", err)
	}
	if err := watchFolders(w, root); err != nil {
		_ = w.Close()
		return fmt.Errorf("watch the modules folder: %w", err)
	}
	s.reloads.work.Go(func() {
		defer w.Close()
		s.watchFiles(s.reloads.ctx, w, root)
	})
	return nil
}

func (s *Server) watchFiles(ctx context.Context, w *fsnotify.Watcher, root string) {
	var first time.Time       // first event since the last check
	timer := time.NewTimer(0) // check first for changes before the watch began
	defer timer.Stop()
	changed := func() {
		now := time.Now()
		if first.IsZero() {
			first = now
		}
		timer.Reset(min(quiet, max(maxQuiet-now.Sub(first), 0)))
	}
	var (
		running loadOfFiles // the load in progress, if any
		failed  string      // digest of the files that could not be loaded
		missing time.Time   // since when a module's file is missing
	)
	for {
		select {
		case <-ctx.Done():
			return
		case e, ok := <-w.Events:
			if !ok {
				return
			}
			if matters(e) {
				changed()
			}
		case err, ok := <-w.Errors:
			if !ok {
				return
			}
			s.log.Warn().Err(err).Msg("watch events of the modules folder were lost")
			changed()
		case ok := <-running.done:
			if failed = ""; !ok {
				failed = running.digest
			}
			running = loadOfFiles{}
			timer.Reset(0) // files may have been saved in the meantime
		case <-timer.C:
			first = time.Time{}
			if err := watchFolders(w, root); err != nil {
				s.log.Warn().Err(err).Msg("modules folder cannot be watched")
			}
			now := source.Digest(root)
			switch {
			case running.done != nil:
				if now != running.digest {
					running.cancel() // outdated
				}
				continue
			case now == s.set.Load().Digest || now == failed:
				missing = time.Time{}
				if now != failed {
					failed = ""
				}
				continue
			}
			if gone := s.gone(); gone == "" {
				missing = time.Time{}
			} else if missing.IsZero() {
				missing = time.Now()
				s.log.Debug().Str("file", gone).Msg("module file disappeared, waiting for it to come back")
				timer.Reset(away)
				continue
			} else if left := away - time.Since(missing); left > 0 {
				timer.Reset(left)
				continue
			}
			missing = time.Time{}
			running = s.loadFiles(ctx, now)
		}
	}
}

// loadOfFiles is a load started by the watcher.
type loadOfFiles struct {
	digest string
	cancel context.CancelFunc
	done   chan bool // false if the files cannot be loaded
}

func (s *Server) loadFiles(ctx context.Context, digest string) loadOfFiles {
	ctx, cancel := context.WithCancel(ctx)
	l := loadOfFiles{digest: digest, cancel: cancel, done: make(chan bool, 1)}
	s.reloads.work.Go(func() {
		defer cancel()
		err := s.Reload(ctx) // logs its errors
		l.done <- err == nil || fault.CodeOf(err) == fault.Canceled
	})
	return l
}

// gone returns a file of the running modules that no longer exists, or an empty
// string.
func (s *Server) gone() string {
	for _, m := range s.set.Load().Modules {
		if m.Runtime == "go" || m.Path == "" {
			continue
		}
		if _, err := os.Stat(filepath.Join(s.config.Runtime.Path, filepath.FromSlash(m.Path))); errors.Is(err, fs.ErrNotExist) {
			return m.Path
		}
	}
	return ""
}

// matters reports whether an event may concern a module.
func matters(e fsnotify.Event) bool {
	switch {
	case e.Has(fsnotify.Remove), e.Has(fsnotify.Rename):
		return true // it may have been a folder
	case e.Op == fsnotify.Chmod:
		return false
	case source.Is(e.Name):
		return true
	}
	info, err := os.Stat(e.Name) // a new folder, or a link to one
	return e.Has(fsnotify.Create) && err == nil && info.IsDir()
}

// watchFolders watches all folders that contain modules and are not watched yet.
func watchFolders(w *fsnotify.Watcher, root string) error {
	for {
		known, more := w.WatchList(), false
		for _, folder := range source.Folders(root) {
			if slices.Contains(known, folder) {
				continue
			}
			switch err := w.Add(folder); {
			case err == nil:
				more = true // folders may have been added before it was watched
			case !errors.Is(err, fs.ErrNotExist):
				return fmt.Errorf("%s: %w", folder, err)
			}
		}
		if !more {
			return nil
		}
	}
}
