package nk

import (
	"time"

	"kumi/core"
	"kumi/vm"
)

var jobTable = []vm.Func[*core.Module]{
	{Name: vm.N("job_enqueue"), Body: jobEnqueue},
	{Name: vm.N("job_cancel"), Body: jobCancel},
}

func jobEnqueue(nk *core.Module, c *vm.Call) error {
	name := c.StrNonEmpty("name")
	payload := c.OptStr("payload", "")
	delay := c.OptInt("delay_sec", 0)
	if max := int64(10 * 366 * 24 * 3600); c.Err() == nil && (delay < 0 || delay > max) {
		c.Invalid("delay_sec", "expected a number of seconds up to ten years")
	}
	if err := c.Err(); err != nil {
		return err
	}
	id, err := nk.JobEnqueue(c.Ctx, name, payload, time.Duration(delay)*time.Second)
	return c.ReturnStr("id", id, err)
}

func jobCancel(nk *core.Module, c *vm.Call) error {
	id := c.StrNonEmpty("id")
	if err := c.Err(); err != nil {
		return err
	}
	there, err := nk.JobCancel(c.Ctx, id)
	return c.ReturnBool("cancelled", there, err)
}
