package server

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/fsnotify/fsnotify"

	"kumi/modules"
)

// Saving a file is several events, and saving several files more.
const (
	quiet     = 100 * time.Millisecond // without an event before modules are loaded
	quietMost = 500 * time.Millisecond // after the first event
)

// watch loads modules anew when a file of their folder changes, until the server
// stops. The folder is made if it is not there.
func (s *Server) watch() error {
	root := s.config.Runtime.Path
	if err := os.MkdirAll(root, 0o755); err != nil {
		return fmt.Errorf("make the modules folder to watch: %w", err)
	}
	if real, err := filepath.EvalSymlinks(root); err == nil {
		root = real
	}
	w, err := fsnotify.NewWatcher()
	if err != nil {
		return fmt.Errorf("watch the modules folder: %w", err)
	}
	if err := watchTree(w, root, root); err != nil {
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
	var first time.Time       // event since the last look
	timer := time.NewTimer(0) // the first look is for what changed before the watch began
	defer timer.Stop()
	changed := func() {
		now := time.Now()
		if first.IsZero() {
			first = now
		}
		timer.Reset(min(quiet, max(quietMost-now.Sub(first), 0)))
	}
	failed := "" // digest of the files that could not be loaded
	for {
		select {
		case <-ctx.Done():
			return
		case e, ok := <-w.Events:
			if !ok {
				return
			}
			if e.Has(fsnotify.Create) {
				if info, err := os.Stat(e.Name); err == nil && info.IsDir() {
					if err := watchTree(w, root, e.Name); err != nil {
						s.log.Warn().Err(err).Str("folder", e.Name).Msg("folder of modules cannot be watched")
					}
					changed()
					continue
				}
			}
			// What is gone may have been a folder.
			if e.Op != fsnotify.Chmod && modules.Source(e.Name) || e.Has(fsnotify.Remove) || e.Has(fsnotify.Rename) {
				changed()
			}
		case err, ok := <-w.Errors:
			if !ok {
				return
			}
			s.log.Warn().Err(err).Msg("events of the modules folder were lost")
			changed()
		case <-timer.C:
			first = time.Time{}
			failed = s.reloadChanged(ctx, failed)
		}
	}
}

// reloadChanged loads the modules if their files differ from those that are
// loaded and from those that could not be. It returns the digest of the latter.
func (s *Server) reloadChanged(ctx context.Context, failed string) string {
	now := modules.Digest(s.config.Runtime.Path)
	switch now {
	case s.set.Load().Digest:
		return ""
	case failed:
		return failed
	}
	if err := s.Reload(ctx); err != nil { // it is in the log
		return now
	}
	return ""
}

// watchTree watches a folder and those below it that modules may be in.
func watchTree(w *fsnotify.Watcher, root, folder string) error {
	return filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil // gone meanwhile
		case err != nil:
			return err
		case !d.IsDir():
			return nil
		case path != root && modules.Skipped(d.Name()):
			return filepath.SkipDir
		}
		if err := w.Add(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	})
}
