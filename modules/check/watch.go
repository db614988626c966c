package check

import (
	"context"
	"errors"
	"strings"

	"kumi/modules/script/describe"
	"kumi/store/fault"
	"kumi/vm"
)

// done is a context that has ended, so calls under it have no effect.
var done = func() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}()

// Watch redirects the calls of an init to the report. r may be nil.
func (r *Report) Watch(h *vm.Head) *vm.Head {
	if r != nil {
		replay := h.Playing()
		h.Watch = func(n *vm.Native, c *vm.Call) error { return r.call(n, c, replay) }
	}
	return h
}

// call replaces a function while modules are checked. Problems with the call
// are reported; the script continues with a made-up answer. What is only
// missing on this machine or in the empty database is not reported.
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
		return err // of a function that the script passed, as to run_once
	}
	var arg *vm.ArgError
	text := ""
	switch lang := c.E.Lang(); {
	case errors.As(err, &arg):
		text = n.Name.In(lang) + ": " + arg.In(lang)
	case strings.HasPrefix(name, "register_"), fault.CodeOf(err) == fault.Unimplemented,
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
