package lua_test

import "testing"

// Functions that differ in gopher-lua behave as in Lua 5.1.
func TestLibraryIsThatOfLua(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		`return {tonumber("2e2"), tonumber(" -1.5E-1\n"), tonumber("0x10"), tonumber("-0xff"), tonumber("10", 2), tonumber("zz", 36), tonumber("ff", 16), tonumber("1e400") == math.huge}`:                                                           `[200,-0.15,16,-255,2,1295,255,true]`,
		`return {tonumber("") or "nil", tonumber("1_0") or "nil", tonumber("1 0") or "nil", tonumber("0x") or "nil", tonumber("nan") or "nil", tonumber("8", 8) or "nil", tonumber("--1") or "nil", tonumber({}) or "nil", tonumber(true) or "nil"}`: `["nil","nil","nil","nil","nil","nil","nil","nil","nil"]`,
		`return {tonumber("010"), tonumber("18446744073709551616"), pcall(tonumber, "1", 99)}`:                                                                                                                                                       `[10,18446744073709552000,false,"main.lua:3: bad argument #2 to (anonymous) (base out of range)"]`,
		`return {math.huge > 1e308, math.huge == 1/0, tostring(math.huge), tostring(-math.huge), tostring(0/0), tostring(12), tostring(1.5)}`:                                                                                                        `[true,true,"inf","-inf","nan","12","1.5"]`,
		`return {string.format("%u %u", 3, 2^53), string.format("%i|%5d|%-5d|%05d|%+d", 1.9, 2, 3, -4, 5), string.format("%x %X %o", 255, 255, 8), string.format("%x", -1)}`:                                                                         `["3 9007199254740992","1|    2|3    |-0004|+5","ff FF 10","ffffffffffffffff"]`,
		`return {string.format("%q", 'a "b" \\ \n \0 \r é'), string.format("%s|%5s|%-5s|%.2s", "a", "é", "b", "cde"), string.format("%c%c", 72, 200):byte(2)}`:                                                                                       `["\"a \\\"b\\\" \\\\ \\\n \\000 \\r é\"","a|   é|b    |cd",200]`,
		`return {string.format("%g %g %g %.3g", 1/3, 1e20, 100000, 2.5), string.format("%f %.1f %e", 0.5, 0.25, 12345.678), string.format("%5.1f|%s %d", 1/0, 7, "8")}`:                                                                              `["0.333333 1e+20 100000 2.5","0.500000 0.2 1.234568e+04","  inf|7 8"]`,
		`return {string.format("%s %s %s", nil, true, setmetatable({}, {__tostring = function() return "meta" end})), string.format("100%%")}`:                                                                                                       `["nil true meta","100%"]`,
		`return {pcall(string.format, "%d", "x"), pcall(string.format, "%d")}`:                                                                                                                                                                       `[false,false,"main.lua:3: bad argument #2 to (anonymous) (number expected, got nil)"]`,
		`return {pcall(string.format, "%y", 1)}`: `[false,"main.lua:3: invalid option '%y' to 'format'"]`,
		`local s = string.format("%q", "a\0\r\n\"\\z") return loadstring("return " .. s)() == "a\0\r\n\"\\z"`:                                         `true`,
		`return {os.date("!%Y-%m-%d %H:%M:%S", 86399), os.date("!%j %U %w %W %y %p %I %B %b %A %a %%", 1e9), os.date("!%c|%x|%X|%D|%F|%T|%R|%e", 0)}`: `["1970-01-01 23:59:59","252 36 0 36 01 AM 01 September Sep Sunday Sun %","Thu Jan  1 00:00:00 1970|01/01/70|00:00:00|01/01/70|1970-01-01|00:00:00|00:00| 1"]`,
		`local d = os.date("!*t", 1e9) return {d.year, d.month, d.day, d.hour, d.min, d.sec, d.wday, d.yday, d.isdst}`:                                `[2001,9,9,1,46,40,1,252,false]`,
		`local s, n, f = "ab", 1 s = s .. "-" .. s n = n .. n f = function() s = (s .. s):upper() end f() return {s, n, s == s .. ""}`:                `["AB-ABAB-AB","11",true]`,
		`return {type(os.date()), os.time(os.date("*t", 1e9)), pcall(os.date, ("%c"):rep(1e6))}`:                                                      `["string",1000000000,false,"main.lua:3: bad argument #1 to (anonymous) (the format is too long)"]`,
	} {
		if got := eval(t, body); got != want {
			t.Errorf("%s\n got %s\nwant %s", body, got, want)
		}
	}
}
