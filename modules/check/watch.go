package check

import (
	"context"
	"errors"
	"strings"

	"kumi/modules/script/describe"
	"kumi/store/fault"
	"kumi/vm"
)

// done is a cancelled context: functions of core that get it fail at once, without an
// effect.
var done = func() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}()

// Watch makes the calls of an initialization go to the report instead. r may be nil.
func (r *Report) Watch(h *vm.Head) *vm.Head {
	if r != nil {
		replay := h.Playing()
		h.Watch = func(n *vm.Native, c *vm.Call) error { return r.call(n, c, replay) }
	}
	return h
}

// call stands in for a function of nk during a check. It reports wrong arguments, and
// returns a made-up result so that the script continues. What is only missing on this
// machine or in the empty database is not reported.
func (r *Report) call(n *vm.Native, c *vm.Call, replay bool) error {
	name := n.Name.Snake
	ctx := c.Ctx
	if strings.HasPrefix(name, "http_") { // no requests during a check
		c.Ctx = done
	}
	err := n.Call(c)
	c.Ctx = ctx
	if err == nil {
		return nil
	}
	var raised *vm.ScriptError
	if errors.As(err, &raised) {
		return err // from a function that the script passed, as to run_once
	}
	var arg *vm.ArgError
	text := ""
	switch lang := c.E.Lang(); {
	case errors.As(err, &arg):
		text = n.Name.In(lang) + ": " + arg.In(lang)
	case strings.HasPrefix(name, "register_"),
		name == "match_create" && fault.CodeOf(err) == fault.NotFound: // no handler of that name
		text = n.Name.In(lang) + ": " + fault.Text(err)
	}
	if text != "" && !replay {
		at := ""
		if e, ok := c.E.(interface{ Caller() string }); ok {
			at = e.Caller()
		}
		r.Add(at, text)
	}
	c.Begin(ctx, c.E, nil)
	return describe.Answer(c, name)
}
