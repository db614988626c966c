package golang

import (
	"cmp"
	"context"
	"database/sql"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/heroiclabs/nakama-common/api"
	"github.com/heroiclabs/nakama-common/rtapi"
	"github.com/heroiclabs/nakama-common/runtime"

	"kumi/core"
	"kumi/hooks"
	"kumi/match"
	"kumi/modules/registry"
	"kumi/rpc"
	"kumi/store/fault"
)

// initializer is what a Go module registers its functions with, while its InitModule
// runs. Its methods may be called from any goroutine. After InitModule has returned
// they fail with FailedPrecondition.
type initializer struct {
	*goModule
	*Options
	loaded registry.Loaded

	mu   sync.Mutex
	open bool
}

var _ runtime.Initializer = (*initializer)(nil)

func (i *initializer) close() {
	i.mu.Lock()
	i.open = false
	i.mu.Unlock()
}

// register calls set under the lock. It fails if the function is missing or InitModule
// has returned. set returns the origin of what it replaced, or nil.
func (i *initializer) register(what string, missing bool, set func() (was *hooks.Origin)) error {
	if missing {
		return fault.Newf(fault.InvalidArgument, "%s: the function is nil", what)
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	if !i.open {
		return fault.Newf(fault.FailedPrecondition, "%s: functions can only be registered while InitModule runs", what)
	}
	was := set()
	if i.Registered != nil && i.Registered(what, was != nil) {
		return nil
	}
	if was != nil && i.Shadowed != nil {
		i.Shadowed(what, i.origin(), *was)
	}
	return nil
}

func (i *initializer) origin() hooks.Origin {
	return hooks.Origin{Runtime: Runtime, Module: i.name}
}

func (i *initializer) before(kind hooks.Kind, name string, missing bool, make func(*call) hooks.Before) error {
	what := "before hook " + strconv.Quote(name)
	return i.register(what, missing, func() *hooks.Origin {
		c := i.call(what, "before", map[string]any{"api_id": name, "mode": "before"})
		i.loaded.Hooks = append(i.loaded.Hooks, "before "+name)
		return registry.OriginOf(i.Into.Hooks.SetBefore(kind, name, hooks.Slot[hooks.Before]{Origin: i.origin(), Call: make(c)}))
	})
}

func (i *initializer) after(kind hooks.Kind, name string, missing bool, make func(*call) hooks.After) error {
	what := "after hook " + strconv.Quote(name)
	return i.register(what, missing, func() *hooks.Origin {
		c := i.call(what, "after", map[string]any{"api_id": name, "mode": "after"})
		i.loaded.Hooks = append(i.loaded.Hooks, "after "+name)
		return registry.OriginOf(i.Into.Hooks.SetAfter(kind, name, hooks.Slot[hooks.After]{Origin: i.origin(), Call: make(c)}))
	})
}

// GetConfig implements runtime.Initializer.
func (i *initializer) GetConfig() (runtime.Config, error) { return i.config, nil }

// RegisterRpc implements runtime.Initializer.
func (i *initializer) RegisterRpc(id string, fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, payload string) (string, error)) error {
	if id == "" {
		return fault.New(fault.InvalidArgument, "RPC function: the id is empty")
	}
	id = strings.ToLower(id)
	what := "RPC function " + strconv.Quote(id)
	return i.register(what, fn == nil, func() *hooks.Origin {
		c := i.call(what, "rpc", map[string]any{"rpc_id": id})
		run := func(ctx context.Context, payload string) (_ string, err error) {
			start := time.Now()
			ctx, end := c.begin(ctx)
			defer end()
			defer c.recovered(&err)
			out, err := fn(ctx, c.loggerOf(ctx), c.db, c.nk, payload)
			return out, c.noted(err, start)
		}
		i.loaded.RPCs = append(i.loaded.RPCs, id)
		was := i.Into.RPC.Set(&rpc.Function{ID: id, Runtime: Runtime, Module: i.name, Call: run})
		if was == nil {
			return nil
		}
		return &hooks.Origin{Runtime: was.Runtime, Module: was.Module}
	})
}

// RegisterBeforeRt implements runtime.Initializer.
func (i *initializer) RegisterBeforeRt(id string, fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, in *rtapi.Envelope) (*rtapi.Envelope, error)) error {
	name, ok := i.realtime(id)
	if !ok {
		return nil
	}
	return i.before(hooks.Realtime, name, fn == nil, beforeHook(fn))
}

// RegisterAfterRt implements runtime.Initializer.
func (i *initializer) RegisterAfterRt(id string, fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, out, in *rtapi.Envelope) error) error {
	name, ok := i.realtime(id)
	if !ok {
		return nil
	}
	return i.after(hooks.Realtime, name, fn == nil, afterHook(fn))
}

// realtime returns the exact name of a realtime message. A message that does not exist
// is never received; it is no error, because there are modules that hook one and work
// in Nakama.
func (i *initializer) realtime(id string) (string, bool) {
	name, ok := hooks.Canonical(hooks.Realtime, id)
	if !ok {
		i.log.Warn().Msgf("unknown realtime message %q: the hook will never run", id)
	}
	return name, ok
}

// RegisterMatch implements runtime.Initializer.
func (i *initializer) RegisterMatch(name string, fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule) (runtime.Match, error)) error {
	what := "match handler " + strconv.Quote(name)
	return i.register(what, fn == nil, func() *hooks.Origin {
		i.loaded.Matches = append(i.loaded.Matches, name)
		return i.Into.SetMatch(name, hooks.Slot[match.Factory]{Origin: i.origin(), Call: goMatches(i.goModule, name, fn)})
	})
}

// RegisterEvent implements runtime.Initializer.
func (i *initializer) RegisterEvent(fn func(ctx context.Context, logger runtime.Logger, evt *api.Event)) error {
	return i.event("event handler", &i.Into.Hooks.Events.Custom, fn)
}

// RegisterEventSessionStart implements runtime.Initializer.
func (i *initializer) RegisterEventSessionStart(fn func(ctx context.Context, logger runtime.Logger, evt *api.Event)) error {
	return i.event("session start handler", &i.Into.Hooks.Events.SessionStart, fn)
}

// RegisterEventSessionEnd implements runtime.Initializer.
func (i *initializer) RegisterEventSessionEnd(fn func(ctx context.Context, logger runtime.Logger, evt *api.Event)) error {
	return i.event("session end handler", &i.Into.Hooks.Events.SessionEnd, fn)
}

func (i *initializer) event(what string, list *[]hooks.Slot[hooks.Event], fn func(ctx context.Context, logger runtime.Logger, evt *api.Event)) error {
	return i.register(what, fn == nil, func() *hooks.Origin {
		c := i.call(what, "", nil)
		i.loaded.Events++
		*list = append(*list, hooks.Slot[hooks.Event]{Origin: i.origin(), Call: func(ctx context.Context, e *api.Event) {
			ctx, end := c.begin(ctx)
			defer end()
			defer c.recovered(nil)
			fn(ctx, c.logger, e)
		}})
		return nil
	})
}

// RegisterStorageIndex implements runtime.Initializer.
func (i *initializer) RegisterStorageIndex(name, collection, key string, fields []string, sortableFields []string, maxEntries int, indexOnly bool) error {
	what := registry.What(registry.Index, name)
	x := core.StorageIndex{
		Name: name, Collection: collection, Key: key, Fields: slices.Clone(fields), Sortable: slices.Clone(sortableFields), MaxEntries: maxEntries, IndexOnly: indexOnly,
	}
	if err := x.Check(); err != nil {
		return err
	}
	var exists error
	err := i.register(what, false, func() *hooks.Origin {
		if _, ok := i.Into.Indexes[name]; ok {
			exists = fault.Newf(fault.AlreadyExists, "%s exists already", what)
			return nil
		}
		i.Into.Indexes[name] = hooks.Slot[core.StorageIndex]{Origin: i.origin(), Call: x}
		return nil
	})
	return cmp.Or(err, exists)
}

// RegisterStorageIndexFilter implements runtime.Initializer.
func (i *initializer) RegisterStorageIndexFilter(indexName string, fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, write *runtime.StorageWrite) bool) error {
	what := registry.What(registry.IndexFilter, indexName)
	return i.register(what, fn == nil, func() *hooks.Origin {
		var was *hooks.Origin
		if old, ok := i.Into.Filters[indexName]; ok {
			was = &old.Origin
		}
		c := i.call(what, "storage_index_filter", map[string]any{"index": indexName})
		i.Into.Filters[indexName] = hooks.Slot[hooks.IndexFilter]{Origin: i.origin(), Call: func(ctx context.Context, w *runtime.StorageWrite) (_ bool, err error) {
			ctx, end := c.begin(ctx)
			defer end()
			defer c.recovered(&err)
			return fn(ctx, c.logger, c.db, c.nk, w), nil
		}}
		return was
	})
}

// RegisterFleetManager implements runtime.Initializer: it calls the Init of a fleet
// manager and makes it the one of the game, instead of that of an earlier module or of
// the server (fleet.command).
func (i *initializer) RegisterFleetManager(fleetManagerInit runtime.FleetManagerInitializer) error {
	const what = "fleet manager"
	if fleetManagerInit == nil {
		return fault.New(fault.InvalidArgument, what+": it is nil")
	}
	if err := i.register(what, false, func() *hooks.Origin {
		was := i.Into.Fleet
		origin := i.origin()
		i.Into.Fleet = &origin
		return was
	}); err != nil {
		return err
	}
	return i.nk.SetFleetManager(fleetManagerInit)
}
