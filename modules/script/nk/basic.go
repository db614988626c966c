package nk

import (
	"time"

	"github.com/gofrs/uuid/v5"

	"kumi/core"
	"kumi/store/fault"
	"kumi/vm"
)

var uuidTable = []vm.Func[*core.Module]{
	{Name: vm.NameAs("uuid_v4", "uuidv4"), Body: uuidV4},
	{Name: vm.N("uuid_bytes_to_string"), Only: vm.Lua, Live: true, Body: uuidBytesToString},
	{Name: vm.N("uuid_string_to_bytes"), Only: vm.Lua, Live: true, Body: uuidStringToBytes},
}

var jsonTable = []vm.Func[*core.Module]{
	{Name: vm.N("json_encode"), Only: vm.Lua, Live: true, Body: jsonEncode},
	{Name: vm.N("json_decode"), Only: vm.Lua, Live: true, Body: jsonDecode},
}

var timeTable = []vm.Func[*core.Module]{
	{Name: vm.N("time"), Only: vm.Lua, Body: now},
	{Name: vm.N("cron_next"), Live: true, Body: cron((*core.Module).CronNext)},
	{Name: vm.N("cron_prev"), Live: true, Body: cron((*core.Module).CronPrev)},
}

func uuidV4(_ *core.Module, c *vm.Call) error {
	id, err := uuid.NewV4()
	if err != nil {
		return fault.Wrap(fault.Internal, "error making an identifier", err)
	}
	return c.ReturnStr("id", id.String(), nil)
}

func uuidBytesToString(_ *core.Module, c *vm.Call) error {
	b := c.Data("bytes")
	id, err := uuid.FromBytes(b)
	if err != nil {
		c.Invalid("bytes", "expected 16 bytes")
	}
	if err := c.Err(); err != nil {
		return err
	}
	return c.ReturnStr("id", id.String(), nil)
}

func uuidStringToBytes(_ *core.Module, c *vm.Call) error {
	text := c.UUID("id")
	if err := c.Err(); err != nil {
		return err
	}
	id, err := uuid.FromString(text)
	return c.ReturnBytes("bytes", id.Bytes(), err)
}

func jsonEncode(_ *core.Module, c *vm.Call) error {
	if c.NArgs() == 0 {
		c.Any("value")
		c.Invalid("value", "expected a value")
		return c.Err()
	}
	v := c.Any("value")
	if c.E.IsNil(v) {
		return c.ReturnStr("json", "null", nil)
	}
	text, err := c.E.ToJSON(v)
	if err != nil {
		c.Invalid("value", "expected a value that JSON can hold: "+err.Error())
		return c.Err()
	}
	return c.ReturnStr("json", string(text), nil)
}

func jsonDecode(_ *core.Module, c *vm.Call) error {
	text := c.StrNonEmpty("json")
	if err := c.Err(); err != nil {
		return err
	}
	v, err := c.E.FromJSON(text)
	if err != nil {
		c.Invalid("json", "expected valid JSON: "+err.Error())
		return c.Err()
	}
	return c.ReturnRef("value", v, nil)
}

var (
	nYear  = vm.N("year")
	nMonth = vm.N("month")
	nDay   = vm.N("day")
	nHour  = vm.N("hour")
	nMin   = vm.N("min")
	nSec   = vm.N("sec")
	nMsec  = vm.N("msec")
)

// now returns the time in milliseconds, or that of a table of its parts in UTC.
func now(_ *core.Module, c *vm.Call) error {
	o := c.OptObj("table")
	if err := c.Err(); err != nil {
		return err
	}
	if !o.Present() {
		return c.ReturnInt("time", time.Now().UnixMilli(), nil)
	}
	year, month, day := o.Int(&nYear), o.Int(&nMonth), o.Int(&nDay)
	hour, minute, second, ms := o.OptInt(&nHour, 12), o.OptInt(&nMin, 0), o.OptInt(&nSec, 0), o.OptInt(&nMsec, 0)
	if err := c.Err(); err != nil {
		return err
	}
	t := time.Date(int(year), time.Month(month), int(day), int(hour), int(minute), int(second), int(ms)*1e6, time.UTC)
	return c.ReturnInt("time", t.UnixMilli(), nil)
}

func cron(do func(nk *core.Module, expression string, timestamp int64) (int64, error)) func(*core.Module, *vm.Call) error {
	return func(nk *core.Module, c *vm.Call) error {
		expression := c.StrNonEmpty("expression")
		at := c.Int("timestamp")
		if err := c.Err(); err != nil {
			return err
		}
		t, err := do(nk, expression, at)
		return c.ReturnInt("time", t, err)
	}
}
