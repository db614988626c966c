package vm_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"kumi/store/fault"
	"kumi/vm"
	"kumi/vm/js"
)

// effects counts the effects of calls.
type effects struct {
	mu    sync.Mutex
	done  []string
	names []string // registered, also while replaying
}

func (w *effects) did(what string) {
	w.mu.Lock()
	w.done = append(w.done, what)
	w.mu.Unlock()
}

var effectTable = []vm.Func[*effects]{
	{Name: vm.N("make"), Body: func(w *effects, c *vm.Call) error {
		name := c.Str("name")
		if err := c.Err(); err != nil {
			return err
		}
		w.did("make " + name)
		if name == "bad" {
			return fmt.Errorf("make it: %w", fault.New(fault.AlreadyExists, "it is there"))
		}
		return c.ReturnStr("id", "id of "+name, nil)
	}},
	{Name: vm.N("fetch"), Body: func(w *effects, c *vm.Call) error {
		w.did("fetch")
		ref, err := c.E.FromJSON(`{"z":[1,2.5,"x",null,true,{"y":{}}],"a":[]}`)
		_ = c.ReturnRef("value", ref, err)
		_ = c.ReturnBytes("data", []byte{1, 2}, nil)
		return c.ReturnInt("n", 1<<40, nil)
	}},
	{Name: vm.N("retry"), Body: func(w *effects, c *vm.Call) error {
		w.did("retry")
		_, err := c.E.Call(c.Func("update"))
		return err
	}},
	{Name: vm.N("closure"), Body: func(w *effects, c *vm.Call) error { return c.ReturnRef("fn", c.Func("fn"), nil) }},
	{Name: vm.N("register"), Live: true, Body: func(w *effects, c *vm.Call) error {
		w.mu.Lock()
		w.names = append(w.names, c.Str("name"))
		w.mu.Unlock()
		return c.Err()
	}},
}

// play runs the body of init(nk) with a head, and returns its result as JSON.
func play(t *testing.T, w *effects, head *vm.Head, body string) (string, error) {
	t.Helper()
	p, err := js.Compile("init.js", "function init(nk) {"+body+"\n}")
	if err != nil {
		t.Fatal(err)
	}
	v, err := js.New(context.Background(), p, js.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	v.SetTape(head)
	out, err := v.Invoke(context.Background(), v.Global("init"), v.Functions(vm.Bind(vm.JS, w, effectTable)))
	if err != nil {
		return "", err
	}
	text, err := v.ToJSON(out[0])
	return string(text), err
}

func TestReplayAnswersAsRecorded(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"text":         `return nk.make("a")`,
		"in order":     `return [nk.make("a"), nk.make("b")]`,
		"structure":    `const r = nk.fetch(); return [r.value, [...new Uint8Array(r.data)], r.n, Object.keys(r), Array.isArray(r.value.z)]`,
		"error":        `try { nk.make("bad") } catch (e) { return [e.message, e.code] }`,
		"wrong use":    `try { nk.make() } catch (e) { return [e instanceof TypeError, e.message] }`,
		"calls inside": `nk.retry(() => nk.make("inner")); return nk.make("outer")`,
		"chance":       `return nk.make("a" + Math.random()) !== ""`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if name == "chance" {
				body += ` && "same"`
			}
			w, tape := &effects{}, vm.NewTape()
			head := tape.Recorder()
			first, err := play(t, w, head, body)
			if err != nil || head.Done() != nil {
				t.Fatal(err, head.Done())
			}
			did := fmt.Sprint(w.done)
			for range 2 {
				head := tape.Player()
				again, err := play(t, w, head, body)
				if err != nil || head.Done() != nil {
					t.Fatal(err, head.Done())
				}
				if again != first {
					t.Errorf("replay %s\nfirst  %s", again, first)
				}
			}
			if now := fmt.Sprint(w.done); now != did {
				t.Errorf("the replay had effects: %s, before %s", now, did)
			}
		})
	}
}

func TestLiveFunctionsRunInEveryVM(t *testing.T) {
	t.Parallel()
	w, tape := &effects{}, vm.NewTape()
	body := `for (const n of ["a", "b"]) nk.register(n + nk.make(n))`
	for _, begin := range []func() *vm.Head{tape.Recorder, tape.Player} {
		head := begin()
		if _, err := play(t, w, head, body); err != nil || head.Done() != nil {
			t.Fatal(err, head.Done())
		}
	}
	if got := fmt.Sprint(w.names); got != "[aid of a bid of b aid of a bid of b]" || tape.Len() != 2 {
		t.Errorf("registered %s, %d calls recorded", got, tape.Len())
	}
}

func TestDivergence(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ first, then, want string }{
		"another call":  {`nk.make("a")`, `nk.fetch()`, "call 1 is fetch, where the first run called make"},
		"one more":      {`nk.make("a")`, `nk.make("a"); nk.fetch()`, "call 2 is fetch, where the first run had ended"},
		"one less":      {`nk.make("a"); nk.fetch()`, `nk.make("a")`, "it ended where the first run made call 2, fetch"},
		"caught":        {`nk.make("a")`, `try { nk.fetch() } catch (e) {}`, "call 1 is fetch"},
		"after another": {`nk.make("a")`, `try { nk.fetch() } catch (e) {} nk.make("a")`, "call 1 is fetch"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, tape := &effects{}, vm.NewTape()
			if _, err := play(t, w, tape.Recorder(), c.first); err != nil {
				t.Fatal(err)
			}
			did := len(w.done)
			head := tape.Player()
			_, _ = play(t, w, head, c.then)
			var d *vm.DivergenceError
			if err := head.Done(); !errors.As(err, &d) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
			if len(w.done) != did {
				t.Error("the replay had effects")
			}
		})
	}
}

func TestResultThatCannotBeReplayed(t *testing.T) {
	t.Parallel()
	w, tape := &effects{}, vm.NewTape()
	body := `return nk.closure(() => 1)()`
	if got, err := play(t, w, tape.Recorder(), body); err != nil || got != "1" {
		t.Fatal(got, err)
	}
	if _, err := play(t, w, tape.Player(), body); err == nil || !strings.Contains(err.Error(), "closure: its result cannot be used while modules load") {
		t.Errorf("got %v", err)
	}
}
