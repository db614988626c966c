package nk

import (
	"cmp"

	"github.com/heroiclabs/nakama-common/runtime"

	"kumi/core"
	"kumi/core/satori"
	"kumi/modules/script"
	"kumi/vm"
)

// satoriTable is the client that get_satori returns.
var satoriTable = []vm.Func[*core.Module]{
	{Name: vm.N("authenticate"), Body: satoriAuthenticate},
	{Name: vm.N("identity_delete"), Body: satoriIdentityDelete},
	{Name: vm.N("properties_get"), Body: satoriPropertiesGet},
	{Name: vm.N("properties_update"), Body: satoriPropertiesUpdate},
	{Name: vm.N("events_publish"), Body: satoriEventsPublish},
	{Name: vm.N("server_events_publish"), Body: satoriServerEventsPublish},
	{Name: vm.N("experiments_list"), Body: satoriExperimentsList},
	{Name: vm.N("flags_list"), Body: satoriFlagsList},
	{Name: vm.N("flags_overrides_list"), Body: satoriFlagsOverridesList},
	{Name: vm.N("live_events_list"), Body: satoriLiveEventsList},
	{Name: vm.N("live_event_join"), Body: satoriLiveEventJoin},
	{Name: vm.N("messages_list"), Body: satoriMessagesList},
	{Name: vm.N("message_update"), Body: satoriMessageUpdate},
	{Name: vm.N("message_delete"), Body: satoriMessageDelete},
}

// SatoriLibrary returns the functions of the client that get_satori returns.
func SatoriLibrary(lang vm.Lang, nk *core.Module) *vm.Library { return vm.Bind(lang, nk, satoriTable) }

// askSatori calls Satori for a result. The VM waits meanwhile.
func askSatori[T any](nk *core.Module, c *vm.Call, ask func(s *satori.Client) (T, error)) (T, error) {
	defer vm.Waiting(c.Ctx)()
	return ask(nk.Satori())
}

// tellSatori is askSatori for calls without a result.
func tellSatori(nk *core.Module, c *vm.Call, tell func(s *satori.Client) error) error {
	defer vm.Waiting(c.Ctx)()
	return tell(nk.Satori())
}

var (
	nDefault, nCustom, nRecompute                     = vm.N("default"), vm.N("custom"), vm.N("recompute")
	nEventName, nEventID, nEventMetadata, nEventValue = vm.N("name"), vm.N("id"), vm.N("metadata"), vm.N("value")
	nTimestamp, nIdentityID, nSessionID               = vm.N("timestamp"), vm.N("identity_id"), vm.N("session_id")
	nSessionIssuedAt, nSessionExpiresAt               = vm.N("session_issued_at"), vm.N("session_expires_at")
)

// satoriAuthenticate takes the properties as one object in JavaScript, as two tables in
// Lua.
func satoriAuthenticate(nk *core.Module, c *vm.Call) error {
	id := c.Str("id")
	var standard, custom map[string]string
	if c.E.Lang() == vm.Lua {
		standard, custom = c.OptStrMap("default_properties"), c.OptStrMap("custom_properties")
	} else if o := c.OptObj("properties"); o.Present() {
		standard, custom = o.OptStrMap(&nDefault), o.OptStrMap(&nCustom)
	}
	noSession, ip := c.OptBool("no_session", true), c.OptStr("ip_address", "")
	if err := c.Err(); err != nil {
		return err
	}
	p, err := askSatori(nk, c, func(s *satori.Client) (*runtime.Properties, error) {
		return s.Authenticate(c.Ctx, id, standard, custom, noSession, ip)
	})
	return vm.Return(c, "properties", propertiesShape, p, err)
}

func satoriIdentityDelete(nk *core.Module, c *vm.Call) error {
	id := c.Str("id")
	if err := c.Err(); err != nil {
		return err
	}
	return tellSatori(nk, c, func(s *satori.Client) error { return s.IdentityDelete(c.Ctx, id) })
}

func satoriPropertiesGet(nk *core.Module, c *vm.Call) error {
	id := c.Str("id")
	if err := c.Err(); err != nil {
		return err
	}
	p, err := askSatori(nk, c, func(s *satori.Client) (*runtime.Properties, error) { return s.PropertiesGet(c.Ctx, id) })
	return vm.Return(c, "properties", propertiesShape, p, err)
}

func satoriPropertiesUpdate(nk *core.Module, c *vm.Call) error {
	id, o := c.Str("id"), c.Obj("properties")
	update := &runtime.PropertiesUpdate{Default: o.OptStrMap(&nDefault), Custom: o.OptStrMap(&nCustom)}
	if recompute := o.OptBool(&nRecompute, false); o.Has(&nRecompute) {
		update.Recompute = &recompute
	}
	if err := c.Err(); err != nil {
		return err
	}
	return tellSatori(nk, c, func(s *satori.Client) error { return s.PropertiesUpdate(c.Ctx, id, update) })
}

func satoriEvent(o vm.Obj) *runtime.Event {
	return &runtime.Event{
		Name: o.Str(&nEventName), Id: o.OptStr(&nEventID, ""), Metadata: o.OptStrMap(&nEventMetadata), Value: o.OptStr(&nEventValue, ""),
		Timestamp: o.OptInt(&nTimestamp, 0), IdentityId: o.OptStr(&nIdentityID, ""), SessionId: o.OptStr(&nSessionID, ""),
		SessionIssuedAt: o.OptInt(&nSessionIssuedAt, 0), SessionExpiresAt: o.OptInt(&nSessionExpiresAt, 0),
	}
}

func satoriEventsPublish(nk *core.Module, c *vm.Call) error {
	id, events, ip := c.Str("id"), vm.ListOf(c, "events", satoriEvent), c.OptStr("ip_address", "")
	if err := c.Err(); err != nil {
		return err
	}
	return tellSatori(nk, c, func(s *satori.Client) error { return s.EventsPublish(c.Ctx, id, events, ip) })
}

func satoriServerEventsPublish(nk *core.Module, c *vm.Call) error {
	events, ip := vm.ListOf(c, "events", satoriEvent), c.OptStr("ip_address", "")
	if err := c.Err(); err != nil {
		return err
	}
	return tellSatori(nk, c, func(s *satori.Client) error { return s.ServerEventsPublish(c.Ctx, events, ip) })
}

func satoriExperimentsList(nk *core.Module, c *vm.Call) error {
	id, names, labels := c.Str("id"), c.OptStrs("names"), c.OptStrs("labels")
	if err := c.Err(); err != nil {
		return err
	}
	list, err := askSatori(nk, c, func(s *satori.Client) (*runtime.ExperimentList, error) {
		return s.ExperimentsList(c.Ctx, id, names, labels)
	})
	if err != nil {
		return err
	}
	c.Named()
	return vm.ReturnList(c, "experiments", experimentShape, list.Experiments, nil)
}

func satoriFlagsList(nk *core.Module, c *vm.Call) error {
	id, names, labels := c.OptStr("id", ""), c.OptStrs("names"), c.OptStrs("labels")
	if err := c.Err(); err != nil {
		return err
	}
	list, err := askSatori(nk, c, func(s *satori.Client) (*runtime.FlagList, error) { return s.FlagsList(c.Ctx, id, names, labels) })
	if err != nil {
		return err
	}
	c.Named()
	return vm.ReturnList(c, "flags", flagShapes.In(c.E), list.Flags, nil)
}

func satoriFlagsOverridesList(nk *core.Module, c *vm.Call) error {
	id, names, labels := c.OptStr("id", ""), c.OptStrs("names"), c.OptStrs("labels")
	if err := c.Err(); err != nil {
		return err
	}
	list, err := askSatori(nk, c, func(s *satori.Client) (*runtime.FlagOverridesList, error) {
		return s.FlagsOverridesList(c.Ctx, id, names, labels)
	})
	if err != nil {
		return err
	}
	c.Named()
	return vm.ReturnList(c, "flags", flagOverridesShape, list.Flags, nil)
}

func satoriLiveEventsList(nk *core.Module, c *vm.Call) error {
	id, names, labels := c.Str("id"), c.OptStrs("names"), c.OptStrs("labels")
	past, future := optInRange(c, "past_run_count", 0, 0, maxInt32), optInRange(c, "future_run_count", 0, 0, maxInt32)
	from, to := c.OptInt("start_time_sec", 0), c.OptInt("end_time_sec", 0)
	if err := c.Err(); err != nil {
		return err
	}
	list, err := askSatori(nk, c, func(s *satori.Client) (*runtime.LiveEventList, error) {
		return s.LiveEventsList(c.Ctx, id, names, labels, int32(past), int32(future), from, to) //nolint:gosec // in range
	})
	return vm.Return(c, "live_events", liveEventLists.In(c.E), list, err)
}

func satoriLiveEventJoin(nk *core.Module, c *vm.Call) error {
	id, event := c.Str("id"), c.Str("live_event_id")
	if err := c.Err(); err != nil {
		return err
	}
	return tellSatori(nk, c, func(s *satori.Client) error { return s.LiveEventJoin(c.Ctx, id, event) })
}

func satoriMessagesList(nk *core.Module, c *vm.Call) error {
	id, limit, forward := c.Str("id"), optInRange(c, "limit", 100, 1, maxInt32), c.OptBool("forward", false)
	cursor, ids := c.OptStr("cursor", ""), c.OptStrs("message_ids")
	if err := c.Err(); err != nil {
		return err
	}
	list, err := askSatori(nk, c, func(s *satori.Client) (*runtime.MessageList, error) {
		return s.MessagesList(c.Ctx, id, limit, forward, cursor, ids)
	})
	if err != nil {
		return err
	}
	return cmp.Or(
		vm.ReturnList(c, "messages", satoriMessageShape, list.Messages, nil),
		c.ReturnStrOrNil("next_cursor", list.NextCursor, nil),
		c.ReturnStrOrNil("prev_cursor", list.PrevCursor, nil),
		c.ReturnStrOrNil("cacheable_cursor", list.CacheableCursor, nil))
}

func satoriMessageUpdate(nk *core.Module, c *vm.Call) error {
	id, message, read, consume := c.Str("id"), c.Str("message_id"), c.Int("read_time"), c.OptInt("consume_time", 0)
	if err := c.Err(); err != nil {
		return err
	}
	return tellSatori(nk, c, func(s *satori.Client) error { return s.MessageUpdate(c.Ctx, id, message, read, consume) })
}

func satoriMessageDelete(nk *core.Module, c *vm.Call) error {
	id, message := c.Str("id"), c.Str("message_id")
	if err := c.Err(); err != nil {
		return err
	}
	return tellSatori(nk, c, func(s *satori.Client) error { return s.MessageDelete(c.Ctx, id, message) })
}

var propertiesShape = vm.NewShape(
	vm.Value("default", func(p *runtime.Properties) any { return p.Default }),
	vm.Value("custom", func(p *runtime.Properties) any { return p.Custom }),
	vm.Value("computed", func(p *runtime.Properties) any { return p.Computed }),
)

var experimentShape = vm.NewShape(
	vm.Str("name", func(e *runtime.Experiment) string { return e.Name }),
	vm.Str("value", func(e *runtime.Experiment) string { return e.Value }),
)

// flagShapes have the reason of a change with both spellings of variant_name in
// JavaScript: Nakama declares one and returns the other.
var flagShapes = script.NewPerLang(func(lang vm.Lang) *vm.Shape[*runtime.Flag] {
	reason := []vm.Property[*runtime.Flag]{
		vm.Str("name", func(f *runtime.Flag) string { return f.ValueChangeReason.Name }),
		vm.Str("variant_name", func(f *runtime.Flag) string { return f.ValueChangeReason.VariantName }),
		vm.Int("type", func(f *runtime.Flag) runtime.FlagType { return f.ValueChangeReason.Type }),
	}
	if lang == vm.JS {
		reason = append(reason, vm.Str("variant_name", func(f *runtime.Flag) string { return f.ValueChangeReason.VariantName }).As("variant_name"))
	}
	return vm.NewShape(
		vm.Str("name", func(f *runtime.Flag) string { return f.Name }),
		vm.Str("value", func(f *runtime.Flag) string { return f.Value }),
		vm.Bool("condition_changed", func(f *runtime.Flag) bool { return f.ConditionChanged }),
		vm.Sub("change_reason", vm.NewShape(reason...), func(f *runtime.Flag) *runtime.Flag { return f }).
			When(func(f *runtime.Flag) bool { return f.ValueChangeReason != nil }),
	)
})

var flagOverrideShape = vm.NewShape(
	vm.Str("name", func(o *runtime.FlagOverride) string { return o.Name }),
	vm.Int("type", func(o *runtime.FlagOverride) runtime.OverrideType { return o.Type }),
	vm.Str("variant_name", func(o *runtime.FlagOverride) string { return o.VariantName }),
	vm.Str("value", func(o *runtime.FlagOverride) string { return o.Value }),
	vm.Int("create_time_sec", func(o *runtime.FlagOverride) int64 { return o.CreateTimeSec }),
)

var flagOverridesShape = vm.NewShape(
	vm.Str("flag_name", func(f *runtime.FlagOverrides) string { return f.FlagName }),
	vm.List("overrides", flagOverrideShape, func(f *runtime.FlagOverrides) []*runtime.FlagOverride { return f.Overrides }),
)

// liveEventShapes have the end of the active time in Lua under Nakama's name, too.
var liveEventShapes = script.NewPerLang(func(lang vm.Lang) *vm.Shape[*runtime.LiveEvent] {
	fields := []vm.Property[*runtime.LiveEvent]{
		vm.Str("name", func(e *runtime.LiveEvent) string { return e.Name }),
		vm.Str("description", func(e *runtime.LiveEvent) string { return e.Description }),
		vm.Str("value", func(e *runtime.LiveEvent) string { return e.Value }),
		vm.Int("active_start_time", func(e *runtime.LiveEvent) int64 { return e.ActiveStartTimeSec }),
		vm.Int("active_end_time", func(e *runtime.LiveEvent) int64 { return e.ActiveEndTimeSec }),
		vm.Str("id", func(e *runtime.LiveEvent) string { return e.Id }),
		vm.Int("start_time", func(e *runtime.LiveEvent) int64 { return e.StartTimeSec }),
		vm.Int("end_time", func(e *runtime.LiveEvent) int64 { return e.EndTimeSec }),
		vm.Int("duration", func(e *runtime.LiveEvent) int64 { return e.DurationSec }),
		vm.Str("reset_cron", func(e *runtime.LiveEvent) string { return e.ResetCronExpr }),
		vm.Str("status", func(e *runtime.LiveEvent) string { return e.Status.String() }),
	}
	if lang == vm.Lua {
		fields = append(fields, vm.Int("active_time_end", func(e *runtime.LiveEvent) int64 { return e.ActiveEndTimeSec }))
	}
	return vm.NewShape(fields...)
})

var liveEventLists = script.NewPerLang(func(lang vm.Lang) *vm.Shape[*runtime.LiveEventList] {
	shape := liveEventShapes.JS
	if lang == vm.Lua {
		shape = liveEventShapes.Lua
	}
	return vm.NewShape(
		vm.List("live_events", shape, func(l *runtime.LiveEventList) []*runtime.LiveEvent { return l.LiveEvents }),
		vm.List("explicit_join_live_events", shape, func(l *runtime.LiveEventList) []*runtime.LiveEvent { return l.ExplicitJoinLiveEvents }),
	)
})

var satoriMessageShape = vm.NewShape(
	vm.Str("schedule_id", func(m *runtime.Message) string { return m.ScheduleId }),
	vm.Int("send_time", func(m *runtime.Message) int64 { return m.SendTime }),
	vm.Value("metadata", func(m *runtime.Message) any {
		if m.Metadata == nil {
			return map[string]any{}
		}
		return m.Metadata
	}),
	vm.Int("create_time", func(m *runtime.Message) int64 { return m.CreateTime }),
	vm.Int("update_time", func(m *runtime.Message) int64 { return m.UpdateTime }),
	vm.Int("read_time", func(m *runtime.Message) int64 { return m.ReadTime }),
	vm.Int("consume_time", func(m *runtime.Message) int64 { return m.ConsumeTime }),
	vm.Str("text", func(m *runtime.Message) string { return m.Text }),
	vm.Str("id", func(m *runtime.Message) string { return m.Id }),
	vm.Str("title", func(m *runtime.Message) string { return m.Title }),
	vm.Str("image_url", func(m *runtime.Message) string { return m.ImageUrl }),
)
