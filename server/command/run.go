package command

import (
	"context"
	"errors"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/rs/zerolog"

	"kumi/config"
	"kumi/server"
	"kumi/server/logs"
)

// drain is how long Stop may take after the grace period.
const drain = 10 * time.Second

func run(ctx context.Context, args []string, s streams) int {
	cfg, warnings, ok := load(args, s)
	if !ok {
		return exitUsage
	}
	if err := isFolder(cfg); err != nil {
		return failed(s, err)
	}
	if note := folderNote(cfg); note != "" {
		warnings = append(warnings, note)
	}
	return serve(ctx, cfg, warnings, s)
}

// serve runs a server until it is stopped.
func serve(ctx context.Context, cfg *config.Config, warnings []string, s streams, options ...server.Option) int {
	lines := logs.NewRing()
	var also []io.Writer
	if cfg.Console.Port != 0 {
		also = append(also, lines)
	}
	log, closeLog, err := newLogger(cfg, s, also...)
	if err != nil {
		return failed(s, err)
	}
	defer closeLog()
	people := cfg.Logger.Format == "text"
	for _, w := range warnings {
		log.Warn().Msg(w)
	}

	if tz := os.Getenv("TZ"); !knownZone(tz) {
		log.Warn().Str("TZ", tz).Msg("the time zone in TZ is unknown, local times are UTC")
	}

	srv, err := server.New(ctx, cfg, log, append(options, server.Lines(lines))...)
	if err != nil {
		return notStarted(cfg, log, s, err)
	}
	if err := srv.Start(ctx); err != nil {
		_ = srv.Stop(ctx)
		return notStarted(cfg, log, s, err)
	}
	defer reloadOnHangup(ctx, srv)()
	background, cancel := context.WithCancel(context.Background())
	defer cancel()
	go tuneHeap(background)
	if people {
		srv.Banner(s.out)
	} else {
		srv.Describe(log.Info()).Msg("server is ready")
	}
	if url := srv.ConsoleURL(); url != "" && cfg.Console.Open {
		openBrowser(url)
	}

	code := exitOK
	select {
	case <-ctx.Done():
	case <-srv.Draining():
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

// notStarted reports why the server did not start: as text on a terminal, otherwise as
// the last line of the log. If the log is a file, the text is also written to standard
// error.
func notStarted(cfg *config.Config, log zerolog.Logger, s streams, err error) int {
	if cfg.Logger.Format == "text" || errors.Is(err, context.Canceled) {
		return failed(s, err)
	}
	log.WithLevel(zerolog.FatalLevel).Err(err).Msg("the server did not start")
	if cfg.Logger.File != "" && !cfg.Logger.Stdout {
		return failed(s, err)
	}
	return exitFailed
}

// knownZone reports whether Go finds the time zone of TZ; it uses UTC if not.
func knownZone(tz string) bool {
	tz = strings.TrimPrefix(tz, ":")
	if filepath.IsAbs(tz) {
		_, err := os.Stat(tz)
		return err == nil
	}
	_, err := time.LoadLocation(tz)
	return err == nil
}

// stop stops the server within its grace period; a second signal skips that.
func stop(srv *server.Server, grace time.Duration, log zerolog.Logger) error {
	log.Info().Dur("grace", grace).Msg("stopping")
	ctx, cancel := context.WithTimeout(context.Background(), grace+drain)
	defer cancel()
	ctx, again := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer again()
	return srv.Stop(ctx)
}
