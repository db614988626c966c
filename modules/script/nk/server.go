package nk

import (
	"time"

	"github.com/heroiclabs/nakama-common/api"
	"google.golang.org/protobuf/types/known/timestamppb"

	"kumi/core"
	"kumi/vm"
)

var eventTable = []vm.Func[*core.Module]{
	{Name: vm.N("event"), Body: event},
}

var metricsTable = []vm.Func[*core.Module]{
	{Name: vm.N("metrics_counter_add"), Body: metricsCounterAdd},
	{Name: vm.N("metrics_gauge_set"), Body: metricsGaugeSet},
	{Name: vm.N("metrics_timer_record"), Body: metricsTimerRecord},
}

func event(nk *core.Module, c *vm.Call) error {
	ev := &api.Event{Name: c.Str("name"), Properties: c.OptStrMap("properties")}
	// Lua modules pass -1 for no timestamp.
	switch at := c.OptInt("timestamp", -1); {
	case at == 0:
		c.Invalid("timestamp", "expected a time in Unix seconds")
	case at > 0:
		ev.Timestamp = timestamppb.New(time.Unix(at, 0))
	}
	ev.External = c.OptBool("external", false)
	if err := c.Err(); err != nil {
		return err
	}
	return nk.Event(c.Ctx, ev)
}

func metricsCounterAdd(nk *core.Module, c *vm.Call) error {
	name, tags, delta := c.Str("name"), c.OptStrMap("tags"), c.Int("delta")
	if err := c.Err(); err != nil {
		return err
	}
	nk.MetricsCounterAdd(name, tags, delta)
	return nil
}

func metricsGaugeSet(nk *core.Module, c *vm.Call) error {
	name, tags, value := c.Str("name"), c.OptStrMap("tags"), c.Float("value")
	if err := c.Err(); err != nil {
		return err
	}
	nk.MetricsGaugeSet(name, tags, value)
	return nil
}

func metricsTimerRecord(nk *core.Module, c *vm.Call) error {
	name, tags, value := c.Str("name"), c.OptStrMap("tags"), c.Int("value")
	if err := c.Err(); err != nil {
		return err
	}
	nk.MetricsTimerRecord(name, tags, time.Duration(value))
	return nil
}

var cacheTable = []vm.Func[*core.Module]{
	{Name: vm.N("localcache_get"), Body: cacheGet},
	{Name: vm.N("localcache_put"), Body: cachePut},
	{Name: vm.N("localcache_delete"), Body: cacheDelete},
	{Name: vm.N("localcache_clear"), Body: cacheClear},
}

// The cache holds values outside of any VM: each call gets a copy.

func cacheOf(nk *core.Module, c *vm.Call) *core.LocalCache { return nk.LocalCache(c.E.Lang().String()) }

func cacheGet(nk *core.Module, c *vm.Call) error {
	key := c.StrNonEmpty("key")
	def := c.Any("default")
	if err := c.Err(); err != nil {
		return err
	}
	v, ok := cacheOf(nk, c).Get(key)
	if !ok {
		return c.ReturnRef("value", def, nil)
	}
	ref, err := vm.Thaw(c.E, v)
	return c.ReturnRef("value", ref, err)
}

func cachePut(nk *core.Module, c *vm.Call) error {
	key := c.StrNonEmpty("key")
	v := c.Any("value")
	if c.E.IsNil(v) {
		c.Invalid("value", "expected a value")
	}
	var frozen any
	var size int
	if c.Err() == nil {
		var err error
		if frozen, size, err = vm.Freeze(c.E, v); err != nil {
			c.Invalid("value", "expected a value that can be copied: "+err.Error())
		}
	}
	ttl := c.OptInt("ttl", 0)
	if ttl < 0 {
		c.Invalid("ttl", "expected a number of seconds, 0 or more")
	}
	if err := c.Err(); err != nil {
		return err
	}
	return cacheOf(nk, c).Put(key, frozen, size, time.Duration(ttl)*time.Second)
}

func cacheDelete(nk *core.Module, c *vm.Call) error {
	key := c.StrNonEmpty("key")
	if err := c.Err(); err != nil {
		return err
	}
	cacheOf(nk, c).Delete(key)
	return nil
}

func cacheClear(nk *core.Module, c *vm.Call) error {
	cacheOf(nk, c).Clear()
	return nil
}
