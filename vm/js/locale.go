package js

import (
	"github.com/dop251/goja"
	"golang.org/x/text/language"
	"golang.org/x/text/message"
	"golang.org/x/text/number"
)

// goja's Number.prototype.toLocaleString reads the locale as a radix.
func init() {
	wrap("Number.prototype.toLocaleString", func(v *VM, fn native, fc goja.FunctionCall) goja.Value {
		x := fc.This
		if o, ok := x.(*goja.Object); ok && o.ClassName() == "Number" {
			x = o.ToNumber()
		}
		if !goja.IsNumber(x) {
			return fn(goja.FunctionCall{This: fc.This})
		}
		return v.rt.ToValue(v.localNumber(x.ToFloat(), fc.Argument(0), fc.Argument(1)))
	})
}

// localNumber formats a number for a locale, en-US by default. The supported options
// are minimumFractionDigits, maximumFractionDigits and useGrouping.
func (v *VM) localNumber(f float64, locale, options goja.Value) string {
	tag := language.AmericanEnglish
	if list, ok := locale.(*goja.Object); ok && v.IsList(list) {
		locale = list.Get("0")
	}
	if name, ok := stringOf(locale); ok {
		var err error
		if tag, err = language.Parse(name); err != nil {
			panic(v.must(v.rt.New(v.rt.Get("RangeError"), v.rt.ToValue("Incorrect locale information provided"))))
		}
	}
	minDigits, maxDigits, grouped := 0, 3, true
	if o, ok := options.(*goja.Object); ok {
		digits := func(key string, otherwise int) int {
			x := o.Get(key)
			if x == nil || goja.IsUndefined(x) {
				return otherwise
			}
			n := x.ToInteger()
			if n < 0 || n > 100 {
				panic(v.must(v.rt.New(v.rt.Get("RangeError"), v.rt.ToValue(key+" value is out of range"))))
			}
			return int(n)
		}
		minDigits = digits("minimumFractionDigits", minDigits)
		maxDigits = digits("maximumFractionDigits", max(maxDigits, minDigits))
		if x := o.Get("useGrouping"); x != nil && !goja.IsUndefined(x) {
			grouped = x.ToBoolean()
		}
	}
	style := []number.Option{number.MinFractionDigits(minDigits), number.MaxFractionDigits(maxDigits)}
	if !grouped {
		style = append(style, number.NoSeparator())
	}
	return message.NewPrinter(tag).Sprint(number.Decimal(f, style...))
}
