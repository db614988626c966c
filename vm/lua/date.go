package lua

import (
	"strings"
	"time"

	"github.com/ncruces/go-strftime"
	lua "github.com/yuin/gopher-lua"
)

// maxDateFormat is the maximum size of the format of os.date, in bytes.
const maxDateFormat = 4 << 10

// date is os.date. gopher-lua's own lacks half of the directives, and the fields yday
// and isdst.
func date(L *lua.LState) int { return dateAt(L, time.Now) }

func dateAt(L *lua.LState, now func() time.Time) int {
	layout := L.OptString(1, "%c")
	var t time.Time
	if L.Get(2) == lua.LNil {
		t = now()
	} else {
		t = time.Unix(L.CheckInt64(2), 0)
	}
	if utc, ok := strings.CutPrefix(layout, "!"); ok {
		t, layout = t.UTC(), utc
	}
	if strings.HasPrefix(layout, "*t") {
		L.Push(dateTable(L, t))
		return 1
	}
	if len(layout) > maxDateFormat {
		L.ArgError(1, "the format is too long")
	}
	L.Push(lua.LString(strftime.Format(layout, t)))
	return 1
}

func dateTable(L *lua.LState, t time.Time) *lua.LTable {
	table := L.CreateTable(0, 9)
	for _, field := range []struct { // in order, which pairs shows
		name string
		n    int
	}{
		{"year", t.Year()}, {"month", int(t.Month())}, {"day", t.Day()}, {"hour", t.Hour()}, {"min", t.Minute()}, {"sec", t.Second()},
		{"wday", int(t.Weekday()) + 1}, {"yday", t.YearDay()},
	} {
		table.RawSetString(field.name, lua.LNumber(field.n))
	}
	table.RawSetString("isdst", lua.LBool(t.IsDST()))
	return table
}

// journalTime replaces the functions of os that read the time, in the VM of a match with a
// journal.
func (v *VM) journalTime(os *lua.LTable) {
	j := v.o.Journal
	if j == nil {
		return
	}
	os.RawSetString("date", v.function(func(L *lua.LState) int { return dateAt(L, j.Now) }))
	stockTime := stock()["os"]["time"].(*lua.LFunction)
	os.RawSetString("time", v.function(func(L *lua.LState) int {
		if L.Get(1) != lua.LNil {
			return stockTime.GFunction(L)
		}
		L.Push(lua.LNumber(j.Now().Unix()))
		return 1
	}))
	os.RawSetString("clock", v.function(func(L *lua.LState) int {
		L.Push(lua.LNumber(j.Now().Sub(j.Epoch).Seconds()))
		return 1
	}))
}
