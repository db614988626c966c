package script

import (
	"cmp"
	"context"

	"kumi/core"
	"kumi/hooks"
	"kumi/modules/registry"
	"kumi/vm"
)

// registerJob registers a job: its name, its function and optionally its schedule.
func registerJob(_ registering, c *vm.Call) error {
	name, fn := nameAndHandler(c, "name")
	schedule := c.OptStr("schedule", "")
	r, err := registrar(c)
	if err := cmp.Or(c.Err(), err, core.CheckJobName(name)); err != nil {
		return err
	}
	when, err := core.ParseSchedule(schedule)
	if err != nil {
		return err
	}
	fn.key = string(registry.JobKind) + ":" + name
	return r.add(c, Registration{Kind: registry.JobKind, Name: name, schedule: when}, fn)
}

// installJob makes the job of a registration and returns the origin of the one it
// replaced, or nil.
func installJob(p *Program, pool Pool, reg *Registration, from hooks.Origin, into map[string]hooks.Slot[core.Job]) *hooks.Origin {
	n := newFunction(p, pool, reg, reg.Keys[0], "job", map[string]any{"job": reg.Name})
	var was *hooks.Origin
	if old, ok := into[reg.Name]; ok {
		was = &old.Origin
	}
	into[reg.Name] = hooks.Slot[core.Job]{Origin: from, Call: core.Job{Schedule: reg.schedule, Run: n.job}}
	return was
}

// job calls the function as a job. Its result is ignored.
func (n *function) job(ctx context.Context, payload string) error {
	return n.call(ctx, func(e vm.Engine, args []vm.Ref) ([]vm.Ref, error) { return append(args, e.FromStr(payload)), nil }, nil)
}
