package vm

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"kumi/store/fault"
)

// Tape records the results of Go functions while one VM runs its init, so that
// further VMs of the same program can run the same init without effects.
//
// Only the order and names of calls must agree between the VMs; arguments may
// differ (a time stamp, a random number), and the recorded results are used.
// Calls made by a script function that a recorded call called back are part of
// that call: they are not recorded, and the function is not run again.
//
// A tape is written by one Recorder and then read by any number of Players, which may
// run concurrently.
type Tape struct {
	mu      sync.Mutex
	entries []entry
}

type entry struct {
	name  string
	named bool
	out   []recorded
	err   error
}

type recorded struct {
	name  string
	value any // see freeze
}

// NewTape makes an empty tape.
func NewTape() *Tape { return &Tape{} }

// Len returns the number of recorded calls.
func (t *Tape) Len() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.entries)
}

// Recorder returns a head that calls functions and records the results.
func (t *Tape) Recorder() *Head { return &Head{tape: t} }

// Player returns a head that replays the tape.
func (t *Tape) Player() *Head {
	t.mu.Lock()
	defer t.mu.Unlock()
	return &Head{tape: t, replay: t.entries, playing: true}
}

// Head is one VM's position on a tape. Like the VM it belongs to one
// goroutine.
type Head struct {
	tape    *Tape
	playing bool
	replay  []entry
	at      int
	depth   int // recorded calls in progress
	failed  *DivergenceError

	// Watch, if set, is called in place of every function that is not answered from the
	// tape, and may call it.
	Watch func(n *Native, c *Call) error
}

// DivergenceError means that an init made other calls than those on the tape.
type DivergenceError struct {
	At   int    // number of the call, from 0
	Want string // the recorded call, empty when the tape has ended
	Got  string // the call made, empty when the init ended early
}

// Error implements error.
func (e *DivergenceError) Error() string {
	switch {
	case e.Want == "":
		return fmt.Sprintf("init is not the same in every VM: call %d is %s, where the first run had ended", e.At+1, e.Got)
	case e.Got == "":
		return fmt.Sprintf("init is not the same in every VM: it ended where the first run made call %d, %s", e.At+1, e.Want)
	}
	return fmt.Sprintf("init is not the same in every VM: call %d is %s, where the first run called %s", e.At+1, e.Got, e.Want)
}

// Playing tells whether results come from the tape.
func (h *Head) Playing() bool { return h.playing }

// Skip ends the replay of the tape: the rest of it is not called. Calls are answered by others
// from then on.
func (h *Head) Skip() { h.at, h.failed = len(h.replay), nil }

// Call calls n, or returns its recorded results. Otherwise it is Native.Call.
func (h *Head) Call(n *Native, c *Call) error {
	if n.Live {
		return h.run(n, c)
	}
	if h.playing {
		return h.play(n, c)
	}
	if h.depth > 0 {
		return h.run(n, c)
	}
	name := n.Name.In(c.E.Lang())
	h.depth++
	err := h.run(n, c)
	h.depth--
	h.tape.add(record(name, c, err))
	return err
}

func (h *Head) run(n *Native, c *Call) error {
	if h.Watch != nil {
		return h.Watch(n, c)
	}
	return n.Call(c)
}

// Done checks that the init made all the calls on the tape, and returns a
// *DivergenceError if not, even if the script caught it.
func (h *Head) Done() error {
	if h.failed != nil {
		return h.failed
	}
	if h.playing && h.at < len(h.replay) {
		return &DivergenceError{At: h.at, Want: h.replay[h.at].name}
	}
	return nil
}

func (h *Head) play(n *Native, c *Call) error {
	if h.failed != nil {
		return h.failed
	}
	name := n.Name.In(c.E.Lang())
	if h.at >= len(h.replay) || h.replay[h.at].name != name {
		h.failed = &DivergenceError{At: h.at, Got: name}
		if h.at < len(h.replay) {
			h.failed.Want = h.replay[h.at].name
		}
		return h.failed
	}
	e := &h.replay[h.at]
	h.at++
	if e.err != nil {
		return e.err
	}
	if e.named {
		c.Named()
	}
	for _, r := range e.out {
		v, err := thaw(c.E, r.value)
		if err != nil {
			return fmt.Errorf("replay %s: %w", name, err)
		}
		c.out = append(c.out, Result{Name: r.name, Value: v})
	}
	return nil
}

func (t *Tape) add(e entry) {
	t.mu.Lock()
	t.entries = append(t.entries, e)
	t.mu.Unlock()
}

func record(name string, c *Call, err error) entry {
	e := entry{name: name}
	if err != nil {
		e.err = detach(err)
		return e
	}
	out, named := c.Results()
	e.named = named
	for _, r := range out {
		v, err := (&freezing{e: c.E}).value(r.Value, 0)
		if err != nil {
			return entry{name: name, err: fault.Newf(fault.Internal, "%s: its result cannot be used while modules load: %s", name, err)}
		}
		e.out = append(e.out, recorded{name: r.Name, value: v})
	}
	return e
}

// detach returns a copy of an error without values of its VM.
func detach(err error) error {
	var arg *ArgError
	if errors.As(err, &arg) {
		return arg
	}
	return fault.New(fault.CodeOf(err), fault.MessageOf(err, err.Error()))
}

// Frozen values are Go values independent of a VM: nil, bool, int64, float64,
// string, []byte, time.Time, frozenList, *frozenObject.
type frozenList []any

type frozenObject struct {
	layout *Layout
	values []any
}

func thaw(e Engine, v any) (Ref, error) {
	switch v := v.(type) {
	case nil:
		return e.Nil(), nil
	case string:
		return e.FromStr(v), nil
	case int64:
		return e.FromInt(v), nil
	case bool:
		return e.FromBool(v), nil
	case []byte:
		return e.FromBytes(v), nil
	case frozenList:
		refs := make([]Ref, len(v))
		for i := range v {
			x, err := thaw(e, v[i])
			if err != nil {
				return nil, err
			}
			refs[i] = x
		}
		return e.List(refs), nil
	case *frozenObject:
		refs := make([]Ref, len(v.values))
		for i := range refs {
			x, err := thaw(e, v.values[i])
			if err != nil {
				return nil, err
			}
			refs[i] = x
		}
		return e.Object(v.layout, refs), nil
	case float64, time.Time:
		return e.FromAny(v)
	}
	return e.FromAny(v)
}
