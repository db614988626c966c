package transfer_test

import (
	"math/rand/v2"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"kumi/store"
	"kumi/store/storetest"
	"kumi/store/transfer"
)

// crashSource and crashData tell this test binary to be the process that is killed.
const crashSource, crashData = "KUMI_TEST_TRANSFER_SOURCE", "KUMI_TEST_TRANSFER_DATA"

// A copy survives that its process is killed, wherever that happens.
func TestKilled(t *testing.T) {
	if source := os.Getenv(crashSource); source != "" {
		from := open(t, store.Options{Address: source, MaxOpenConns: 4})
		to := open(t, store.Options{DataDir: os.Getenv(crashData), Exclusive: true})
		mustCopy(t, from, to, transfer.Options{Progress: func(transfer.Step, string, int64, int64) {
			time.Sleep(10 * time.Millisecond) // so that it is killed in all of its parts
		}})
		return
	}
	t.Parallel()
	address, data := storetest.Restore(t, nakamaDump), t.TempDir()
	for range 6 {
		child := exec.Command(os.Args[0], "-test.run", "^TestKilled$")
		child.Env = append(os.Environ(), crashSource+"="+address, crashData+"="+data)
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		time.AfterFunc(time.Duration(50+rand.IntN(400))*time.Millisecond, func() { _ = child.Process.Kill() })
		if child.Wait() == nil { // it was done before
			return
		}
	}
	from := open(t, store.Options{Address: address, MaxOpenConns: 4})
	got := sums(mustCopy(t, from, open(t, store.Options{DataDir: data}), transfer.Options{}))
	if d := cmp.Diff(sums(mustCopy(t, from, embedded(t), transfer.Options{})), got); d != "" {
		t.Errorf("(-want +got): %s", d)
	}
}
