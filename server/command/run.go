package command

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/rs/zerolog"

	"kumi/config"
	"kumi/server"
)

// drain is how long Stop may take beyond the configured grace period.
const drain = 10 * time.Second

func run(ctx context.Context, args []string, s streams) int {
	cfg, warnings, ok := load(args, s)
	if !ok {
		return exitUsage
	}
	return serve(ctx, cfg, warnings, s)
}

// serve runs a server until it is told to stop.
func serve(ctx context.Context, cfg *config.Config, warnings []string, s streams) int {
	log, closeLog, err := newLogger(cfg, s)
	if err != nil {
		return failed(s, err)
	}
	defer closeLog()
	people := cfg.Logger.Format == "text"
	for _, w := range warnings {
		log.Warn().Msg(w)
	}

	srv, err := server.New(ctx, cfg, log)
	if err != nil {
		return failed(s, err)
	}
	if err := srv.Start(ctx); err != nil {
		_ = srv.Stop(ctx)
		return failed(s, err)
	}
	if people {
		srv.Screen(s.out)
	} else {
		srv.Describe(log.Info()).Msg("server is ready")
	}
	defer reloadOnHangup(ctx, srv)()

	code := exitOK
	select {
	case <-ctx.Done():
	case err := <-srv.Failed():
		log.Error().Err(err).Msg("stopping")
		code = exitFailed
	}
	if err := stop(srv, time.Duration(cfg.ShutdownGraceSec)*time.Second, log); err != nil {
		log.Error().Err(err).Msg("did not stop cleanly")
		return exitFailed
	}
	log.Info().Msg("stopped")
	return code
}

// stop ends the server within its grace period; a further signal cuts it short.
func stop(srv *server.Server, grace time.Duration, log zerolog.Logger) error {
	log.Info().Dur("grace", grace).Msg("stopping")
	ctx, cancel := context.WithTimeout(context.Background(), grace+drain)
	defer cancel()
	ctx, again := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer again()
	return srv.Stop(ctx)
}
