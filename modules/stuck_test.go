package modules

import (
	"bytes"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"kumi/internal/testutil"
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
	for name, source := range map[string]string{
		"index.js": `
			function InitModule(ctx, logger, nk, init) {
				init.registerRpc("hang", () => { console.log("hang"); return "ended" });
				init.registerRpc("ok", () => "ok");
			}`,
		"main.lua": `
			local nk = require("nakama")
			nk.register_rpc(function() print("hang") return "ended" end, "hang")
			nk.register_rpc(function() return "ok" end, "ok")`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			log := hangingLog{make(chan struct{}), make(chan struct{})}
			w := emptyTestServer(t, map[string]string{name: source})
			w.options.JSMax, w.options.LuaMax, w.options.CallTimeout, w.options.Logger = 1, 1, 100*time.Millisecond, zerolog.New(log)
			if err := w.load(); err != nil {
				t.Fatal(err)
			}
			var hanging sync.WaitGroup
			hanging.Go(func() { _, _ = w.call(t, "hang", "") })
			<-log.began
			testutil.Eventually(t, "another VM in the place of the one that hangs", func() bool {
				got, err := w.call(t, "ok", "")
				return err == nil && got == "ok"
			})
			if s := w.Pools[0].Stats(); len(w.Pools) != 1 || s.Abandoned != 1 || s.Allocated != 1 {
				t.Errorf("the pool has %+v", s)
			}
			close(log.release)
			hanging.Wait()
			if s := w.Pools[0].Stats(); s.Allocated != 1 {
				t.Errorf("when the call has ended, the pool has %+v", s)
			}
		})
	}
}
