package cluster_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/protobuf/types/known/wrapperspb"

	"kumi/cluster"
	"kumi/cluster/wire"
	"kumi/presence"
	"kumi/store/fault"
)

// calling makes two nodes of which b handles calls.
func calling(t *testing.T, handle func(ctx context.Context, in string) (string, error)) (_ *world, a, b *member) {
	w := newWorld(1)
	a, b = w.node("a", 1), w.node("b", 1)
	cluster.HandleCall(b.Node, wire.Method_METHOD_TEST, func(ctx context.Context, from presence.NodeID, in *wrapperspb.StringValue) (*wrapperspb.StringValue, error) {
		if from != a.Self() && from != b.Self() {
			t.Errorf("a call is from %s", from)
		}
		out, err := handle(ctx, in.Value)
		return wrapperspb.String(out), err
	})
	w.start(t, a, b)
	after(time.Second)
	return w, a, b
}

func call(ctx context.Context, n *member, to, in string) (string, error) {
	var out wrapperspb.StringValue
	err := cluster.Call(ctx, n.Node, presence.NodeHash(to), wire.Method_METHOD_TEST, wrapperspb.String(in), &out)
	return out.Value, err
}

func TestCall(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w, a, b := calling(t, func(_ context.Context, in string) (string, error) { return in + "!", nil })
		defer w.stop()
		for _, n := range []*member{a, b} { // b calls itself
			if out, err := call(t.Context(), n, "b", "hello"); out != "hello!" || err != nil {
				t.Errorf("%s calls b: %q, %v", n.name, out, err)
			}
		}
	})
}

// An error keeps its code, its text, and who may see it.
func TestCallErrors(t *testing.T) {
	failures := map[string]error{
		"coded":   fault.New(fault.NotFound, "Match not found"),
		"private": fault.Private(fault.Internal, "database at 10.0.0.1 is away", nil),
		"mistake": fault.Mistaken("Bad request", nil),
		"plain":   errors.New("disk on fire"),
	}
	bubble(t, func(t *testing.T) {
		w, a, _ := calling(t, func(_ context.Context, in string) (string, error) { return "", failures[in] })
		defer w.stop()
		for in, want := range failures {
			_, err := call(t.Context(), a, "b", in)
			if fault.CodeOf(err) != fault.CodeOf(want) || fault.Text(err) != fault.Text(want) || fault.IsMistake(err) != fault.IsMistake(want) ||
				fault.MessageOf(err, "generic") != fault.MessageOf(want, "generic") {
				t.Errorf("%s: %#v becomes %#v", in, want, err)
			}
		}
		if _, err := call(t.Context(), a, "nowhere", ""); fault.CodeOf(err) != fault.NotFound {
			t.Errorf("a call to an unknown node: %v", err)
		}
		var out wrapperspb.StringValue
		err := cluster.Call(t.Context(), a.Node, presence.NodeHash("b"), 99, wrapperspb.String(""), &out)
		if fault.CodeOf(err) != fault.Unimplemented {
			t.Errorf("an unknown method: %v", err)
		}
		if _, err := call(t.Context(), a, "b", string(make([]byte, 2<<20))); fault.CodeOf(err) != fault.ResourceExhausted {
			t.Errorf("a call of 2 MiB: %v", err)
		}
	})
}

func TestCallDeadline(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var left time.Duration
		w, a, _ := calling(t, func(ctx context.Context, _ string) (string, error) {
			deadline, _ := ctx.Deadline()
			left = time.Until(deadline)
			<-ctx.Done()
			return "", ctx.Err()
		})
		defer w.stop()
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		defer cancel()
		if _, err := call(ctx, a, "b", ""); fault.CodeOf(err) != fault.DeadlineExceeded {
			t.Errorf("after its deadline a call ends with %v", err)
		}
		synctest.Wait()
		if left != 300*time.Millisecond {
			t.Errorf("the callee has %s", left)
		}
		if open := a.Stats().Open; open != 0 {
			t.Errorf("%d calls are open", open)
		}
	})
}

// A call to a node that goes down fails when it does, and later ones at once.
func TestCallToSilentNode(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w, a, b := calling(t, func(ctx context.Context, _ string) (string, error) {
			<-ctx.Done()
			return "", ctx.Err()
		})
		defer w.stop()
		began := time.Now()
		b.kill(w)
		if _, err := call(t.Context(), a, "b", ""); fault.CodeOf(err) != fault.Unavailable {
			t.Errorf("a call to a node that is killed: %v", err)
		}
		if took := time.Since(began); took > 2*time.Second {
			t.Errorf("it fails after %s", took)
		}
		began = time.Now()
		if _, err := call(t.Context(), a, "b", ""); fault.CodeOf(err) != fault.Unavailable || time.Since(began) != 0 {
			t.Errorf("a call to a node that is down: %v after %s", err, time.Since(began))
		}
		after(10 * time.Second)
		if _, err := call(t.Context(), a, "b", ""); fault.CodeOf(err) != fault.NotFound {
			t.Errorf("a call to a node that is lost: %v", err)
		}
	})
}

func TestCallsAreLimited(t *testing.T) {
	bubble(t, func(t *testing.T) {
		release := make(chan struct{})
		w, a, _ := calling(t, func(context.Context, string) (string, error) { <-release; return "", nil })
		defer w.stop()
		var mu sync.Mutex
		codes := map[fault.Code]int{}
		for range 1030 {
			go func() {
				_, err := call(context.Background(), a, "b", "")
				mu.Lock()
				defer mu.Unlock()
				codes[fault.CodeOf(err)]++
			}()
		}
		synctest.Wait()
		close(release)
		synctest.Wait()
		after(time.Second)
		mu.Lock()
		defer mu.Unlock()
		if codes[fault.OK] != 1024 || codes[fault.ResourceExhausted] != 6 {
			t.Errorf("1,030 calls at once: %v", codes)
		}
	})
}
