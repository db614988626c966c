package nk

import (
	"cmp"

	"github.com/heroiclabs/nakama-common/runtime"

	"kumi/core"
	"kumi/modules/script"
	"kumi/vm"
)

// fleetTable is the object that get_fleet_manager returns. A call may wait for another
// service: fleet managers of Go modules usually ask one.
var fleetTable = []vm.Func[*core.Module]{
	{Name: vm.N("create"), Body: fleetCreate},
	{Name: vm.N("get"), Body: fleetGet},
	{Name: vm.N("list"), Body: fleetList},
	{Name: vm.N("join"), Body: fleetJoin},
	{Name: vm.N("update"), Body: fleetUpdate},
	{Name: vm.N("delete"), Body: fleetDelete},
}

// FleetLibrary returns the functions of the object that get_fleet_manager returns.
func FleetLibrary(lang vm.Lang, nk *core.Module) *vm.Library { return vm.Bind(lang, nk, fleetTable) }

// getFleetManager returns the object, or nil if there is no fleet manager.
func getFleetManager(lib *vm.Library) func(*core.Module, *vm.Call) error {
	return func(nk *core.Module, c *vm.Call) error {
		inst, ok := c.E.(vm.Instance)
		if !ok {
			return vm.ErrNotReached // there is no VM to make it in
		}
		if nk == nil || nk.Fleet() == nil {
			return c.ReturnRef("fleet_manager", c.E.Nil(), nil)
		}
		return c.ReturnRef("fleet_manager", script.ObjectOf(inst, lib), nil)
	}
}

// fleetOf calls the fleet manager, during which the VM waits.
func fleetOf[T any](nk *core.Module, c *vm.Call, ask func(fm runtime.FleetManagerInitializer) (T, error)) (result T, err error) {
	fm := nk.Fleet()
	if fm == nil {
		return result, core.ErrNoFleet
	}
	defer vm.Waiting(c.Ctx)()
	return ask(fm)
}

var nLatency, nRegion = vm.N("latency_in_milliseconds"), vm.N("region_identifier")

// fleetCreate takes no callback: when it is due, the VM runs something else. Scripts
// register a function instead, see registry.FleetCreated.
func fleetCreate(nk *core.Module, c *vm.Call) error {
	max, users := c.Int("max_players"), c.OptStrs("user_ids")
	latencies := vm.OptListOf(c, "latencies", func(o vm.Obj) runtime.FleetUserLatencies {
		return runtime.FleetUserLatencies{UserId: o.Str(&nUserID), LatencyInMilliseconds: float32(o.Float(&nLatency)), RegionIdentifier: o.Str(&nRegion)}
	})
	metadata := c.OptMap("metadata")
	if max < 1 || max > maxInt32 {
		c.Fail(0, "max_players", "expected a number of 1 or more")
	}
	if err := c.Err(); err != nil {
		return err
	}
	out, err := func() (map[string]string, error) {
		defer vm.Waiting(c.Ctx)()
		return nk.FleetCreate(c.Ctx, int(max), users, latencies, metadata)
	}()
	return c.ReturnAny("result", out, err)
}

func fleetGet(nk *core.Module, c *vm.Call) error {
	id := c.StrNonEmpty("id")
	if err := c.Err(); err != nil {
		return err
	}
	info, err := fleetOf(nk, c, func(fm runtime.FleetManagerInitializer) (*runtime.InstanceInfo, error) { return fm.Get(c.Ctx, id) })
	return vm.Return(c, "instance_info", script.FleetInstanceShape, info, err)
}

func fleetList(nk *core.Module, c *vm.Call) error {
	query, limit, cursor := c.OptStr("query", ""), pageLimit(c, 1000), c.OptStr("cursor", "")
	if err := c.Err(); err != nil {
		return err
	}
	var next string
	list, err := fleetOf(nk, c, func(fm runtime.FleetManagerInitializer) (list []*runtime.InstanceInfo, err error) {
		list, next, err = fm.List(c.Ctx, query, limit, cursor)
		return list, err
	})
	return cmp.Or(
		vm.ReturnList(c, "instances", script.FleetInstanceShape, list, err),
		c.ReturnStrOrNil("cursor", next, err))
}

func fleetJoin(nk *core.Module, c *vm.Call) error {
	id, users, metadata := c.StrNonEmpty("id"), c.Strs("user_ids"), c.OptStrMap("metadata")
	if err := c.Err(); err != nil {
		return err
	}
	joined, err := fleetOf(nk, c, func(fm runtime.FleetManagerInitializer) (*runtime.JoinInfo, error) {
		return fm.Join(c.Ctx, id, users, metadata)
	})
	return vm.Return(c, "join_info", joinShape, joined, err)
}

var joinShape = vm.NewShape(
	vm.Sub("instance_info", script.FleetInstanceShape, func(j *runtime.JoinInfo) *runtime.InstanceInfo { return j.InstanceInfo }),
	vm.List("session_info", script.FleetSessionShape, func(j *runtime.JoinInfo) []*runtime.SessionInfo { return j.SessionInfo }),
)

func fleetUpdate(nk *core.Module, c *vm.Call) error {
	id, players, metadata := c.StrNonEmpty("id"), c.Int("player_count"), c.OptMap("metadata")
	if players < 0 || players > maxInt32 {
		c.Fail(1, "player_count", "expected a number of 0 or more")
	}
	if err := c.Err(); err != nil {
		return err
	}
	_, err := fleetOf(nk, c, func(fm runtime.FleetManagerInitializer) (any, error) {
		return nil, fm.Update(c.Ctx, id, int(players), metadata)
	})
	return err
}

func fleetDelete(nk *core.Module, c *vm.Call) error {
	id := c.StrNonEmpty("id")
	if err := c.Err(); err != nil {
		return err
	}
	_, err := fleetOf(nk, c, func(fm runtime.FleetManagerInitializer) (any, error) { return nil, fm.Delete(c.Ctx, id) })
	return err
}
