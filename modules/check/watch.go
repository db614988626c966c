package check

import (
	"context"
	"errors"
	"strings"

	"kumi/modules/script/describe"
	"kumi/store/fault"
	"kumi/vm"
)

// done is a context that has ended: calls under it reach nothing.
var done = func() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}()

// Watch makes the calls of an init go to the report. r may be nil.
func (r *Report) Watch(h *vm.Head) *vm.Head {
	if r != nil {
		replay := h.Playing()
		h.Watch = func(n *vm.Native, c *vm.Call) error { return r.call(n, c, replay) }
	}
	return h
}

// call stands in for a function while modules are checked. What is wrong with
// the call is told; the script goes on with an answer that looks like a real
// one. What only this machine or the empty database lacks is not the module's
// fault.
func (r *Report) call(n *vm.Native, c *vm.Call, replay bool) error {
	name := n.Name.Snake
	ctx := c.Ctx
	if strings.HasPrefix(name, "http_") { // nothing outside is to notice a check
		c.Ctx = done
	}
	err := n.Call(c)
	c.Ctx = ctx
	if err == nil {
		return nil
	}
	var raised *vm.ScriptError
	if errors.As(err, &raised) {
		return err // of a function that the script gave, as run_once calls
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
