package core

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/heroiclabs/nakama-common/api"
	"github.com/heroiclabs/nakama-common/runtime"

	"kumi/store/fault"
)

// Config returns the server's configuration, for module code.
func (m *Module) Config() runtime.Config { return m.core.config }

// ModulesPath returns the folder that ReadFile reads from.
func (m *Module) ModulesPath() string { return m.core.modules }

// ReadFile implements runtime.NakamaModule. The path is relative to the
// modules folder; nothing outside of it can be reached, neither by ".." nor by
// links. The caller closes the file.
//
// Errors: InvalidArgument for an empty path or one that leads outside,
// NotFound for a missing file.
func (m *Module) ReadFile(path string) (*os.File, error) {
	if path == "" {
		return nil, invalid("expects a path string")
	}
	root, err := os.OpenRoot(m.core.modules)
	if err != nil {
		return nil, failed("open the modules folder", err)
	}
	defer root.Close()
	if filepath.IsAbs(path) {
		// Module code may build an absolute path from the folder's own path.
		folder, err := filepath.Abs(m.core.modules)
		if err == nil {
			path, err = filepath.Rel(folder, path)
		}
		if err != nil {
			return nil, fault.Wrap(fault.InvalidArgument, "path must be inside the modules folder", err)
		}
	}
	// Opening a pipe would wait for a writer, without a deadline.
	file, err := root.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err == nil {
		var info fs.FileInfo
		if info, err = file.Stat(); err == nil && info.Mode().IsRegular() {
			return file, nil
		}
		_ = file.Close()
		if err == nil {
			return nil, invalid("%q in the modules folder is not a regular file", path)
		}
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fault.Wrap(fault.NotFound, fmt.Sprintf("no file %q in the modules folder", path), err)
	case errors.Is(err, fs.ErrPermission):
		return nil, fault.Wrap(fault.PermissionDenied, fmt.Sprintf("file %q may not be read", path), err)
	}
	return nil, fault.Wrap(fault.InvalidArgument, fmt.Sprintf("cannot read file %q from the modules folder", path), err)
}

// Event implements runtime.NakamaModule: it passes an event to the registered
// event functions. An event without a time gets the current one.
func (m *Module) Event(ctx context.Context, e *api.Event) error {
	if ctx == nil {
		return invalid("expects a non-nil context")
	}
	if e == nil {
		return invalid("expects a non-nil event")
	}
	m.core.deliver(ctx, e)
	return nil
}

// MetricsCounterAdd implements runtime.NakamaModule. A negative delta is
// dropped and counted as an error, since counters never decrease.
func (m *Module) MetricsCounterAdd(name string, tags map[string]string, delta int64) {
	m.core.metrics.CustomCounter(name, tags, delta)
}

// MetricsGaugeSet implements runtime.NakamaModule.
func (m *Module) MetricsGaugeSet(name string, tags map[string]string, value float64) {
	m.core.metrics.CustomGauge(name, tags, value)
}

// MetricsTimerRecord implements runtime.NakamaModule.
func (m *Module) MetricsTimerRecord(name string, tags map[string]string, value time.Duration) {
	m.core.metrics.CustomTimer(name, tags, value)
}
