package lua_test

import (
	"runtime"
	"testing"
	"time"

	"kumi/vm"
	"kumi/vm/lua"
)

// A call that does not end is reported, whether its time is up or the guard has stopped
// it for its memory.
func TestCallsThatNeverEnd(t *testing.T) {
	for name, o := range map[string]lua.Options{
		"time":               {Limits: vm.Limits{Timeout: 50 * time.Millisecond}},
		"memory":             {Guard: vm.NewGuard(vm.GuardOptions{Call: 8 << 20})},
		"memory before time": {Guard: vm.NewGuard(vm.GuardOptions{Call: 8 << 20}), Limits: vm.Limits{Timeout: time.Hour}},
	} {
		t.Run(name, func(t *testing.T) {
			runtime.GC() // garbage that is collected meanwhile would hide that the heap grows
			t.Cleanup(o.Guard.Close)
			stuck, hold := make(chan *lua.VM, 1), make(chan struct{})
			o.Grace, o.Stuck = 10*time.Millisecond, func(v *lua.VM) { stuck <- v }
			lib := vm.Bind(vm.Lua, hold, []vm.Func[chan struct{}]{{Name: vm.N("hang"), Body: func(hold chan struct{}, _ *vm.Call) error {
				used := make([]byte, 100<<20)
				<-hold
				clear(used)
				return nil
			}}})
			m, err := lua.Compile("main", "main.lua", `function hang(nk) nk.hang() end`)
			if err != nil {
				t.Fatal(err)
			}
			if o.Program, err = lua.NewProgram(m); err != nil {
				t.Fatal(err)
			}
			v, err := lua.New(o)
			if err == nil {
				err = v.Load(t.Context())
			}
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(v.Close)
			done := make(chan struct{})
			go func() {
				defer close(done)
				_, _ = v.Invoke(t.Context(), v.Global("hang"), v.Functions(lib)) // it may end well after all
			}()
			if got := <-stuck; got != v {
				t.Error("another VM is reported")
			}
			close(hold)
			<-done
		})
	}
}
