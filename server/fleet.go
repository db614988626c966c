package server

import (
	"context"
	"path/filepath"
	"time"

	"github.com/heroiclabs/nakama-common/runtime"

	"kumi/core"
	"kumi/fleet"
)

// startFleet makes the fleet manager of the configured command, if there is one. A Go
// module may register another one instead.
func (s *Server) startFleet() error {
	s.game.Core.OnFleetCreated(s.fleetCreated)
	f := &s.config.Fleet
	if f.Command == "" {
		return nil
	}
	seconds := func(n int) time.Duration { return time.Duration(n) * time.Second }
	folder, err := filepath.Abs(s.config.DataDir)
	if err != nil {
		return err
	}
	s.fleet, err = fleet.New(fleet.Options{
		Command: f.Command, Args: f.Args, Env: f.Env, Dir: f.Dir,
		Address: f.Address, PortMin: f.PortMin, PortMax: f.PortMax, MaxInstances: f.MaxInstances,
		Ready: fleet.Ready(f.Ready), ReadyText: f.ReadyText,
		StartTimeout: seconds(f.StartTimeoutSec), StopGrace: seconds(f.StopGraceSec),
		IdleTimeout: seconds(f.IdleTimeoutSec), MaxLifetime: seconds(f.MaxLifetimeSec),
		MaxMemory: int64(f.MaxMemoryMB) << 20, LogLines: f.LogLinesPerSec,
		Name: s.config.Name + " " + folder, Logger: s.log,
	})
	if err != nil {
		return err
	}
	s.metrics.Fleet(s.fleet.Stats)
	return s.game.Core.Module().SetFleetManager(s.fleet)
}

// fleetCreated passes the end of a script's request to the modules that are loaded now.
func (s *Server) fleetCreated(status runtime.FmCreateStatus, instance *runtime.InstanceInfo, sessions []*runtime.SessionInfo, metadata map[string]any, failure error) {
	set := s.set.Load()
	if set == nil || set.Hooks.Single.FleetCreated == nil {
		s.log.Debug().Msg("no module registered a function for created game servers")
		return
	}
	ctx := core.WithMode(context.Background(), s.scope, "fleet_created")
	// Its error is logged where it is called.
	_ = set.Hooks.Single.FleetCreated.Call(ctx, status, instance, sessions, metadata, failure)
}

// stopFleet ends the game servers of the configured command.
func (s *Server) stopFleet(ctx context.Context) {
	if s.fleet != nil {
		s.fleet.Close(ctx)
	}
}
