package command

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"kumi/server"
)

// reloadOnHangup reloads the modules on SIGHUP, until stop is called. The result is
// logged.
func reloadOnHangup(ctx context.Context, srv *server.Server) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-hangup:
				_ = srv.Reload(ctx)
			case <-ctx.Done():
				return
			}
		}
	}()
	return func() {
		signal.Stop(hangup)
		cancel()
		<-done
	}
}
