package vm

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	"github.com/cespare/xxhash/v2"

	"kumi/internal/journal"
	"kumi/store/fault"
)

// CallThrough calls n for a script, through a head of a tape and a journal, both of which may
// be nil. For adapters.
func CallThrough(h *Head, j *journal.Journal, n *Native, c *Call) error {
	switch {
	case j.On():
		return callJournaled(h, j, n, c)
	case h != nil:
		return h.Call(n, c)
	}
	return n.Call(c)
}

// callJournaled calls n for a script, if j is on and n reads from outside, with a record of
// its results, or returns the results that j plays.
func callJournaled(h *Head, j *journal.Journal, n *Native, c *Call) error {
	call := n.Call
	if h != nil {
		call = func(c *Call) error { return h.Call(n, c) }
	}
	switch {
	case n.Live || j.Inside():
		return call(c)
	case j.Playing():
		if h != nil {
			h.Skip()
		}
		return playCall(j, n, c)
	}
	j.Enter()
	err := call(c)
	j.Leave()
	e := journal.Entry{Kind: journal.Call, Name: n.Name.In(c.E.Lang()), Args: hashArgs(c)}
	if work := c.later; work != nil && err == nil {
		e.Number = j.Work()
		c.later = func(ctx context.Context) func(*Call) error {
			finish := work(ctx)
			return func(c *Call) error {
				j.Enter()
				err := finish(c)
				j.Leave()
				j.Add(journal.Entry{Kind: journal.Arrived, Number: e.Number, Name: e.Name, Data: encodeResult(c, err)})
				return err
			}
		}
	} else {
		e.Data = encodeResult(c, err)
	}
	j.Add(e)
	return err
}

// CallbackJournaled is called by adapters in place of Engine.Call's own call of fn, a function
// that a script passed to the Go function of c.
func CallbackJournaled(j *journal.Journal, c *Call, fn Ref, args []Ref, call func() (Ref, error)) (ret Ref, err error) {
	if !j.On() || !j.Inside() {
		return call()
	}
	e := journal.Entry{Kind: journal.Callback, Number: -1}
	for i, a := range c.args {
		if a == fn {
			e.Number = int64(i)
		}
	}
	if im, ok := c.E.(Imager); ok {
		for _, a := range args {
			image, _, _ := im.Image(a, true, nil)
			e.Data = journal.AppendText(e.Data, image)
		}
	}
	j.Add(e)
	j.Outside(func() { ret, err = call() })
	j.Add(journal.Entry{Kind: journal.Returned})
	return ret, err
}

// playCall answers a call from a journal.
func playCall(j *journal.Journal, n *Native, c *Call) error {
	name := n.Name.In(c.E.Lang())
	for {
		e, ok := j.Peek()
		if !ok || e.Kind != journal.Callback {
			break
		}
		if err := playCallback(j, e, c); err != nil {
			return err
		}
	}
	e, _, ok := j.Take(func(e *journal.Entry) bool { return e.Kind == journal.Call && e.Name == name })
	again := journal.Entry{Kind: journal.Call, Name: name, Args: hashArgs(c)}
	if !ok {
		err := fault.Newf(fault.NotFound, "%s was not called here when the match was recorded, so there is no result", name)
		again.Data = encodeResult(c, err)
		j.Add(again)
		return err
	}
	again.Data, again.Number = e.Data, e.Number
	j.Add(again)
	if e.Number == 0 {
		return decodeResult(c, e.Data)
	}
	// The engine plays Arrived entries in their order; see PlayArrived.
	c.later = func(context.Context) func(*Call) error { return nil }
	return nil
}

// PlayArrived returns the results of background work that a journal plays.
func PlayArrived(j *journal.Journal, e journal.Entry, c *Call) error {
	j.Add(e)
	return decodeResult(c, e.Data)
}

func playCallback(j *journal.Journal, e journal.Entry, c *Call) error {
	_, _, _ = j.Take(func(x *journal.Entry) bool { return x.Kind == journal.Callback })
	j.Add(e)
	im, _ := c.E.(Imager)
	if im == nil || e.Number < 0 || e.Number >= int64(len(c.args)) || !c.E.IsFunc(c.args[e.Number]) {
		return fault.New(fault.FailedPrecondition, "the recording calls back a function here that was not passed")
	}
	var args []Ref
	for r := journal.NewReader(e.Data); r.Len() > 0; {
		x, err := im.FromImage(r.Bytes())
		if err != nil {
			return err
		}
		args = append(args, x)
	}
	_, _ = c.E.Call(c.args[e.Number], args...) // an error of it is part of the recorded result
	_, _, _ = j.Take(func(x *journal.Entry) bool { return x.Kind == journal.Returned })
	j.Add(journal.Entry{Kind: journal.Returned})
	return nil
}

// hashArgs returns a hash of the arguments of a call.
func hashArgs(c *Call) uint64 {
	im, ok := c.E.(Imager)
	if !ok || len(c.args) == 0 {
		return 0
	}
	var all []byte
	for _, a := range c.args {
		if c.E.IsFunc(a) {
			continue
		}
		image, _, err := im.Image(a, true, all)
		if err != nil {
			return 0
		}
		all = image
	}
	return xxhash.Sum64(all)
}

// What a result begins with.
const (
	resultValues = iota
	resultNamed
	resultError
	resultArgument
	resultLost // it cannot be written down
)

// encodeResult writes down what a body returned.
func encodeResult(c *Call, err error) []byte {
	var arg *ArgError
	switch {
	case errors.As(err, &arg):
		b := binary.AppendVarint([]byte{resultArgument}, int64(arg.Index))
		for _, text := range []string{arg.Name, arg.Path, arg.Want} {
			b = journal.AppendText(b, text)
		}
		return b
	case err != nil:
		b := binary.AppendVarint([]byte{resultError}, int64(fault.CodeOf(err)))
		message := fault.MessageOf(err, err.Error())
		b = journal.AppendText(b, message)
		cause, _ := strings.CutPrefix(err.Error(), message+": ") // for the log only
		return journal.AppendText(b, cause)
	}
	out, named := c.Results()
	b := []byte{resultValues}
	if named {
		b[0] = resultNamed
	}
	im, ok := c.E.(Imager)
	if !ok {
		return []byte{resultLost}
	}
	for _, r := range out {
		image, _, err := im.Image(r.Value, false, nil)
		if err != nil {
			return journal.AppendText([]byte{resultLost}, err.Error())
		}
		b = journal.AppendText(journal.AppendText(b, r.Name), image)
	}
	return b
}

// decodeResult returns from a body what encodeResult wrote down.
func decodeResult(c *Call, data []byte) error {
	r := journal.NewReader(data)
	switch kind := r.Byte(); kind {
	case resultArgument:
		return &ArgError{Index: int(r.Int()), Name: r.Text(), Path: r.Text(), Want: r.Text()}
	case resultError:
		code := fault.Code(r.Int())
		message, cause := r.Text(), r.Text()
		if cause == message {
			return fault.New(code, message)
		}
		return fault.Wrap(code, message, errors.New(cause))
	case resultLost:
		return fault.Newf(fault.FailedPrecondition, "the result of this call could not be recorded: %s", r.Text())
	case resultNamed:
		c.Named()
		fallthrough
	case resultValues:
		im, ok := c.E.(Imager)
		if !ok {
			return fault.New(fault.Unimplemented, "this engine cannot play recordings")
		}
		for r.Len() > 0 {
			name, image := r.Text(), r.Bytes()
			v, err := im.FromImage(image)
			if err != nil {
				return fmt.Errorf("play the result of a call: %w", err)
			}
			c.out = append(c.out, Result{Name: name, Value: v})
		}
	}
	return r.Err()
}
