package core

import (
	"context"
	"runtime/debug"
	"sync"
	"sync/atomic"

	"github.com/gofrs/uuid/v5"
	"github.com/heroiclabs/nakama-common/runtime"
	"github.com/rs/zerolog"

	"kumi/store/fault"
)

// fleet is the fleet manager of the game, which a Go module registers or the server
// provides.
type fleet struct {
	manager   atomic.Pointer[runtime.FleetManagerInitializer]
	callbacks fleetCallbacks
	created   atomic.Pointer[runtime.FmCreateCallbackFn] // see OnFleetCreated
}

// OnFleetCreated sets the function that learns how requests of scripts to create a game
// server ended. The metadata is that of the request, also if it failed.
func (c *Core) OnFleetCreated(fn runtime.FmCreateCallbackFn) { c.fleet.created.Store(&fn) }

// SetFleetManager calls a fleet manager's Init and makes it the one that GetFleetManager
// returns; a later one replaces it.
func (m *Module) SetFleetManager(fm runtime.FleetManagerInitializer) (err error) {
	defer func() {
		if p := recover(); p != nil {
			m.core.log.Error().Interface("panic", p).Bytes("stack", debug.Stack()).Msg("the Init of a fleet manager panicked")
			err = fault.Newf(fault.Internal, "the Init of the fleet manager panicked: %v", p)
		}
	}()
	if err := fm.Init(m, &m.core.fleet.callbacks); err != nil {
		return err
	}
	m.core.fleet.manager.Store(&fm)
	return nil
}

// GetFleetManager implements runtime.NakamaModule. It returns nil if there is no fleet
// manager. The value is the one that was registered, with Update and Delete.
func (m *Module) GetFleetManager() runtime.FleetManager {
	if fm := m.Fleet(); fm != nil {
		return fm
	}
	return nil // not a nil pointer in the interface
}

// Fleet is GetFleetManager with all functions.
func (m *Module) Fleet() runtime.FleetManagerInitializer {
	if fm := m.core.fleet.manager.Load(); fm != nil {
		return *fm
	}
	return nil
}

// ErrNoFleet is the error of scripts that use the object of a fleet manager that does not
// exist.
var ErrNoFleet = fault.New(fault.FailedPrecondition, "there is no fleet manager")

// FleetCreate creates a game server for a script. The end of the request goes to the
// function of OnFleetCreated, since the script has no function that could be called
// later.
func (m *Module) FleetCreate(ctx context.Context, maxPlayers int, users []string, latencies []runtime.FleetUserLatencies, metadata map[string]any) (map[string]string, error) {
	fm := m.Fleet()
	if fm == nil {
		return nil, ErrNoFleet
	}
	return fm.Create(ctx, maxPlayers, users, latencies, metadata, func(status runtime.FmCreateStatus, instance *runtime.InstanceInfo, sessions []*runtime.SessionInfo, _ map[string]any, err error) {
		if created := m.core.fleet.created.Load(); created != nil {
			(*created)(status, instance, sessions, metadata, err)
		}
	})
}

// fleetCallbacks implements runtime.FmCallbackHandler: it holds the callbacks of requests
// whose end is reported to a fleet manager with an id.
type fleetCallbacks struct {
	log  zerolog.Logger
	byID sync.Map // string → runtime.FmCreateCallbackFn
}

// GenerateCallbackId implements runtime.FmCallbackHandler.
func (f *fleetCallbacks) GenerateCallbackId() string { return uuid.Must(uuid.NewV4()).String() }

// SetCallback implements runtime.FmCallbackHandler. The function is called once at
// most.
func (f *fleetCallbacks) SetCallback(callbackId string, fn runtime.FmCreateCallbackFn) {
	if fn != nil {
		f.byID.Store(callbackId, fn)
	}
}

// InvokeCallback implements runtime.FmCallbackHandler. An unknown id is ignored: its
// callback has been called.
func (f *fleetCallbacks) InvokeCallback(callbackId string, status runtime.FmCreateStatus, instanceInfo *runtime.InstanceInfo, sessionInfo []*runtime.SessionInfo, metadata map[string]any, err error) {
	fn, ok := f.byID.LoadAndDelete(callbackId)
	if !ok {
		f.log.Debug().Str("callback", callbackId).Msg("a fleet manager invoked an unknown callback")
		return
	}
	defer func() {
		if p := recover(); p != nil {
			f.log.Error().Interface("panic", p).Bytes("stack", debug.Stack()).Msg("the callback of a fleet manager panicked")
		}
	}()
	fn.(runtime.FmCreateCallbackFn)(status, instanceInfo, sessionInfo, metadata, err)
}
