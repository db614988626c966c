package js

import (
	"bytes"
	"context"
	"io"
	"time"

	"github.com/dop251/goja"

	"kumi/store/fault"
)

// Profile writes what all VMs of the process do during d to w, in the format of
// go tool pprof. It may be called from any goroutine, but only one profile can be made at
// a time: FailedPrecondition otherwise. If ctx ends first it writes nothing.
func Profile(ctx context.Context, w io.Writer, d time.Duration) error {
	var profile bytes.Buffer
	if err := goja.StartProfile(&profile); err != nil {
		return fault.Wrap(fault.FailedPrecondition, "A profile of JavaScript cannot be made now: "+err.Error(), err)
	}
	end := time.NewTimer(d)
	defer end.Stop()
	select {
	case <-end.C:
	case <-ctx.Done():
	}
	goja.StopProfile()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	_, err := w.Write(profile.Bytes())
	return err
}
