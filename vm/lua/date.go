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
func date(L *lua.LState) int {
	layout := L.OptString(1, "%c")
	t := time.Now()
	if L.Get(2) != lua.LNil {
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
	for name, n := range map[string]int{
		"year": t.Year(), "month": int(t.Month()), "day": t.Day(), "hour": t.Hour(), "min": t.Minute(), "sec": t.Second(),
		"wday": int(t.Weekday()) + 1, "yday": t.YearDay(),
	} {
		table.RawSetString(name, lua.LNumber(n))
	}
	table.RawSetString("isdst", lua.LBool(t.IsDST()))
	return table
}
