package modules

import (
	"bytes"
	"context"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"kumi/internal/testutil"
	"kumi/store/fault"
)

// hangingLog is a log in which lines with "hang" are not written until release is
// closed, so that a script that writes one is a call that does not end when it is
// stopped.
type hangingLog struct{ began, release chan struct{} }

func (l hangingLog) Write(line []byte) (int, error) {
	if bytes.Contains(line, []byte(`:"hang"`)) {
		l.began <- struct{}{}
		<-l.release
	}
	return len(line), nil
}

// A call that does not end after it was stopped loses its VM, and another VM takes its
// place: calls like it do not use up the pool.
func TestVMsOfCallsThatDoNotEndAreReplaced(t *testing.T) {
	t.Parallel()
	log := hangingLog{make(chan struct{}), make(chan struct{})}
	p := mustLoadJS(t, map[string]string{"index.js": `
		function InitModule(ctx, logger, nk, init) {
			init.registerRpc("hang", () => { console.log("hang"); return "ended" });
			init.registerRpc("ok", () => "ok");
		}`}, func(o *Options) {
		o.JSMax, o.CallTimeout, o.Logger = 1, 100*time.Millisecond, zerolog.New(log)
	})
	ended := make(chan error, 1)
	hang := p.reg.RPC.Lookup("hang")
	go func() {
		_, err := hang.Call(context.Background(), "")
		ended <- err
	}()
	<-log.began
	testutil.Eventually(t, "another VM in the place of the one that hangs", func() bool {
		got, err := callRPC(t, p, "ok", "")
		return err == nil && got == "ok"
	})
	if s := p.pool.Stats(); s.Abandoned != 1 || s.Allocated != 1 {
		t.Errorf("the pool has %+v", s)
	}
	close(log.release)
	if err := <-ended; fault.CodeOf(err) != fault.DeadlineExceeded {
		t.Errorf("the call that hung: %v", err)
	}
}
